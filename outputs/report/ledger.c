#include "outputs/report/ledger.h"

#include <stdlib.h>

#include "shipper/base/must.h"

enum { ROWS_HELD = 1 << 20 };

/* How many texts are kept apart at each level. */
static const struct {
	size_t by[BY_COUNT];
} limits[LEVEL_MAX + 1] = {
	{{WORDS_MAX, WORDS_MAX, WORDS_MAX, WORDS_MAX, WORDS_MAX, WORDS_MAX}},
	{{4000, 256, 256, 512, 128, 16}},
	{{2000, 256, 128, 256, 64, 16}},
	{{1000, 128, 64, 128, 32, 16}},
	{{500, 64, 32, 64, 16, 16}},
	{{120, 32, 16, 32, 8, 8}},
	{{30, 16, 8, 16, 6, 6}},
	{{12, 3, 3, 3, 3, 3}},
	{{0, 0, 0, 0, 0, 0}}, /* types and outcomes alone: few rows, whatever came */
};

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){0};
	seen_init(&l->seen);
	words_init(&l->types);
	for (int i = 0; i < BY_COUNT; i++)
		words_init(&l->by[i]);
}

void ledger_fini(struct ledger *l)
{
	seen_fini(&l->seen);
	rows_fini(&l->rows);
	kept_fini(&l->documents);
	kept_fini(&l->calls);
	words_fini(&l->types);
	for (int i = 0; i < BY_COUNT; i++)
		words_fini(&l->by[i]);
	for (size_t i = 0; i < l->sources_count && i < SOURCES_MAX; i++)
		free(l->sources[i]);
}

void ledger_source(struct ledger *l, const char *name)
{
	if (l->sources_count < SOURCES_MAX)
		l->sources[l->sources_count] = must_strdup(name);
	l->sources_count++;
}

/* ---- fewer words ---- */

struct weight {
	double time, most;
	uint64_t count;
	uint16_t number;
};

static int by_time(const void *x, const void *y)
{
	const struct weight *a = x, *b = y;

	if (a->time != b->time)
		return a->time > b->time ? -1 : 1;
	return a->number - b->number;
}

static int by_most(const void *x, const void *y)
{
	const struct weight *a = x, *b = y;

	if (a->most != b->most)
		return a->most > b->most ? -1 : 1;
	return a->number - b->number;
}

static int by_count(const void *x, const void *y)
{
	const struct weight *a = x, *b = y;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->number - b->number;
}

static struct weight *weigh(const struct ledger *l, int dimension)
{
	struct weight *weights = must_alloc(l->by[dimension].count * sizeof(weights[0]));

	for (size_t i = 0; i < l->by[dimension].count; i++)
		weights[i].number = (uint16_t)i;
	for (size_t i = 0; i < l->rows.count; i++) {
		const struct row *row = &l->rows.at[i];
		struct weight *w = &weights[row->by[dimension]];

		w->count += row->count;
		if (row->took < 0)
			continue;
		w->time += row->took * (double)row->count;
		if (row->took > w->most)
			w->most = row->took;
	}
	return weights;
}

/* Those with the most exchanges, those with the most time in total, and the slowest. */
static void choose(const struct ledger *l, int dimension, size_t limit, bool *keep)
{
	static int (*const orders[])(const void *, const void *) = {by_count, by_time, by_most};
	size_t count = l->by[dimension].count, share = (limit + 2) / 3;
	struct weight *weights = weigh(l, dimension);

	for (size_t o = 0; o < 3; o++) {
		qsort(weights, count, sizeof(weights[0]), orders[o]);
		for (size_t i = 0; i < count && i < share; i++)
			keep[weights[i].number] = true;
	}
	free(weights);
}

static void rename_in(struct kept *kept, int dimension, const uint16_t *renamed)
{
	for (size_t i = 0; i < kept->count; i++)
		kept->at[i].row.by[dimension] = renamed[kept->at[i].row.by[dimension]];
}

static void fold(struct ledger *l, int dimension, size_t limit)
{
	struct words *words = &l->by[dimension];
	bool *keep;
	uint16_t *renamed;

	if (words->count <= limit)
		return;
	keep = must_alloc(words->count * sizeof(keep[0]));
	renamed = must_alloc(words->count * sizeof(renamed[0]));
	choose(l, dimension, limit, keep);
	words_fold(words, keep, renamed);
	for (size_t i = 0; i < l->rows.count; i++)
		l->rows.at[i].by[dimension] = renamed[l->rows.at[i].by[dimension]];
	rename_in(&l->documents, dimension, renamed);
	rename_in(&l->calls, dimension, renamed);
	free(keep);
	free(renamed);
}

bool ledger_coarsen(struct ledger *l)
{
	if (l->level == LEVEL_MAX)
		return false;
	l->level++;
	for (int i = 0; i < BY_COUNT; i++)
		fold(l, i, limits[l->level].by[i]);
	rows_coarsen(&l->rows, l->level);
	return true;
}

/* ---- adding ---- */

static uint16_t number_of(struct ledger *l, int dimension, uint8_t type, struct bytes text)
{
	if (l->by[dimension].count == WORDS_MAX)
		fold(l, dimension, WORDS_MAX / 2);
	return words_add(&l->by[dimension], type, text);
}

/* Types beyond the maximum, which only made up documents have, are shown as one. */
static uint8_t type_of(struct ledger *l, struct bytes type)
{
	if (l->types.count < TYPES_MAX)
		return (uint8_t)words_add(&l->types, 0, type);
	for (uint8_t i = 1; i < l->types.count; i++)
		if (bytes_eq(type, bytes_of(l->types.at[i].text, l->types.at[i].len)))
			return i;
	return 0;
}

static void make_room(struct ledger *l)
{
	if (l->rows.count < ROWS_HELD)
		return;
	/* At the last level there cannot be that many. */
	do {
		if (!ledger_coarsen(l)) {
			rows_coarsen(&l->rows, LEVEL_MAX);
			return;
		}
	} while (l->rows.count > ROWS_HELD / 2);
}

static bool is_one_of(struct bytes type, const char *const *names)
{
	for (; *names != NULL; names++)
		if (bytes_eq(type, bytes_str(*names)))
			return true;
	return false;
}

bool ledger_add(struct ledger *l, struct bytes json)
{
	static const char *const calls[] = {"sip_call", "sip_registration", NULL};
	static const char *const others[] = {"flow", "rtp", "shipper", NULL};
	struct seen *s = &l->seen;
	struct bytes type;

	while (json.len > 0 && (json.at[json.len - 1] == '\n' || json.at[json.len - 1] == '\r'))
		json.len--;
	if (!seen_read(s, json)) {
		l->not_json++;
		return false;
	}
	type = seen_text(s, SEEN_TYPE);
	if (!s->has_time || type.len == 0) {
		l->untimed++;
		return true;
	}
	if (is_one_of(type, others)) {
		l->others++;
		return true;
	}
	make_room(l);
	uint8_t t = is_one_of(type, calls) ? 0 : type_of(l, type);
	struct row row = {
		.at = s->at, .took = (double)s->took, .count = 1, .bytes = (float)s->bytes};

	row.by[BY_SERVER] = number_of(l, BY_SERVER, 0, seen_server(s));
	row.by[BY_CLIENT] = number_of(l, BY_CLIENT, 0, seen_text(s, SEEN_CLIENT));
	row.by[BY_HOST] = number_of(l, BY_HOST, 0, seen_text(s, SEEN_HOST));
	row.by[BY_STATUS] = number_of(l, BY_STATUS, 0, seen_text(s, SEEN_STATUS));
	if (is_one_of(type, calls)) {
		kept_add(&l->calls, &row, json);
		return true;
	}
	row.by[BY_KIND] = number_of(l, BY_KIND, t, seen_name(s));
	row.by[BY_ERROR] = number_of(l, BY_ERROR, t, seen_error(s));
	rows_add(&l->rows, &row);
	kept_add(&l->documents, &row, json);
	return true;
}
