/*
 * The document writer: JSON, written once, straight into its final place.
 *
 * A `struct doc_keys` is prepared once for each protocol from the common table and its own: for
 * each field the object it lies in and the ready-made text of its key. Writing a field closes and
 * opens objects as needed, so callers name fields and never braces; fields of one object must be
 * written next to each other, and each field once (an object opened twice and a field written
 * twice are our own mistakes: must).
 *
 * Text is made valid UTF-8 on the way in (a byte that is not becomes U+FFFD), and escaped, in one
 * pass over words.
 *
 * Owns     nothing: it writes into a block that the caller gives, and grows it
 * Thread   any, one at a time; struct doc_keys is immutable once made
 */
#ifndef WIRESPAN_TXN_DOC_H
#define WIRESPAN_TXN_DOC_H

#include "shipper/base/buf.h"
#include "shipper/base/time.h"
#include "shipper/decode/packet.h"
#include "shipper/txn/field.h"

struct doc_keys;

struct doc_keys *doc_keys_new(const struct field *own); /* own may be NULL */
void doc_keys_free(struct doc_keys *keys);

struct doc {
	struct buf *out;
	const struct doc_keys *keys;
	uint16_t node;	/* the object that is open, 0 for the document itself */
	bool comma;	/* something stands before in this object or list */
	bool in_text;	/* between doc_text_begin and doc_text_end */
	uint16_t outer; /* the object around an open list */
	uint16_t text_field;
	size_t text_at;	     /* where that text begins, 0 while it is empty */
	uint64_t opened[4];  /* objects opened so far, a bit each */
	uint64_t written[8]; /* fields written so far, a bit each */
	size_t begin;	     /* where this document begins in out */
	size_t inside;	     /* where the members of the object that was opened last begin */
	int64_t second;	     /* whose text `clock` is */
	uint8_t clock[21];   /* "2026-01-02T03:04:05. */
};

void doc_begin(struct doc *d, struct buf *out, const struct doc_keys *keys);
/* Ready-made members of the document itself ("a":1,"b":{…}), behind all fields. */
void doc_members(struct doc *d, struct bytes members);
void doc_end(struct doc *d); /* closes all, adds the newline */

/* A field's value. Empty text writes nothing: what is not known is left out. */
void doc_text(struct doc *d, unsigned field, struct bytes text);
/* ASCII with nothing to escape in it. */
void doc_plain(struct doc *d, unsigned field, struct bytes text);
void doc_word(struct doc *d, unsigned field, const char *word);
void doc_int(struct doc *d, unsigned field, int64_t n);
void doc_bool(struct doc *d, unsigned field, bool yes);
/* The fewest digits that read back; infinities and NaN write nothing. */
void doc_double(struct doc *d, unsigned field, double n);
void doc_time(struct doc *d, unsigned field, nsec when); /* RFC 3339, UTC, 9 digits */
void doc_ip(struct doc *d, unsigned field, const struct addr *addr, uint8_t version);
void doc_hex(struct doc *d, unsigned field, uint64_t n); /* 16 hex digits, as text */
/* Ready-made JSON, e.g. ["network","web"]. */
void doc_json(struct doc *d, unsigned field, struct bytes json);

/* A text put together from pieces: begin, pieces, end. Nothing is written when it stays empty. */
void doc_text_begin(struct doc *d, unsigned field);
void doc_text_more(struct doc *d, struct bytes piece); /* a character may not span pieces */
void doc_text_end(struct doc *d);
/* Within it: where the next piece will stand, for a later field that says the rest of this text. */
size_t doc_text_place(const struct doc *d);
void doc_text_again(struct doc *d, unsigned field, size_t from, size_t to);

/* The members so far of the object that is open, which has one; its place, not good for longer than
 * the document. And all of them again in the object that `field` lies in, under the same keys. */
struct doc_inside {
	size_t from, to;
};

struct doc_inside doc_inside(const struct doc *d);
void doc_inside_again(struct doc *d, unsigned field, struct doc_inside members);

/* Fields that are the same in many documents, written once: begin, fields, end; put then, in
 * documents where the same object is open. */
struct doc_piece {
	struct buf text;
	uint16_t before, behind;	     /* the object that is open */
	uint8_t opened_words, written_words; /* of these, up to the last with a bit */
	uint64_t opened[4], written[8];
};

/* `field`: of the object that is open before it. */
void doc_piece_begin(struct doc *d, struct doc_piece *piece, const struct doc_keys *keys,
		     unsigned field);
void doc_piece_end(struct doc *d, struct doc_piece *piece);
void doc_piece_put(struct doc *d, const struct doc_piece *piece);

/* Lists of texts, and objects with keys of their own (FIELD_OBJECT). Empty ones: don't begin.
 * Values within them may be empty texts; that keys differ is the caller's care. */
void doc_list_begin(struct doc *d, unsigned field);
void doc_list_text(struct doc *d, struct bytes text);
void doc_list_int(struct doc *d, int64_t n);
void doc_list_ip(struct doc *d, const struct addr *addr, uint8_t version);
void doc_list_end(struct doc *d);
void doc_object_begin(struct doc *d, unsigned field);
void doc_object_text(struct doc *d, struct bytes key, struct bytes value);
void doc_object_int(struct doc *d, struct bytes key, int64_t n);
void doc_object_list_begin(struct doc *d, struct bytes key); /* values with doc_list_text */
void doc_object_list_end(struct doc *d);
void doc_object_end(struct doc *d);

/* Address as text, RFC 5952; `to` has at least ADDR_TEXT_MAX bytes; returns the length. */
enum { ADDR_TEXT_MAX = 46 };
size_t addr_text(const struct addr *addr, uint8_t version, char *to);

#endif
