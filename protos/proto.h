/*
 * The protocol interface: all that a protocol module sees, and all that the engine knows of it.
 *
 * A protocol is a pure state machine for each direction: bytes in, beginnings and ends of messages
 * out. It does no I/O, reads no clock and has no statics. The engine (shipper/txn/) buffers what is
 * not used yet, counts bytes and takes times, finds the way back after a loss, and pairs questions
 * with answers.
 *
 *   unit(conn, side, cursor)  takes the next part of a message from the front of the bytes:
 *       STEP_DONE   something was taken, or the message ended before these bytes; call again
 *                   while bytes are left
 *       STEP_MORE   the part is not whole yet: nothing is taken, however far the cursor went, and
 *                   the same bytes come again with more behind them
 *       STEP_ALIEN  this is not the protocol, or not from a message's beginning
 *
 * A unit that takes a long value in pieces (cursor_upto) keeps the engine from buffering it.
 *
 * Thread   the conversation's own
 */
#ifndef WIRESPAN_PROTOS_PROTO_H
#define WIRESPAN_PROTOS_PROTO_H

#include "shipper/base/clip.h"
#include "shipper/base/cursor.h"
#include "shipper/base/option.h"
#include "shipper/base/side.h"
#include "shipper/base/time.h"
#include "shipper/txn/doc.h"
#include "shipper/txn/field.h"

struct conn;
struct counters;
struct endpoints;
struct world; /* what all conversations of a protocol share within a worker */

enum step { STEP_DONE, STEP_MORE, STEP_ALIEN };
/* MAYBE: too few bytes to tell. SURE: a question that clients do not ask before they have the
 * answers to all earlier ones, of a protocol that `pipelines`. */
enum guess { GUESS_NO, GUESS_MAYBE, GUESS_YES, GUESS_SURE };
enum match { MATCH_ORDER, MATCH_KEY };
enum status { STATUS_OK, STATUS_ERROR, STATUS_CLIENT_ERROR, STATUS_SERVER_ERROR };
enum { STATUS_COUNT = STATUS_SERVER_ERROR + 1 };
enum { ANSWERS_MANY = -1 };
enum { PROTO_TCP = 1, PROTO_UDP = 2 }; /* transports a protocol runs on */

/* Remarks on how sure a document is. NOTE_OWN << i is the i-th of the protocol's `notes`. */
enum note {
	NOTE_TRIMMED = 1 << 0,	    /* a text was cut at its limit */
	NOTE_GAP = 1 << 1,	    /* packets lost within the exchange */
	NOTE_ONE_SIDED = 1 << 2,    /* the other direction was not captured */
	NOTE_OUT_OF_ORDER = 1 << 3, /* the answer began before the question had ended */
	NOTE_RESYNC = 1 << 4,	    /* paired in order soon after a loss */
	NOTE_MIDSTREAM = 1 << 5,    /* the conversation's beginning was not seen */
	NOTE_TIMEOUT = 1 << 6,	    /* no answer within transaction_timeout */
	NOTE_CLOSED = 1 << 7,	    /* the connection ended first */
	NOTE_FINISHED = 1 << 8,	    /* the capture ended first */
	NOTE_LIMIT = 1 << 9,	    /* written early at a limit of memory or number */
	NOTE_ALIEN = 1 << 10,	    /* bytes that were not the protocol followed */
	NOTE_TLS = 1 << 11,	    /* what follows is encrypted */
	NOTE_OWN = 1 << 12,
};

/* One question with its answer or answers. Members above the line are the protocol's to set. */
struct exchange {
	struct buf kept;     /* where all of the exchange's clips lie */
	struct clip said[2]; /* a text for each side, for the protocol's use */
	struct clip error;   /* error.message, where the other side said one */
	struct clip raw[2];  /* send_request, send_response: without secrets, so the protocol's */
	struct clip server_domain; /* server.domain and destination.domain, as the client said it */
	bool settled;		   /* whole; it stays open only for what may yet repeat it */
	struct addr forwarded_ip;  /* network.forwarded_ip, from what a proxy said */
	uint8_t forwarded_version; /* 4 or 6; 0 when there is none */
	enum status status;
	uint32_t notes; /* enum note, or-ed */
	/* ------------------------------------------------------------------ read only */
	struct conn *conn;
	bool begun[2], ended[2]; /* by side: CLIENT the question, SERVER the (last) answer */
	bool whole[2];		 /* ended as the protocol says, nothing lost of it */
	bool written;		 /* timed out: already a document, waits only to take its answer */
	bool spoiled[2];	 /* never to be whole, see exchange_spoil */
	bool answered;		 /* all answers that it gets have ended */
	bool done_asked;	 /* see exchange_done */
	bool pushed;		 /* belongs to no question */
	bool parked;		 /* see exchange_park */
	bool provisional;	 /* what came of the answer so far was */
	uint8_t until_close;	 /* 1 << side: that message ends with its side of the connection */
	uint8_t asker;		 /* enum side: who asked; SERVER for a server's own request */
	int expects;		 /* answers still to come; ANSWERS_MANY */
	nsec begin[2], end[2];	 /* packet times of first and last byte */
	uint64_t from[2];	 /* stream offsets of the first byte */
	uint64_t bytes[2];	 /* of its messages on the wire */
	uint32_t packets[2];	 /* that carried them */
	uint32_t first_piece[2];
	int64_t text_max; /* of a text, in bytes: max_message_size */
	uint64_t number;  /* counts the conversation's exchanges, from 0 */
	uint32_t part;	  /* of those that share a question, and its number; from 0 */
	struct clip key;  /* MATCH_KEY */
	uint32_t begin_retransmits, begin_out_of_order; /* the connection's, at the beginning */
	uint64_t begin_gap_bytes;
	struct exchange *next, *prev;	  /* open ones of the conversation, oldest first */
	struct exchange *later, *earlier; /* open ones of the protocol, by age */
	void *own;			  /* exchange_size bytes, zeroed */
};

/* What every protocol's conf struct begins with; its rows are proto_options. */
struct proto_conf {
	bool enabled;
	bool detect; /* recognize by content on any port */
	bool send_request, send_response;
	struct ports ports;
	int64_t max_message_size; /* of texts kept for a document, raw ones included; bytes */
	nsec transaction_timeout;
	struct texts tags;
};

extern const struct option proto_options[];
extern const char *const status_words[STATUS_COUNT]; /* as documents have them */

struct proto {
	const char *name;     /* `type` and the configuration's key */
	const char *category; /* event.category beside "network": "web", "database", or NULL */
	uint16_t ports[8];    /* by default */
	unsigned transports;  /* PROTO_TCP | PROTO_UDP */
	enum match match;
	/* Clients do not wait for answers. Reading then resumes only at a question that comes right
	 * behind an answer, so that none to earlier questions is still under way; of a conversation
	 * first seen in the middle at one that is GUESS_SURE, too. */
	bool pipelines;
	size_t self_size; /* for a conversation: conn_self */
	size_t side_size; /* for a direction: conn_side; zeroed when reading starts or resumes */
	size_t exchange_size; /* for an exchange: exchange->own */
	size_t world_size;    /* for all conversations of a worker: world_self */
	size_t conf_size;     /* begins with struct proto_conf */
	const struct option
		*options; /* its own, beside proto_options; offsets in the conf struct */
	const struct field *fields;
	const char *const *notes; /* texts of NOTE_OWN << i, ends with NULL; may be NULL */

	/* Could these be the first bytes of a question (CLIENT) or an answer or greeting (SERVER)?
	 * For detection, for resuming after a loss, and for conversations first seen in the middle.
	 */
	enum guess (*start)(struct bytes b, enum side from);
	enum step (*unit)(struct conn *conn, enum side from, struct cursor *c);
	/* n bytes were lost, what was kept for want of them included: STEP_DONE if they lie within
	 * a value that was only passed over. */
	enum step (*lost)(struct conn *conn, enum side from, uint64_t n);
	/* Optional: the exchange is written next: last touches to what is the protocol's to set
	 * (status, error, raw, server_domain), worked out once from what was kept. */
	void (*settle)(struct exchange *x);
	/* The protocol's own part of the document. */
	void (*write)(const struct exchange *x, struct doc *d);
	/* Optional: an exchange is given back; frees what hangs off x->own. */
	void (*forget)(struct exchange *x);
	/* Optional: the place was lost: frees what hangs off conn_side, which is zeroed next;
	 * conn_self stays as it is (user, schema, capabilities outlive a loss). */
	void (*lose)(struct conn *conn);
	/* Optional: the conversation goes: frees what hangs off conn_self and conn_side. */
	void (*close)(struct conn *conn);
	/* Optional: some packet time has passed (looked at every 100 ms). A protocol that has this
	 * sees to its exchanges' timeouts by itself, with exchange_close. */
	void (*tick)(struct world *world, nsec now);
	/* Optional: the capture ended, all conversations are closed: writes what is still open. */
	void (*finish)(struct world *world);
	/* Optional: memory is short: lets the oldest of what it keeps go; false when it keeps
	 * nothing. */
	bool (*shrink)(struct world *world);
	/* Optional: frees what hangs off world_self. */
	void (*leave)(struct world *world);
	/* Optional: checks what single rows cannot, and prepares (lower-cases, sorts, compiles). */
	bool (*ready)(void *conf, struct fault *fault);
	/* Optional: gives back what ready prepared; also called when ready was not, or failed. */
	void (*unready)(void *conf);
	/* Optional: conf is ready, and takes the place of `before` while conversations go on: it
	 * refers to what they point into, which outlives both. */
	void (*inherit)(void *conf, const void *before);
};

/* ---- What a protocol may call, from within its callbacks ---- */

void *conn_self(struct conn *conn);
void *conn_side(struct conn *conn, enum side from);
const void *conn_conf(const struct conn *conn);
struct quota *conn_quota(struct conn *conn);
uint16_t conn_port(const struct conn *conn, enum side side);
bool conn_is_datagram(const struct conn *conn);

/* A message begins with this unit. CLIENT: a question. SERVER: the answer to the oldest question
 * that still lacks one (MATCH_ORDER), or an answer without a question. Returns the exchange. */
struct exchange *exchange_begin(struct conn *conn, enum side from);
/* MATCH_KEY: a question, or the answer to the question with that key, whichever side asks. */
struct exchange *exchange_ask(struct conn *conn, enum side from, struct bytes key);
struct exchange *exchange_answer(struct conn *conn, enum side from, struct bytes key);
/* As exchange_answer, where the protocol has found the question by itself, maybe one of another
 * conversation of datagrams; NULL: an answer without a question. */
struct exchange *exchange_answer_from(struct conn *conn, enum side from, struct exchange *x);
/* A message that belongs to no question (push data, a notification). */
struct exchange *exchange_push(struct conn *conn, enum side from);

/* The answer to this question begins (or, ANSWERS_MANY, another one), whatever else is open. NULL,
 * or a question that the sender cannot have read yet: an answer without a question. */
struct exchange *exchange_answer_to(struct conn *conn, struct exchange *x);
/* One more exchange for the question of x, placed behind it: its time, none of its bytes. A
 * question that asks for several things has one for each, as the answers come. */
struct exchange *exchange_split(struct conn *conn, struct exchange *x);
/* This side's message of x, which had ended, goes on with this unit: data that follows a question
 * once the server is ready for it. */
void exchange_go_on(struct conn *conn, enum side from, struct exchange *x);

/* The exchange whose message this side has in hand; NULL between messages. */
struct exchange *exchange_of(struct conn *conn, enum side from);
/* CLIENT's oldest exchange without its answer, NULL when none: whom the next answer is for. */
struct exchange *exchange_oldest(struct conn *conn);

/* How many answers the exchange gets: 1 by default, 0 for none, ANSWERS_MANY until exchange_done.
 */
void exchange_expect(struct exchange *x, int answers);
/* The message in hand ends with this unit. Takes effect on return, when the bytes are counted. */
void exchange_end(struct conn *conn, enum side from);
/* As exchange_end, but it was provisional (100 Continue): the same exchange gets the next answer.
 */
void exchange_again(struct conn *conn, enum side from);
/* As exchange_again, but other questions are answered first: no answer in order is for it any more,
 * it is given the next one by exchange_answer_to. */
void exchange_park(struct conn *conn, enum side from);
/* The oldest parked exchange, NULL when none; more of them are found by ->next and ->parked. */
struct exchange *exchange_parked(struct conn *conn);
/* No more answers (ANSWERS_MANY). Takes effect on return. An answer that exchange_again left open
 * ends with this unit. */
void exchange_done(struct conn *conn, struct exchange *x);
/* Ends and is written now, with these notes beside its own; not one that is in hand. */
void exchange_close(struct exchange *x, uint32_t notes);
/* Asks for the memory that closing it will look at; `soon`: for what this points to. */
void exchange_fetch(const struct exchange *x, bool soon);
/* The message in hand ends when its side of the connection does. */
void exchange_until_close(struct conn *conn, enum side from);
/* The message in hand will never be whole; what is known goes out, with the note. */
void exchange_spoil(struct conn *conn, enum side from, enum note note);
/* All that follows in both directions is no longer this protocol (CONNECT, Upgrade): open
 * exchanges end as they are, the rest is passed over. Takes effect on return. */
void conn_pass(struct conn *conn);
/* As conn_pass, since TLS begins: said in the exchange that asked for it, and counted. */
void conn_pass_tls(struct conn *conn, struct exchange *x);

/* Packet time of the unit's first and last byte, and the conversation's ends. */
nsec conn_begin_time(const struct conn *conn);
nsec conn_end_time(const struct conn *conn);
const struct endpoints *conn_ends(const struct conn *conn);

/* ---- What outlives conversations: calls, sessions ---- */

struct world *conn_world(const struct conn *conn);
void *world_self(const struct world *world);
const void *world_conf(const struct world *world);
struct quota *world_quota(const struct world *world);
struct counters *world_counters(const struct world *world);

/* A document that is not an exchange. Its fields are of the protocol's table. */
struct record {
	const char *type; /* and event.dataset; plain ASCII */
	nsec start, end;  /* event.duration lies between */
	enum status status;
	bool unknown;	   /* event.outcome is neither success nor failure */
	uint32_t notes;	   /* enum note */
	uint64_t identity; /* with `start`, what event.id is made of: no two records share both */
	struct bytes error;
	const struct record_ends *ends;			   /* client and server; may be NULL */
	void (*write)(const void *subject, struct doc *d); /* the protocol's own part */
	const void *subject;
};

struct record_ends {
	struct addr addr[2];
	uint16_t port[2];
	uint8_t version; /* 4 or 6 */
	uint8_t transport;
};

void record_add(struct world *world, const struct record *record);

/* Texts, cut at the protocol's max_message_size; a cut one notes NOTE_TRIMMED. */
void exchange_keep(struct exchange *x, struct clip *clip, struct bytes more);
static inline struct bytes exchange_text(const struct exchange *x, const struct clip *clip)
{
	return clip_bytes(clip, &x->kept);
}

#endif
