/* A decoder with what it needs, and frames in blocks of exactly their size. */
#ifndef WIRESPAN_TESTS_UNIT_DECODE_RIG_H
#define WIRESPAN_TESTS_UNIT_DECODE_RIG_H

#include "shipper/decode/decode.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>

struct rig {
	struct decode_conf conf;
	struct quota quota;
	struct counters counters;
	struct decoder *decoder;
	struct packet packet;
	uint8_t *block;
};

static inline struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof *r);

	r->conf = (struct decode_conf){
		.tunnels = true,
		.vxlan_ports = {{4789, 8472}, 2},
		.geneve_ports = {{6081}, 1},
		.gtpu_ports = {{2152}, 1},
		.checksums = true,
		.fragment_bytes_max = 1 << 20,
		.fragment_timeout = INT64_C(30) * NS_PER_S,
	};
	r->decoder = decoder_new(&r->conf, &r->quota, &r->counters);
	return r;
}

/* What was counted is one of the reasons, once for each frame. */
static inline void rig_check_books(const struct rig *r)
{
	uint64_t sum =
		r->counters.at[COUNT_PACKETS_DECODED] + r->counters.at[COUNT_FRAMES_FRAGMENT];

	for (int i = COUNT_DISCARD_LINK; i <= COUNT_DISCARD_DEPTH; i++)
		sum += r->counters.at[i];
	cr_assert_eq(sum, r->counters.at[COUNT_FRAMES_RECEIVED]);
}

static inline void rig_free(struct rig *r)
{
	rig_check_books(r);
	decoder_free(r->decoder);
	cr_assert_eq(r->quota.used, 0);
	free(r->block);
	free(r);
}

static inline bool rig_frame(struct rig *r, struct frame f)
{
	free(r->block);
	r->block = malloc(f.bytes.len);
	memcpy(r->block, f.bytes.at, f.bytes.len);
	f.bytes.at = r->block;
	r->counters.at[COUNT_FRAMES_RECEIVED]++;
	memset(&r->packet, 1, sizeof r->packet); /* what decode leaves alone is garbage */
	return decode(r->decoder, &f, &r->packet);
}

/* Decodes and frees the wire. */
static inline bool rig_wire(struct rig *r, struct wire *w, int link, nsec when)
{
	struct frame f;

	wire_frame(w, &f, link, when);

	bool decoded = rig_frame(r, f);

	free(w);
	return decoded;
}

static inline uint64_t rig_count(const struct rig *r, enum counter which)
{
	return r->counters.at[which];
}

static inline bool rig_payload_is(const struct rig *r, const char *text)
{
	return bytes_eq(r->packet.payload, bytes_str(text)) &&
	       r->packet.payload_bytes == strlen(text);
}

#endif
