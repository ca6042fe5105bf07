#include "shipper/base/amount.h"
#include "shipper/base/heap.h"
#include "shipper/base/must.h"
#include "shipper/capture/file.h"
#include "shipper/capture/pace.h"
#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"
#include "shipper/cmd/crew.h"
#include "shipper/cmd/summary.h"
#include "shipper/cmd/target.h"
#include "shipper/guard/guard.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAG_SPEED = FLAG_LONG, FLAG_SHIFT, FLAG_BPF, FLAG_PRETTY, FLAG_TOP, FLAG_CALLS, FLAG_FLOW };
enum { PROGRESS_MS = 200, SPEED_MAX = 1000000 };

static const struct flag flags[] = {
	CONFIGURE_FLAGS,
	{'o', "output", "FILE",
	 "Write documents to this file, from its beginning; - is standard output."},
	{FLAG_PRETTY, "pretty", NULL, "Lay documents out for people."},
	{FLAG_TOP, "top", "[N]",
	 "In place of documents, print tables of the N (10) slowest, most "
	 "frequent, most failing requests."},
	{FLAG_CALLS, "calls", NULL, "In place of documents, print the list of SIP calls."},
	{FLAG_FLOW, "flow", "CALL-ID", "In place of documents, draw the messages of this call."},
	{FLAG_BPF, "bpf", "EXPR", "Read only packets that match (pcap-filter(7))."},
	{FLAG_SPEED, "speed", "N|real",
	 "As fast as captured (real), or N times as fast; otherwise as fast as possible."},
	{FLAG_SHIFT, "shift", "now|DURATION",
	 "Move all times: so that the last packet is now, or by a duration such as -2h."},
	CONFIGURE_WORKERS("So many threads, or one for each processor; otherwise 1. All read the "
			  "files, and divide the conversations among them; documents of "
			  "different ones come in any order."),
	{'q', "quiet", NULL, "No summary, no progress, no remarks."},
	{0},
};

struct replay {
	struct configure configure;
	struct target target;
	struct pace_conf pace;
	bool shift_to_now;
	bool quiet;
	const char *bpf;
	const char *const *paths;
	size_t paths_count;
	bool failed; /* a file could not be read, or not to its end */
};

/* ---- The command line ---- */

static bool speed_parse(const char *text, double *speed)
{
	char *end;

	if (strcmp(text, "real") == 0) {
		*speed = 1;
		return true;
	}
	*speed = strtod(text, &end);
	if (*text != '\0' && *end == '\0' && isfinite(*speed) && *speed > 0 && *speed <= SPEED_MAX)
		return true;
	log_error("replay --speed: expected real, or a number such as 10 or 0.5, got \"%s\"", text);
	return false;
}

static bool shift_parse(struct replay *r, const char *text)
{
	r->shift_to_now = strcmp(text, "now") == 0;
	if (r->shift_to_now || duration_parse(text, &r->pace.shift))
		return true;
	log_error("replay --shift: expected now, or a duration such as -2h or 30m, got \"%s\"",
		  text);
	return false;
}

static bool flag_take(struct replay *r, int id, const char *value)
{
	switch (id) {
	case 'o':
		r->target.path = value;
		return true;
	case 'q':
		r->quiet = r->configure.quiet = true;
		return true;
	case FLAG_PRETTY:
		r->target.pretty = true;
		return true;
	case FLAG_TOP:
		r->target.top = true;
		r->target.top_rows = value;
		return true;
	case FLAG_CALLS:
		r->target.calls = true;
		return true;
	case FLAG_FLOW:
		r->target.flow = value;
		return true;
	case FLAG_BPF:
		r->bpf = value;
		return configure_filter(value);
	case FLAG_SPEED:
		return speed_parse(value, &r->pace.speed);
	case FLAG_SHIFT:
		return shift_parse(r, value);
	default:
		return configure_flag(&r->configure, id, value);
	}
}

/* The output is emptied before the first packet is read: it must not be one of the captures. */
static bool spares_captures(const struct replay *r)
{
	const char *file = target_file(&r->target);
	const char *name = file != NULL ? file : "standard output";
	struct stat output, capture;

	if (file != NULL ? stat(file, &output) != 0 : fstat(STDOUT_FILENO, &output) != 0)
		return true;
	for (size_t i = 0; i < r->paths_count; i++) {
		if (!S_ISREG(output.st_mode) || stat(r->paths[i], &capture) != 0 ||
		    capture.st_dev != output.st_dev || capture.st_ino != output.st_ino)
			continue;
		log_error("%s is the capture %s: choose another file for the documents", name,
			  r->paths[i]);
		return false;
	}
	return true;
}

/* ---- Running ---- */

static void file_failed(void *self, const struct fault *fault)
{
	struct replay *r = self;

	r->failed = true;
	log_error("%s", fault->text);
}

static void ignore_fault(void *self, const struct fault *fault)
{
	(void)self;
	(void)fault;
}

static nsec wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (nsec)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Each worker reads them; what is wrong with them is said once. */
static bool open_files(struct replay *r, struct tap *taps, size_t workers, struct fault *fault)
{
	struct file_conf conf = {
		.filter = r->bpf,
		.knows_link = decode_knows_link,
		.report = file_failed,
		.report_self = r,
	};
	nsec first, last;

	if (r->shift_to_now) {
		if (file_span(r->paths, r->paths_count, &first, &last))
			r->pace.shift = pace_shift_to_now(first, last, r->pace.speed, wall_now());
		else
			r->pace.first_is_now = true;
	}
	for (size_t n = 0; n < workers; n++) {
		if (!file_open(&taps[n], r->paths, r->paths_count, &conf, fault)) {
			taps_close(taps, n);
			return false;
		}
		conf.report = ignore_fault;
		if (r->pace.speed > 0 || r->pace.shift != 0 || r->pace.first_is_now)
			pace_open(&taps[n], taps[n], &r->pace);
	}
	return true;
}

/* What can be read only once is read by one. */
static size_t workers_of(const struct replay *r, const struct settings *settings)
{
	struct stat info;

	if (r->configure.workers[0] == '\0')
		return 1;
	for (size_t i = 0; i < r->paths_count; i++)
		if (strcmp(r->paths[i], "-") == 0 ||
		    (stat(r->paths[i], &info) == 0 && !S_ISREG(info.st_mode))) {
			log_warning("%s can be read only once: one worker does it", r->paths[i]);
			return 1;
		}
	return team_size(settings);
}

static void progress(void *self, struct crew *crew)
{
	struct glimpse sum;

	(void)self;
	crew_glimpse(crew, &sum);
	fputs("\r\033[K", stderr);
	if (sum.source.size > 0)
		fprintf(stderr, "%3.0f %%  ",
			100.0 * (double)sum.source.done / (double)sum.source.size);
	fprintf(stderr, "%" PRIu64 " packets, %" PRIu64 " documents",
		sum.counters.at[COUNT_FRAMES_RECEIVED], sum.counters.at[COUNT_DOCUMENTS_MADE]);
	fflush(stderr);
}

static void ended(void *self, struct crew *crew, const struct member *member)
{
	struct replay *r = self;

	/* The others of its team read the same. */
	if (!member->well && !r->failed && crew->count == 0)
		log_error("%s", member->fault.text);
}

static bool begin(struct replay *r, const struct settings *settings, struct crew *crew)
{
	size_t workers = workers_of(r, settings);
	struct tap taps[TEAM_MAX];
	struct fault fault;
	struct share share;

	/* Before the output is emptied. */
	if (!open_files(r, taps, workers, &fault)) {
		log_error("%s", fault.text);
		return false;
	}
	if (workers == 1)
		heap_reserve();
	if (!crew_open(crew, settings, workers, &fault)) {
		taps_close(taps, workers);
		log_error("%s", fault.text);
		return false;
	}
	team_share(&share, settings, (unsigned)workers, 0);
	must(crew_add(crew, taps, workers, NULL, &share, &fault));
	return true;
}

static enum exit_code replay(struct replay *r, const struct settings *settings)
{
	bool shows = !r->quiet && isatty(STDERR_FILENO) &&
		     (target_file(&r->target) != NULL || target_waits(&r->target) ||
		      !isatty(STDOUT_FILENO));
	struct crew *crew = must_alloc(sizeof(*crew));
	struct chores chores = {
		.self = r, .tick = shows ? progress : NULL, .tick_ms = PROGRESS_MS, .ended = ended};
	struct publish_stats stats = {0};
	struct fault fault = {0};
	struct glimpse sum;
	bool gone, well;

	guard_plain();
	if (!begin(r, settings, crew)) {
		free(crew);
		return EXIT_FAILED;
	}
	well = crew_run(crew, &chores);
	if (shows)
		fprintf(stderr, "\r\033[K");
	if (!crew_deliver(crew, &stats, &gone, &fault)) {
		well = false;
		log_error("%s", fault.text);
	}
	crew_glimpse(crew, &sum);
	if (!r->quiet && !gone && (well || sum.counters.at[COUNT_FRAMES_RECEIVED] > 0))
		summary_print(crew, &stats, stderr);
	crew_close(crew);
	free(crew);
	return well ? EXIT_WELL : EXIT_FAILED;
}

static enum exit_code run(struct arguments *a)
{
	struct replay r = {0};
	struct settings settings;
	enum exit_code code;
	int got;

	while ((got = arguments_next(a)) >= 0)
		if (!flag_take(&r, got, a->value))
			return EXIT_USAGE;
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count == 0)
		return arguments_usage(a, "expects one or more capture files");
	r.paths = (const char *const *)a->rest;
	r.paths_count = a->rest_count;
	if (!spares_captures(&r) || !configure_load(&r.configure, &settings))
		return EXIT_USAGE;
	settings.publish.wait = true;
	code = target_set(&r.target, &settings) ? replay(&r, &settings) : EXIT_USAGE;
	settings_free(&settings);
	return code;
}

const struct command command_replay = {
	.name = "replay",
	.arguments = "FILE…",
	.help = "Read capture files (pcap, pcapng; - is standard input) and write their documents.",
	.more = "Examples:\n"
		"  wirespan replay trace.pcap | head\n"
		"  wirespan replay --top trace-1.pcap trace-2.pcap\n"
		"  wirespan replay --calls trace.pcap\n"
		"  wirespan replay -c wirespan.yml --speed real --shift now trace.pcap\n"
		"  tcpdump -w - port 80 | wirespan replay -\n",
	.flags = flags,
	.run = run,
};
