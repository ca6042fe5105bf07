/*
 * Workers on their threads, the publisher, and the main thread that waits for signals.
 *
 *   worker thread ─► funnel ─┐
 *   worker thread ─► funnel ─┴─► publisher thread ─► output
 *   main thread: SIGINT and SIGTERM end in order, SIGHUP reopens the output; chores
 *
 * After the first SIGINT or SIGTERM the next one has its ordinary effect: the program is gone at
 * once.
 *
 * Members come and go while it runs: devices do. One that has ended leaves its figures, and its
 * place to the next.
 *
 * Owns     workers and publisher, until crew_close
 * Borrows  settings
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CMD_CREW_H
#define WIRESPAN_CMD_CREW_H

#include <pthread.h>
#include <signal.h>

#include "shipper/base/share.h"
#include "shipper/worker.h"

/* Places, each with a funnel of its own. */
enum { CREW_MAX = 128, ERRANDS_MAX = 2 };

/* What a worker goes by: a shallow copy of the settings, with the tail for its device. */
struct outfit {
	struct settings settings;
	char *tail;
};

struct member {
	struct worker *worker; /* NULL: the place is free */
	struct outfit *outfit;
	struct outfit *next; /* handed to the worker, and perhaps taken already; NULL: none */
	char *name;	     /* the device; NULL for files */
	struct team *team;   /* those who share its device or files; NULL for one alone */
	unsigned place;	     /* among them */
	pthread_t thread;
	struct crew *crew;
	int over; /* atomically: worker_run has returned */
	bool well;
	struct fault fault;
	uint64_t frames; /* once it has ended: how many it read */
};

struct crew {
	const struct settings *settings;
	struct publisher *publisher;	/* NULL once it has delivered */
	struct publish_stats published; /* then */
	struct funnel *own;		/* for documents of the main thread */
	struct member members[CREW_MAX];
	size_t places, count; /* how many may be, how many are */
	struct glimpse past;  /* of members that have ended */
	size_t past_memory;   /* what they held at most, added up */
	bool stays;	      /* runs on without members, until it is told to end */
	bool running;
	bool patient; /* the end waits for the output as long as it takes, if nobody stops it */
	nsec deliver_limit; /* else so long */
	volatile sig_atomic_t stop;
	int ended;   /* eventfd: a member has ended */
	int signals; /* signalfd */
	struct mono begun;
};

/* Blocks the signals first, so that no thread takes them. `places`: how many members there may be
 * at a time, up to CREW_MAX. */
bool crew_open(struct crew *crew, const struct settings *settings, size_t places,
	       struct fault *fault);

/* A worker for each tap, before crew_run or while it runs; those of one call divide the
 * conversations among them as `share` says. Takes over the taps, if it succeeds or not; name NULL
 * for files. */
bool crew_add(struct crew *crew, const struct tap *taps, size_t count, const char *name,
	      const struct share *share, struct fault *fault);

/* Has all members go on by these settings, also those that are added later. Not again before
 * crew_changing says no; until then the settings before are in use. */
void crew_change(struct crew *crew, const struct settings *settings);
/* Has all sources go on by this conf of their kind, which is used until return. */
void crew_change_sources(struct crew *crew, const void *conf);
/* Has all teams divide conversations anew; then crew_change, before this is called again. */
void crew_change_shares(struct crew *crew, const struct share *share);
bool crew_changing(struct crew *crew);

/* For taps that were not added. */
void taps_close(const struct tap *taps, size_t count);

/* Whether somebody works on it. */
bool crew_has(const struct crew *crew, const char *name);

/* A descriptor to poll, and what to do once it is readable. */
struct errand {
	int descriptor;
	void (*ready)(void *self, struct crew *crew); /* NULL: no errand */
};

/* What else the main thread does while workers run; each may be NULL. */
struct chores {
	void *self;
	void (*tick)(void *self, struct crew *crew); /* every `tick_ms` */
	int tick_ms;
	struct errand errands[ERRANDS_MAX];
	void (*usr1)(void *self, struct crew *crew); /* SIGUSR1 came */
	/* SIGHUP came, and the output is reopened. */
	void (*hup)(void *self, struct crew *crew);
	/* This one has ended and is forgotten next; crew_has no longer counts it. */
	void (*ended)(void *self, struct crew *crew, const struct member *member);
};

/* Runs until all have ended, or, where the crew stays, until it is told to end and they have.
 * False: a worker failed, and `ended` was told why. */
bool crew_run(struct crew *crew, const struct chores *chores);

/* Sends what is left, and closes the output. */
bool crew_deliver(struct crew *crew, struct publish_stats *stats, bool *gone, struct fault *fault);
void crew_close(struct crew *crew);

/* All members together, those that have ended included; the first without what became of
 * documents. */
void crew_seen(const struct crew *crew, struct glimpse *sum);
void crew_glimpse(const struct crew *crew, struct glimpse *sum);

#endif
