/*
 * Rows as text, for `response`: a line of the columns' names, then a line a row, values divided by
 * commas, those with commas, quotes or line ends quoted.
 */
#include "protos/mysql/mysql.h"
#include "protos/mysql/value.h"

enum { COLUMN_NAME_MAX = 1024 };

static void add(struct exchange *x, struct bytes part)
{
	exchange_keep(x, &x->said[SERVER], part);
}

static void add_quoted(struct exchange *x, struct bytes part)
{
	add(x, BYTES("\""));
	while (part.len > 0) {
		size_t n = bytes_find(part, '"');

		add(x, bytes_head(part, n));
		if (n < part.len)
			add(x, BYTES("\"\""));
		part = bytes_skip(part, n + 1);
	}
	add(x, BYTES("\""));
}

/* Of a value, as much as the row still may have. False: it may have none. */
static bool add_value(struct reading *r, struct exchange *x, bool first, struct bytes value)
{
	struct mysql *m = mysql_of(x);
	size_t max = (size_t)r->conf->max_row_length;
	struct bytes part = bytes_head(value, max - m->row_bytes);
	bool quoted = false;

	if (part.len < value.len || m->row_bytes == max)
		x->notes |= NOTE_TRIMMED;
	if (m->row_bytes == max)
		return false;
	if (!first)
		add(x, BYTES(","));
	for (size_t i = 0; i < part.len && !quoted; i++)
		quoted = part.at[i] == ',' || part.at[i] == '"' || part.at[i] == '\n' ||
			 part.at[i] == '\r';
	m->row_bytes += (uint32_t)part.len;
	if (!quoted)
		add(x, part);
	else
		add_quoted(x, part);
	return true;
}

static bool is_shown(const struct reading *r)
{
	return r->conf->statements == STATEMENTS_FULL;
}

void rows_columns(struct reading *r)
{
	struct shape *s = &r->self->shape;

	if (s->types.quota == NULL) {
		buf_init(&s->types, conn_quota(r->conn));
		buf_init(&s->names, conn_quota(r->conn));
	}
	s->types.len = s->names.len = 0;
}

static void keep_name(struct reading *r, struct bytes name)
{
	struct buf *names = &r->self->shape.names;

	name = bytes_head(name, COLUMN_NAME_MAX);
	/* More than a line shows, so that it is seen to be cut: a name takes 3 bytes and more. */
	if (names->len > 3 * (uint64_t)r->conf->max_row_length)
		return;
	uint8_t len[2] = {(uint8_t)name.len, (uint8_t)(name.len >> 8)};

	buf_add(names, bytes_of(len, sizeof(len)));
	buf_add(names, name);
}

void rows_column(struct reading *r, struct bytes definition)
{
	struct cursor c = cursor_of(definition);
	struct buf *types = &r->self->shape.types;

	for (int i = 0; i < 4; i++) /* catalog, schema, table, its name without alias */
		take_text(&c);
	struct bytes name = take_text(&c);

	take_text(&c);
	uint64_t fixed = take_lenenc(&c, NULL);

	if (fixed != cursor_left(&c)) { /* MariaDB: more of the type stands before it */
		cursor_take(&c, fixed);
		take_lenenc(&c, NULL);
	}
	cursor_take(&c, 2 + 4);
	uint8_t type[2] = {cursor_u8(&c), 0};

	type[1] = cursor_le16(&c) & 0x20 ? 0x80 : 0;
	if (types->len < 2 * COLUMNS_KEPT_MAX)
		buf_add(types, bytes_of(type, sizeof(type)));
	if (is_shown(r))
		keep_name(r, name);
}

/* A line of the columns' names. */
static void show_names(struct reading *r, struct exchange *x)
{
	struct cursor c = cursor_of(buf_bytes(&r->self->shape.names));

	if (!is_shown(r))
		return;
	mysql_of(x)->row_bytes = 0;
	if (x->said[SERVER].len > 0)
		add(x, BYTES("\n"));
	for (bool first = true; cursor_left(&c) > 0; first = false)
		if (!add_value(r, x, first, cursor_take(&c, cursor_le16(&c))))
			break;
}

void rows_columns_end(struct reading *r, struct exchange *x)
{
	const struct mysql *m = mysql_of(x);
	struct statement *st = m->has_id ? statement_find(&r->self->statements, m->id) : NULL;

	if (st)
		statement_shape(st, conn_quota(r->conn), buf_bytes(&r->self->shape.types),
				buf_bytes(&r->self->shape.names));
	if (m->command != COM_STMT_PREPARE)
		show_names(r, x);
}

/* The shape of the statement's result, as it was last said; empty where it was not. */
static void recall(struct reading *r, const struct mysql *m)
{
	struct shape *s = &r->self->shape;
	struct statement *st = m->has_id ? statement_find(&r->self->statements, m->id) : NULL;

	rows_columns(r);
	if (st == NULL || st->shape == NULL)
		return;
	buf_add(&s->types, bytes_of(st->shape, st->shape_types));
	buf_add(&s->names, bytes_of(st->shape + st->shape_types, st->shape_names));
}

void rows_columns_known(struct reading *r, struct exchange *x)
{
	recall(r, mysql_of(x));
	show_names(r, x);
}

static void text_row(struct reading *r, struct exchange *x, struct cursor *c)
{
	for (bool first = true; cursor_left(c) > 0 && !c->dry; first = false) {
		bool null;
		uint64_t len = take_lenenc(c, &null);
		struct bytes value = cursor_take(c, len);

		if (c->dry) {
			x->notes |= NOTE_TRIMMED;
			value = cursor_rest(c);
		}
		if (!add_value(r, x, first, null ? BYTES("NULL") : value))
			break;
	}
}

static void binary_row(struct reading *r, struct exchange *x, struct cursor *c)
{
	size_t count = r->self->shape.types.len / 2;

	cursor_u8(c);
	struct bytes nulls = cursor_take(c, (count + 2 + 7) / 8);

	for (size_t i = 0; i < count && !c->dry; i++) {
		char room[VALUE_TEXT_MAX];
		const uint8_t *type = r->self->shape.types.at + 2 * i;
		bool null = nulls.at[(i + 2) / 8] >> ((i + 2) % 8) & 1;
		struct bytes value =
			null ? BYTES("NULL") : value_text(c, type[0], type[1] & 0x80, room);

		x->notes |= c->dry ? NOTE_TRIMMED : 0;
		if (c->dry || !add_value(r, x, i == 0, value))
			break;
	}
}

void rows_row(struct reading *r, struct exchange *x, struct bytes row, bool whole)
{
	struct mysql *m = mysql_of(x);
	struct cursor c = cursor_of(row);
	bool binary = m->command == COM_STMT_EXECUTE || m->command == COM_STMT_FETCH ||
		      m->command == COM_STMT_BULK_EXECUTE;

	if (m->command == COM_STMT_FETCH && m->rows == 1)
		recall(r, m);
	if (!is_shown(r) || m->rows > (uint64_t)r->conf->max_rows)
		return;
	m->row_bytes = 0;
	if (x->said[SERVER].len > 0)
		add(x, BYTES("\n"));
	if (!whole)
		x->notes |= NOTE_TRIMMED;
	if (binary)
		binary_row(r, x, &c);
	else
		text_row(r, x, &c);
}
