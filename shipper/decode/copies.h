/*
 * Packets that cross several devices of a host, a bridge and its ports or both ends of a veth pair:
 * "any" shows them on each. The first sighting counts.
 *
 * A copy is a packet that is the same in all but link layers and has come on another device, or the
 * other way through the same one, a moment before. What a peer sends again comes on the same way as
 * before, and later. What is in a tunnel or a VLAN on one device and not on the other is no copy:
 * it belongs to another conversation.
 *
 * Owns     a table of fixed size: a packet forgotten too early comes through twice, no harm but to
 *          counts
 * Thread   a table belongs to one worker
 * Units    packet time
 */
#ifndef WIRESPAN_DECODE_COPIES_H
#define WIRESPAN_DECODE_COPIES_H

#include "shipper/decode/packet.h"

struct copies;

struct copies *copies_new(void);
void copies_free(struct copies *copies);

/* Whether this packet was here before; and remembers it. Only for one that has a device. */
bool copies_have(struct copies *copies, const struct packet *packet);

#endif
