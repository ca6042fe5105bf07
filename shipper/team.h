/*
 * Workers that divide conversations among them, and the mail between them.
 *
 * Live, the kernel gives each worker the frames of its conversations. What it cannot tell (a
 * fragment, headers that its program does not know) comes to some worker of the team; the one that
 * decodes it hands the packet to the one whose it is. That is rare, takes a lock and a copy, and
 * may arrive somewhat late: within flow.gap_timeout it is put in order like any other segment.
 *
 *   ring ─► worker 0 ─ decode ─┬─► its own flows
 *                              └─► mail ─► worker 1's flows
 *
 * For files every worker reads every frame, and leaves to the others what is theirs: no mail.
 *
 * Owns     mail that was not taken
 * Thread   team_new and team_free before and after all others; the rest on any worker's
 */
#ifndef WIRESPAN_TEAM_H
#define WIRESPAN_TEAM_H

#include "shipper/base/share.h"
#include "shipper/conf/settings.h"
#include "shipper/decode/packet.h"

/* What waits for one worker, in bytes; what comes beyond is dropped and counted. */
enum { MAIL_BYTES_MAX = 4 << 20 };

struct letter {
	struct letter *next;
	struct packet packet; /* its payload stands behind it */
};

struct team;

/* How many workers the settings ask for. */
unsigned team_size(const struct settings *settings);

/* How so many workers divide what the settings have them watch; borrows the settings. */
void team_share(struct share *share, const struct settings *settings, unsigned count,
		uint32_t seed);

/* `reads_all`: every worker reads every frame. share->count is the number of workers. */
struct team *team_new(const struct share *share, bool reads_all);
void team_free(struct team *team);

/* Other ports are kept together from here on: the rest of `share` is as before. Not again before
 * each worker has gone round its loop. From the thread that will free the team. */
void team_change(struct team *team, const struct share *share);

/* Until the next round of its loop, for a worker. */
const struct share *team_shares(const struct team *team);
bool team_reads_all(const struct team *team);

/* Hands a copy over. False: no room. */
bool team_post(struct team *team, unsigned to, const struct packet *packet);

/* Whether there is mail: cheap enough to ask for every frame. */
bool team_has_mail(const struct team *team, unsigned who);
/* All of it, oldest first; the taker's to free, one by one. */
struct letter *team_mail(struct team *team, unsigned who);

/* This worker reads no more, and so posts no more. */
void team_leave(struct team *team);
/* Whether others may still post. */
bool team_reads(const struct team *team);

#endif
