/*
 * Round-trip times, one measurement at a time for a flow: from a segment with bytes to the first
 * ACK that covers it, never of one that was sent twice (Karn's rule). The capture stands somewhere
 * on the way, so each side's half is measured on its own, and the round trip is their sum.
 *
 * Source   RFC 6298, section 2 (smoothing) and 3 (Karn)
 */
#ifndef WIRESPAN_FLOW_RTT_H
#define WIRESPAN_FLOW_RTT_H

#include "shipper/flow/entry.h"

static inline uint32_t rtt_clock(nsec when)
{
	return (uint32_t)((uint64_t)when / RTT_UNIT_NS);
}

/* A segment of `from` that ends before sequence number `seq` went by. */
static inline void rtt_sent(struct entry *e, enum side from, uint32_t seq, nsec when)
{
	if (e->sample != SAMPLE_NONE)
		return;
	e->sample = (uint8_t)from;
	e->sample_seq = seq;
	e->sample_at = rtt_clock(when);
}

static inline void rtt_sent_again(struct entry *e, enum side from)
{
	if (e->sample == from)
		e->sample = SAMPLE_NONE;
}

/* An ACK of `from` went by. */
static inline void rtt_acked(struct entry *e, enum side from, uint32_t ack, nsec when)
{
	enum side measured = side_other(from);

	if (e->sample != measured || (int32_t)(ack - e->sample_seq) < 0)
		return;
	int32_t took = (int32_t)(rtt_clock(when) - e->sample_at);
	uint32_t *half = &e->half_rtt[measured];

	e->sample = SAMPLE_NONE;
	if (took < 0)
		return;
	if (*half == 0)
		*half = (uint32_t)took + (took == 0);
	else
		*half = (uint32_t)((int64_t)*half + (took - (int64_t)*half) / 8);
	if (e->half_rtt[CLIENT] != 0 && e->half_rtt[SERVER] != 0)
		e->flow.stats.rtt = ((nsec)e->half_rtt[CLIENT] + e->half_rtt[SERVER]) * RTT_UNIT_NS;
}

#endif
