/*
 * One configuration against another: what a running program can take up, and what it cannot.
 *
 * What is not named in the table of change.c takes a restart: devices and rings, the spool, timers
 * and tables that are made once. So a new option is safe until somebody has thought about it.
 *
 * Owns     a list of names, until changes_free
 */
#ifndef WIRESPAN_CONF_CHANGE_H
#define WIRESPAN_CONF_CHANGE_H

#include "shipper/conf/settings.h"

struct changes {
	struct texts taken; /* names of options that differ, and can be taken up */
	struct texts kept;  /* that differ, and take a restart */
	bool output;	    /* some of `taken` are the output's */
	bool ports;	    /* some are what the kernel's filter is made from */
};

/* `start` is what the program was started with: of it all is in force that takes a restart. `now`
 * is in force for the rest, `next` what is asked for. With `output_stays` the output is nobody's
 * to change. */
void changes_find(struct changes *changes, struct settings *start, struct settings *now,
		  struct settings *next, bool output_stays);
void changes_free(struct changes *changes);

/* Names, with commas between; not all of them where there are many. */
void changes_text(const struct texts *names, char *to, size_t size);

/* Whether an option of this dotted name can be taken up. For the manual, too. */
bool change_is_taken(const char *name);

#endif
