/*
 * A network device as a source, or several that divide its conversations among them (fanout.h),
 * through libpcap: a ring shared with the kernel (TPACKET_V3 on
 * Linux), times in nanoseconds where the system has them.
 *
 * "any" listens on all devices, as Linux cooked frames (version 2 where libpcap has it). A packet
 * over loopback passes twice, out and in; libpcap hands out the one that comes in, on "lo" and on
 * "any" alike. A packet that crosses several devices (a bridge and its ports, veth pairs) is seen
 * on each of them by "any"; decode/copies.h tells such copies.
 *
 * Owns     a libpcap handle for each source
 * Borrows  frames lie in libpcap's buffer until the next call
 * Errors   faults name the device and say what to do; a device that goes down is waited for; that
 *          one is gone is NEXT_FAILED
 */
#ifndef WIRESPAN_CAPTURE_DEVICE_H
#define WIRESPAN_CAPTURE_DEVICE_H

#include <stdio.h>

#include "shipper/base/share.h"
#include "shipper/capture/filter.h"
#include "shipper/capture/source.h"

struct device_conf {
	const char *filter;	  /* the user's BPF expression; "" or NULL: made from ports */
	struct filter_conf ports; /* no port at all lets everything pass */
	int64_t buffer_bytes;	  /* the kernel's, of all rings together; 0 is libpcap's default */
	int64_t snap_bytes;
	bool promiscuous;
	const struct share *share; /* a ring for each of so many workers; NULL: one */
};

enum { DEVICE_RINGS_MAX = 64 };

/* name: a device, "any", or a number as device_list prints them. Fills a tap for each worker of
 * conf->share. conf is used until return. */
bool device_open(struct tap *taps, const char *name, const struct device_conf *conf,
		 struct fault *fault);

/* A number becomes the name that device_list gives it. The caller's to free; NULL: there is none.
 */
char *device_resolve(const char *name, struct fault *fault);
/* And not one of the buses and queues that libpcap lists beside them. */
bool device_is_network(const char *name);

/* All devices, a line each: number, name, state, addresses, description. */
bool device_list(FILE *to, struct fault *fault);

#endif
