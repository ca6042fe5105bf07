#include "outputs/report/kept.h"

#include <stdlib.h>

#include "outputs/report/words.h"
#include "shipper/base/must.h"

enum { ROOM_FIRST = 64 };

void kept_fini(struct kept *k)
{
	for (size_t i = 0; i < k->count; i++)
		free(k->at[i].text);
	free(k->at);
	*k = (struct kept){0};
}

static int by_time_taken(const void *x, const void *y)
{
	const struct document *a = x, *b = y;

	if (a->row.took != b->row.took)
		return a->row.took > b->row.took ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static int by_worth(const void *x, const void *y)
{
	const struct document *a = x, *b = y;

	if (a->first != b->first)
		return a->first ? -1 : 1;
	return by_time_taken(x, y);
}

void kept_prune(struct kept *k, size_t limit)
{
	uint16_t *of_kind = must_alloc(WORDS_MAX * sizeof(of_kind[0]));
	uint16_t *failed = must_alloc(WORDS_MAX * sizeof(failed[0]));

	if (k->count > 0)
		qsort(k->at, k->count, sizeof(k->at[0]), by_time_taken);
	for (size_t i = 0; i < k->count; i++) {
		struct document *d = &k->at[i];
		uint16_t kind = d->row.by[BY_KIND];

		d->first = of_kind[kind]++ < KEPT_OF_KIND;
		if (!d->first && d->row.by[BY_ERROR] != 0)
			d->first = failed[kind]++ < KEPT_FAILED_OF_KIND;
	}
	if (k->count > 0)
		qsort(k->at, k->count, sizeof(k->at[0]), by_worth);
	while (k->count > limit) {
		struct document *d = &k->at[--k->count];

		k->bytes -= d->len;
		free(d->text);
	}
	free(of_kind);
	free(failed);
}

void kept_add(struct kept *k, const struct row *row, struct bytes json)
{
	struct document *d;

	k->seen++;
	if (json.len > DOCUMENT_BYTES_MAX) {
		k->too_large++;
		return;
	}
	while (k->count >= 2 * (size_t)KEPT_MAX || k->bytes + json.len > KEPT_BYTES_MAX)
		kept_prune(k, k->count > KEPT_MAX ? KEPT_MAX : k->count / 2);
	if (k->count == k->room) {
		k->room = k->room ? k->room * 2 : ROOM_FIRST;
		k->at = must_realloc(k->at, k->room * sizeof(k->at[0]));
	}
	d = &k->at[k->count++];
	*d = (struct document){.row = *row, .len = (uint32_t)json.len, .order = k->seen};
	d->text = must_alloc(json.len + 1);
	memcpy(d->text, json.at, json.len);
	k->bytes += json.len;
}
