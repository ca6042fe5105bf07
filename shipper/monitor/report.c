#include "shipper/monitor/report.h"
#include "shipper/worker.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Taking ---- */

static uint64_t resident_bytes(void)
{
	unsigned long long all, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu %llu", &all, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * NS_PER_S +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

static uint64_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *one;
	uint64_t n = 0;

	if (folder == NULL)
		return 0;
	while ((one = readdir(folder)) != NULL)
		n += one->d_name[0] != '.';
	closedir(folder);
	return n - 1; /* this one */
}

void report_take(struct report *report, const struct glimpse *seen,
		 const struct publish_stats *published, struct mono begun)
{
	struct counters all = seen->counters;
	uint64_t *at = report->at;

	*report = (struct report){0};
	publish_count(published, &all);
	memcpy(at, all.at, sizeof(all.at));
	memcpy(report->exchanges, seen->exchanges, sizeof(report->exchanges));
	/* The funnels count this, also for documents that are not a worker's. */
	at[COUNT_DOCUMENTS_DROPPED] = published->dropped;
	at[METRIC_QUEUE_DOCUMENTS] = published->queued;
	at[METRIC_QUEUE_BYTES] = published->spool_bytes;
	at[METRIC_SOURCE_DROPPED_KERNEL] = seen->source.dropped_kernel;
	at[METRIC_SOURCE_DROPPED_DEVICE] = seen->source.dropped_interface;
	at[METRIC_OUTPUT_BYTES] = published->bytes;
	at[METRIC_OUTPUT_RETRIES] = published->retries;
	at[METRIC_OUTPUT_FAILING] = published->failing;
	at[METRIC_PROCESS_UPTIME] = (uint64_t)(mono_now().ns - begun.ns) / NS_PER_S;
	at[METRIC_PROCESS_MEMORY] = resident_bytes();
	at[METRIC_PROCESS_CPU] = cpu_ns();
	at[METRIC_PROCESS_DESCRIPTORS] = open_descriptors();
}

/* ---- Forms ---- */

__attribute__((format(printf, 2, 3))) static void add(struct buf *out, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > 0)
		buf_add(out,
			bytes_of(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
}

static uint64_t sum_of(const uint64_t n[STATUS_COUNT])
{
	uint64_t sum = 0;

	for (unsigned s = 0; s < STATUS_COUNT; s++)
		sum += n[s];
	return sum;
}

void report_text(const struct report *report, struct buf *out)
{
	for (unsigned i = 0; protos[i] != NULL; i++) {
		const char *before = "";

		if (sum_of(report->exchanges[i]) == 0)
			continue;
		add(out, "  %-26s ", protos[i]->name);
		for (unsigned s = 0; s < STATUS_COUNT; s++)
			if (report->exchanges[i][s] > 0) {
				add(out, "%s%" PRIu64 " %s", before, report->exchanges[i][s],
				    status_words[s]);
				before = ", ";
			}
		add(out, "\n");
	}
	for (int i = 0; i < METRIC_COUNT; i++)
		if (report->at[i] > 0)
			add(out, "  %-26s %12" PRIu64 " %-11s %s\n", metric_infos[i].name,
			    report->at[i], metric_infos[i].unit, metric_infos[i].help);
}

/* Writes names with a dot as members of objects; metrics of one object stand together. */
struct nest {
	struct buf *out;
	const char *object; /* the one that is open; NULL none */
	bool first;	    /* nothing is in it yet */
};

static void nest_add(struct nest *nest, const char *name, uint64_t n)
{
	size_t len = strcspn(name, ".");

	if (nest->object == NULL || strncmp(nest->object, name, len + 1) != 0) {
		add(nest->out, "%s%s\"%.*s\":{", nest->object ? "}" : "",
		    nest->object || !nest->first ? "," : "", (int)len, name);
		nest->object = name;
		nest->first = true;
	}
	add(nest->out, "%s\"%s\":%" PRIu64, nest->first ? "" : ",", name + len + 1, n);
	nest->first = false;
}

static void nest_end(const struct nest *nest)
{
	add(nest->out, "%s", nest->object ? "}" : "");
}

static void types_json(const struct report *report, struct buf *out)
{
	const char *before = "";

	add(out, ",\"types\":{");
	for (unsigned i = 0; protos[i] != NULL; i++) {
		add(out, "%s\"%s\":{", before, protos[i]->name);
		for (unsigned s = 0; s < STATUS_COUNT; s++)
			add(out, "%s\"%s\":%" PRIu64, s > 0 ? "," : "", status_words[s],
			    report->exchanges[i][s]);
		add(out, "}");
		before = ",";
	}
	add(out, "}");
}

void report_json(const struct report *report, struct buf *out)
{
	struct nest nest = {.out = out};

	add(out, "{\"version\":\"%s\"", WIRESPAN_VERSION);
	for (int i = 0; i < METRIC_COUNT; i++)
		nest_add(&nest, metric_infos[i].name, report->at[i]);
	nest_end(&nest);
	types_json(report, out);
	add(out, "}\n");
}

static void prometheus_name(const struct metric_info *info, char *to, size_t size)
{
	snprintf(to, size, "wirespan_%s%s", info->name,
		 info->kind == METRIC_COUNTER ? "_total" : "");
	for (char *c = to; *c != 0; c++)
		if (*c == '.')
			*c = '_';
}

void report_prometheus(const struct report *report, struct buf *out)
{
	char name[128];

	for (int i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = &metric_infos[i];

		prometheus_name(info, name, sizeof(name));
		add(out, "# HELP %s %s In %s.\n# TYPE %s %s\n", name, info->help, info->unit, name,
		    info->kind == METRIC_COUNTER ? "counter" : "gauge");
		add(out, "%s %" PRIu64 "\n", name, report->at[i]);
	}
	add(out, "# HELP wirespan_types_total Exchanges written, by type and status.\n"
		 "# TYPE wirespan_types_total counter\n");
	for (unsigned i = 0; protos[i] != NULL; i++)
		for (unsigned s = 0; s < STATUS_COUNT; s++)
			add(out, "wirespan_types_total{type=\"%s\",status=\"%s\"} %" PRIu64 "\n",
			    protos[i]->name, status_words[s], report->exchanges[i][s]);
	add(out,
	    "# HELP wirespan_info The version.\n# TYPE wirespan_info gauge\n"
	    "wirespan_info{version=\"%s\"} 1\n",
	    WIRESPAN_VERSION);
}

/* ---- Health ---- */

bool report_is_well(const struct report *last, const struct report *now, char *why, size_t size)
{
	static const struct {
		int metric;
		const char *what;
	} losses[] = {
		{METRIC_SOURCE_DROPPED_KERNEL, "packets dropped by the kernel: more "
					       "capture.buffer_bytes or less to watch"},
		{COUNT_DOCUMENTS_DROPPED, "documents dropped because the queue is full"},
		{COUNT_QUEUE_NEWEST, "documents not spooled because the spool is full"},
		{COUNT_QUEUE_OLDEST, "documents removed from the spool, which is full"},
		{COUNT_QUEUE_DISK, "documents not spooled because the disk does not take them"},
		{COUNT_DOCUMENTS_REFUSED, "documents refused by the output"},
	};

	if (now->at[METRIC_OUTPUT_FAILING] > 0) {
		snprintf(why, size, "the output does not take documents; %" PRIu64 " wait",
			 now->at[METRIC_QUEUE_DOCUMENTS]);
		return false;
	}
	for (size_t i = 0; last != NULL && i < sizeof(losses) / sizeof(losses[0]); i++) {
		uint64_t n = now->at[losses[i].metric] - last->at[losses[i].metric];

		if (n > 0) {
			snprintf(why, size, "%" PRIu64 " %s", n, losses[i].what);
			return false;
		}
	}
	snprintf(why, size, "well");
	return true;
}
