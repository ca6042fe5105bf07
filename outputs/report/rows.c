#include "outputs/report/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shipper/base/must.h"

enum { ROOM_FIRST = 1024 };

static const struct level levels[LEVEL_MAX + 1] = {
	{0, 0}, {4096, 16}, {2048, 8}, {1024, 8}, {512, 4}, {256, 4}, {128, 2}, {64, 1}, {8, 1},
};

struct level rows_level(unsigned level)
{
	must(level <= LEVEL_MAX);
	return levels[level];
}

void rows_fini(struct rows *r)
{
	free(r->at);
	*r = (struct rows){0};
}

void rows_add(struct rows *r, const struct row *row)
{
	if (r->count == r->room) {
		r->room = r->room ? r->room * 2 : ROOM_FIRST;
		r->at = must_realloc(r->at, r->room * sizeof(r->at[0]));
	}
	if (r->count == 0 || row->at < r->first)
		r->first = row->at;
	if (r->count == 0 || row->at > r->last)
		r->last = row->at;
	r->exchanges += row->count;
	r->at[r->count++] = *row;
}

/* A power of two, so that what was rounded before stays in one place when it is rounded again. */
static nsec step_of(const struct rows *r, unsigned times)
{
	nsec step = 1;

	while ((r->last - r->first) / step >= times)
		step *= 2;
	return step;
}

static int16_t class_of(double took, unsigned classes)
{
	if (took < 0)
		return -1;
	return (int16_t)(log2(took < 1 ? 1 : took) * classes);
}

struct keyed {
	struct row row;
	nsec step;
	int16_t class;
};

static int by_key(const void *x, const void *y)
{
	const struct keyed *a = x, *b = y;

	if (a->step != b->step)
		return a->step < b->step ? -1 : 1;
	for (int i = 0; i < BY_COUNT; i++)
		if (a->row.by[i] != b->row.by[i])
			return a->row.by[i] < b->row.by[i] ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return 0;
}

static void unite(struct row *into, const struct row *more)
{
	double sum = into->took * (double)into->count + more->took * (double)more->count;

	into->bytes = (float)(((double)into->bytes * (double)into->count +
			       (double)more->bytes * (double)more->count) /
			      (double)(into->count + more->count));
	into->at = more->at < into->at ? more->at : into->at;
	into->count += more->count;
	into->took = into->took < 0 ? -1 : sum / (double)into->count;
}

void rows_coarsen(struct rows *r, unsigned level)
{
	struct level l = rows_level(level);
	nsec step = l.times > 0 ? step_of(r, l.times) : 1;
	struct keyed *keyed = must_alloc(r->count * sizeof(keyed[0]));
	size_t kept = 0;

	must(level > 0);
	for (size_t i = 0; i < r->count; i++) {
		struct row row = r->at[i];
		nsec rounded = row.at / step;

		row.at = rounded * step;
		keyed[i] = (struct keyed){row, rounded, class_of(row.took, l.classes)};
	}
	qsort(keyed, r->count, sizeof(keyed[0]), by_key);
	for (size_t i = 0; i < r->count; i++) {
		if (i > 0 && by_key(&keyed[i - 1], &keyed[i]) == 0)
			unite(&r->at[kept - 1], &keyed[i].row);
		else
			r->at[kept++] = keyed[i].row;
	}
	r->count = kept;
	free(keyed);
}

static int by_time(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	for (int i = 0; i < BY_COUNT; i++)
		if (a->by[i] != b->by[i])
			return a->by[i] < b->by[i] ? -1 : 1;
	return (a->took > b->took) - (a->took < b->took);
}

void rows_sort(struct rows *r)
{
	if (r->count > 0)
		qsort(r->at, r->count, sizeof(r->at[0]), by_time);
}
