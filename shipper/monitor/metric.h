/*
 * Every figure that the program tells of itself, once: name, unit, kind and what it says. The
 * counters of workers (base/counter.h), then those of capture, output and process. From this table
 * come `wirespan stats`, the endpoints, the documents of `type: shipper` and their fields.
 *
 * The books: frames.received = packets.decoded + frames.fragment + all of discard.*;
 * queue.handed + queue.recovered = documents.delivered + documents.refused + documents.abandoned +
 * all of queue.lost_* + queue.documents.
 */
#ifndef WIRESPAN_MONITOR_METRIC_H
#define WIRESPAN_MONITOR_METRIC_H

#include "shipper/base/counter.h"
#include "shipper/txn/field.h"

/* X(enumerator, kind, name, unit, sentence). Those of one object stand together, and queue.* is
 * where the counters end. */
#define METRICS_OTHER(X)                                                                         \
	X(QUEUE_DOCUMENTS, METRIC_GAUGE, "queue.documents", "documents", "That wait in it.")     \
	X(QUEUE_BYTES, METRIC_GAUGE, "queue.bytes", "bytes", "What the spool takes on disk.")    \
	X(SOURCE_DROPPED_KERNEL, METRIC_COUNTER, "source.dropped_kernel", "packets",             \
	  "Dropped by the kernel because its buffer was full.")                                  \
	X(SOURCE_DROPPED_DEVICE, METRIC_COUNTER, "source.dropped_device", "packets",             \
	  "Dropped by the device or its driver.")                                                \
	X(OUTPUT_BYTES, METRIC_COUNTER, "output.bytes", "bytes", "Of delivered documents.")      \
	X(OUTPUT_RETRIES, METRIC_COUNTER, "output.retries", "times",                             \
	  "Times that documents were sent again.")                                               \
	X(OUTPUT_FAILING, METRIC_GAUGE, "output.failing", "connections",                         \
	  "Connections to the output that do not take documents now.")                           \
	X(PROCESS_UPTIME, METRIC_GAUGE, "runtime.uptime", "seconds", "Since the program began.") \
	X(PROCESS_MEMORY, METRIC_GAUGE, "runtime.memory", "bytes", "Resident memory.")           \
	X(PROCESS_CPU, METRIC_COUNTER, "runtime.cpu", "nanoseconds",                             \
	  "Processor time used, in user and system mode.")                                       \
	X(PROCESS_DESCRIPTORS, METRIC_GAUGE, "runtime.descriptors", "descriptors",               \
	  "Open file descriptors.")

#define METRIC_ENUM(id, kind, name, unit, text) METRIC_##id,
enum metric {
	METRIC_COUNTERS_END = COUNTER_COUNT - 1, /* the first ones are enum counter */
	METRICS_OTHER(METRIC_ENUM) METRIC_COUNT
};
#undef METRIC_ENUM

enum metric_kind {
	METRIC_COUNTER, /* only grows while the program runs */
	METRIC_GAUGE
};

struct metric_info {
	enum metric_kind kind;
	const char *name, *unit, *help;
};

extern const struct metric_info metric_infos[METRIC_COUNT];

/* The fields of documents of `type: shipper`, beside the common ones. */
extern const struct field shipper_fields[];

#endif
