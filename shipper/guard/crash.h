/*
 * What is left of a crash, for a report: which signal, where and in which thread, a backtrace, each
 * worker's counters and, where that is allowed, the bytes of the packet in hand. Then the signal
 * has its ordinary effect, so that whoever waits for the process sees what it was.
 *
 *   kernel ─ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT ─► handler, on a stack of its own
 *                       step by step: head, program, registers, counters, backtrace, packets
 *                       a step that crashes itself is left out, and the next one follows
 *
 * A worker says once where its counters are and where the frame in hand lies; a packet costs
 * nothing.
 *
 * Source   signal-safety(7), sigaltstack(2)
 * Owns     the report's file, from crash_open until the process ends; a stack a thread
 * Borrows  struct crash_worker, between crash_add and crash_remove
 * Thread   crash_watch and crash_open on the main thread while it is the only one, the rest on
 *          the thread that it is for
 */
#ifndef WIRESPAN_GUARD_CRASH_H
#define WIRESPAN_GUARD_CRASH_H

#include "shipper/base/bytes.h"
#include "shipper/base/counter.h"
#include "shipper/base/fault.h"
#include "shipper/base/option.h"

struct crash_conf {
	char *file;  /* a report is appended to it; "": to standard error */
	bool packet; /* with the bytes of packets */
};

extern const struct option crash_options[];

/* What a worker works on; read when the process is about to end, and at no other time. */
struct crash_worker {
	const struct counters *counters;
	const struct bytes *packet; /* the latest that it took */
	const int *link;	    /* LINKTYPE_ of that */
};

/* Reports go to standard error from here on. */
void crash_watch(void);
/* And then where the conf says; once all that is to be dropped is dropped. */
bool crash_open(const struct crash_conf *conf, struct fault *fault);

/* A stack for the calling thread's handler, which goes with the thread. */
void crash_stack(void);

/* For the calling thread. */
void crash_add(const struct crash_worker *worker);
void crash_remove(const struct crash_worker *worker);

#endif
