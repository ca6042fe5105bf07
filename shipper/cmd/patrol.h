/*
 * The devices that `run` watches: opened at the start and whenever one appears, each by as many
 * rings as there are workers, and given to the crew.
 *
 *   names ─► lookout ─► device_open ─► crew_add ─► workers ─┐
 *                ▲                                          │ the device is gone: they end
 *                └── netlink, and every second ◄────────────┘
 *
 * Owns     taps that the crew does not have yet
 * Borrows  settings, names and filter, for its life
 * Errors   patrol_open fills a fault; later ones are logged, once until the device is watched
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CMD_PATROL_H
#define WIRESPAN_CMD_PATROL_H

#include "shipper/capture/device.h"
#include "shipper/capture/lookout.h"
#include "shipper/cmd/crew.h"

struct watched {
	char name[IF_NAMESIZE];
	struct tap taps[TEAM_MAX];
};

struct patrol {
	const struct settings *settings;
	struct texts names; /* as given, but no numbers */
	const char *filter; /* as given, in place of the configured one; may be NULL */
	struct lookout lookout;
	struct served *served; /* what is asked of the kernel */
	struct share share;
	struct watched *opened; /* not the crew's yet */
	size_t opened_count;
	char faulty[LOOKOUT_MAX][IF_NAMESIZE]; /* it was said of them why they are not watched */
	size_t faulty_count;
	bool again; /* look once more, at the next tick */
	bool quiet;
};

/* Opens what is there. False: nothing of it can be watched, nor anything later. */
bool patrol_open(struct patrol *patrol, const struct settings *settings, const struct texts *names,
		 const char *filter, bool quiet, struct fault *fault);
void patrol_close(struct patrol *patrol);

/* Gives the crew what was opened. */
void patrol_begin(struct patrol *patrol, struct crew *crew);

/* Readable when devices come or go; -1: there is none. And what to do then. */
int patrol_descriptor(const struct patrol *patrol);
void patrol_look(struct patrol *patrol, struct crew *crew);
void patrol_tick(struct patrol *patrol, struct crew *crew);

/* Other ports are to be watched, on all devices. */
void patrol_change(struct patrol *patrol, struct crew *crew, const struct settings *settings);

/* A worker has ended. */
void patrol_ended(struct patrol *patrol, struct crew *crew, const struct member *member);

#endif
