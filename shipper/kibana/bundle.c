#include "shipper/kibana/bundle.h"

/* The files are read when this one is compiled, from the folder that holds dashboards/. */
#define CARRY(name)                                               \
	__asm__(".section .rodata\n"                              \
		".global bundle_" #name "_begin\n"                \
		"bundle_" #name "_begin:\n"                       \
		".incbin \"dashboards/built/" #name ".ndjson\"\n" \
		".global bundle_" #name "_end\n"                  \
		"bundle_" #name "_end:\n"                         \
		".previous\n");                                   \
	extern const uint8_t bundle_##name##_begin[], bundle_##name##_end[]

CARRY(kibana7);
CARRY(kibana8);
CARRY(kibana9);

const char *const bundle_names[BUNDLE_COUNT + 1] = {"kibana7", "kibana8", "kibana9", "osd", NULL};

struct bytes bundle_text(enum bundle which)
{
	static const uint8_t *const ends[BUNDLE_COUNT][2] = {
		{bundle_kibana7_begin, bundle_kibana7_end},
		{bundle_kibana8_begin, bundle_kibana8_end},
		{bundle_kibana9_begin, bundle_kibana9_end},
		/* OpenSearch Dashboards came of Kibana 7.10 and takes the same. */
		{bundle_kibana7_begin, bundle_kibana7_end},
	};

	return bytes_of(ends[which][0], (size_t)(ends[which][1] - ends[which][0]));
}
