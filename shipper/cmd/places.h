/*
 * Which files a running program opens, by its settings: what guard_drop is told.
 */
#ifndef WIRESPAN_CMD_PLACES_H
#define WIRESPAN_CMD_PLACES_H

#include "shipper/conf/settings.h"

/* `config`: the configuration file, NULL for none. */
void places_of(const struct settings *settings, const char *config, struct guard_places *places);

#endif
