/*
 * What the files of the SIP module share. Nobody else includes this.
 *
 *   sip.c           the table: framing, options
 *   message.c       heads; value.c: addresses, URIs, parameters; pack.c: what is kept of one
 *   transaction.c   requests and responses that belong together
 *   settle.c        what is worked out once before a transaction is written: status, error, raw
 *   write.c         the transaction's document; part.c: parts that several documents share
 *   call.c          dialogs as calls; call_write.c their document
 *   registration.c  bindings
 *   sdp.c           session descriptions
 *   wheel.c index.c timers, hash tables
 *
 * Messages of a transaction, and even more of a call, come on several conversations: all of a
 * worker's transactions, calls and bindings lie in one struct sip_world.
 *
 *   message ─► transaction (key: branch, sent-by, method) ─► document `sip`, 5 s after its last
 *      └─────► call (Call-ID) ───────────────────────────► `sip_call`, each minute and at its end
 *      └─────► binding (address of record, contact) ─────► `sip_registration`
 *
 * Source   RFC 3261; RFC 6076 (measures)
 */
#ifndef WIRESPAN_SIP_SIP_H
#define WIRESPAN_SIP_SIP_H

#include "protos/proto.h"
#include "protos/sip/index.h"
#include "protos/sip/message.h"
#include "protos/sip/sdp.h"
#include "protos/sip/wheel.h"

enum {
	PROVISIONALS_MAX = 8, /* of a transaction, that its document lists */
	FORKS_MAX = 4,	      /* further final answers that it lists */
	KEY_MAX = 512,
	LOST_SLOTS = 64,
};

/* RFC 3261 17.1.1.1: how long a message may live in the network, and 64 times T1. */
#define SIP_T4	 ((nsec)5 * NS_PER_S)
#define SIP_64T1 ((nsec)32 * NS_PER_S)

struct sip_conf {
	struct proto_conf common;
	bool parse_authorization, parse_body, calls, registrations;
	int64_t calls_max, registrations_max;
	nsec call_interval, call_timeout;
};

/* By place in the `notes` of the protocol's table: the faults of messages come first. */
enum sip_note {
	SIP_NOTE_FAULTS = NOTE_OWN, /* << the bit of enum sip_fault */
	SIP_NOTE_NO_ACK = NOTE_OWN << SIP_FAULTS,
	SIP_NOTE_2543 = NOTE_OWN << (SIP_FAULTS + 1),
	SIP_NOTE_MORE = NOTE_OWN << (SIP_FAULTS + 2),
	SIP_NOTE_NO_INVITE = NOTE_OWN << (SIP_FAULTS + 3), /* an ACK alone */
};

/* A direction: how far the message in hand was looked at. */
struct sip_side {
	size_t looked; /* no head ends before */
	size_t want;   /* of the message in hand, body included; 0 while not known */
	uint64_t left; /* of a long body that is passed over */
	bool seen;     /* a message; of datagrams: in this one */
};

struct sip_answer {
	nsec when;
	uint32_t tag; /* hash of the To tag and RSeq */
	uint16_t code;
};

/* An exchange: a transaction. Also an ACK alone, or an answer alone. What each message looks at
 * comes first, what only the document needs last: with many calls, memory is what takes the time.
 */
struct sip_txn {
	struct link by_key, by_call; /* the latter for INVITEs and what was challenged */
	struct timer timer;
	struct exchange *x;
	uint16_t provisionals, forks_count; /* seen, may be more than are listed */
	uint16_t code;			    /* of the last answer */
	uint16_t attempt;  /* behind how many challenges it came; RFC 3261 section 22 */
	uint32_t again[2]; /* retransmissions of request and answers */
	uint32_t acks;	   /* ACKs sent again */
	uint8_t ack_tags;
	uint16_t cancel_code;
	nsec ack, cancel, cancelled; /* when; 0: never. The CANCEL and its answer. */
	uint32_t final_tag;
	uint32_t ack_tag[1 + FORKS_MAX]; /* hashes of the To tags of the others */
	struct clip text[2], body[2];	 /* of request and final answer */
	struct clip sdp[2];	/* struct sdp_kept, read from `body`; or it is still to be read */
	struct clip head[2];	/* whole, for send_request and send_response alone */
	struct sip_kept msg[2]; /* in `text` */
	struct sip_answer provisional[PROVISIONALS_MAX], forks[FORKS_MAX];
};

struct sip_world {
	bool open;
	struct world *world;
	struct wheel wheel;
	struct index txns, txns_by_call, calls, bindings;
	struct call *oldest_call, *newest_call;
	struct binding *oldest_binding, *newest_binding;
	int64_t calls_count, bindings_count;
	uint64_t numbers; /* of records */
	/* By a hash of the address: when bytes of one of its streams were lost last. */
	nsec lost[LOST_SLOTS];
	struct buf unfolded, packed;
};

/* A message as it came. */
struct sip_seen {
	struct sip_world *w;
	struct conn *conn;
	enum side from;
	const struct sip_message *m;
	struct bytes head, body;
	const struct sdp *sdp; /* the body's; NULL: it is none, or is not to be read */
	bool has_sdp;	       /* as its Content-Type says */
	struct name id;	       /* its Call-ID's */
	struct name key;       /* its transaction's */
	bool has_key, old_key; /* it has one; of RFC 2543 */
	nsec when;
	bool again;	     /* a retransmission */
	struct sip_txn *txn; /* NULL where it belongs to none */
};

struct sip_world *sip_world_of(const struct conn *conn);
static inline const struct sip_conf *sip_conf_of(const struct sip_world *w)
{
	return world_conf(w->world);
}
static inline struct bytes sip_one(const struct sip_message *m, struct bytes head,
				   enum sip_header which)
{
	return sip_part(head, m->one[which]);
}

static inline struct bytes kept_one(const struct sip_kept *k, struct bytes text,
				    enum sip_header which)
{
	return sip_part(text, k->one[which]);
}
/* The first line of a list, which is taken off its front. */
static inline struct bytes kept_line(struct bytes *list)
{
	struct bytes line = bytes_head(*list, bytes_find(*list, '\n'));

	*list = bytes_skip(*list, line.len + 1);
	return line;
}

/* transaction.c: sets s->txn and s->again. False: the message began no exchange. */
bool txn_message(struct sip_seen *s);
/* Before it: sets the message's key, and asks for the memory where it is looked for. */
void txn_name(struct sip_seen *s);
void txn_forget(struct exchange *x);
static inline struct sip_txn *txn_of(const struct exchange *x)
{
	return x->own;
}

/* settle.c, write.c */
void sip_settle(struct exchange *x);
void sip_write(const struct exchange *x, struct doc *d);

#endif
