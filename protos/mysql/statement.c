#include "protos/mysql/statement.h"
#include "shipper/base/cursor.h"
#include "shipper/base/must.h"

#include <stdlib.h>

enum { ROOM_FIRST = 8, PIECE_HEADER = 4 };

/* The place of the id, or where it would be. Ids grow, so it is mostly near the end. */
static size_t place(const struct statements_kept *s, uint32_t id)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->at[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct statement *statement_find(const struct statements_kept *s, uint32_t id)
{
	size_t i = place(s, id);

	return i < s->count && s->at[i]->id == id ? s->at[i] : NULL;
}

static void release(struct statement *st, struct quota *quota)
{
	quota_give(quota, st->size + st->shape_types + st->shape_names);
	free(st->shape);
	buf_fini(&st->long_data);
	free(st);
}

static void drop_at(struct statements_kept *s, struct quota *quota, size_t i)
{
	release(s->at[i], quota);
	s->count--;
	memmove(s->at + i, s->at + i + 1, (s->count - i) * sizeof(struct statement *));
}

void statement_drop(struct statements_kept *s, struct quota *quota, uint32_t id)
{
	size_t i = place(s, id);

	if (i < s->count && s->at[i]->id == id)
		drop_at(s, quota, i);
}

static void make_room(struct statements_kept *s, struct quota *quota)
{
	if (s->count == STATEMENTS_MAX)
		drop_at(s, quota, 0);
	if (s->count < s->room)
		return;
	size_t room = s->room ? 2 * s->room : ROOM_FIRST;

	quota_take(quota, (room - s->room) * sizeof(struct statement *));
	s->at = must_realloc(s->at, room * sizeof(struct statement *));
	s->room = room;
}

struct statement *statement_add(struct statements_kept *s, struct quota *quota, uint32_t id,
				uint16_t params, const struct bytes texts[4])
{
	size_t all = texts[0].len + texts[1].len + texts[2].len + texts[3].len;
	size_t bits = (params + 7u) / 8u;
	size_t size = sizeof(struct statement) + all + 2u * params + bits;
	struct statement *st = must_alloc(size);
	uint8_t *to = st->texts;

	statement_drop(s, quota, id);
	make_room(s, quota);
	*st = (struct statement){.id = id,
				 .params = params,
				 .size = size,
				 .text_len = (uint32_t)texts[0].len,
				 .print_len = (uint32_t)texts[1].len,
				 .method_len = (uint16_t)texts[2].len,
				 .tables_len = (uint16_t)texts[3].len,
				 .types = to + all,
				 .is_long = to + all + 2u * params};
	buf_init(&st->long_data, quota);
	for (int i = 0; i < 4; i++) {
		if (texts[i].len > 0)
			memcpy(to, texts[i].at, texts[i].len);
		to += texts[i].len;
	}
	size_t i = place(s, id);

	memmove(s->at + i + 1, s->at + i, (s->count - i) * sizeof(struct statement *));
	s->at[i] = st;
	s->count++;
	quota_take(quota, size);
	return st;
}

void statement_shape(struct statement *st, struct quota *quota, struct bytes types,
		     struct bytes names)
{
	size_t all = types.len + names.len;

	if (all != st->shape_types + st->shape_names) {
		quota_give(quota, st->shape_types + st->shape_names);
		free(st->shape);
		st->shape = all > 0 ? must_alloc(all) : NULL;
		quota_take(quota, all);
	}
	st->shape_types = (uint32_t)types.len;
	st->shape_names = (uint32_t)names.len;
	if (types.len > 0)
		memcpy(st->shape, types.at, types.len);
	if (names.len > 0)
		memcpy(st->shape + types.len, names.at, names.len);
}

/* ---- Long data ---- */

void statement_long_add(struct statement *st, unsigned param, struct bytes piece)
{
	uint8_t before[PARAM_TEXT_MAX + 1];
	size_t room = PARAMS_TEXT_MAX - st->long_data.len;
	struct bytes wanted =
		bytes_head(piece, sizeof(before) - statement_long(st, param, before).len);
	struct bytes part = bytes_head(wanted, room > PIECE_HEADER ? room - PIECE_HEADER : 0);
	uint8_t head[PIECE_HEADER] = {(uint8_t)param, (uint8_t)(param >> 8), (uint8_t)part.len,
				      (uint8_t)(part.len >> 8)};

	st->is_long[param / 8] |= (uint8_t)(1 << (param % 8));
	st->long_cut |= part.len < wanted.len;
	if (part.len == 0)
		return;
	buf_add(&st->long_data, bytes_of(head, sizeof(head)));
	buf_add(&st->long_data, part);
}

bool statement_is_long(const struct statement *st, unsigned param)
{
	return st->is_long[param / 8] >> (param % 8) & 1;
}

struct bytes statement_long(const struct statement *st, unsigned param,
			    uint8_t room[PARAM_TEXT_MAX + 1])
{
	struct cursor c = cursor_of(buf_bytes(&st->long_data));
	size_t len = 0;

	while (cursor_left(&c) > 0) {
		unsigned of = cursor_le16(&c);
		struct bytes part = cursor_take(&c, cursor_le16(&c));

		if (of != param)
			continue;
		part = bytes_head(part, PARAM_TEXT_MAX + 1 - len);
		if (part.len > 0)
			memcpy(room + len, part.at, part.len);
		len += part.len;
	}
	return bytes_of(room, len);
}

void statement_long_clear(struct statement *st)
{
	memset(st->is_long, 0, (st->params + 7u) / 8u);
	buf_fini(&st->long_data);
	st->long_cut = false;
}

void statement_long_lose(struct statement *st)
{
	st->long_cut |= st->long_data.len > 0;
	buf_fini(&st->long_data);
}

void statements_free(struct statements_kept *s, struct quota *quota)
{
	for (size_t i = 0; i < s->count; i++)
		release(s->at[i], quota);
	quota_give(quota, s->room * sizeof(struct statement *));
	free(s->at);
	*s = (struct statements_kept){0};
}
