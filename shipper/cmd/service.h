/*
 * The program as a service: what systemd is told while it runs, and its pid file.
 *
 * The watchdog is fed only when every worker has gone round its loop since it was fed last. A
 * worker that hangs, in a parser or in a call, is therefore the end of the process, by SIGABRT, and
 * systemd starts it anew; one that merely has nothing to do goes round ten times a second.
 *
 * Owns     the notification socket, the pid file
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CMD_SERVICE_H
#define WIRESPAN_CMD_SERVICE_H

#include "shipper/base/notify.h"
#include "shipper/cmd/crew.h"

struct service {
	struct notify notify;
	const char *pid_path; /* NULL: none */
	int pid_file;
	uint64_t beats[CREW_MAX];    /* of each worker, when it was last seen to move */
	struct mono moved[CREW_MAX]; /* that was then */
	bool late[CREW_MAX];	     /* said that it does not move */
	struct mono told;	     /* the status */
	uint64_t packets, documents; /* as of then */
};

/* pid_path may be NULL. False: another process has it, or it cannot be written. */
bool service_open(struct service *service, const char *pid_path, struct fault *fault);
void service_close(struct service *service);

void service_ready(struct service *service);
/* Every second or so. */
void service_tick(struct service *service, const struct crew *crew);
/* The end has begun, and takes `limit` at most. */
void service_stopping(struct service *service, nsec limit);

#endif
