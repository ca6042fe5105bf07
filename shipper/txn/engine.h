/*
 * What the engine's own files share: conversations, lanes, pools. Nobody else includes this.
 *
 *   engine.c    pools, timeouts, which protocol a conversation gets, its beginning and end
 *   lane.c      bytes to units; losses, the way back, datagrams
 *   exchange.c  what protocols call; pairing
 *   record.c    an exchange as a document
 *   world.c     what outlives conversations, and its documents
 *
 * A lane keeps what its parser could not use yet. Units are fed straight from the capture buffer
 * when nothing is kept, which is nearly always:
 *
 *      offset                          offset + kept.len
 *        │◄────────── kept ──────────────►│ next piece
 *        └ mark: packet A   └ mark: packet B
 */
#ifndef WIRESPAN_TXN_ENGINE_H
#define WIRESPAN_TXN_ENGINE_H

#include "protos/protos.h"
#include "shipper/txn/community.h"
#include "shipper/txn/conn.h"

enum {
	MARKS_MAX = 16,	 /* packets told apart within the kept bytes */
	QUIET_MS = 1000, /* of silence, after which nothing old is to come any more */
	ALIENS_MAX = 4,	 /* losses of the place in a row before a conversation is given up */

	POOL_KEPT_MAX = 4096, /* an exchange's block of texts that is kept for the next one */
	POOL_MAX = 4096,      /* free blocks of a kind */
};

/* Where a packet's bytes begin in a direction. */
struct mark {
	uint64_t offset;
	nsec when;
	uint64_t peer_at;
	uint32_t piece; /* counts the direction's packets */
};

enum { MARKS_BYTES = MARKS_MAX * sizeof(struct mark) };

struct lane {
	uint64_t offset; /* in the stream, of the first byte not used */
	struct buf kept;
	struct mark *marks; /* room for MARKS_MAX, once bytes were kept */
	unsigned mark_count;
	uint32_t pieces; /* packets with payload so far */
	bool ended;
	bool ending, again;	  /* asked for by the unit that runs */
	struct exchange *current; /* whose message is in hand */
	void *state;		  /* conn_side */
};

enum conn_state { CONN_UNDECIDED, CONN_READING, CONN_LOST, CONN_PASSING };

struct conn {
	struct engine *engine;
	struct flow *flow;
	struct class *class; /* NULL while undecided */
	void *self;
	uint32_t candidates; /* places in protos[], a bit each */
	uint32_t by_port;    /* of these, the ones whose port it is */
	enum conn_state state;
	bool fresh; /* first seen in the middle and nothing recognized yet */
	bool datagrams;
	bool passing;	     /* conn_pass was called by the unit that runs */
	bool server_spoke;   /* since the place was lost */
	bool hushed;	     /* client bytes are skipped until the server speaks */
	bool slides;	     /* asks on while earlier answers are to come, whenever one has come */
	bool doubted;	     /* it does, and what was paired since the loss may be wrong */
	bool answered;	     /* something, since last nothing was open */
	nsec spoke_at;	     /* when anybody last spoke, while the place was lost */
	bool server_checked; /* the first server bytes after resuming were looked at */
	uint8_t aliens;
	uint8_t unsure;	       /* NOTE_RESYNC or NOTE_MIDSTREAM until once idle, 0 */
	uint32_t since_resync; /* exchanges completed */
	uint64_t resumed_at;   /* client offset at which reading resumed */
	uint64_t numbers;      /* exchanges begun */
	struct exchange *oldest, *newest;
	struct exchange *turn; /* no older one waits for an answer in order; NULL: none does */
	uint32_t open;
	uint32_t done_asked;
	struct mark first, last; /* packets of the first and last byte of the unit that runs */
	struct lane lane[2];
	bool has_texts; /* these, from its first document on */
	char community[COMMUNITY_ID_LEN];
	char address[2][ADDR_TEXT_MAX]; /* by side */
	uint8_t address_len[2];
	enum direction direction; /* only with a home */
	struct holder *holder;	  /* the process on this host; may be NULL */
	struct conn *next_free;
};

struct world {
	struct engine *engine;
	struct class *class;
	void *self; /* NULL for a protocol without */
};

/* Fields that documents of a protocol share. */
enum { PIECE_OUTCOMES = 3, PIECE_NETWORKS = 4 };

struct record_pieces {
	struct doc_piece status[STATUS_COUNT];
	struct doc_piece event[PIECE_OUTCOMES];	  /* success, failure, unknown */
	struct doc_piece network[PIECE_NETWORKS]; /* 1: IPv6, 2: UDP */
};

/* A protocol as this engine runs it. */
struct class
{
	const struct proto *proto;
	const struct proto_conf *conf;
	unsigned place;
	struct doc_keys *keys;
	struct record_pieces pieces;
	struct buf tail;		/* the members that end each of its documents */
	struct exchange *first, *final; /* open ones, by age */
	struct exchange *free_exchanges;
	unsigned free_count;
	struct state_block *free_states[2]; /* of streams, of datagrams */
	uint8_t *datagram_sides;	    /* the sides' state while one is read */
	uint64_t tally[STATUS_COUNT];
	struct world world;
};

struct engine {
	const struct engine_conf *conf;
	const struct document_sink *sink;
	void *sink_self;
	struct quota *quota;
	struct counters *counters;
	nsec checked;  /* when timeouts were last looked at */
	nsec set_back; /* when packet time last went back to, as a clock's does; INT64_MIN: never */
	unsigned class_count;
	struct class classes[PROTOS_MAX];
	struct conn *free_conns;
	unsigned free_conn_count;
};

/* engine.c */
struct exchange *exchange_new(struct conn *conn, enum side asker);
struct exchange *exchange_new_behind(struct conn *conn, struct exchange *x);
void exchange_release(struct conn *conn, struct exchange *x);
void conn_choose(struct conn *conn, struct class *class);

/* lane.c */
void conn_lose(struct conn *conn, enum note note);

/* exchange.c */
void exchange_commit(struct conn *conn, enum side from, uint64_t n);
void exchange_cut_off(struct conn *conn, struct exchange *x, enum note note);
void exchange_cut_all(struct conn *conn, enum note note);

/* record.c */
void record_write(struct conn *conn, struct exchange *x);
void record_pieces(struct record_pieces *pieces, const struct doc_keys *keys,
		   const struct proto *proto);
void record_pieces_free(struct record_pieces *pieces);
void record_category(struct doc *d, const char *category);
void record_notes(struct doc *d, const struct proto *proto, uint32_t notes);

/* world.c */
void world_open(struct class *class, struct engine *engine);
void world_close(struct class *class);

static inline enum side exchange_role(const struct exchange *x, enum side from)
{
	return (enum side)(from != (enum side)x->asker);
}

#endif
