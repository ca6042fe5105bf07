/*
 * One call's messages drawn as a ladder: a column for each address, an arrow for each message.
 *
 *             192.0.2.1:5060       192.0.2.2:5060
 *                    │                    │
 *   0.000000         │── INVITE (sdp) ───►│
 *   0.250300         │◄── 180 Ringing ────│
 *
 * Where the lines are too short to write on the arrows, what is said stands at their right.
 *
 * Source   sip.call.flow: lines "0.250300 192.0.2.2:5060 > 192.0.2.1:5060 180 Ringing (INVITE)"
 */
#ifndef WIRESPAN_OUTPUTS_CALLS_LADDER_H
#define WIRESPAN_OUTPUTS_CALLS_LADDER_H

#include "shipper/base/buf.h"

/* A line that is not of that form is printed as it is. No line becomes wider than `width`, which
 * is at least TABLE_WIDTH_MIN. */
void ladder_write(struct buf *out, struct bytes flow, size_t width);

#endif
