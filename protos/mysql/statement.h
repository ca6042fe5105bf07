/*
 * The prepared statements of a session: text, fingerprint, parameters, columns.
 *
 * Owns     the statements, at most STATEMENTS_MAX of a session; at the limit the oldest goes. All
 *          is charged to the quota
 */
#ifndef WIRESPAN_MYSQL_STATEMENT_H
#define WIRESPAN_MYSQL_STATEMENT_H

#include "shipper/base/bytes.h"
#include "shipper/base/quota.h"

enum { STATEMENTS_MAX = 1024 };

struct statement {
	uint32_t id;
	uint16_t params;
	bool cut;	/* the text ends at its limit */
	bool has_types; /* of the parameters, from an execution before */
	uint32_t text_len, print_len;
	uint16_t method_len, tables_len;
	size_t size;
	uint8_t *types; /* two bytes a parameter; then a bit each: sent as long data */
	uint8_t *long_data;
	uint8_t *shape; /* of its result, see rows.c: columns' types, then their names; or NULL */
	uint32_t shape_types, shape_names;
	uint8_t texts[]; /* text, fingerprint, method, tables */
};

struct statements_kept {
	struct statement **at; /* by id */
	size_t count, room;
};

struct statement *statement_find(const struct statements_kept *s, uint32_t id);
/* In place of one with that id. */
struct statement *statement_add(struct statements_kept *s, struct quota *quota, uint32_t id,
				uint16_t params, const struct bytes texts[4]);
/* What its result looks like; servers may leave that out later. */
void statement_shape(struct statement *st, struct quota *quota, struct bytes types,
		     struct bytes names);
void statement_drop(struct statements_kept *s, struct quota *quota, uint32_t id);
void statements_free(struct statements_kept *s, struct quota *quota);

static inline struct bytes statement_text(const struct statement *s)
{
	return bytes_of(s->texts, s->text_len);
}
static inline struct bytes statement_print(const struct statement *s)
{
	return bytes_of(s->texts + s->text_len, s->print_len);
}
static inline struct bytes statement_method(const struct statement *s)
{
	return bytes_of(s->texts + s->text_len + s->print_len, s->method_len);
}
static inline struct bytes statement_tables(const struct statement *s)
{
	return bytes_of(s->texts + s->text_len + s->print_len + s->method_len, s->tables_len);
}

#endif
