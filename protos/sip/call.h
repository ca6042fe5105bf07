/*
 * Calls and registrations: what messages on any conversation say about them.
 */
#ifndef WIRESPAN_SIP_CALL_H
#define WIRESPAN_SIP_CALL_H

#include "protos/sip/sip.h"

void call_message(const struct sip_seen *s);
/* The capture ended: what is open is written. */
void call_finish(struct sip_world *w);
/* Lets the oldest go; false when there is none. */
bool call_shrink(struct sip_world *w);
void call_leave(struct sip_world *w);

#endif
