/*
 * A network device as a source, through libpcap: a ring shared with the kernel (TPACKET_V3 on
 * Linux), times in nanoseconds where the system has them.
 *
 * "any" listens on all devices, as Linux cooked frames (version 2 where libpcap has it). A packet
 * over loopback passes twice, out and in; libpcap hands out the one that comes in, on "lo" and on
 * "any" alike. A packet that crosses several devices (a bridge and its ports, veth pairs) is seen
 * on each of them by "any": such copies come through, and streams take them for retransmissions.
 *
 * Owns     the libpcap handle
 * Borrows  frames lie in libpcap's buffer until the next call
 * Errors   faults name the device and say what to do; a device that goes down is waited for, one
 *          that is gone is the end
 */
#ifndef WIRESPAN_CAPTURE_DEVICE_H
#define WIRESPAN_CAPTURE_DEVICE_H

#include <stdio.h>

#include "shipper/capture/filter.h"
#include "shipper/capture/source.h"

struct device_conf {
	const char *filter;	  /* the user's BPF expression; "" or NULL: made from ports */
	struct filter_conf ports; /* no port at all lets everything pass */
	int64_t buffer_bytes;	  /* the kernel's; 0 is libpcap's default */
	int64_t snap_bytes;
	bool promiscuous;
};

/* name: a device, "any", or a number as device_list prints them. conf is used until return. */
bool device_open(struct tap *tap, const char *name, const struct device_conf *conf,
		 struct fault *fault);

/* The descriptor of its packet socket, for fanout groups. */
int device_descriptor(const struct tap *tap);

/* All devices, a line each: number, name, state, addresses, description. */
bool device_list(FILE *to, struct fault *fault);

#endif
