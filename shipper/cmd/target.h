/*
 * Where documents go when the command line says so, in place of the configuration's output.
 */
#ifndef WIRESPAN_CMD_TARGET_H
#define WIRESPAN_CMD_TARGET_H

#include "shipper/conf/settings.h"

struct target {
	const char *path;     /* -o; NULL when not given, - for standard output */
	bool pretty;	      /* --pretty */
	bool top;	      /* --top */
	const char *top_rows; /* its number; NULL when not given */
	bool calls;	      /* --calls */
	const char *flow;     /* --flow; NULL when not given */
};

/* Nothing is printed before the end. */
bool target_waits(const struct target *target);

/* Documents go into this ledger; to write its page is the caller's. */
struct ledger;
void target_ledger(struct settings *settings, struct ledger *ledger);
/* The file that -o names; NULL: documents go to standard output, or where the settings say. */
const char *target_file(const struct target *target);
/* The command line says where documents go. */
bool target_given(const struct target *target);

/* False: reported. */
bool target_set(const struct target *target, struct settings *settings);

#endif
