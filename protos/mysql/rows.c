/*
 * Rows as text, for `response`: a line of the columns' names, then a line a row, values divided by
 * commas, those with commas, quotes or line ends quoted.
 */
#include "protos/mysql/mysql.h"
#include "protos/mysql/value.h"

enum { FIXED_MIN = 0x0a };

static void add(struct exchange *x, struct bytes part)
{
	exchange_keep(x, &x->said[SERVER], part);
}

/* Of a value, as much as the row still may have. */
static void add_value(struct reading *r, struct exchange *x, struct bytes value)
{
	struct mysql *m = mysql_of(x);
	size_t max = (size_t)r->conf->max_row_length;
	size_t room = m->row_bytes < max ? max - m->row_bytes : 0;
	struct bytes part = bytes_head(value, room);
	bool quoted = false;

	for (size_t i = 0; i < part.len && !quoted; i++)
		quoted = part.at[i] == ',' || part.at[i] == '"' || part.at[i] == '\n' ||
			 part.at[i] == '\r';
	if (part.len < value.len)
		x->notes |= NOTE_TRIMMED;
	m->row_bytes += (uint32_t)part.len;
	if (!quoted) {
		add(x, part);
		return;
	}
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

static bool is_shown(const struct reading *r)
{
	return r->conf->statements == STATEMENTS_FULL;
}

void rows_columns(struct reading *r, struct exchange *x)
{
	if (r->self->types.quota == NULL)
		buf_init(&r->self->types, conn_quota(r->conn));
	r->self->types.len = 0;
	r->self->types_of = mysql_of(x)->has_id ? mysql_of(x)->id : UINT32_MAX;
	mysql_of(x)->row_bytes = 0;
	if (is_shown(r) && x->said[SERVER].len > 0)
		add(x, BYTES("\n"));
}

void rows_column(struct reading *r, struct exchange *x, struct bytes definition)
{
	struct cursor c = cursor_of(definition);
	struct buf *types = &r->self->types;

	for (int i = 0; i < 4; i++) /* catalog, schema, table, its name without alias */
		take_text(&c);
	struct bytes name = take_text(&c);

	take_text(&c);
	uint64_t fixed = take_lenenc(&c, NULL);

	if (fixed < FIXED_MIN) { /* MariaDB: more of the type before it */
		c.dry = true;
	}
	cursor_take(&c, 2 + 4);
	uint8_t type[2] = {cursor_u8(&c), 0};

	type[1] = cursor_le16(&c) & 0x20 ? 0x80 : 0;
	if (types->len < 2 * COLUMNS_KEPT_MAX)
		buf_add(types, bytes_of(type, sizeof(type)));
	if (!is_shown(r))
		return;
	if (types->len > 2)
		add(x, BYTES(","));
	add_value(r, x, name);
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
		if (!first)
			add(x, BYTES(","));
		add_value(r, x, null ? BYTES("NULL") : value);
	}
}

static void binary_row(struct reading *r, struct exchange *x, struct cursor *c)
{
	size_t count = r->self->types.len / 2;

	cursor_u8(c);
	struct bytes nulls = cursor_take(c, (count + 2 + 7) / 8);

	for (size_t i = 0; i < count && !c->dry; i++) {
		char room[VALUE_TEXT_MAX];
		const uint8_t *type = r->self->types.at + 2 * i;
		bool null = nulls.at[(i + 2) / 8] >> ((i + 2) % 8) & 1;
		struct bytes value =
			null ? BYTES("NULL") : value_text(c, type[0], type[1] & 0x80, room);

		if (c->dry) {
			x->notes |= NOTE_TRIMMED;
			break;
		}
		if (i > 0)
			add(x, BYTES(","));
		add_value(r, x, value);
	}
}

void rows_row(struct reading *r, struct exchange *x, struct bytes row, bool whole)
{
	struct mysql *m = mysql_of(x);
	struct cursor c = cursor_of(row);
	bool binary = m->command == COM_STMT_EXECUTE || m->command == COM_STMT_FETCH ||
		      m->command == COM_STMT_BULK_EXECUTE;

	if (!is_shown(r) || m->rows > (uint64_t)r->conf->max_rows)
		return;
	if (m->command == COM_STMT_FETCH && r->self->types_of != m->id)
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
