/*
 * What the files of the PostgreSQL module share. Nobody else includes this.
 *
 *   pgsql.c     the table, options, losses, where a question or an answer may begin
 *   login.c     what comes before the first statement: TLS requests, startup, authentication
 *   client.c    the client's messages: what is asked
 *   server.c    the server's messages: whose answer each of them is
 *   report.c    errors and notices, command tags
 *   session.c   prepared statements and portals
 *   rows.c      column names and rows, when responses are asked for
 *   value.c     values as text
 *   list.c      the statements of one text
 *   write.c     what is worked out before an exchange is written, and the document
 *
 * An exchange is a simple Query's statement, an Execute with the Parse, Bind and Describe before
 * it, a Parse, Bind or Describe without one up to the next Sync or Flush, a FunctionCall, a login,
 * or a cancel request. Sync, Flush, Close and ReadyForQuery belong to none, so that a statement's
 * time ends with its own CommandComplete or ErrorResponse. A document waits for ReadyForQuery all
 * the same, to say the transaction's status and to hear of an error that comes with the commit;
 * with several exchanges before one ReadyForQuery the last of them waits.
 *
 * Source   PostgreSQL 17 manual, part VII chapter "Frontend/Backend Protocol"
 */
#ifndef WIRESPAN_PGSQL_PGSQL_H
#define WIRESPAN_PGSQL_PGSQL_H

#include "protos/proto.h"

enum {
	PG_HEAD = 5,		  /* type and length */
	PG_LENGTH_MAX = 1 << 30,  /* of a message: the server's own limit */
	PG_PREFIX_MAX = 64 << 10, /* of a message that is looked at; the rest is passed over */
	PG_STARTUP_MAX = 10000,	  /* MAX_STARTUP_PACKET_LENGTH */
	PG_NAME_MAX = 63,	  /* of a statement or portal, as documents show them */
	PG_TYPES_MAX = 256,	  /* parameter types kept for a statement */
	PG_PARAMS_MAX = 100,	  /* parameters shown */
	PG_STATEMENTS_MAX = 1000, /* of one session, portals included; the oldest goes */
	PG_TEXTS_MAX = 1 << 20,	  /* bytes of their texts */
	PG_LIST_MAX = 500,	  /* statements of one text that are told apart */
	PG_OPS_MAX = 16,	  /* answers that one exchange waits for, told apart */
	PG_COLUMNS_MAX = 64,	  /* whose types are kept to show rows */
};

struct pgsql_conf {
	struct proto_conf common;
	int64_t max_rows, max_row_length, max_query_length;
	int statements; /* enum pg_statements */
};

enum pg_statements { PG_FULL, PG_FINGERPRINT };

/* By place in the `notes` of the protocol's table. */
enum pg_note {
	PG_NOTE_STREAM = NOTE_OWN << 0,
	PG_NOTE_SKIPPED = NOTE_OWN << 1,
	PG_NOTE_UNKNOWN = NOTE_OWN << 2,
	PG_NOTE_OLD = NOTE_OWN << 3,
	PG_NOTE_REST = NOTE_OWN << 4,
	PG_NOTE_SYNC = NOTE_OWN << 5,
	PG_NOTE_LOGIN = NOTE_OWN << 6,
	PG_NOTE_SESSION = NOTE_OWN << 7,
	PG_NOTE_READY = NOTE_OWN << 8,
	PG_NOTE_SECRET = NOTE_OWN << 9,
};

enum pg_kind {
	PG_UNASKED, /* an answer whose question was not seen */
	PG_LOGIN,
	PG_TLS,
	PG_CANCEL,
	PG_QUERY,
	PG_EXTENDED,
	PG_FUNCTION,
	PG_NOTIFICATION,
	PG_MESSAGE, /* an error that the server sent of its own accord */
};

/* What an exchange still waits for, in order. */
enum pg_op { OP_NONE, OP_PARSE, OP_BIND, OP_TYPES, OP_COLUMNS, OP_EXECUTE };

/* What an error or a notice says, by place in `pg_said`. */
enum pg_part {
	PART_SEVERITY,
	PART_CODE,
	PART_MESSAGE,
	PART_DETAIL,
	PART_HINT,
	PART_SCHEMA,
	PART_TABLE,
	PART_COLUMN,
	PART_CONSTRAINT,
	PART_COUNT
};

/* An exchange. said[CLIENT] is the statement, said[SERVER] the command tag. */
struct pgsql {
	uint8_t kind;	 /* enum pg_kind */
	uint8_t command; /* the message that names it: Q, E, P, B, D, F; 0 for none */
	bool held;	 /* answered, waits for ReadyForQuery */
	bool listed;	 /* said[CLIENT] holds the one statement, `rest` what follows it */
	bool bound;	 /* a Bind or a kept portal told the statement */
	bool lax;	 /* more answers are due than `ops` can tell apart */
	bool copy_in, copy_out, copying;
	bool suspended; /* the portal has more rows */
	bool failed;
	bool has_affected, has_columns;
	bool wants_mechanism; /* the client's next message names a SASL mechanism */
	bool wants_tls;	      /* the server's next byte tells whether TLS begins */
	uint8_t transaction;  /* I, T or E; 0 when not known */
	uint8_t op_count, op_next;
	uint64_t ops;	/* enum pg_op, 4 bits each, the first lowest */
	uint32_t syncs; /* Syncs that the client had sent before it */
	uint32_t columns;
	uint32_t pid;	   /* of the server's process, 0 when not known */
	uint32_t protocol; /* of a login: major and minor version, 16 bits each */
	uint32_t function;
	uint32_t described_id; /* of the statement that is described; 0 for none */
	uint32_t source_id;    /* of the statement that it runs; 0 when not known */
	uint64_t rows, copied, affected;
	uint64_t rows_shown;
	uint32_t notices;
	uint32_t param_count;
	struct clip statement, portal; /* their names */
	struct clip rest;	       /* of a Query: statements that follow */
	struct clip params;	       /* a 32-bit length and the text of each */
	struct clip part[PART_COUNT];
	struct clip notice;
	struct clip auth, channel, payload, version;
	struct clip types;  /* of the result's columns, 4 bytes each, only when rows are shown */
	bool headed;	    /* the line of column names is there */
	bool formats_bound; /* Bind told the result's formats */
	uint64_t binary;    /* a bit for each column: its format */
	/* From settling to writing: a statement that knows its fingerprint. */
	const struct pg_statement *known;
};

/* What is kept of a prepared statement or a portal. */
struct pg_parts {
	struct bytes name, text;
	struct bytes types; /* of a statement's parameters: OIDs in network order */
	bool portal, formats_bound;
	bool trimmed;	      /* the text was cut */
	bool unsure;	      /* made before a loss */
	uint32_t param_count; /* in params */
	uint32_t source_id;
	struct bytes params; /* of a portal, as in struct pgsql */
	struct bytes source; /* of a portal: the name of its statement */
	struct bytes header,
		column_types; /* of a statement's rows, once told, when they are shown */
	uint64_t binary;      /* of a portal, as in struct pgsql */
};

struct pg_statement {
	struct pg_statement *next; /* of its hash bucket */
	uint64_t hash;
	uint32_t id;
	uint32_t epoch;			      /* of the session when it was made */
	struct pg_print *print;		      /* of its text, once it was asked for */
	struct pg_parts parts;		      /* within bytes */
	struct pg_statement *later, *earlier; /* by age */
	size_t cap;			      /* of bytes */
	uint8_t bytes[];
};

/* A statement's fingerprint, kept for those that run many times. */
struct pg_print {
	struct bytes text, method, tables; /* within bytes */
	uint64_t hash;
	bool secret; /* the statement holds a password */
	size_t size;
	uint8_t bytes[];
};

enum { PG_BUCKETS = 64 };

/* A conversation: outlives a loss of the place. */
struct pg_session {
	bool typed;	/* startup is over: messages have types from here on */
	bool escapes;	/* standard_conforming_strings is off */
	bool lost;	/* bytes were lost: the application's name may have changed */
	uint32_t epoch; /* counts losses */
	uint32_t ids;
	uint32_t count, portals;
	size_t texts;		       /* bytes of all blocks */
	struct pg_statement **buckets; /* PG_BUCKETS; NULL until the first one */
	struct pg_statement *oldest, *newest;
	struct pg_statement *recent; /* prepared statement that was looked for last */
	struct buf names;
	struct clip user, db, application;
};

/* A direction. */
struct pg_side {
	uint32_t left;	/* bytes to come of a message that is passed over */
	bool keeping;	/* these are a Query's text */
	bool ends;	/* and with them the message in hand */
	uint32_t syncs; /* sent; answered */
	bool failed;	/* SERVER: all up to the next Sync is skipped */
	bool in_query;	/* SERVER: a Query's or FunctionCall's ReadyForQuery is due */
};

/* A unit at work. */
struct pg_reading {
	struct conn *conn;
	enum side from;
	const struct pgsql_conf *conf;
	struct pg_session *session;
	struct pg_side *side;
	bool stop; /* the unit ends here */
};

/* A message: its type, and as much of its body as is looked at. */
struct pg_message {
	uint8_t type;
	uint32_t len;	   /* of the body */
	struct bytes body; /* PG_PREFIX_MAX bytes of it at most */
};

static inline struct pgsql *pgsql_of(const struct exchange *x)
{
	return x->own;
}

/* The longest statement. */
static inline int64_t pg_query_max(const struct pgsql_conf *conf)
{
	return conf->max_query_length < conf->common.max_message_size
		       ? conf->max_query_length
		       : conf->common.max_message_size;
}

/* pgsql.c: adds to a text, up to `max` bytes in all; a cut is noted. */
void pg_keep(struct exchange *x, struct clip *clip, struct bytes text, int64_t max);
/* STEP_MORE until what is looked at is all there; takes it, and leaves the rest to be passed over
 * (side->left). */
enum step pg_take(struct pg_reading *r, struct cursor *c, struct pg_message *m);

/* login.c: the open login, NULL when there is none */
struct exchange *pg_login_of(struct conn *conn);
enum step pg_startup(struct pg_reading *r, struct cursor *c);
void pg_password(struct pg_reading *r, const struct pg_message *m);
/* A single byte answers a request for TLS; false when it is a message all the same. */
bool pg_answer_tls(struct pg_reading *r, struct exchange *x, struct cursor *c);
void pg_login_message(struct pg_reading *r, struct exchange *x, const struct pg_message *m);
void pg_parameter(struct pg_reading *r, struct exchange *login, struct bytes body);

/* client.c, server.c */
enum step pg_client(struct pg_reading *r, struct cursor *c);
enum step pg_server(struct pg_reading *r, struct cursor *c);
void pg_push(struct pgsql *p, enum pg_op op);

/* report.c */
void pg_error(struct exchange *x, struct bytes body);
void pg_notice(struct exchange *x, struct bytes body);
void pg_tag(struct exchange *x, struct bytes tag);
const char *pg_class_name(struct bytes code);

/* session.c */
struct pg_statement *pg_find(struct pg_session *s, bool portal, struct bytes name);
/* The prepared statement of that name, if it is still the one that had this id. */
struct pg_statement *pg_find_same(struct pg_session *s, struct bytes name, uint32_t id);
void pg_forget(struct pg_reading *r, bool portal, struct bytes name);
void pg_forget_portals(struct pg_reading *r);
void pg_forget_all(struct conn *conn, struct pg_session *s);
/* Takes the place of one with that name. */
struct pg_statement *pg_remember(struct pg_reading *r, const struct pg_parts *parts);
/* Its fingerprint from now on; `with` is copied. */
void pg_learn_print(struct conn *conn, struct pg_statement *st, const struct pg_print *with);
/* What the server told of a statement. Where it tells nothing new the other one stays. */
void pg_learn_types(struct pg_reading *r, struct bytes name, uint32_t id, struct bytes types);
void pg_learn_columns(struct pg_reading *r, struct bytes name, uint32_t id, struct bytes header,
		      struct bytes types);

/* rows.c */
bool pg_rows_wanted(const struct exchange *x);
void pg_rows_columns(struct pg_reading *r, struct exchange *x, struct bytes body);
/* The columns of a statement that was described before. */
void pg_rows_known(struct pg_reading *r, struct exchange *x);
void pg_rows_row(struct exchange *x, struct bytes body);

/* value.c: appends a value as psql would print it. `type` is its OID, 0 when not known. */
void pg_value(struct buf *out, uint32_t type, bool binary, struct bytes value);

/* list.c: divides a Query's text, once: said[CLIENT] is then its first statement. */
void pg_list_divide(struct exchange *x, bool escapes);
bool pg_list_has_more(struct exchange *x, bool escapes);
/* Gives x the text that follows `before`. */
void pg_list_statement(struct exchange *x, struct exchange *before, bool escapes);
/* The length of the first statement of a text, its semicolon not counted; text.len when it
 * is the only one. `*next` is where the next one begins, text.len when there is none. */
size_t pg_list_first(struct bytes text, bool escapes, size_t *begin, size_t *next);

/* write.c */
void pg_settle(struct exchange *x);
void pg_write(const struct exchange *x, struct doc *d);

#endif
