#include "shipper/capture/sieve.h"

#include <pcap/pcap.h>
#include <stdlib.h>

#include "shipper/base/must.h"
#include "shipper/capture/link.h"

enum { SNAP_MOST = 262144, PROGRAMS_MAX = 32 };

struct sieve_program {
	int link;
	struct bpf_program code;
};

static bool compile(struct bpf_program *code, int link, const char *text, char *why, size_t room)
{
	pcap_t *handle = pcap_open_dead(link_dlt(link), SNAP_MOST);
	bool good;

	must(handle != NULL);
	good = pcap_compile(handle, code, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!good) {
		strncpy(why, pcap_geterr(handle), room - 1);
		why[room - 1] = '\0';
	}
	pcap_close(handle);
	return good;
}

bool sieve_open(struct sieve *s, const char *text, struct fault *fault)
{
	/* What only Ethernet has (`ether host`), and what only the others have (`inbound`). */
	static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL2, DLT_RAW};
	char why[PCAP_ERRBUF_SIZE] = "", first[PCAP_ERRBUF_SIZE] = "";

	*s = (struct sieve){.text = text};
	if (text[0] == '\0')
		return true;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct bpf_program code;

		if (compile(&code, links[i], text, i == 0 ? first : why, sizeof(why))) {
			pcap_freecode(&code);
			return true;
		}
	}
	return fault_set(fault, "filter \"%.200s\": %s. See pcap-filter(7)", text, first);
}

void sieve_close(struct sieve *s)
{
	for (size_t i = 0; i < s->count; i++)
		pcap_freecode(&s->programs[i].code);
	free(s->programs);
	*s = (struct sieve){.text = ""};
}

static struct sieve_program *find(struct sieve *s, int link, struct fault *fault)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct sieve_program *p = s->programs;

	for (size_t i = 0; i < s->count; i++, p++)
		if (p->link == link)
			return p;
	if (s->programs == NULL)
		s->programs = must_alloc(PROGRAMS_MAX * sizeof(*s->programs));
	if (s->count == PROGRAMS_MAX) {
		fault_set(fault, "filter \"%.200s\": more than %d link types in one run", s->text,
			  PROGRAMS_MAX);
		return NULL;
	}
	p = &s->programs[s->count];
	if (!compile(&p->code, link, s->text, why, sizeof(why))) {
		fault_set(fault, "filter \"%.200s\" has no meaning for link type %d: %s", s->text,
			  link, why);
		return NULL;
	}
	p->link = link;
	s->count++;
	return p;
}

enum sieve_verdict sieve_run(struct sieve *s, const struct frame *frame, struct fault *fault)
{
	struct pcap_pkthdr header = {.caplen = (bpf_u_int32)frame->bytes.len,
				     .len = frame->wire_bytes};
	struct sieve_program *p;

	p = find(s, frame->link, fault);
	if (p == NULL)
		return SIEVE_FAILED;
	return pcap_offline_filter(&p->code, &header, frame->bytes.at) != 0 ? SIEVE_PASS
									    : SIEVE_STOP;
}
