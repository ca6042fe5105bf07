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
	const char *user;	       /* --user; NULL: as configured */
	bool allow_root;	       /* --allow-root */
	const char *config, *pid_file; /* which are opened again, or removed; NULL: none */
	struct guard_user to;
};

/* Before devices are open: the other process would hold them, too. It is the settings' until
 * home_open takes it. */
bool rights_begin(struct rights *rights, struct settings *settings);
/* From here on a crash leaves its report where the settings say. */
bool rights_drop(const struct rights *rights, const struct settings *settings, bool quiet);
/* Once all is open. */
bool rights_seal(void);

#endif
