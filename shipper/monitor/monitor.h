/*
 * The program watched from outside: a Unix socket (`wirespan stats`), an HTTP endpoint for
 * Prometheus and probes, and a document of `type: shipper` now and then.
 *
 *   /            what there is       /stats     JSON          /stats.txt  for people
 *   /metrics     Prometheus          /health    200 well, 503 what is to be looked at
 *
 * The endpoints have no thread: libmicrohttpd gives one descriptor to poll, and answers in
 * monitor_serve. They tell counts, never what was said on the network; so whoever reaches them may
 * read them, and they listen on loopback unless told otherwise.
 *
 * Owns     the socket and its file
 * Errors   open fills a fault when an address that was asked for cannot be had
 * Thread   the main thread
 */
#ifndef WIRESPAN_MONITOR_MONITOR_H
#define WIRESPAN_MONITOR_MONITOR_H

#include "shipper/base/fault.h"
#include "shipper/base/option.h"
#include "shipper/monitor/report.h"

struct monitor_conf {
	const char *socket; /* path; "" for none */
	const char *listen; /* ADDRESS:PORT; "" for none */
	nsec interval;	    /* between documents; 0 for none */
};

extern const struct option monitor_options[];

struct monitor;

/* `take` fills a report of the present. */
typedef void (*report_fn)(void *self, struct report *report);

struct monitor *monitor_open(const struct monitor_conf *conf, report_fn take, void *take_self,
			     struct fault *fault);
void monitor_close(struct monitor *monitor);

int monitor_descriptor(const struct monitor *monitor); /* to poll; -1 when nothing listens */
void monitor_serve(struct monitor *monitor);	       /* it is readable, or a second has passed */

/* Writes a document into the funnel if it is time, or the last one if there were others; `tail`
 * are the members that documents end with. */
void monitor_document(struct monitor *monitor, const struct document_sink *sink, void *sink_self,
		      const char *tail, bool last);

#endif
