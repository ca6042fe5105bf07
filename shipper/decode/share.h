/*
 * Which of several workers a packet belongs to (base/share.h).
 */
#ifndef WIRESPAN_DECODE_SHARE_H
#define WIRESPAN_DECODE_SHARE_H

#include "shipper/base/share.h"
#include "shipper/capture/source.h"
#include "shipper/decode/packet.h"

unsigned share_of(const struct share *share, const struct packet *packet);

/* The same at a glance, for a TCP segment right behind an Ethernet header; -1: decode it first. */
int share_glance(const struct share *share, const struct frame *frame);

#endif
