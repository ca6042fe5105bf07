/*
 * What a flow is found by, and its hash. The flow table's own.
 *
 * Both directions have the same: the smaller end goes first.
 */
#ifndef WIRESPAN_FLOW_KEY_H
#define WIRESPAN_FLOW_KEY_H

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shipper/decode/glance.h"
#include "shipper/flow/entry.h"

/* What both directions share beside addresses and ports, in two words. */
struct place {
	uint64_t kind; /* as endpoints has it, from `version` on */
	uint64_t tunnel;
};

_Static_assert(offsetof(struct endpoints, vlan) + sizeof(uint16_t) * VLAN_DEPTH_MAX ==
		       offsetof(struct endpoints, version) + sizeof(uint64_t),
	       "version to vlan are compared as one word");

/* GTP-U numbers the two directions apart, so its identifier cannot be part of the key. */
static inline uint64_t tunnel_word(const struct tunnel *tunnel)
{
	uint64_t id = tunnel->has_id && tunnel->kind != TUNNEL_GTPU ? tunnel->id : 0;

	return (uint64_t)tunnel->kind << 40 | (uint64_t)tunnel->has_id << 32 | id;
}

struct place_kind {
	uint8_t version, transport, vlans, tunnels;
	uint16_t vlan[VLAN_DEPTH_MAX];
};

static inline uint64_t kind_word(struct place_kind kind)
{
	uint64_t word;

	_Static_assert(sizeof kind == sizeof word, "as endpoints has it");
	memcpy(&word, &kind, sizeof word);
	return word;
}

static inline struct place place_of(const struct packet *p)
{
	struct place_kind kind = {
		.version = p->version,
		.transport = p->transport,
		.vlans = p->vlans,
		.tunnels = p->tunnels,
		.vlan = {p->vlans > 0 ? p->vlan[0] : 0, p->vlans > 1 ? p->vlan[1] : 0}};

	return (struct place){kind_word(kind),
			      p->tunnels > 0 ? tunnel_word(&p->tunnel[p->tunnels - 1]) : 0};
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof v);
	return v;
}

static inline uint32_t load32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return v;
}

/* Of IPv4: its addresses as they stand in memory. */
static inline uint32_t key_hash_4(const struct flow_table *t, const struct place *place,
				  uint32_t src, uint16_t src_port, uint32_t dst, uint16_t dst_port)
{
	uint64_t a = (uint64_t)src << 16 | src_port, b = (uint64_t)dst << 16 | dst_port;
	uint64_t w[4] = {place->kind, place->tunnel, a < b ? a : b, a < b ? b : a};

	return (uint32_t)XXH3_64bits_withSeed(w, sizeof w, t->seed);
}

static inline uint32_t key_hash_6(const struct flow_table *t, const struct place *place,
				  const struct packet *p)
{
	uint64_t a = load64(p->src.at), b = load64(p->dst.at);
	uint64_t c = load64(p->src.at + 8), d = load64(p->dst.at + 8);
	bool swap = a != b ? a > b : c != d ? c > d : p->src_port > p->dst_port;
	uint64_t ports = swap ? (uint64_t)p->dst_port << 16 | p->src_port
			      : (uint64_t)p->src_port << 16 | p->dst_port;
	uint64_t w[7] = {place->kind,  place->tunnel, swap ? b : a, swap ? d : c,
			 swap ? a : b, swap ? c : d,  ports};

	return (uint32_t)XXH3_64bits_withSeed(w, sizeof w, t->seed);
}

static inline uint32_t key_hash(const struct flow_table *t, const struct packet *p,
				const struct place *place)
{
	return p->version == 4 ? key_hash_4(t, place, load32(p->src.at), p->src_port,
					    load32(p->dst.at), p->dst_port)
			       : key_hash_6(t, place, p);
}

/* That of the packet which this is, if it is one at all. */
static inline uint32_t key_hash_glance(const struct flow_table *t, const struct glance *g)
{
	struct place place = {kind_word((struct place_kind){4, g->transport, 0, 0, {0}}), 0};

	return key_hash_4(t, &place, g->src, g->src_port, g->dst, g->dst_port);
}

#endif
