/*
 * A libpcap handle on a device: every open of a device, at the start and later, goes through here.
 *
 * Errors   faults name the device and say what to do
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CAPTURE_HANDLE_H
#define WIRESPAN_CAPTURE_HANDLE_H

#include "shipper/capture/device.h"

struct pcap;

/* The kernel hands a block of frames over when it is this old, or full. */
enum { HANDLE_TIMEOUT_MS = 100 };

/* Open, filtered, and never blocking. `buffer_bytes` in place of conf's. What came before this
 * returns may not be what the filter lets through. */
struct pcap *handle_open(const char *name, const struct device_conf *conf, int64_t buffer_bytes,
			 struct fault *fault);

/* Another filter, or the first one, in one step: nothing is lost meanwhile. libpcap's own way has a
 * handle lose what comes while it is given a filter, and passes what it then reads through the
 * first one it was given for some time. So a filter is given to a second handle, and from there to
 * this one's socket. */
bool handle_filter(struct pcap *handle, const char *name, const struct device_conf *conf,
		   struct fault *fault);

#endif
