#include "outputs/top/groups.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "shipper/base/must.h"

enum { NAME_MAX_BYTES = 512, ROOM_FIRST = 64, KEEP_SHARE = 20, FOLD_SHARE = 4 };

typedef int order_fn(const void *, const void *);

void groups_init(struct groups *g, size_t limit)
{
	size_t places = 1;

	must(limit >= 16 && limit < UINT32_MAX);
	while (places < limit * 2)
		places *= 2;
	*g = (struct groups){.limit = limit, .mask = places - 1};
	g->index = must_alloc(places * sizeof(g->index[0]));
}

static void group_fini(struct group *group)
{
	free(group->type);
	histogram_fini(&group->times);
}

void groups_fini(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		group_fini(&g->at[i]);
	group_fini(&g->others);
	free(g->at);
	free(g->index);
	*g = (struct groups){0};
}

/* ---- order ---- */

static const struct group *group_of(const void *at)
{
	return *(const struct group *const *)at;
}

static int higher(double a, double b)
{
	return (a < b) - (a > b);
}

/* Where all else is equal, by name: the same documents give the same tables. */
static int by_name(const struct group *a, const struct group *b)
{
	int types = strcmp(a->type, b->type);

	return types ? types : strcmp(a->name, b->name);
}

static int by_count(const void *x, const void *y)
{
	const struct group *a = group_of(x), *b = group_of(y);
	int order = higher((double)a->count, (double)b->count);

	if (order == 0)
		order = higher(a->times.sum, b->times.sum);
	return order ? order : by_name(a, b);
}

static int by_slow(const void *x, const void *y)
{
	const struct group *a = group_of(x), *b = group_of(y);
	int order = higher((double)a->slow, (double)b->slow);

	if (order == 0)
		order = higher((double)a->times.max, (double)b->times.max);
	return order ? order : by_count(x, y);
}

static int by_failed(const void *x, const void *y)
{
	int order = higher((double)group_of(x)->failed, (double)group_of(y)->failed);

	return order ? order : by_count(x, y);
}

static int by_total(const void *x, const void *y)
{
	int order = higher(group_of(x)->times.sum, group_of(y)->times.sum);

	return order ? order : by_count(x, y);
}

static order_fn *const orders[RANKS] = {
	[RANK_SLOW] = by_slow,
	[RANK_COUNT] = by_count,
	[RANK_FAILED] = by_failed,
	[RANK_TOTAL] = by_total,
};

static struct group **all_groups(struct groups *g)
{
	struct group **all = must_alloc(g->count * sizeof(struct group *));

	for (size_t i = 0; i < g->count; i++) {
		g->at[i].slow = histogram_at(&g->at[i].times, 0.99);
		all[i] = &g->at[i];
	}
	return all;
}

struct group **groups_rank(struct groups *g, enum rank rank)
{
	struct group **all = all_groups(g);

	qsort(all, g->count, sizeof(struct group *), orders[rank]);
	return all;
}

/* ---- the table ---- */

static size_t place_of(const struct groups *g, const uint64_t hash[2])
{
	size_t i = hash[0] & g->mask;

	while (g->index[i] != 0) {
		const struct group *at = &g->at[g->index[i] - 1];

		if (at->hash[0] == hash[0] && at->hash[1] == hash[1])
			break;
		i = (i + 1) & g->mask;
	}
	return i;
}

static void index_all(struct groups *g)
{
	memset(g->index, 0, (g->mask + 1) * sizeof(g->index[0]));
	for (size_t i = 0; i < g->count; i++)
		g->index[place_of(g, g->at[i].hash)] = (uint32_t)i + 1;
}

static void fold_one(struct groups *g, struct group *group)
{
	g->others.count += group->count;
	g->others.failed += group->failed;
	histogram_merge(&g->others.times, &group->times);
	g->folded++;
	group_fini(group);
	group->type = NULL;
}

static void close_up(struct groups *g)
{
	size_t to = 0;

	for (size_t i = 0; i < g->count; i++)
		if (g->at[i].type != NULL)
			g->at[to++] = g->at[i];
	g->count = to;
	index_all(g);
}

/* Lets a quarter go, the rarest first, but nothing that a table might show. */
static void fold(struct groups *g)
{
	struct group **all = all_groups(g);
	size_t left = g->count / FOLD_SHARE;
	uint64_t most = 0;

	for (size_t i = 0; i < g->count; i++)
		g->at[i].kept = false;
	for (int rank = 0; rank < RANKS; rank++) {
		qsort(all, g->count, sizeof(struct group *), orders[rank]);
		for (size_t i = 0; i < g->count / KEEP_SHARE; i++)
			all[i]->kept = true;
	}
	qsort(all, g->count, sizeof(struct group *), by_count);
	for (size_t i = g->count; i > 0 && left > 0; i--) {
		if (all[i - 1]->kept)
			continue;
		most = all[i - 1]->count > most ? all[i - 1]->count : most;
		fold_one(g, all[i - 1]);
		left--;
	}
	g->low_by += most;
	free(all);
	close_up(g);
}

/* Up to a limit, and not within a character. */
static size_t cut(struct bytes text)
{
	size_t len = text.len < NAME_MAX_BYTES ? text.len : NAME_MAX_BYTES;

	while (len < text.len && len > 0 && (text.at[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static struct group *new_group(struct groups *g, const uint64_t hash[2], struct bytes type,
			       struct bytes name)
{
	struct bytes kept = bytes_head(name, cut(name));

	if (g->count == g->limit)
		fold(g);
	if (g->count == g->room) {
		g->room = g->room ? g->room * 2 : ROOM_FIRST;
		g->at = must_realloc(g->at, g->room * sizeof(g->at[0]));
	}
	struct group *group = &g->at[g->count++];

	*group = (struct group){.hash = {hash[0], hash[1]}};
	group->type = must_alloc(type.len + kept.len + 2);
	group->name = group->type + type.len + 1;
	if (type.len > 0)
		memcpy(group->type, type.at, type.len);
	memcpy(group->name, kept.at, kept.len);
	g->index[place_of(g, hash)] = (uint32_t)g->count;
	return group;
}

void groups_add(struct groups *g, struct bytes type, struct bytes name, bool failed,
		int64_t duration)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(name.at, name.len, XXH3_64bits(type.at, type.len));
	const uint64_t hash[2] = {h.low64, h.high64};
	uint32_t found = g->index[place_of(g, hash)];
	struct group *group = found ? &g->at[found - 1] : new_group(g, hash, type, name);

	group->count++;
	group->failed += failed;
	if (duration >= 0)
		histogram_add(&group->times, duration);
}
