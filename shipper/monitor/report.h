/*
 * What the program has seen and done, at one moment, and the forms in which it is told.
 *
 * Thread   the one that takes it
 */
#ifndef WIRESPAN_MONITOR_REPORT_H
#define WIRESPAN_MONITOR_REPORT_H

#include "protos/protos.h"
#include "shipper/base/buf.h"
#include "shipper/base/time.h"
#include "shipper/monitor/metric.h"
#include "shipper/publish/publisher.h"
#include "shipper/txn/conn.h"

struct glimpse;

struct report {
	uint64_t at[METRIC_COUNT];
	uint64_t exchanges[PROTOS_MAX][STATUS_COUNT]; /* written */
};

/* `seen`: what workers have seen, all together, without what became of their documents. */
void report_take(struct report *report, const struct glimpse *seen,
		 const struct publish_stats *published, struct mono begun);

/* One line for each metric that is not zero, for people. */
void report_text(const struct report *report, struct buf *out);
/* All of them, as {"version":…,"frames":{"received":…},…,"types":{"http":{"OK":…}}} and a newline.
 */
void report_json(const struct report *report, struct buf *out);
/* Prometheus's text exposition format 0.0.4: wirespan_frames_received_total. */
void report_prometheus(const struct report *report, struct buf *out);

/* Whether all is well between two reports, the first of which may be NULL; if not, `why` says what
 * is to be looked at. */
bool report_is_well(const struct report *last, const struct report *now, char *why, size_t size);

#endif
