/*
 * What `run` does with its rights, in three steps: who it goes on as, and the process that looks up
 * others; devices are opened; the rest is given up.
 *
 * Errors   reported
 */
#ifndef WIRESPAN_CMD_RIGHTS_H
#define WIRESPAN_CMD_RIGHTS_H

#include "shipper/conf/settings.h"

struct rights {
	const char *user; /* --user; NULL: as configured */
	bool allow_root;  /* --allow-root */
	struct guard_user to;
};

/* Before devices are open: the other process would hold them, too. It is the settings' until
 * home_open takes it. */
bool rights_begin(struct rights *rights, struct settings *settings);
/* `config`: the configuration file, NULL for none. */
bool rights_drop(const struct rights *rights, const struct settings *settings, const char *config,
		 bool quiet);
/* Once all is open. */
bool rights_seal(void);

#endif
