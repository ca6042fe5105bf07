/*
 * What the files of the Redis module share. Nobody else includes this.
 *
 *   redis.c     the table: options, detection, losses
 *   request.c   commands: arrays of bulk strings and inline lines
 *   argument.c  which of their arguments is what
 *   answer.c    answers and push data: whose they are, where they end
 *   tree.c      their values, of both protocol versions, at any depth
 *   session.c   what answers change: transactions, subscriptions, the database, the user
 *   value.c     values as documents show them
 *   write.c     the document
 *   commands.c  which arguments are keys
 *
 * A command in a transaction is answered twice, with QUEUED and with its own part of EXEC's answer:
 *
 *   MULTI  SET a 1  GET a  EXEC          client
 *     +OK   +QUEUED +QUEUED  *2 +OK $1 1   server
 *            parked  parked   │  └──┴──── each ends its own command's exchange; with the last one
 *                             └────────── EXEC's ends
 *
 * Source   Redis serialization protocol specification (RESP2, RESP3); redis.io on pipelining,
 *          transactions, Pub/Sub, CLIENT REPLY; networking.c and replication.c of Redis 7.0
 */
#ifndef WIRESPAN_REDIS_REDIS_H
#define WIRESPAN_REDIS_REDIS_H

#include "protos/proto.h"
#include "protos/redis/commands.h"

enum {
	KEYS_MAX = 8,	       /* kept of one command */
	NAME_MAX_BYTES = 256,  /* of a command's name; what is longer is none */
	SHORT_MAX = 256,       /* arguments up to here are read whole, and their words understood */
	INLINE_MAX = 64 << 10, /* Redis itself takes no longer line */
	COUNT_LINE_MAX = 32,   /* of a line that holds a number */
	LEVELS = 16,	       /* nested values told apart; what lies deeper is shown flat */
	USER_MAX = 63,
};

#define VALUES_MAX (INT64_C(1) << 32) /* of one array, and bytes of one string */

enum { KEYS_FULL, KEYS_HASH };
enum { STATEMENTS_FULL, STATEMENTS_FINGERPRINT };

struct redis_conf {
	struct proto_conf common;
	int64_t max_value_length;
	int keys, statements;
	bool plain; /* nothing is hidden; from redis_ready on */
};

/* By place in the `notes` of the protocol's table. */
enum redis_note {
	REDIS_NOTE_NOT_EXECUTED = NOTE_OWN << 0,
	REDIS_NOTE_STREAM = NOTE_OWN << 1,
	REDIS_NOTE_SESSION = NOTE_OWN << 2,
};

/* A conversation; outlives a loss. */
struct session {
	uint32_t queued; /* commands parked until EXEC */
	uint32_t subscribed[KINDS_OF_CHANNELS];
	int32_t database; /* -1: not known */
	uint8_t user_len;
	uint8_t user[USER_MAX];
	bool known;  /* what holds at its beginning was filled in */
	bool unsure; /* since a loss: what was lost may have changed it */
	bool monitor;
	bool reply_off, reply_skip; /* CLIENT REPLY, as the client's commands come */
	bool transaction;	    /* likewise, between MULTI and EXEC */
};

/* A value on its way into a document's text. */
struct value {
	uint32_t at; /* where it begins in the text */
	uint32_t kept;
	bool hidden, cut;
	bool closed; /* some of it was lost: no more is shown */
};

/* A string on the wire, taken in pieces. */
struct string {
	bool open;
	uint64_t left; /* bytes to come, the line end included */
	uint64_t len;
};

/* A pattern is hidden as keys are, but names none. */
enum argument { ARGUMENT_VALUE, ARGUMENT_WORD, ARGUMENT_KEY, ARGUMENT_PATTERN, ARGUMENT_SECRET };

/* The client's direction. */
struct asking {
	struct string string;
	struct value value;
	uint64_t args_left; /* of the command in hand */
	uint64_t argc, index;
	uint64_t keys_left; /* of those counted, or from words on */
	bool streams;	    /* the word STREAMS or KEYS was there */
	uint8_t secrets;    /* this many arguments from here on are secret */
	bool user;	    /* the next argument is the user's name */
	uint8_t class;	    /* enum argument, of the string in hand */
	uint8_t next;	    /* of the next one, when the last one said so; 0 when not */
	uint8_t reply;	    /* enum reply_word */
};

/* What a CLIENT REPLY says; and REPLCONF ACK, which is not answered either. */
enum reply_word { REPLY_NONE, REPLY_COMMAND, REPLY_ON, REPLY_OFF, REPLY_SKIP, REPLY_ACK };

struct level {
	int64_t left; /* values to come; -1: until the end mark */
	uint64_t index;
	uint8_t kind; /* its type byte */
	bool flat;    /* holds the values of deeper levels, too */
};

/* The server's direction. */
struct answering {
	struct string string;
	struct value value;
	struct level level[LEVELS];
	uint64_t executing; /* commands that still get their part of EXEC's answer */
	uint8_t depth;
	uint8_t muted;	  /* levels of attributes around the value in hand */
	uint8_t confirms; /* enum role of what a subscription's answer confirms */
	uint8_t kind;	  /* enum channel_kind, likewise */
	uint8_t prefix;	  /* bytes of a verbatim string's type still to come */
	bool push;	  /* belongs to no question */
	bool complete;	  /* the message's last byte was read */
	bool chunks;	  /* a streamed string is in hand */
	bool error;	  /* the string in hand is one */
	bool hide_all, hide_next;
	bool nil_channel; /* of a confirmation */
	bool last;	  /* of the answers of an UNSUBSCRIBE */
	bool line;	  /* the rest of a line of MONITOR is passed over */
};

/* A direction. */
union redis_side {
	struct asking asking;
	struct answering answering;
};

/* A part of said[CLIENT]. */
struct span {
	uint32_t at, len;
};

/* An exchange. The command line stands in said[CLIENT], the answer in said[SERVER]. */
struct redis {
	const struct command *command; /* NULL when there was none */
	uint8_t key_count;
	bool before_key, behind_key;   /* arguments stand there */
	bool simple;		       /* the answer is a simple string */
	bool failed;		       /* or an error */
	bool queued;		       /* was parked, see above */
	bool executed;		       /* and EXEC's answer has its part */
	bool has_channel, has_pattern; /* push data: what stands behind its kind */
	bool verbatim;		       /* raw texts may be kept as they are */
	bool key_open;		       /* said[CLIENT] ends with a part of a key to be hashed */
	uint16_t name_len;	       /* said[CLIENT] begins with it */
	uint32_t key_at;	       /* from here on */
	struct span word;	       /* of the command, behind the name */
	int32_t database;	       /* argument of SELECT, -1 for none */
	struct clip user;	       /* that AUTH or HELLO names */
	struct span keys[KEYS_MAX];
};

/* request.c */
enum step request_unit(struct conn *conn, struct asking *a, struct cursor *c);
enum step request_lost(struct conn *conn, struct asking *a, uint64_t n);

/* argument.c: the next argument, by its place; then by its text, when it is read whole */
enum argument argument_class(struct asking *a, const struct command *command);
enum argument argument_understand(struct asking *a, struct exchange *x, struct bytes text,
				  enum argument class);

/* answer.c */
enum step answer_unit(struct conn *conn, struct answering *r, struct cursor *c);
enum step answer_lost(struct conn *conn, struct answering *r, uint64_t n);

/* A value's first line. */
struct token {
	uint8_t kind;	   /* its type byte */
	bool streamed;	   /* its length is not known yet */
	bool marked;	   /* $EOF:, the end of an RDB file is told by a mark */
	int64_t n;	   /* bytes or values; -1 for null */
	struct bytes text; /* of a line that is a value itself */
};

/* tree.c */
enum step token_read(struct cursor *c, struct token *t);
/* The value that begins with this line; more of a string follows while r->string is open. */
enum step tree_value(struct answering *r, struct exchange *x, struct cursor *c,
		     const struct token *t);
enum step tree_part(struct answering *r, struct exchange *x, struct cursor *c);
/* All of the open string was taken, or lost. */
void tree_part_end(struct answering *r, struct exchange *x);
void tree_show(const struct answering *r, struct exchange *x, struct bytes text);

/* session.c */
struct session *session_of(const struct exchange *x);
bool session_is_subscribed(const struct session *s);
/* The count in a confirmation of kind and role, as `r` has it. */
void session_confirmed(struct session *s, struct answering *r, int64_t count);
/* The answer of x ends with this unit: what it changes. */
void session_answered(struct conn *conn, struct answering *r, struct exchange *x);
/* Whether the array that answers EXEC has a value for each queued command. */
bool session_executes(const struct exchange *x, int64_t count);

/* value.c: what of a value is shown */
void value_begin(struct value *v, const struct clip *clip);
void value_more(struct value *v, struct exchange *x, struct clip *clip, struct bytes more);
void value_end(struct value *v, struct exchange *x, struct clip *clip, uint64_t len);
void value_hash(struct value *v, struct exchange *x, struct clip *clip);
/* Takes away what was added from `len` on. */
void value_forget(struct exchange *x, struct clip *clip, uint32_t len);
/* Where texts have left much behind in x->kept, it is made small again. */
void texts_tidy(struct exchange *x);
/* The next piece of a string; false when its end is not one. */
bool string_take(struct string *s, struct cursor *c, struct bytes *piece);
/* Bytes of it were lost; false when that was more than it has. */
bool string_lose(struct string *s, uint64_t n);

/* write.c */
void redis_settle(struct exchange *x);
void redis_write(const struct exchange *x, struct doc *d);
extern const struct field redis_fields[];

static inline struct redis *redis_of(const struct exchange *x)
{
	return x->own;
}

#endif
