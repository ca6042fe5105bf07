/*
 * Calls and registrations: what messages on any conversation say about them.
 *
 *   setup ──► ringing ──► answered ──► completed      (BYE)
 *      └─────────┴──► refused, canceled, redirected, timeout
 *                             answered ──► lost       (nothing any more)
 *
 * A call is what one Call-ID names: all legs through proxies. Times are those of the leg that was
 * seen first (`ingress`), which is where the caller is.
 */
#ifndef WIRESPAN_SIP_CALL_H
#define WIRESPAN_SIP_CALL_H

#include "protos/sip/sdp.h"
#include "protos/sip/sip.h"

enum {
	HOSTS_MAX = 8,	     /* addresses of a call that are told apart */
	HOPS_MAX = 64,	     /* messages of a call that its document lists */
	CALL_TEXT_MAX = 512, /* each of a call's texts */
	PHRASE_MAX = 64,     /* of an answer, in that list */
	NAME_MAX_BYTES = 32, /* of a method that is not of the registry */
};

enum call_state {
	CALL_SETUP,
	CALL_RINGING,
	CALL_ANSWERED,
	CALL_COMPLETED, /* from here on it is over */
	CALL_REFUSED,
	CALL_CANCELED,
	CALL_REDIRECTED,
	CALL_TIMEOUT,
	CALL_LOST,
	CALL_STATES
};

extern const char *const call_state_names[CALL_STATES];

enum { CALLER, CALLEE };

struct host {
	struct addr addr;
	uint16_t port;
	uint8_t version, transport;
};

struct hop {
	nsec when;
	uint32_t phrase; /* its place in the call's text; the method's name follows */
	uint8_t phrase_len, name_len;
	uint8_t from, to, method;
	uint16_t code; /* 0: a request */
	bool again, sdp;
};

struct call {
	struct link by_id;
	struct timer timer;
	struct sip_world *w;
	struct call *newer, *older;
	struct buf text; /* where the clips lie */
	struct clip id, from, to, phrase, agent[2], media[2], codecs;
	struct host hosts[HOSTS_MAX]; /* 0: the caller's, 1: where its INVITE went */
	uint8_t hosts_count, egress;
	struct hop *hops;
	uint16_t hops_count, hops_room;
	uint8_t state; /* enum call_state */
	/* First seen behind its INVITE; by a request of who may be either. */
	bool midway, unsure;
	bool canceled, bye_done, bye_by_callee, held[2];
	uint16_t code;
	uint32_t cseq, messages, retransmits, reinvites, holds, refers, forks, challenges;
	uint64_t from_tag, to_tag; /* hashes */
	uint8_t bye_from;
	uint32_t written;
	nsec begin, last, invite, heard, status, ringing, answered, ended, bye, bye_answered,
		report;
};

void call_message(const struct sip_seen *s);
/* Bytes of a stream between these were lost. */
void call_lost(struct sip_world *w, const struct endpoints *ends, nsec when);
bool call_is_lossy(const struct call *c);
/* The capture ended: what is open is written. */
void call_finish(struct sip_world *w);
/* Lets the oldest go; false when there is none. */
bool call_shrink(struct sip_world *w);
void call_leave(struct sip_world *w);

/* call_write.c */
void call_write(struct call *c, nsec end, uint32_t notes);

/* registration.c */
void registration_message(const struct sip_seen *s);
/* A REGISTER that was waited for long enough. */
void registration_silence(struct sip_world *w, const struct sip_txn *t, nsec when);
/* Lets the oldest go; false when there is none. */
bool registration_shrink(struct sip_world *w);
void registration_leave(struct sip_world *w);

#endif
