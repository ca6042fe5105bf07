#include "shipper/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shipper/base/must.h"
#include "shipper/base/processors.h"

enum { CACHE_LINE = 64 };

struct box {
	_Alignas(CACHE_LINE) atomic_bool has; /* looked at for every frame: a line of its own */
	_Alignas(CACHE_LINE) pthread_mutex_t lock;
	struct letter *first, **last;
	size_t bytes;
};

struct team {
	unsigned count;
	struct share *share;  /* atomically */
	struct share *before; /* a worker may be at it yet; NULL: none */
	bool reads_all;
	atomic_uint reading;
	struct box *boxes;
};

/* ---- Who takes what ---- */

unsigned team_size(const struct settings *settings)
{
	unsigned granted = processors_granted();

	if (settings->workers > 0)
		return (unsigned)settings->workers;
	return granted < TEAM_MAX ? granted : TEAM_MAX;
}

static void keep_together(struct share *share, const struct ports *ports)
{
	for (size_t i = 0; i < ports->count && share->ports_count < SHARE_PORTS_MAX; i++)
		share->ports[share->ports_count++] = ports->at[i];
}

void team_share(struct share *share, const struct settings *settings, unsigned count, uint32_t seed)
{
	*share = (struct share){
		.count = count,
		.seed = seed,
		.tunnels = settings->decode.tunnels,
		.vxlan = &settings->decode.vxlan_ports,
		.geneve = &settings->decode.geneve_ports,
		.gtpu = &settings->decode.gtpu_ports,
	};
	for (size_t i = 0; protos[i] != NULL; i++) {
		const struct proto_conf *proto = settings->proto_conf[i];

		if (proto->enabled && protos[i]->world_size > 0)
			keep_together(share, &proto->ports);
	}
}

/* ---- The team ---- */

static struct share *share_copy(const struct share *share)
{
	struct share *copy = must_alloc(sizeof(*copy));

	*copy = *share;
	return copy;
}

struct team *team_new(const struct share *share, bool reads_all)
{
	struct team *team = must_alloc(sizeof(*team));

	must(share->count > 0 && share->count <= TEAM_MAX);
	team->count = share->count;
	team->share = share_copy(share);
	team->reads_all = reads_all;
	atomic_init(&team->reading, share->count);
	team->boxes = aligned_alloc(CACHE_LINE, share->count * sizeof(team->boxes[0]));
	must(team->boxes != NULL);
	for (unsigned i = 0; i < share->count; i++) {
		struct box *box = &team->boxes[i];

		box->first = NULL;
		box->last = &box->first;
		box->bytes = 0;
		atomic_init(&box->has, false);
		must(pthread_mutex_init(&box->lock, NULL) == 0);
	}
	return team;
}

static void letters_free(struct letter *letter)
{
	while (letter != NULL) {
		struct letter *next = letter->next;

		free(letter);
		letter = next;
	}
}

void team_free(struct team *team)
{
	if (team == NULL)
		return;
	for (unsigned i = 0; i < team->count; i++) {
		letters_free(team->boxes[i].first);
		pthread_mutex_destroy(&team->boxes[i].lock);
	}
	free(team->boxes);
	free(team->share);
	free(team->before);
	free(team);
}

void team_change(struct team *team, const struct share *share)
{
	must(share->count == team->count);
	free(team->before);
	team->before = team->share;
	__atomic_store_n(&team->share, share_copy(share), __ATOMIC_RELEASE);
}

const struct share *team_shares(const struct team *team)
{
	return __atomic_load_n(&team->share, __ATOMIC_ACQUIRE);
}

bool team_reads_all(const struct team *team)
{
	return team->reads_all;
}

/* ---- Mail ---- */

static struct letter *letter_new(const struct packet *packet)
{
	struct letter *letter = must_realloc(NULL, sizeof(*letter) + packet->payload.len);
	uint8_t *payload = (uint8_t *)(letter + 1);

	letter->next = NULL;
	letter->packet = *packet;
	if (packet->payload.len > 0)
		memcpy(payload, packet->payload.at, packet->payload.len);
	letter->packet.payload.at = payload;
	return letter;
}

bool team_post(struct team *team, unsigned to, const struct packet *packet)
{
	struct box *box = &team->boxes[to];
	size_t bytes = sizeof(struct letter) + packet->payload.len;
	struct letter *letter = letter_new(packet);
	bool room;

	pthread_mutex_lock(&box->lock);
	room = box->bytes + bytes <= MAIL_BYTES_MAX;
	if (room) {
		*box->last = letter;
		box->last = &letter->next;
		box->bytes += bytes;
		atomic_store_explicit(&box->has, true, memory_order_relaxed);
	}
	pthread_mutex_unlock(&box->lock);
	if (!room)
		free(letter);
	return room;
}

bool team_has_mail(const struct team *team, unsigned who)
{
	return atomic_load_explicit(&team->boxes[who].has, memory_order_relaxed);
}

struct letter *team_mail(struct team *team, unsigned who)
{
	struct box *box = &team->boxes[who];
	struct letter *letters;

	pthread_mutex_lock(&box->lock);
	letters = box->first;
	box->first = NULL;
	box->last = &box->first;
	box->bytes = 0;
	atomic_store_explicit(&box->has, false, memory_order_relaxed);
	pthread_mutex_unlock(&box->lock);
	return letters;
}

void team_leave(struct team *team)
{
	atomic_fetch_sub(&team->reading, 1);
}

bool team_reads(const struct team *team)
{
	return atomic_load(&team->reading) > 0;
}
