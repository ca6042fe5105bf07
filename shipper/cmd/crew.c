#include "shipper/cmd/crew.h"
#include "shipper/base/must.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* ---- Signals ---- */

static void signals_block(struct crew *crew)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	crew->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	crew->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(crew->signals >= 0 && crew->ended >= 0);
}

/* From here on they have their ordinary effect. */
static void signals_release(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void signals_take(struct crew *crew, const struct chores *chores)
{
	struct signalfd_siginfo info;

	while (read(crew->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			publisher_reopen(crew->publisher);
		} else if (info.ssi_signo == SIGUSR1) {
			if (chores->usr1 != NULL)
				chores->usr1(chores->self, crew);
		} else {
			__atomic_store_n(&crew->stop, 1, __ATOMIC_RELAXED);
			signals_release();
		}
	}
}

/* ---- Members ---- */

static void *member_run(void *self)
{
	struct member *member = self;
	uint64_t one = 1;

	pthread_setname_np(pthread_self(), "worker");
	member->well = worker_run(member->worker, &member->crew->stop, &member->fault);
	while (write(member->crew->ended, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static void member_add(struct crew *crew, const struct settings *settings, struct tap tap,
		       const char *name, size_t memory)
{
	struct member *member = &crew->members[crew->count];
	struct funnel *funnel = publisher_funnel(crew->publisher, (unsigned)crew->count);

	*member = (struct member){.settings = *settings, .crew = crew, .name = name};
	/* any is no device that a document could name. */
	member->tail =
		settings_tail(settings, name != NULL && strcmp(name, "any") != 0 ? name : NULL);
	member->settings.engine.tail = bytes_str(member->tail);
	member->worker = worker_new(&member->settings, tap, &funnel_sink, funnel, memory);
	crew->count++;
}

bool crew_open(struct crew *crew, const struct settings *settings, const struct tap *taps,
	       const char *const *names, size_t count, struct fault *fault)
{
	struct publish_conf publish = settings->publish;

	must(count > 0 && count <= CREW_MAX);
	*crew = (struct crew){.signals = -1, .ended = -1};
	publish.stop = &crew->stop;
	crew->patient = publish.wait;
	crew->deliver_limit = publish.shutdown_timeout;
	signals_block(crew);
	crew->publisher = publisher_open(&publish, settings->output, settings->output_conf,
					 (unsigned)count + 1, fault);
	if (crew->publisher == NULL) {
		for (size_t i = 0; i < count; i++)
			taps[i].source->close(taps[i].self);
		return false;
	}
	crew->own = publisher_funnel(crew->publisher, (unsigned)count);
	for (size_t i = 0; i < count; i++)
		member_add(crew, settings, taps[i], names != NULL ? names[i] : NULL,
			   (size_t)settings->memory_max / count);
	return true;
}

/* How long to wait for something to happen; -1 for ever. */
static int wait_ms(const struct chores *chores, struct mono due)
{
	int64_t left = due.ns - mono_now().ns;

	if (chores->tick == NULL)
		return -1;
	return left > 0 ? (int)(left / NS_PER_MS) + 1 : 0;
}

static void members_start(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		must(pthread_create(&crew->members[i].thread, NULL, member_run,
				    &crew->members[i]) == 0);
}

bool crew_run(struct crew *crew, const struct chores *chores)
{
	struct pollfd fds[] = {{.fd = crew->signals, .events = POLLIN},
			       {.fd = crew->ended, .events = POLLIN},
			       {.fd = chores->ready ? chores->descriptor : -1, .events = POLLIN}};
	nsec every = (nsec)chores->tick_ms * NS_PER_MS;
	struct mono due = {mono_now().ns + every};
	uint64_t ended = 0, more;
	bool well = true;

	crew->begun = mono_now();
	members_start(crew);
	while (ended < crew->count) {
		int n = poll(fds, 3, wait_ms(chores, due));

		if (n > 0 && fds[0].revents != 0)
			signals_take(crew, chores);
		if (n > 0 && fds[1].revents != 0 &&
		    read(crew->ended, &more, sizeof(more)) == (ssize_t)sizeof(more))
			ended += more;
		if (n > 0 && fds[2].revents != 0)
			chores->ready(chores->self, crew);
		if (chores->tick != NULL && mono_now().ns >= due.ns) {
			chores->tick(chores->self, crew);
			due.ns = mono_now().ns + every;
		}
	}
	for (size_t i = 0; i < crew->count; i++) {
		pthread_join(crew->members[i].thread, NULL);
		well = well && crew->members[i].well;
	}
	return well;
}

/* Once no packet is read any more: the first signal ends the waiting for the output, a second one
 * the program. */
static void *deliver_watch(void *self)
{
	struct crew *crew = self;
	struct pollfd fds[] = {{.fd = crew->signals, .events = POLLIN},
			       {.fd = crew->ended, .events = POLLIN}};
	struct signalfd_siginfo info;

	while (poll(fds, 2, -1) < 0 || fds[1].revents == 0)
		while (read(crew->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			if (info.ssi_signo != SIGHUP) {
				__atomic_store_n(&crew->stop, 1, __ATOMIC_RELAXED);
				signals_release();
			}
	return NULL;
}

bool crew_deliver(struct crew *crew, struct publish_stats *stats, bool *gone, struct fault *fault)
{
	bool stopped = __atomic_load_n(&crew->stop, __ATOMIC_RELAXED), well;
	nsec limit = crew->patient && !stopped ? INT64_MAX : crew->deliver_limit;
	uint64_t one = 1;
	pthread_t watch;

	must(pthread_create(&watch, NULL, deliver_watch, crew) == 0);
	*gone = publisher_gone(crew->publisher);
	well = publisher_close(crew->publisher, limit, stats, fault);
	must(write(crew->ended, &one, sizeof(one)) == (ssize_t)sizeof(one));
	must(pthread_join(watch, NULL) == 0);
	crew->published = *stats;
	*gone = *gone || (well && stats->abandoned > 0);
	crew->publisher = NULL;
	return well;
}

void crew_close(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++) {
		worker_free(crew->members[i].worker);
		free(crew->members[i].tail);
	}
	close(crew->signals);
	close(crew->ended);
}

static void published_add(const struct crew *crew, struct counters *sum)
{
	struct publish_stats stats = crew->published;

	if (crew->publisher != NULL)
		publisher_stats(crew->publisher, &stats);
	publish_count(&stats, sum);
}

static void source_add(struct source_stats *sum, const struct source_stats *more)
{
	sum->received += more->received;
	sum->dropped_kernel += more->dropped_kernel;
	sum->dropped_interface += more->dropped_interface;
	sum->done += more->done;
	sum->size += more->size;
}

void crew_seen(const struct crew *crew, struct glimpse *sum)
{
	*sum = (struct glimpse){0};
	for (size_t i = 0; i < crew->count; i++) {
		struct glimpse one;

		worker_glimpse(crew->members[i].worker, &one);
		counters_add(&sum->counters, &one.counters);
		source_add(&sum->source, &one.source);
		for (size_t k = 0; k < sizeof(one.exchanges) / sizeof(uint64_t); k++)
			(&sum->exchanges[0][0])[k] += (&one.exchanges[0][0])[k];
	}
}

void crew_glimpse(const struct crew *crew, struct glimpse *sum)
{
	crew_seen(crew, sum);
	published_add(crew, &sum->counters);
}

void crew_totals(const struct crew *crew, struct glimpse *sum)
{
	*sum = (struct glimpse){0};
	for (size_t i = 0; i < crew->count; i++) {
		struct source_stats one;

		worker_source_stats(crew->members[i].worker, &one);
		source_add(&sum->source, &one);
		counters_add(&sum->counters, worker_counters(crew->members[i].worker));
	}
	published_add(crew, &sum->counters);
}
