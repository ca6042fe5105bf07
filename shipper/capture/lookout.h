/*
 * Which devices there are to watch, as they come and go.
 *
 * A list of names says which: a device's, a pattern (veth*, eth[0-9]), "any", and behind a "!" what
 * is left out of the others. "any" alone is one source for all devices; beside a "!" it is the
 * pattern *, each device with a source of its own.
 *
 * Source   rtnetlink(7), fnmatch(3), netdevice(7)
 * Owns     a netlink socket that hears of changes
 * Borrows  the names
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CAPTURE_LOOKOUT_H
#define WIRESPAN_CAPTURE_LOOKOUT_H

#include "shipper/base/fault.h"
#include "shipper/base/option.h"

#include <net/if.h>

enum { LOOKOUT_MAX = 256 };

struct lookout {
	const struct texts *names;
	int netlink; /* readable when something has changed; -1 where that cannot be had */
};

struct sighting {
	char name[LOOKOUT_MAX][IF_NAMESIZE];
	size_t count;
	size_t more; /* for which there was no room */
};

/* False: names that exclude each other, or nothing but exclusions. */
bool lookout_open(struct lookout *lookout, const struct texts *names, struct fault *fault);
void lookout_close(struct lookout *lookout);

/* What is there and up, and wanted. */
void lookout_look(const struct lookout *lookout, struct sighting *seen);

/* Whether a name among those wanted is a device's own: it is missed when it is not there. */
bool lookout_is_plain(const char *name);

/* Whether it is wanted. */
bool lookout_wants(const struct texts *names, const char *device);

/* Reads what netlink has to say. */
void lookout_drain(const struct lookout *lookout);

#endif
