/*
 * The prepared statements of a session: text, fingerprint, parameters, columns.
 *
 * Owns     the statements, at most STATEMENTS_MAX of a session; at the limit the oldest goes. All
 *          is charged to the quota
 */
#ifndef WIRESPAN_MYSQL_STATEMENT_H
#define WIRESPAN_MYSQL_STATEMENT_H

#include "shipper/base/buf.h"

enum {
	STATEMENTS_MAX = 1024,
	PARAM_TEXT_MAX = 1024,	    /* of a parameter */
	PARAMS_TEXT_MAX = 16 << 10, /* of all of an execution, lengths included */
};

struct statement {
	uint32_t id;
	uint16_t params;
	bool cut;	/* the text ends at its limit */
	bool has_types; /* of the parameters, from an execution before */
	bool long_cut;	/* not all of long_data is there */
	uint32_t text_len, print_len;
	uint16_t method_len, tables_len;
	size_t size;
	uint8_t *types; /* two bytes a parameter; then a bit each: sent as long data */
	uint8_t *is_long;
	struct buf long_data; /* pieces: two bytes of the parameter's place, two of length, bytes */
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
/* A parameter's value, or more of it, that comes before the execution (COM_STMT_SEND_LONG_DATA). */
void statement_long_add(struct statement *st, unsigned param, struct bytes piece);
bool statement_is_long(const struct statement *st, unsigned param);
/* What there is of it, put together in `room`; one byte above the limit shows that there is more.
 */
struct bytes statement_long(const struct statement *st, unsigned param,
			    uint8_t room[PARAM_TEXT_MAX + 1]);
/* It was executed, or reset: there is no long data any more. */
void statement_long_clear(struct statement *st);
/* Some of it may be missing, or belong to an execution that was not seen. */
void statement_long_lose(struct statement *st);
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
