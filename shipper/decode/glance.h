/*
 * Where most packets go, told without decoding them: IPv4 without options or fragments right behind
 * an Ethernet header.
 *
 * Borrows  nothing
 * Errors   false: decode it to know
 */
#ifndef WIRESPAN_DECODE_GLANCE_H
#define WIRESPAN_DECODE_GLANCE_H

#include "shipper/base/bytes.h"

struct glance {
	uint8_t transport;
	uint32_t src, dst; /* as they stand in memory */
	uint16_t src_port, dst_port;
};

static inline bool glance(int link, struct bytes frame, struct glance *g)
{
	enum { ETHERNET = 1 /* LINKTYPE_ETHERNET */, HEAD = 14, LEAST = 20 + 4, FRAGMENT = 0x3fff };

	if (link != ETHERNET || frame.len < HEAD + LEAST)
		return false;
	const uint8_t *ip = frame.at + HEAD;

	if (ip[-2] != 0x08 || ip[-1] != 0x00 || ip[0] != 0x45 ||
	    ((ip[6] << 8 | ip[7]) & FRAGMENT) != 0)
		return false;
	g->transport = ip[9];
	memcpy(&g->src, ip + 12, sizeof(g->src));
	memcpy(&g->dst, ip + 16, sizeof(g->dst));
	g->src_port = (uint16_t)(ip[20] << 8 | ip[21]);
	g->dst_port = (uint16_t)(ip[22] << 8 | ip[23]);
	return true;
}

#endif
