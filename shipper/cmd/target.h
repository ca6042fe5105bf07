/*
 * Where documents go when the command line says so, in place of the configuration's output.
 */
#ifndef WIRESPAN_CMD_TARGET_H
#define WIRESPAN_CMD_TARGET_H

#include "shipper/conf/settings.h"

struct target {
	const char *path;     /* -o; NULL when not given */
	bool pretty;	      /* --pretty */
	bool top;	      /* --top */
	const char *top_rows; /* its number; NULL when not given */
};

/* False: reported. */
bool target_set(const struct target *target, struct settings *settings);

#endif
