#include "shipper/cmd/crew.h"
#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/base/processors.h"
#include "shipper/guard/guard.h"
#include "shipper/team.h"

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
			if (chores->hup != NULL)
				chores->hup(chores->self, crew);
			else
				log_warning("SIGHUP: the configuration is read only at the start");
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

	guard_enter(GUARD_WORKER);
	member->well = worker_run(member->worker, &member->crew->stop, &member->fault);
	__atomic_store_n(&member->over, 1, __ATOMIC_RELEASE);
	while (write(member->crew->ended, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static void member_start(struct member *member)
{
	must(pthread_create(&member->thread, NULL, member_run, member) == 0);
	/* Where it is refused the thread runs on, only elsewhere. */
	if (member->outfit->settings.pin_workers)
		(void)processors_pin(member->thread, member->place);
}

/* The limit is the process's: all have the same share of it. */
static void divide_memory(struct crew *crew)
{
	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].worker != NULL)
			worker_limit(crew->members[i].worker,
				     (size_t)crew->settings->memory_max / crew->count);
}

static struct member *free_place(struct crew *crew)
{
	struct member *member = crew->members;

	while (member->worker != NULL)
		member++;
	return member;
}

static struct outfit *outfit_new(const struct settings *settings, const char *name)
{
	struct outfit *outfit = must_alloc(sizeof(*outfit));
	/* any is no device that a document could name. */
	bool named = name != NULL && strcmp(name, "any") != 0;

	outfit->settings = *settings;
	outfit->tail = settings_tail(settings, named ? name : NULL);
	outfit->settings.engine.tail = bytes_str(outfit->tail);
	return outfit;
}

static void outfit_free(struct outfit *outfit)
{
	if (outfit != NULL)
		free(outfit->tail);
	free(outfit);
}

void crew_change(struct crew *crew, const struct settings *settings)
{
	crew->settings = settings;
	crew->deliver_limit = settings->publish.shutdown_timeout;
	for (size_t i = 0; i < crew->places; i++) {
		struct member *member = &crew->members[i];

		if (member->worker == NULL)
			continue;
		member->next = outfit_new(settings, member->name);
		worker_change(member->worker, &member->next->settings);
	}
	divide_memory(crew);
}

void crew_change_sources(struct crew *crew, const void *conf)
{
	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].worker != NULL)
			worker_change_source(crew->members[i].worker, conf);
}

void crew_change_shares(struct crew *crew, const struct share *share)
{
	/* A team whose first member has ended is ending. */
	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].team != NULL && crew->members[i].place == 0)
			team_change(crew->members[i].team, share);
}

bool crew_changing(struct crew *crew)
{
	bool changing = crew->publisher != NULL && publisher_changing(crew->publisher);

	for (size_t i = 0; i < crew->places; i++) {
		struct member *member = &crew->members[i];

		if (member->next == NULL)
			continue;
		if (worker_settings(member->worker) != &member->next->settings) {
			changing = true;
			continue;
		}
		outfit_free(member->outfit);
		member->outfit = member->next;
		member->next = NULL;
	}
	return changing;
}

static struct member *member_new(struct crew *crew, struct tap tap, const char *name)
{
	struct member *member = free_place(crew);
	struct funnel *funnel =
		publisher_funnel(crew->publisher, (unsigned)(member - crew->members));

	*member = (struct member){.crew = crew};
	member->name = name != NULL ? must_strdup(name) : NULL;
	member->outfit = outfit_new(crew->settings, name);
	member->worker = worker_new(&member->outfit->settings, tap, &funnel_sink, funnel,
				    (size_t)crew->settings->memory_max);
	crew->count++;
	return member;
}

/* The team goes with the last of its members. The place is free from here on; what is returned
 * keeps its name, to be freed. */
static struct member member_free(struct crew *crew, struct member *member)
{
	struct member gone = *member;

	*member = (struct member){0};
	crew->count--;
	worker_free(gone.worker);
	outfit_free(gone.outfit);
	outfit_free(gone.next);
	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].team == gone.team)
			gone.team = NULL;
	team_free(gone.team);
	return gone;
}

static void member_retire(struct crew *crew, struct member *member, const struct chores *chores)
{
	struct member gone;
	struct glimpse all;

	must(pthread_join(member->thread, NULL) == 0);
	worker_totals(member->worker, &all);
	glimpse_add(&crew->past, &all);
	crew->past_memory += worker_memory_most(member->worker);
	member->frames = all.counters.at[COUNT_FRAMES_RECEIVED];
	gone = member_free(crew, member);
	if (chores->ended != NULL)
		chores->ended(chores->self, crew, &gone);
	free(gone.name);
}

/* False: one of them had failed. */
static bool retire(struct crew *crew, const struct chores *chores)
{
	bool well = true;

	for (size_t i = 0; i < crew->places; i++) {
		struct member *member = &crew->members[i];

		if (member->worker == NULL || !__atomic_load_n(&member->over, __ATOMIC_ACQUIRE))
			continue;
		well = well && member->well;
		member_retire(crew, member, chores);
	}
	/* At the end all go, and what one leaves is not for the last. */
	if (crew->count > 0 && crew->stays && !__atomic_load_n(&crew->stop, __ATOMIC_RELAXED))
		divide_memory(crew);
	return well;
}

void taps_close(const struct tap *taps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		taps[i].source->close(taps[i].self);
}

bool crew_open(struct crew *crew, const struct settings *settings, size_t places,
	       struct fault *fault)
{
	struct publish_conf publish = settings->publish;

	must(places > 0 && places <= CREW_MAX);
	*crew = (struct crew){.settings = settings, .places = places, .signals = -1, .ended = -1};
	publish.stop = &crew->stop;
	crew->patient = publish.wait;
	crew->deliver_limit = publish.shutdown_timeout;
	signals_block(crew);
	crew->publisher = publisher_open(&publish, settings->output, settings->output_conf,
					 (unsigned)places + 1, fault);
	if (crew->publisher == NULL) {
		close(crew->signals);
		close(crew->ended);
		return false;
	}
	crew->own = publisher_funnel(crew->publisher, (unsigned)places);
	return true;
}

bool crew_add(struct crew *crew, const struct tap *taps, size_t count, const char *name,
	      const struct share *share, struct fault *fault)
{
	struct team *team = NULL;
	struct member *made[TEAM_MAX];

	must(count > 0 && count <= TEAM_MAX && (count == 1 || share->count == count));
	if (crew->count + count > crew->places) {
		taps_close(taps, count);
		return fault_set(fault, "%.64s is not watched: there are %zu workers already",
				 name != NULL ? name : "a file", crew->count);
	}
	if (count > 1)
		team = team_new(share, name == NULL);
	for (size_t i = 0; i < count; i++) {
		made[i] = member_new(crew, taps[i], name);
		made[i]->team = team;
		made[i]->place = (unsigned)i;
		if (team != NULL)
			worker_join(made[i]->worker, team, (unsigned)i);
	}
	divide_memory(crew);
	for (size_t i = 0; i < count && crew->running; i++)
		member_start(made[i]);
	return true;
}

bool crew_has(const struct crew *crew, const char *name)
{
	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].worker != NULL && strcmp(crew->members[i].name, name) == 0)
			return true;
	return false;
}

/* ---- Running ---- */

/* How long to wait for something to happen; -1 for ever. */
static int wait_ms(const struct chores *chores, struct mono due)
{
	int64_t left = due.ns - mono_now().ns;

	if (chores->tick == NULL)
		return -1;
	return left > 0 ? (int)(left / NS_PER_MS) + 1 : 0;
}

static bool goes_on(const struct crew *crew)
{
	return crew->count > 0 || (crew->stays && !__atomic_load_n(&crew->stop, __ATOMIC_RELAXED));
}

/* Waits, and does what there is to do. False: a member had failed. */
static bool turn(struct crew *crew, const struct chores *chores, struct mono due)
{
	struct pollfd fds[2 + ERRANDS_MAX] = {{.fd = crew->signals, .events = POLLIN},
					      {.fd = crew->ended, .events = POLLIN}};
	const struct errand *errands = chores->errands;
	bool well = true;
	uint64_t ended;

	for (size_t i = 0; i < ERRANDS_MAX; i++)
		fds[2 + i] = (struct pollfd){.fd = errands[i].ready ? errands[i].descriptor : -1,
					     .events = POLLIN};
	if (poll(fds, 2 + ERRANDS_MAX, wait_ms(chores, due)) <= 0)
		return true;
	if (fds[0].revents != 0)
		signals_take(crew, chores);
	if (fds[1].revents != 0 &&
	    read(crew->ended, &ended, sizeof(ended)) == (ssize_t)sizeof(ended))
		well = retire(crew, chores);
	for (size_t i = 0; i < ERRANDS_MAX; i++)
		if (fds[2 + i].revents != 0)
			errands[i].ready(chores->self, crew);
	return well;
}

bool crew_run(struct crew *crew, const struct chores *chores)
{
	nsec every = (nsec)chores->tick_ms * NS_PER_MS;
	struct mono due = {mono_now().ns + every};
	bool well = true;

	crew->begun = mono_now();
	crew->running = true;
	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].worker != NULL)
			member_start(&crew->members[i]);
	while (goes_on(crew)) {
		well &= turn(crew, chores, due);
		if (chores->tick != NULL && mono_now().ns >= due.ns) {
			chores->tick(chores->self, crew);
			due.ns = mono_now().ns + every;
		}
	}
	crew->running = false;
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

	guard_enter(GUARD_MAIN);
	while (poll(fds, 2, -1) < 0 || fds[1].revents == 0)
		while (read(crew->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			if (info.ssi_signo == SIGHUP) {
				log_warning("SIGHUP: the configuration is read no more: the last "
					    "documents are on their way");
			} else {
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
	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].worker != NULL)
			free(member_free(crew, &crew->members[i]).name);
	close(crew->signals);
	close(crew->ended);
}

/* ---- Figures ---- */

void crew_seen(const struct crew *crew, struct glimpse *sum)
{
	*sum = crew->past;
	for (size_t i = 0; i < crew->places; i++) {
		struct glimpse one;

		if (crew->members[i].worker == NULL)
			continue;
		worker_glimpse(crew->members[i].worker, &one);
		glimpse_add(sum, &one);
	}
}

void crew_glimpse(const struct crew *crew, struct glimpse *sum)
{
	struct publish_stats stats = crew->published;

	crew_seen(crew, sum);
	if (crew->publisher != NULL)
		publisher_stats(crew->publisher, &stats);
	publish_count(&stats, &sum->counters);
}
