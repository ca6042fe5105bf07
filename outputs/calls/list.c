#include "outputs/calls/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "outputs/cells.h"
#include "shipper/base/must.h"

enum { ROOM_FIRST = 64, PARTY_WIDTH_MIN = 10, PARTY_WIDTH_MAX = 32 };
enum { START_WIDTH = 23 }; /* 2026-01-02 03:04:05.123 */

void calls_init(struct calls *c, size_t limit)
{
	size_t places = 1;

	must(limit > 0 && limit < UINT32_MAX / 2);
	while (places < limit * 2)
		places *= 2;
	*c = (struct calls){.limit = limit, .mask = places - 1};
	c->index = must_alloc(places * sizeof(c->index[0]));
}

void calls_fini(struct calls *c)
{
	for (size_t i = 0; i < c->count; i++)
		buf_fini(&c->at[i].text);
	free(c->at);
	free(c->index);
	*c = (struct calls){0};
}

static size_t place_of(const struct calls *c, const uint64_t hash[2])
{
	size_t i = hash[0] & c->mask;

	while (c->index[i] != 0) {
		const struct listed *at = &c->at[c->index[i] - 1];

		if (at->hash[0] == hash[0] && at->hash[1] == hash[1])
			break;
		i = (i + 1) & c->mask;
	}
	return i;
}

static struct listed *new_call(struct calls *c, const uint64_t hash[2])
{
	if (c->count == c->limit) {
		c->left_out++;
		return NULL;
	}
	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : ROOM_FIRST;
		c->at = must_realloc(c->at, c->room * sizeof(c->at[0]));
	}
	struct listed *call = &c->at[c->count++];

	*call = (struct listed){.hash = {hash[0], hash[1]}};
	c->index[place_of(c, hash)] = (uint32_t)c->count;
	return call;
}

void calls_add(struct calls *c, const struct call_reader *r, bool flow)
{
	struct bytes id = call_text(r, CALL_ID), start = call_text(r, CALL_START);
	XXH128_hash_t h = XXH3_128bits_withSeed(id.at, id.len, XXH3_64bits(start.at, start.len));
	const uint64_t hash[2] = {h.low64, h.high64};
	uint32_t found = c->index[place_of(c, hash)];
	struct listed *call = found ? &c->at[found - 1] : new_call(c, hash);

	if (call == NULL)
		return;
	call->text.len = 0;
	for (int i = 0; i < CALL_TEXTS; i++) {
		struct bytes text = i == CALL_FLOW && !flow ? NO_BYTES : buf_bytes(&r->texts[i]);

		call->len[i] = text.len;
		buf_add(&call->text, text);
	}
	memcpy(call->numbers, r->numbers, sizeof(call->numbers));
}

struct bytes listed_text(const struct listed *call, enum call_text which)
{
	size_t at = 0;

	for (int i = 0; i < (int)which; i++)
		at += call->len[i];
	return bytes_head(bytes_skip(buf_bytes(&call->text), at), call->len[which]);
}

static int compare(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Times are written so that their texts have the order of the times. */
static int by_start(const void *x, const void *y)
{
	const struct listed *a = x, *b = y;
	int order = compare(listed_text(a, CALL_START), listed_text(b, CALL_START));

	return order ? order : compare(listed_text(a, CALL_ID), listed_text(b, CALL_ID));
}

void calls_sort(struct calls *c)
{
	if (c->count > 0)
		qsort(c->at, c->count, sizeof(c->at[0]), by_start);
}

/* ---- The table ---- */

enum cell { CELL_SETUP, CELL_DURATION, CELL_CODE };
enum { CELLS = CELL_CODE + 1 };

static const char *const heads[CELLS] = {"setup", "duration", "code"};

struct row {
	struct bytes start, caller, callee, state, id;
	char cell[CELLS][DURATION_TEXT_MAX];
};

struct layout {
	size_t caller, callee, cell[CELLS], state;
};

/* The number or name; a caller that has none is known by its domain. */
static struct bytes party(const struct listed *call, enum call_text user, enum call_text domain)
{
	struct bytes text = listed_text(call, user);

	if (text.len == 0)
		text = listed_text(call, domain);
	return text.len > 0 ? text : BYTES("-");
}

static void duration_cell(int64_t ns, char to[DURATION_TEXT_MAX])
{
	if (ns < 0)
		snprintf(to, DURATION_TEXT_MAX, "-");
	else
		duration_text(ns, to);
}

static void fill_row(struct row *row, const struct listed *call)
{
	const int64_t *n = call->numbers;

	row->start = listed_text(call, CALL_START);
	row->caller = party(call, CALL_CALLER, CALL_CALLER_DOMAIN);
	row->callee = party(call, CALL_CALLEE, CALL_CALLEE_DOMAIN);
	row->state = listed_text(call, CALL_STATE_NAME);
	row->id = listed_text(call, CALL_ID);
	duration_cell(n[CALL_SETUP_TIME], row->cell[CELL_SETUP]);
	duration_cell(n[CALL_LENGTH], row->cell[CELL_DURATION]);
	snprintf(row->cell[CELL_CODE], DURATION_TEXT_MAX, "-");
	if (n[CALL_CODE] >= 0)
		snprintf(row->cell[CELL_CODE], DURATION_TEXT_MAX, "%" PRId64, n[CALL_CODE]);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Callers and callees share what the line has left once the longest Call-ID fits, or less. */
static void share(struct layout *l, size_t id, size_t width)
{
	size_t used = START_WIDTH + l->state + id + 4 * CELLS_GAP;

	for (int i = 0; i < CELLS; i++)
		used += CELLS_GAP + l->cell[i];
	size_t room = width > used ? (width - used) / 2 : 0;

	room = larger(room, PARTY_WIDTH_MIN);
	room = room < PARTY_WIDTH_MAX ? room : PARTY_WIDTH_MAX;
	l->caller = l->caller < room ? l->caller : room;
	l->callee = l->callee < room ? l->callee : room;
}

static struct layout lay_out(const struct calls *c, size_t from, size_t to, size_t width)
{
	struct layout l = {strlen("caller"), strlen("callee"), .state = strlen("state")};
	size_t id = strlen("call-id");

	for (int i = 0; i < CELLS; i++)
		l.cell[i] = strlen(heads[i]);
	for (size_t i = from; i < to; i++) {
		struct row row;

		fill_row(&row, &c->at[i]);
		for (int k = 0; k < CELLS; k++)
			l.cell[k] = larger(l.cell[k], cells_width(bytes_str(row.cell[k])));
		l.caller = larger(l.caller, cells_width(row.caller));
		l.callee = larger(l.callee, cells_width(row.callee));
		l.state = larger(l.state, cells_width(row.state));
		id = larger(id, cells_width(row.id));
	}
	share(&l, id, width);
	return l;
}

/* "2026-01-02T03:04:05.123456789Z" without what is too fine to be read. */
static void add_start(struct buf *out, struct bytes start)
{
	size_t day = bytes_find(bytes_head(start, START_WIDTH), 'T');

	cells_add(out, bytes_head(start, day), day);
	if (day < start.len) {
		cells_pad(out, 1);
		cells_add(out, bytes_head(bytes_skip(start, day + 1), START_WIDTH - 1 - day),
			  START_WIDTH - 1 - day);
	}
}

static void add_row(struct buf *out, const struct layout *l, const struct row *row, bool head)
{
	if (head)
		cells_add(out, row->start, START_WIDTH);
	else
		add_start(out, row->start);
	cells_pad(out, CELLS_GAP);
	cells_add(out, row->caller, l->caller);
	cells_pad(out, CELLS_GAP);
	cells_add(out, row->callee, l->callee);
	for (int i = 0; i < CELLS; i++)
		cells_add_right(out, head ? heads[i] : row->cell[i], l->cell[i]);
	cells_pad(out, CELLS_GAP);
	cells_add(out, row->state, l->state);
	cells_pad(out, CELLS_GAP);
	cells_add(out, row->id, cells_width(row->id));
	cells_end_line(out);
}

void calls_table(struct buf *out, const struct calls *c, size_t from, size_t to, size_t width)
{
	struct layout l = lay_out(c, from, to, width);
	struct row row = {.start = BYTES("start (UTC)"),
			  .caller = BYTES("caller"),
			  .callee = BYTES("callee"),
			  .state = BYTES("state"),
			  .id = BYTES("call-id")};

	add_row(out, &l, &row, true);
	for (size_t i = from; i < to; i++) {
		fill_row(&row, &c->at[i]);
		add_row(out, &l, &row, false);
	}
}
