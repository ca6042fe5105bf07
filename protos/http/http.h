/*
 * What the files of the HTTP module share. Nobody else includes this.
 *
 *   http.c         the table: states, units, losses
 *   head.c         start lines and header fields
 *   settle.c       what is worked out once, before an exchange is written: URL, body, raw texts
 *   write.c        the document
 *   secrets.c      what must not leave (secrets_body.c: in bodies)
 *   content.c      content codings
 *   fingerprint.c  paths without what varies
 *
 * Source   RFC 9110 (semantics), RFC 9112 (HTTP/1.1), RFC 1945 (HTTP/1.0 and 0.9)
 */
#ifndef WIRESPAN_HTTP_HTTP_H
#define WIRESPAN_HTTP_HTTP_H

#include "protos/http/content.h"
#include "protos/proto.h"

enum {
	LINE_MAX_BYTES = 16 << 10, /* of a line; what is longer is cut, its place is not lost */
	HEADERS_KEPT_MAX = 200,	   /* of one message */
	METHOD_MAX = 32,
	HTTP_VERSION_09 = 9,
};

struct http_conf {
	struct proto_conf common;
	struct texts hide_keywords; /* in lower case, from http_ready on */
	struct texts send_headers;
	struct texts redact_headers;
	struct texts include_body_for, include_request_body_for, include_response_body_for;
	char *real_ip_header;
	bool send_all_headers, redact_authorization, decode_body, split_cookie;
};

/* By place in the `notes` of the protocol's table. */
enum http_note {
	HTTP_NOTE_BOTH = NOTE_OWN << 0,
	HTTP_NOTE_LENGTHS = NOTE_OWN << 1,
	HTTP_NOTE_LENGTH = NOTE_OWN << 2,
	HTTP_NOTE_CODING = NOTE_OWN << 3,
	HTTP_NOTE_GUESSED = NOTE_OWN << 4,
	HTTP_NOTE_NOT_DECODED = NOTE_OWN << 5,
	HTTP_NOTE_WITHHELD = NOTE_OWN << 6,
	HTTP_NOTE_PASSED = NOTE_OWN << 7,
	HTTP_NOTE_HTTP2 = NOTE_OWN << 8,
	HTTP_NOTE_NOT_SENT = NOTE_OWN << 9,
};

enum http_state {
	HTTP_IDLE, /* between messages */
	HTTP_HEADERS,
	HTTP_LENGTH, /* body of known length */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END, /* the line end behind a chunk's data */
	HTTP_TRAILERS,
	HTTP_CLOSE, /* body until the connection's end */
};

/* A direction. */
struct http_side {
	uint8_t state;	/* enum http_state */
	bool long_line; /* the rest of a line that was too long is passed over */
	bool expects;	/* a body is announced with Expect: 100-continue, none of it was seen */
	bool guess;	/* whether there is a body is not known, see body_or_message */
	uint64_t left;	/* bytes to come of the body or the chunk */
};

enum http_method { HTTP_METHOD_OTHER, HTTP_METHOD_HEAD, HTTP_METHOD_CONNECT };

/* One of an exchange's two messages. */
struct http_message {
	struct clip type; /* Content-Type */
	struct clip body; /* as on the wire, without chunk framing; only when included */
	uint64_t body_bytes;
	uint64_t length;      /* Content-Length */
	uint32_t last_header; /* place in `kept` of the last header kept, 0 for none */
	uint32_t kept_bytes;
	uint16_t kept_headers;
	uint16_t version; /* major * 10 + minor; 0 when not known */
	bool has_length, bad_length, chunked, has_transfer_coding;
	bool wants_body; /* the body is kept for the document */
	bool lost_body;	 /* some of it is missing from `body` */
	struct codings content, transfer;
};

/* An exchange. The target stands in said[CLIENT], the status phrase in said[SERVER]. */
struct http {
	struct http_message message[2];
	struct clip method, host, referrer, agent, user;
	struct clip domain, path, query; /* parts of target or host; from settling on */
	int32_t port;			 /* as the URL has it, 0 for none; from settling on */
	uint16_t code;			 /* of the answer, 0 when not known */
	uint8_t kind;			 /* enum http_method */
	uint8_t scheme_bytes;		 /* of an absolute target; from settling on */
	bool upgrade_http2;
	struct clip shown[2]; /* bodies as documents show them; from settling on */
};

/* A unit at work. */
struct reading {
	struct conn *conn;
	enum side from;
	const struct http_conf *conf;
	struct http_side *side;
	struct exchange *x;	/* NULL between messages */
	struct http *http;	/* of x */
	struct http_message *m; /* of http, this side's */
	bool stop;		/* the unit ends here */
	bool folded;		/* the line in hand was continued */
};

/* A header that was kept for the document. */
struct kept_header {
	struct bytes name, value;
};

/* head.c */
enum step head_request(struct reading *r, struct bytes line);
enum step head_status(struct reading *r, struct bytes line);
void head_answer(struct reading *r);
void head_header(struct reading *r, struct bytes line);
void head_trailer(struct reading *r, struct bytes line);
bool is_http_version(struct bytes b, uint16_t *version);
bool is_token(struct bytes b);

/* The kept headers in order; returns how many. */
unsigned head_kept(const struct exchange *x, const struct http_message *m,
		   struct kept_header list[HEADERS_KEPT_MAX]);

/* settle.c, write.c */
void http_settle(struct exchange *x);
void http_write(const struct exchange *x, struct doc *d);
bool texts_have(const struct texts *list, struct bytes name);
static inline const struct http *http_of(const struct exchange *x)
{
	return x->own;
}

#endif
