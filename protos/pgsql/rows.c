/*
 * Rows as text, for `response`: a line of column names, then a line a row, values divided by commas
 * and quoted where they must be (RFC 4180), as Packetbeat prints them.
 */
#include "protos/pgsql/pgsql.h"

static bool is_plain(struct bytes value)
{
	if (value.len > 0 && value.at[0] == ' ')
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] == ',' || value.at[i] == '"')
			return false;
	return true;
}

/* Line ends would end the row: they are shown as \n and \r. */
static void add_field(struct buf *line, struct bytes value)
{
	bool plain = is_plain(value);

	if (!plain)
		buf_add(line, BYTES("\""));
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.at[i];

		if (c == '\n' || c == '\r')
			buf_add(line, c == '\n' ? BYTES("\\n") : BYTES("\\r"));
		else if (c == '"')
			buf_add(line, BYTES("\"\""));
		else
			buf_add(line, bytes_of(&c, 1));
	}
	if (!plain)
		buf_add(line, BYTES("\""));
}

static void keep_line(struct exchange *x, struct bytes line, size_t max)
{
	struct bytes text = bytes_head(line, max);

	if (text.len < line.len)
		x->notes |= NOTE_TRIMMED;
	exchange_keep(x, &x->raw[SERVER], text);
	exchange_keep(x, &x->raw[SERVER], BYTES("\n"));
}

static void keep_columns(struct exchange *x, struct bytes header, struct bytes types, size_t max)
{
	struct pgsql *p = x->own;

	p->headed = true;
	p->types = (struct clip){0};
	clip_add(&p->types, &x->kept, types, types.len);
	keep_line(x, header, max);
}

void pg_rows_known(struct pg_reading *r, struct exchange *x)
{
	const struct pgsql *p = pgsql_of(x);
	const struct pg_statement *st =
		pg_find_same(r->session, exchange_text(x, &p->statement), p->source_id);

	if (st && st->parts.header.len > 0)
		keep_columns(x, st->parts.header, st->parts.column_types,
			     (size_t)r->conf->max_row_length);
}

bool pg_rows_wanted(const struct exchange *x)
{
	const struct pgsql_conf *conf = conn_conf(x->conn);

	return conf->common.send_response && conf->statements == PG_FULL &&
	       pgsql_of(x)->rows_shown < (uint64_t)conf->max_rows;
}

void pg_rows_columns(struct pg_reading *r, struct exchange *x, struct bytes body)
{
	size_t max = (size_t)r->conf->max_row_length;
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(body);
	struct buf line = {0}, types = {0};
	uint16_t n = cursor_be16(&c);

	if (!p->formats_bound)
		p->binary = 0;
	for (uint16_t i = 0; i < n && !c.dry && line.len <= max; i++) {
		struct bytes name = cursor_until(&c, 0);

		cursor_take(&c, 6); /* table, column */
		uint32_t type = cursor_be32(&c);

		cursor_take(&c, 6); /* size, modifier */
		uint16_t format = cursor_be16(&c);

		if (c.dry)
			break;
		if (i > 0)
			buf_add(&line, BYTES(","));
		add_field(&line, name);
		if (i < PG_COLUMNS_MAX)
			buf_add(&types, bytes_of(&type, sizeof(type)));
		if (i < PG_COLUMNS_MAX && !p->formats_bound)
			p->binary |= (uint64_t)(format != 0) << i;
	}
	if (line.len > max) /* as long as one can tell that it was cut */
		line.len = max + 1;
	keep_columns(x, buf_bytes(&line), buf_bytes(&types), max);
	pg_learn_columns(r, exchange_text(x, &p->statement),
			 p->source_id ? p->source_id : p->described_id, buf_bytes(&line),
			 buf_bytes(&types));
	buf_fini(&types);
	buf_fini(&line);
}

void pg_rows_row(struct exchange *x, struct bytes body)
{
	const struct pgsql_conf *conf = conn_conf(x->conn);
	struct pgsql *p = x->own;
	struct bytes types = exchange_text(x, &p->types);
	size_t max = (size_t)conf->max_row_length;
	struct cursor c = cursor_of(body);
	struct buf line = {0}, text = {0};
	uint16_t n = cursor_be16(&c);

	p->rows_shown++;
	for (uint16_t i = 0; i < n && !c.dry && line.len <= max; i++) {
		uint32_t len = cursor_be32(&c), type = 0;
		bool null = len == UINT32_MAX;
		struct bytes value = bytes_head(cursor_rest(&c), null ? 0 : len);
		bool binary = i < PG_COLUMNS_MAX && (p->binary >> i & 1);

		if (!null)
			cursor_take(&c, len);
		if (4 * (size_t)i + 4 <= types.len)
			memcpy(&type, types.at + 4 * (size_t)i, sizeof(type));
		if (i > 0)
			buf_add(&line, BYTES(","));
		text.len = 0;
		pg_value(&text, type, binary, bytes_head(value, max));
		add_field(&line, buf_bytes(&text));
	}
	buf_fini(&text);
	keep_line(x, buf_bytes(&line), max);
	buf_fini(&line);
}
