/*
 * The configuration read anew while the program runs (SIGHUP): all or nothing.
 *
 *   file ─► faults? ─yes─► told, with their places; nothing changes
 *             │ no
 *   against what is in force ─► what takes a restart is named
 *             │
 *   output opened anew, if its options differ ─fails─► told; nothing changes
 *             │
 *   each worker goes on by the new settings, between two packets; then the old ones are freed
 *
 * Owns     the settings that are in force after the first change, and those on their way out
 * Borrows  the settings of the start, which stay in force for what takes a restart
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CMD_RELOAD_H
#define WIRESPAN_CMD_RELOAD_H

#include "shipper/cmd/configure.h"
#include "shipper/cmd/crew.h"

struct reload {
	const struct configure *configure;
	bool output_stays; /* the command line has chosen it */
	/* What the kernel is asked for has changed. May be NULL. */
	void (*ports)(void *self, struct crew *crew, const struct settings *settings);
	void *self;
	struct settings *start, *now; /* the same until something has changed */
	struct settings *before;      /* in use here and there, while a change is under way */
	bool asked;		      /* again, meanwhile */
};

void reload_open(struct reload *reload, struct settings *start);
/* Once no worker runs and the output is closed. */
void reload_close(struct reload *reload);

/* SIGHUP came. True: other settings are in force. */
bool reload_begin(struct reload *reload, struct crew *crew);
/* Now and then: frees what is not in use any more, and begins a change that was put off. True:
 * other settings are in force. */
bool reload_tick(struct reload *reload, struct crew *crew);

#endif
