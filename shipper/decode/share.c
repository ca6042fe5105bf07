#include "shipper/decode/share.h"

#include <endian.h>

#include "shipper/decode/glance.h"

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t address(const struct packet *p, const struct addr *a)
{
	uint32_t word[4];

	if (p->version == 4)
		return be32(a->at);
	for (size_t i = 0; i < 4; i++)
		word[i] = be32(a->at + 4 * i);
	return share_fold(word);
}

static bool stays_together(const struct share *share, uint16_t port, uint16_t other)
{
	for (size_t i = 0; i < share->ports_count; i++)
		if (port == share->ports[i] || other == share->ports[i])
			return true;
	return false;
}

static unsigned divide(const struct share *share, uint32_t src, uint16_t src_port, uint32_t dst,
		       uint16_t dst_port)
{
	if (stays_together(share, src_port, dst_port))
		return SHARE_TOGETHER;
	return share_sum(share_end(share->seed, src, src_port),
			 share_end(share->seed, dst, dst_port)) %
	       share->count;
}

unsigned share_of(const struct share *share, const struct packet *p)
{
	if (p->transport != TRANSPORT_TCP)
		return SHARE_TOGETHER;
	return divide(share, address(p, &p->src), p->src_port, address(p, &p->dst), p->dst_port);
}

int share_glance(const struct share *share, const struct frame *frame)
{
	struct glance g;

	if (!glance(frame->link, frame->bytes, &g) || g.transport != TRANSPORT_TCP)
		return -1;
	return (int)divide(share, be32toh(g.src), g.src_port, be32toh(g.dst), g.dst_port);
}
