/*
 * Both directions together: what is held is delivered when its time has come, and a hole is taken
 * for a gap.
 *
 * A front (the first held segment of a direction, or its FIN) is ready when nothing is missing
 * before it and all that its sender had acknowledged of the other direction has been delivered.
 */
#ifndef WIRESPAN_FLOW_ORDER_H
#define WIRESPAN_FLOW_ORDER_H

#include "shipper/flow/stream.h"

/* Has all been delivered that the sender of this ACK had received? */
bool order_met(const struct entry *e, enum side d, bool has_ack, uint32_t ack);

/* Delivers all that is ready. May end the flow. */
void order_pump(struct flow_table *t, struct entry *e);

/* Takes away what keeps the front of a direction from being delivered, at a limit. */
void order_force(struct flow_table *t, struct entry *e, enum side d);

/* Delivers all that is held, holes becoming gaps. May end the flow. */
void order_flush(struct flow_table *t, struct entry *e);

/* Looks at deadlines. */
void order_check(struct flow_table *t, struct entry *e);
/* Frees the rest when all is in order again. */
void order_settle(struct flow_table *t, struct entry *e);

/* This side has ended: tells the sink, and ends the flow when both have. */
void order_end(struct flow_table *t, struct entry *e, enum side d, nsec when);

/* Begins the streams of which any packet told where they are. */
void order_begin(struct flow_table *t, struct entry *e);

#endif
