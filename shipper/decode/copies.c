#include "shipper/decode/copies.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shipper/base/must.h"

enum {
	SLOTS = 4096,
	WINDOW_MS = 200,    /* a shaper may hold a packet between two devices for so long */
	PAYLOAD_READ = 128, /* of a datagram, which has no numbers of its own */
};

struct slot {
	uint64_t sum;
	nsec when;
	uint32_t device;
};

struct copies {
	struct slot slots[SLOTS];
};

struct copies *copies_new(void)
{
	return must_alloc(sizeof(struct copies));
}

void copies_free(struct copies *copies)
{
	free(copies);
}

/* All that the two sightings have in common; without padding. */
struct heads {
	struct addr src, dst;
	uint64_t tunnel;
	uint32_t seq, ack, ts_value, ts_echo, payload_bytes, flags;
	uint16_t src_port, dst_port, window, vlan[VLAN_DEPTH_MAX];
	uint8_t version, transport, vlans, tunnels, padding[2];
};

_Static_assert(sizeof(struct heads) == 80, "it is summed as bytes");

static uint64_t sum_of(const struct packet *p)
{
	bool tcp = p->transport == TRANSPORT_TCP;
	const struct tunnel *tunnel = p->tunnels > 0 ? &p->tunnel[p->tunnels - 1] : NULL;
	struct heads heads = {
		.src = p->src,
		.dst = p->dst,
		.tunnel = tunnel != NULL ? (uint64_t)tunnel->kind << 32 | tunnel->id : 0,
		.seq = tcp ? p->seq : 0,
		.ack = tcp ? p->ack : 0,
		.ts_value = tcp && p->has_timestamp ? p->ts_value : 0,
		.ts_echo = tcp && p->has_timestamp ? p->ts_echo : 0,
		.payload_bytes = p->payload_bytes,
		.flags = tcp ? p->flags : 0,
		.src_port = p->src_port,
		.dst_port = p->dst_port,
		.window = tcp ? p->window : 0,
		.vlan = {p->vlans > 0 ? p->vlan[0] : 0, p->vlans > 1 ? p->vlan[1] : 0},
		.version = p->version,
		.transport = p->transport,
		.vlans = p->vlans,
		.tunnels = p->tunnels,
	};
	struct bytes text = bytes_head(p->payload, tcp ? 0 : PAYLOAD_READ);

	return XXH3_64bits(&heads, sizeof(heads)) ^
	       (text.len > 0 ? XXH3_64bits(text.at, text.len) : 0);
}

bool copies_have(struct copies *c, const struct packet *p)
{
	uint64_t sum = sum_of(p);
	struct slot *slot = &c->slots[sum % SLOTS];
	nsec apart;

	if (slot->sum == sum && slot->device != p->device &&
	    !__builtin_sub_overflow(p->when, slot->when, &apart) &&
	    apart < (nsec)WINDOW_MS * NS_PER_MS && apart > -(nsec)WINDOW_MS * NS_PER_MS)
		return true;
	*slot = (struct slot){.sum = sum, .when = p->when, .device = p->device};
	return false;
}
