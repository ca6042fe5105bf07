#include "shipper/capture/foreign.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include "shipper/capture/link.h"

static ssize_t read_inlet(void *cookie, char *to, size_t room)
{
	struct inlet *in = cookie;
	struct bytes some;
	enum inlet_got got;

	do {
		got = inlet_need(in, 1);
	} while (got == INLET_WAIT);
	if (got != INLET_READY)
		return got == INLET_END ? 0 : -1;
	some = bytes_head(inlet_bytes(in), room);
	memcpy(to, some.at, some.len);
	inlet_drop(in, some.len);
	return (ssize_t)some.len;
}

/* What people hand over in place of a capture, and what to do with it. */
static const char *looks_like(struct bytes head)
{
	static const struct {
		struct bytes magic;
		const char *advice;
	} known[] = {
		{{(const uint8_t *)"\x1f\x8b", 2},
		 "is compressed with gzip: zcat FILE | wirespan replay -"},
		{{(const uint8_t *)"\x28\xb5\x2f\xfd", 4},
		 "is compressed with zstd: zstdcat FILE | wirespan replay -"},
		{{(const uint8_t *)"\xfd"
				   "7zXZ",
		  5},
		 "is compressed with xz: xzcat FILE | wirespan replay -"},
		{{(const uint8_t *)"BZh", 3},
		 "is compressed with bzip2: bzcat FILE | wirespan replay -"},
		{{(const uint8_t *)"snoop\0", 6},
		 "is a snoop capture: turn it into one of today's with editcap -F pcapng"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bytes_starts(head, known[i].magic))
			return known[i].advice;
	return "is not a capture file: expected is pcap or pcapng, as tcpdump and Wireshark "
	       "write them";
}

bool foreign_open(struct foreign *f, struct inlet *in, struct fault *fault)
{
	const char *advice = looks_like(inlet_bytes(in));
	FILE *file = fopencookie(in, "r", (cookie_io_functions_t){.read = read_inlet});
	char why[PCAP_ERRBUF_SIZE];

	*f = (struct foreign){0};
	if (file == NULL)
		return fault_set(fault, "out of memory");
	f->handle = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (f->handle == NULL) {
		fclose(file);
		return fault_set(fault, "%s", advice);
	}
	f->link = link_of((uint32_t)pcap_datalink(f->handle));
	return true;
}

void foreign_close(struct foreign *f)
{
	if (f->handle != NULL)
		pcap_close(f->handle);
	*f = (struct foreign){0};
}

enum next foreign_next(struct foreign *f, struct frame *frame, struct fault *fault)
{
	struct pcap_pkthdr *header;
	const uint8_t *at;
	int got = pcap_next_ex(f->handle, &header, &at);

	if (got == PCAP_ERROR_BREAK)
		return NEXT_END;
	if (got != 1) {
		fault_set(fault,
			  "is damaged or cut off: %s. The %" PRIu64 " packets before it were read",
			  pcap_geterr(f->handle), f->frames);
		return NEXT_FAILED;
	}
	/* libpcap reads the 32-bit field as signed. */
	frame->when = (int64_t)(uint32_t)header->ts.tv_sec * NS_PER_S + header->ts.tv_usec;
	if (frame->when < 0)
		frame->when = 0;
	frame->bytes = bytes_of(at, header->caplen);
	frame->wire_bytes = header->len > header->caplen ? header->len : header->caplen;
	frame->link = f->link;
	f->frames++;
	return NEXT_FRAME;
}
