/*
 * Workers on their threads, the publisher, and the main thread that waits for signals.
 *
 *   worker thread ─► funnel ─┐
 *   worker thread ─► funnel ─┴─► publisher thread ─► output
 *   main thread: SIGINT and SIGTERM end in order, SIGHUP reopens the output's file; chores
 *
 * After the first SIGINT or SIGTERM the next one has its ordinary effect: the program is gone at
 * once.
 *
 * Owns     workers and publisher, until crew_close
 * Borrows  settings
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CMD_CREW_H
#define WIRESPAN_CMD_CREW_H

#include <pthread.h>
#include <signal.h>

#include "shipper/worker.h"

enum { CREW_MAX = 64 };

struct member {
	struct worker *worker;
	struct settings settings; /* a shallow copy, with the tail for its device */
	char *tail;
	const char *name; /* the device; NULL for files */
	pthread_t thread;
	struct crew *crew;
	bool well;
	struct fault fault;
};

struct crew {
	struct publisher *publisher;	/* NULL once it has delivered */
	struct publish_stats published; /* then */
	struct funnel *own;		/* for documents of the main thread */
	struct member members[CREW_MAX];
	size_t count;
	bool patient; /* the end waits for the output as long as it takes, if nobody stops it */
	nsec deliver_limit; /* else so long */
	volatile sig_atomic_t stop;
	int ended;   /* eventfd: a member has ended */
	int signals; /* signalfd */
	struct mono begun;
};

/* Takes over the taps, if it succeeds or not; names (devices) may be NULL. Blocks the signals
 * first, so that no thread takes them. */
bool crew_open(struct crew *crew, const struct settings *settings, const struct tap *taps,
	       const char *const *names, size_t count, struct fault *fault);

/* What else the main thread does while workers run. */
struct chores {
	void *self;
	void (*tick)(void *self, struct crew *crew); /* every `tick_ms`; NULL for nothing */
	int tick_ms;
	int descriptor;				      /* to poll, if there is `ready` */
	void (*usr1)(void *self, struct crew *crew);  /* SIGUSR1 came; may be NULL */
	void (*ready)(void *self, struct crew *crew); /* it is readable */
};

/* Runs until all have ended. False: a worker failed, and its member's fault says why. */
bool crew_run(struct crew *crew, const struct chores *chores);

/* Sends what is left, and closes the output. */
bool crew_deliver(struct crew *crew, struct publish_stats *stats, bool *gone, struct fault *fault);
void crew_close(struct crew *crew);

/* All members together: while they run, and when they have ended. */
/* The first without what became of documents. */
void crew_seen(const struct crew *crew, struct glimpse *sum);
void crew_glimpse(const struct crew *crew, struct glimpse *sum);
void crew_totals(const struct crew *crew, struct glimpse *sum);

#endif
