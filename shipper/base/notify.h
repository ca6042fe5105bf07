/*
 * What a service tells systemd: that it is ready, reads its configuration anew, ends, what it is
 * doing, and that it is alive. Without NOTIFY_SOCKET nothing is said.
 *
 * Source   sd_notify(3), "Standalone Implementations", and sd_watchdog_enabled(3)
 * Errors   none: a service does not fail because nobody listens
 * Thread   the main thread's
 */
#ifndef WIRESPAN_BASE_NOTIFY_H
#define WIRESPAN_BASE_NOTIFY_H

#include <stdbool.h>

#include "shipper/base/time.h"

struct notify {
	int socket;    /* -1: nobody asked */
	nsec watchdog; /* an ALIVE is expected within this; 0 for none */
};

/* Takes the variables out of the environment: they are not for what this process starts. */
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);

void notify_ready(struct notify *notify, const char *status);
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify);
void notify_status(struct notify *notify, const char *status);
void notify_alive(struct notify *notify);
/* It will take longer: so much more time before systemd gives up on starting or ending. */
void notify_extend(struct notify *notify, nsec more);

#endif
