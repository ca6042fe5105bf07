/*
 * What a TCP packet means for its flow: flags, validity, acknowledgements, and where its bytes go.
 *
 * Source   RFC 9293, RFC 2018 (SACK), RFC 5961 (blind RST and SYN), RFC 7413 (data on a SYN)
 * Thread   the table's
 */
#ifndef WIRESPAN_FLOW_TCP_H
#define WIRESPAN_FLOW_TCP_H

#include "shipper/flow/order.h"

/* Does this packet begin a new conversation on the ports of this one? */
bool tcp_begins_anew(struct flow_table *t, struct entry *e, enum side from, const struct packet *p);

/* The first packet may have been taken for the other side's: a SYN tells. */
bool tcp_sides_wrong(const struct entry *e, enum side from, const struct packet *p);

void tcp_push(struct flow_table *t, struct entry *e, uint32_t index, enum side from,
	      const struct packet *p);

/* After FLOW_REUSED: what of the new conversation was seen before it was believed. */
void tcp_recall(struct flow_table *t, struct entry *e, enum side from, const struct packet *p,
		const struct rest *old);

#endif
