#include "shipper/base/must.h"
#include "shipper/cmd/clocks.h"
#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"
#include "shipper/cmd/crew.h"
#include "shipper/cmd/patrol.h"
#include "shipper/cmd/reload.h"
#include "shipper/cmd/rights.h"
#include "shipper/cmd/service.h"
#include "shipper/cmd/summary.h"
#include "shipper/cmd/target.h"
#include "shipper/host/finder.h"
#include "shipper/monitor/monitor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { FLAG_BPF = FLAG_LONG, FLAG_PRETTY, FLAG_TOP, FLAG_PID_FILE, FLAG_USER, FLAG_ALLOW_ROOT };
enum { REPORT_SECONDS = 30, TICK_MS = 1000 };

static const struct flag flags[] = {
	CONFIGURE_FLAGS,
	{'i', "device", "NAME",
	 "Watch this device, in place of the configured ones; repeatable. A pattern (veth*) stands "
	 "for those that match, also later; ! before one leaves them out."},
	CONFIGURE_WORKERS("So many threads for each device, or one for each processor, in place of "
			  "`workers`."),
	{'o', "output", "FILE",
	 "Write documents to this file, from its beginning; - is standard output."},
	{FLAG_PRETTY, "pretty", NULL, "Lay documents out for people."},
	{FLAG_TOP, "top", "[N]",
	 "In place of documents, print tables at the end of the N (10) "
	 "slowest, most frequent, most failing requests."},
	{FLAG_BPF, "bpf", "EXPR", "Watch only packets that match (pcap-filter(7))."},
	{FLAG_PID_FILE, "pid-file", "FILE", "Keep the process's number in this file, and lock it."},
	{FLAG_USER, "user", "NAME",
	 "Go on as this user once root has opened devices, in place of privileges.user."},
	{FLAG_ALLOW_ROOT, "allow-root", NULL, "Stay root, with few of its rights."},
	{'q', "quiet", NULL, "No summary, no remarks."},
	{0},
};

struct live {
	struct configure configure;
	struct target target;
	bool quiet;
	const char *bpf, *pid_file;
	char *devices[LOOKOUT_MAX]; /* arguments */
	size_t devices_count;
	struct rights rights;
};

/* ---- While it runs ---- */

struct watching {
	struct monitor *monitor;
	struct crew *crew;
	struct patrol *patrol;
	struct service *service;
	struct reload *reload;
	struct clocks clocks;
	char *tail; /* members that the shipper's own documents end with */
	struct mono begun, reported;
	struct counters last;	   /* as of `reported` */
	struct monitor_conf blind; /* where the socket cannot be had */
	bool quiet;
};

static void take(void *self, struct report *report)
{
	const struct watching *w = self;
	struct publish_stats published;
	struct glimpse seen;

	/* What is made is read before what became of it. */
	crew_seen(w->crew, &seen);
	publisher_stats(w->crew->publisher, &published);
	report_take(report, &seen, &published, w->begun);
}

static void say(struct watching *w)
{
	struct counters *last = &w->last, now;
	struct publish_stats stats;
	struct glimpse sum;

	w->reported = mono_now();
	crew_glimpse(w->crew, &sum);
	now = sum.counters;
	if (now.at[COUNT_FRAMES_RECEIVED] == last->at[COUNT_FRAMES_RECEIVED])
		return;
	publisher_stats(w->crew->publisher, &stats);
	log_info("%" PRIu64 " packets, %" PRIu64 " documents in the last 30 s; in all: %" PRIu64
		 " packets dropped by the kernel, %" PRIu64 " by the device, %" PRIu64
		 " gaps, documents: %" PRIu64 " delivered, %" PRIu64 " dropped, %" PRIu64
		 " refused, %" PRIu64 " lost by the queue, %" PRIu64 " waiting",
		 now.at[COUNT_FRAMES_RECEIVED] - last->at[COUNT_FRAMES_RECEIVED],
		 now.at[COUNT_DOCUMENTS_MADE] - last->at[COUNT_DOCUMENTS_MADE],
		 sum.source.dropped_kernel, sum.source.dropped_interface, now.at[COUNT_STREAM_GAPS],
		 stats.delivered, stats.dropped, stats.refused, publish_lost(&stats), stats.queued);
	*last = now;
}

static void print_counters(void *self, struct crew *crew)
{
	struct report now;
	struct buf text;

	(void)crew;
	buf_init(&text, NULL);
	take(self, &now);
	report_text(&now, &text);
	fwrite(text.at, 1, text.len, stderr);
	buf_fini(&text);
}

static void ready(void *self, struct crew *crew)
{
	struct watching *w = self;

	(void)crew;
	monitor_serve(w->monitor);
}

/* Other settings are in force. */
static void changed(struct watching *w)
{
	free(w->tail);
	w->tail = settings_tail(w->reload->now, NULL);
}

/* For reload.ports. */
static void ports_changed(void *self, struct crew *crew, const struct settings *settings)
{
	patrol_change(self, crew, settings);
}

static void hup(void *self, struct crew *crew)
{
	struct watching *w = self;

	notify_reloading(&w->service->notify);
	if (reload_begin(w->reload, crew))
		changed(w);
	notify_ready(&w->service->notify, "Watching.");
}

static void tick(void *self, struct crew *crew)
{
	struct watching *w = self;

	clocks_tick(&w->clocks);
	if (reload_tick(w->reload, crew))
		changed(w);
	log_settle(false);
	service_tick(w->service, crew);
	monitor_serve(w->monitor);
	monitor_document(w->monitor, &funnel_sink, crew->own, w->tail, false);
	patrol_tick(w->patrol, crew);
	if (mono_now().ns - w->reported.ns >= (nsec)REPORT_SECONDS * NS_PER_S)
		say(w);
}

static bool watching_open(struct watching *w, const struct settings *settings, struct crew *crew)
{
	struct fault fault;

	w->crew = crew;
	w->begun = w->reported = mono_now();
	clocks_tick(&w->clocks);
	w->tail = settings_tail(settings, NULL);
	w->blind = settings->monitor;
	w->blind.socket = w->blind.listen = "";
	w->monitor = monitor_open(&settings->monitor, take, w, &fault);
	if (w->monitor != NULL)
		return true;
	/* Who asked for an endpoint shall have it; the socket is only offered. */
	if (settings->monitor.listen[0] != 0) {
		log_error("%s", fault.text);
		free(w->tail);
		return false;
	}
	if (!w->quiet)
		log_warning("%s; `wirespan stats` will not find this process", fault.text);
	w->monitor = monitor_open(&w->blind, take, w, &fault);
	return true;
}

static void watching_close(struct watching *w)
{
	monitor_close(w->monitor);
	free(w->tail);
}

static void devices_changed(void *self, struct crew *crew)
{
	struct watching *w = self;

	patrol_look(w->patrol, crew);
}

static void ended(void *self, struct crew *crew, const struct member *member)
{
	struct watching *w = self;

	patrol_ended(w->patrol, crew, member);
}

/* Devices come and go: none that went away is a failure. */
static void watch_all(struct watching *w, struct crew *crew)
{
	struct chores chores = {.self = w,
				.tick = tick,
				.tick_ms = TICK_MS,
				.errands = {{monitor_descriptor(w->monitor), ready},
					    {patrol_descriptor(w->patrol), devices_changed}},
				.ended = ended,
				.hup = hup,
				.usr1 = print_counters};

	service_ready(w->service);
	(void)crew_run(crew, &chores);
	service_stopping(w->service, crew->deliver_limit);
	monitor_document(w->monitor, &funnel_sink, crew->own, w->tail, true);
}

static enum exit_code watch(const struct live *live, const struct settings *settings,
			    struct crew *crew, struct patrol *patrol, struct service *service,
			    struct reload *reload)
{
	struct watching w = {
		.quiet = live->quiet, .patrol = patrol, .service = service, .reload = reload};
	struct publish_stats stats = {0};
	struct fault fault = {0};
	bool gone, well;

	crew->stays = true;
	patrol_begin(patrol, crew);
	well = watching_open(&w, settings, crew);
	if (well) {
		well = rights_seal();
		if (well)
			watch_all(&w, crew);
		watching_close(&w);
	}
	if (!crew_deliver(crew, &stats, &gone, &fault)) {
		well = false;
		log_error("%s", fault.text);
	}
	log_settle(true);
	if (!live->quiet && !gone)
		summary_print(crew, &stats, stderr);
	crew_close(crew);
	return well ? EXIT_WELL : EXIT_FAILED;
}

static enum exit_code go_on(struct live *live, struct settings *settings, struct patrol *patrol,
			    struct service *service)
{
	struct crew *crew = must_alloc(sizeof(*crew));
	enum exit_code code = EXIT_FAILED;
	struct reload reload = {.configure = &live->configure,
				.output_stays = target_given(&live->target),
				.ports = ports_changed,
				.self = patrol};
	struct fault fault;

	settings->engine.home = home_open(&settings->home, &fault);
	if (settings->engine.home == NULL)
		log_warning("%s", fault.text); /* documents say less */
	reload_open(&reload, settings);
	if (crew_open(crew, settings, CREW_MAX, &fault))
		code = watch(live, settings, crew, patrol, service, &reload);
	else
		log_error("%s", fault.text);
	reload_close(&reload);
	free(crew);
	return code;
}

static enum exit_code go(struct live *live, const struct settings *settings,
			 struct service *service)
{
	struct texts given = {live->devices, live->devices_count};
	const struct texts *devices = given.count > 0 ? &given : &settings->capture.devices;
	enum exit_code code = EXIT_FAILED;
	struct settings own = *settings;
	struct patrol *patrol;
	struct fault fault;

	if (devices->count == 0) {
		log_error("no device to watch: set capture.devices or give -i NAME; "
			  "`wirespan devices` lists them");
		return EXIT_USAGE;
	}
	patrol = must_alloc(sizeof(*patrol));
	live->rights.config = live->configure.path;
	live->rights.pid_file = live->pid_file;
	if (!rights_begin(&live->rights, &own)) {
		free(patrol);
		return EXIT_FAILED;
	}
	if (!patrol_open(patrol, &own, devices, live->bpf, live->quiet, &fault)) {
		log_error("%s", fault.text);
		finder_close(own.home.finder);
	} else if (!rights_drop(&live->rights, &own, live->quiet)) {
		patrol_close(patrol);
		finder_close(own.home.finder);
	} else {
		code = go_on(live, &own, patrol, service);
		patrol_close(patrol);
		home_close(own.engine.home);
	}
	free(patrol);
	return code;
}

/* ---- The command line ---- */

static bool device_add(struct live *live, const char *name)
{
	for (size_t i = 0; i < live->devices_count; i++)
		if (strcmp(live->devices[i], name) == 0)
			return true;
	if (live->devices_count == LOOKOUT_MAX) {
		log_error("more than %d devices; any stands for all", LOOKOUT_MAX);
		return false;
	}
	/* An argument, which the program may write to, and does not. */
	live->devices[live->devices_count++] = (char *)(uintptr_t)name;
	return true;
}

static bool flag_take(struct live *live, int id, const char *value)
{
	switch (id) {
	case 'i':
		return device_add(live, value);
	case 'o':
		live->target.path = value;
		return true;
	case 'q':
		live->quiet = live->configure.quiet = true;
		return true;
	case FLAG_PRETTY:
		live->target.pretty = true;
		return true;
	case FLAG_TOP:
		live->target.top = true;
		live->target.top_rows = value;
		return true;
	case FLAG_USER:
		live->rights.user = value;
		return true;
	case FLAG_ALLOW_ROOT:
		live->rights.allow_root = true;
		return true;
	case FLAG_BPF:
		live->bpf = value;
		return configure_filter(value);
	case FLAG_PID_FILE:
		live->pid_file = value;
		return true;
	default:
		return configure_flag(&live->configure, id, value);
	}
}

static enum exit_code serve(struct live *live, const struct settings *settings)
{
	struct service service;
	enum exit_code code;
	struct fault fault;

	if (!service_open(&service, live->pid_file, &fault)) {
		log_error("%s", fault.text);
		return EXIT_FAILED;
	}
	code = go(live, settings, &service);
	service_close(&service);
	return code;
}

static enum exit_code run(struct arguments *a)
{
	struct live live = {0};
	struct settings settings;
	enum exit_code code = EXIT_USAGE;
	int got;

	while ((got = arguments_next(a)) >= 0)
		if (!flag_take(&live, got, a->value))
			return EXIT_USAGE;
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes options only (capture files: wirespan replay)");
	if (live.configure.path == NULL && access(CONFIGURE_PATH, F_OK) == 0)
		live.configure.path = CONFIGURE_PATH;
	configure_keep(&live.configure);
	if (!configure_load(&live.configure, &settings)) {
		configure_fini(&live.configure);
		return EXIT_USAGE;
	}
	log_limit((unsigned)settings.log.limit, settings.log.limit_span);
	if (configure_filter(settings.capture.filter) && target_set(&live.target, &settings))
		code = serve(&live, &settings);
	settings_free(&settings);
	configure_fini(&live.configure);
	return code;
}

const struct command command_run = {
	.name = "run",
	.arguments = "",
	.help = "Watch devices and write documents until it is told to end.",
	.more = "Examples:\n"
		"  wirespan run -i eth0\n"
		"  wirespan run -c wirespan.yml -E output.file.filename=http.json\n",
	.flags = flags,
	.run = run,
};
