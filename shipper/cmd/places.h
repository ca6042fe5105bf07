/*
 * Which files a running program opens, by its settings: what guard_drop is told.
 */
#ifndef WIRESPAN_CMD_PLACES_H
#define WIRESPAN_CMD_PLACES_H

#include "shipper/conf/settings.h"

/* `config` and `pid_file` are NULL for none. */
void places_of(const struct settings *settings, const char *config, const char *pid_file,
	       struct guard_places *places);

#endif
