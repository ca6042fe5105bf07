/*
 * From a frame to a packet: link layers, IP, tunnels, fragments, TCP and UDP headers.
 *
 * Tunnels are opened wherever they are found, down to a fixed depth; the packet is then the inner
 * one, and its outer endpoints stand beside it. Checksums are not verified unless asked for: it
 * reads every byte, which costs several times what all the headers cost, and on the host that
 * sends them most are wrong, since the network card fills them in later.
 *
 * Owns     the fragments that wait for the rest, within limits
 * Borrows  the frame, until the next decode
 * Errors   none: what cannot be used is counted by reason
 * Thread   a decoder belongs to one worker
 */
#ifndef WIRESPAN_DECODE_DECODE_H
#define WIRESPAN_DECODE_DECODE_H

#include "shipper/base/counter.h"
#include "shipper/base/option.h"
#include "shipper/base/quota.h"
#include "shipper/capture/source.h"
#include "shipper/decode/packet.h"

struct decode_conf {
	bool tunnels; /* look into tunnels at all */
	struct ports vxlan_ports;
	struct ports geneve_ports;
	struct ports gtpu_ports;
	bool checksums;		    /* verify and count */
	int64_t fragment_bytes_max; /* held in all */
	nsec fragment_timeout;
};

extern const struct option decode_options[];

struct decoder;

/* quota and counters are borrowed for the decoder's life. */
struct decoder *decoder_new(const struct decode_conf *conf, struct quota *quota,
			    struct counters *counters);
void decoder_free(struct decoder *decoder);

/* True when packet was filled in. False: a fragment was kept, or the frame was counted away. */
bool decode(struct decoder *decoder, const struct frame *frame, struct packet *packet);

/* Lets fragments go that have waited too long, by packet time. */
void decoder_expire(struct decoder *decoder, nsec now);

/* Whether this link type can be decoded at all (LINKTYPE_ value). */
bool decode_knows_link(int link);

#endif
