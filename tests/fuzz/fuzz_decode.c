/*
 * Frames of any kind, one after another, through one decoder.
 *
 * Input: the link type's place in `links`, a byte of switches, then frames: their length (2 bytes),
 * how many bytes were cut off, how much time has passed (in units of 50 ms), the bytes.
 */
#include "shipper/decode/decode.h"

#include "shipper/base/cursor.h"
#include "shipper/base/must.h"

#include <stdlib.h>

static const int links[] = {1, 101, 113, 276, 0, 108, 12, 14, 228, 229, 105};

enum { LINKS = sizeof links / sizeof *links, NO_TUNNELS = 1, CHECKSUMS = 2, BACKWARDS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void check(const struct packet *p, const struct counters *n)
{
	uint64_t sum = n->at[COUNT_PACKETS_DECODED] + n->at[COUNT_FRAMES_FRAGMENT];
	uint8_t seen = 0;

	for (int i = COUNT_DISCARD_LINK; i <= COUNT_DISCARD_DEPTH; i++)
		sum += n->at[i];
	must(sum == n->at[COUNT_FRAMES_RECEIVED]);
	if (!p)
		return;
	must(p->version == 4 || p->version == 6);
	must(p->transport == TRANSPORT_TCP || p->transport == TRANSPORT_UDP);
	must(p->vlans <= VLAN_DEPTH_MAX && p->tunnels <= TUNNEL_DEPTH_MAX && p->sacks <= SACK_MAX);
	must(p->payload.len <= p->payload_bytes);
	for (size_t i = 0; i < p->payload.len; i++)
		seen ^= p->payload.at[i];
	for (size_t i = 0; i < p->tunnels; i++)
		must(p->tunnel[i].kind != TUNNEL_NONE);
	must(seen <= UINT8_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct cursor c = cursor_of(bytes_of(at, len));
	int link = links[cursor_u8(&c) % LINKS];
	uint8_t switches = cursor_u8(&c);
	struct decode_conf conf = {
		.tunnels = !(switches & NO_TUNNELS),
		.vxlan_ports = {{4789, 8472}, 2},
		.geneve_ports = {{6081}, 1},
		.gtpu_ports = {{2152}, 1},
		.checksums = switches & CHECKSUMS,
		.fragment_bytes_max = 1 << 16,
		.fragment_timeout = NS_PER_S,
	};
	struct quota quota = {0};
	struct counters counters = {0};
	struct decoder *d = decoder_new(&conf, &quota, &counters);
	nsec now = 0;

	while (!c.dry && cursor_left(&c) > 0) {
		uint16_t want = cursor_be16(&c);
		uint32_t lacking = cursor_u8(&c);
		nsec step = cursor_u8(&c) * (nsec)50 * NS_PER_MS;
		struct bytes b = bytes_head(cursor_rest(&c), want);
		uint8_t *block = malloc(b.len);
		struct packet p;

		cursor_take(&c, b.len);
		if (b.len > 0)
			memcpy(block, b.at, b.len);
		now += switches & BACKWARDS ? -step : step;

		struct frame f = {.when = now,
				  .bytes = {block, b.len},
				  .wire_bytes = (uint32_t)b.len + lacking,
				  .link = link};

		count(&counters, COUNT_FRAMES_RECEIVED);
		decoder_expire(d, now);
		check(decode(d, &f, &p) ? &p : NULL, &counters);
		free(block);
	}
	decoder_free(d);
	must(quota.used == 0);
	return 0;
}
