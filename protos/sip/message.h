/*
 * A SIP message's head, read: where its parts lie. Nothing is copied; a part is a place in the
 * head, so it stays good when the head is copied whole.
 *
 * Lenient: what is wrong is remembered in `faults`, and the rest is read all the same. Only a start
 * line that is not SIP's makes it no message.
 *
 * Source   RFC 3261 sections 7, 19, 20, 25; RFC 3581 (rport), RFC 3262 (RSeq), RFC 3966 (tel)
 * Borrows  the head
 * Thread   any; no state
 */
#ifndef WIRESPAN_SIP_MESSAGE_H
#define WIRESPAN_SIP_MESSAGE_H

#include "shipper/base/bytes.h"

enum {
	SIP_HEAD_MAX = 65535, /* places are 16 bits wide */
	SIP_LIST_MAX = 8,     /* header lines of a kind that are remembered */
};

enum sip_method {
	SIP_OTHER,
	SIP_INVITE,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_REGISTER,
	SIP_OPTIONS,
	SIP_SUBSCRIBE,
	SIP_NOTIFY,
	SIP_PUBLISH,
	SIP_MESSAGE,
	SIP_INFO,
	SIP_PRACK,
	SIP_UPDATE,
	SIP_REFER,
	SIP_METHODS
};

extern const char *const sip_method_names[SIP_METHODS];

/* What is wrong with a message; bits. */
enum sip_fault {
	SIP_FAULT_START = 1 << 0,    /* start line: spaces, version, URI or status code */
	SIP_FAULT_MISSING = 1 << 1,  /* a header that every message has */
	SIP_FAULT_REPEATED = 1 << 2, /* one that may stand once only */
	SIP_FAULT_HEADER = 1 << 3,   /* a value that is not of its header's form */
	SIP_FAULT_LENGTH = 1 << 4,   /* Content-Length and body, or a head that is cut */
	SIP_FAULT_METHOD = 1 << 5,   /* CSeq names another method */
	SIP_FAULT_BEHIND = 1 << 6,   /* behind another in a datagram, RFC 4475 3.1.1.8 */
};
enum { SIP_FAULTS = 7 };

struct span {
	uint16_t at, len;
};

/* Headers of which the first is remembered. */
enum sip_header {
	SIP_FROM,
	SIP_TO,
	SIP_CALL_ID,
	SIP_CSEQ,
	SIP_MAX_FORWARDS,
	SIP_CONTENT_TYPE,
	SIP_USER_AGENT,
	SIP_SERVER,
	SIP_EXPIRES,
	SIP_AUTHORIZATION, /* or Proxy-Authorization */
	SIP_CHALLENGE,	   /* WWW-Authenticate or Proxy-Authenticate */
	SIP_REASON,
	SIP_IDENTITY, /* P-Asserted-Identity */
	SIP_REFER_TO,
	SIP_EVENT,
	SIP_SUBSCRIPTION_STATE,
	SIP_WARNING,
	SIP_KEPT, /* from here on no document needs them */
	SIP_CONTENT_LENGTH = SIP_KEPT,
	SIP_CONTENT_ENCODING,
	SIP_RSEQ,
	SIP_RACK,
	SIP_DATE,
	SIP_HEADERS
};

/* Headers of which all lines are, up to SIP_LIST_MAX. */
enum sip_list { SIP_VIA, SIP_CONTACT, SIP_ALLOW, SIP_SUPPORTED, SIP_ACCEPT, SIP_LISTS };

struct sip_message {
	bool request;
	bool folded;	/* see sip_message_read */
	bool more;	/* a list has more lines than are remembered */
	uint8_t method; /* enum sip_method: the request's, or the one that CSeq names */
	uint8_t faults;
	uint8_t counts[SIP_LISTS];
	uint16_t code;
	uint32_t cseq;
	size_t head_len;	     /* with the blank line */
	int64_t length;		     /* Content-Length; -1 without, -2 when it is no number */
	struct span method_text;     /* as `method` */
	struct span uri;	     /* of a request */
	struct span phrase;	     /* of a response */
	struct span version;	     /* "2.0" */
	struct span branch, sent_by; /* of the first Via */
	struct span from_tag, to_tag;
	struct span one[SIP_HEADERS];
	struct span list[SIP_LISTS][SIP_LIST_MAX];
};

/* False: not SIP, or too long. Reads up to the blank line, or to the end; where a line is folded it
 * stops, and is to be called again with the head unfolded. */
bool sip_message_read(struct sip_message *m, struct bytes head);
/* The same in two steps: start line and headers as they stand, then what they say. */
bool sip_message_begin(struct sip_message *m, struct bytes head);
void sip_message_finish(struct sip_message *m, struct bytes head);

/* Of a message, what documents are made of, in a text of its own; lines of a list end with LF. */
struct sip_kept {
	bool any, request;
	uint8_t method, faults;
	uint32_t cseq;
	int32_t length;
	struct span method_text, uri, phrase, version, branch, from_tag, to_tag;
	struct span one[SIP_KEPT];
	struct span list[SIP_LISTS];
};

enum { SIP_PACK_ROOM = 32 };

/* Packs it, from a head that may be cut, into `to`, which has room for head.len bytes and
 * SIP_PACK_ROOM more; returns how long that is.
 * `answer`: without what an answer has of its request. */
size_t sip_message_pack(const struct sip_message *m, struct bytes head, bool answer,
			struct sip_kept *kept, uint8_t *to);

/* The place of the head's end (behind its blank line), from `from` on; 0 when it is not there. */
size_t sip_head_end(struct bytes b, size_t from);
/* With each line break before a space or tab made spaces; `to` has head.len bytes. */
void sip_head_unfold(struct bytes head, uint8_t *to);

/* Whether these bytes begin as a message: -1 cannot be told yet. */
int sip_looks_like(struct bytes b);

static inline struct bytes sip_part(struct bytes head, struct span s)
{
	return bytes_head(bytes_skip(head, s.at), s.len);
}

/* ---- Values ---- */

/* A URI's parts; `user` and `host` as they stand, host with the brackets of IPv6. */
struct sip_uri {
	struct bytes whole, scheme, user, password, host, params;
	int32_t port; /* 0: none */
};

/* Name and URI, as in From, To, Contact. */
struct sip_address {
	struct bytes name; /* without quotes */
	struct bytes uri;
	struct bytes params; /* behind the URI, with the first ';' */
	bool bad;
};

struct sip_address sip_address_of(struct bytes value);
struct sip_uri sip_uri_of(struct bytes uri);
/* Separators with nothing between them or behind. */
bool sip_has_gap(struct bytes value);
/* The value of a parameter in ";a=b;c"; quotes are taken off. False: there is none. */
bool sip_param(struct bytes params, struct bytes name, struct bytes *value);
/* Those of `tag` and `branch`; empty where there is none. */
struct bytes sip_tag(struct bytes params);
struct bytes sip_branch(struct bytes params);
/* The first value of a list, taken off its front: commas in quotes and <> do not separate. */
struct bytes sip_list_next(struct bytes *list);
/* Digest credentials, or a challenge. */
struct sip_digest {
	struct bytes scheme, realm, username, algorithm, uri;
};

struct sip_digest sip_digest_of(struct bytes value);
/* %41 as A; returns the length, not above max. */
size_t sip_unescape(struct bytes text, uint8_t *to, size_t max);

#endif
