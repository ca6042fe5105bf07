/*
 * What the files of the Thrift module share. Nobody else includes this.
 *
 *   thrift.c    the table: frames, beginnings and ends of calls, losses, which answer to which call
 *   head.c      what a message begins with: finding transport and protocol by looking
 *   walk.c      values of any depth, one token at a time, and their text
 *   text.c      text pieces: strings made printable, numbers
 *   binary.h    tokens of the binary and the compact protocol
 *   json.c      tokens of the JSON protocol
 *   zip.c       payloads that a header transport has deflated
 *   write.c     the document
 *   idl*.c      names and types from IDL files
 *
 * Source   Apache Thrift: thrift-rpc.md, thrift-binary-protocol.md, thrift-compact-protocol.md,
 *          HeaderFormat.md, and TJSONProtocol of its libraries
 */
#ifndef WIRESPAN_THRIFT_THRIFT_H
#define WIRESPAN_THRIFT_THRIFT_H

#include "protos/proto.h"
#include "protos/thrift/idl.h"

enum {
	METHOD_MAX = 256,	  /* bytes of a method's name, with its service's */
	HEAD_MAX = 8 << 10,	  /* of all that comes before a message's values */
	FRAME_MAX = 0x3fffffff,	  /* as Thrift's libraries have it */
	DEPTH_NEAR = 8,		  /* levels kept without a block of their own */
	DEPTH_MAX = 64,		  /* deeper values are not read, as in Thrift's libraries */
	NUMBER_MAX = 64,	  /* characters of a number in JSON */
	TEXT_ROOM = 512,	  /* gathered before it is kept */
	TEXT_PLAIN_MAX = 256,	  /* of a string that is looked at in one go */
	INFLATED_MAX = 100 << 20, /* of one frame: a message, by default, in libraries */
	ZIP_BYTES = 48 << 10,	  /* what zlib holds to inflate */
};

/* Types on the wire, as the binary protocol has them. */
enum thrift_type {
	T_STOP = 0,
	T_BOOL = 2,
	T_BYTE = 3,
	T_DOUBLE = 4,
	T_I16 = 6,
	T_I32 = 8,
	T_I64 = 10,
	T_STRING = 11,
	T_STRUCT = 12,
	T_MAP = 13,
	T_SET = 14,
	T_LIST = 15,
	T_UUID = 16,
	T_NONE = 255, /* no such type */
};

enum thrift_message { MESSAGE_CALL = 1, MESSAGE_REPLY, MESSAGE_EXCEPTION, MESSAGE_ONEWAY };

/* By place in the choices of transport_type and protocol_type. */
enum thrift_transport { TRANSPORT_AUTO, TRANSPORT_SOCKET, TRANSPORT_FRAMED, TRANSPORT_HEADER };
enum thrift_protocol {
	PROTOCOL_AUTO,
	PROTOCOL_BINARY,
	PROTOCOL_COMPACT,
	PROTOCOL_JSON,
	PROTOCOL_OLD, /* binary without a version; an option says binary */
};

struct format {
	uint8_t transport, protocol;
};

struct thrift_conf {
	struct proto_conf common;
	int transport_type, protocol_type;
	struct texts idl_files;
	int64_t string_max_size, collection_max_size, drop_after_n_struct_fields;
	bool capture_reply, obfuscate_strings;
	struct idl *idl;    /* from thrift_ready on; NULL without files */
	bool idl_inherited; /* another conf's, which frees it */
};

enum thrift_note {
	THRIFT_NOTE_ONEWAY = NOTE_OWN << 0,
	THRIFT_NOTE_SEQ_ID = NOTE_OWN << 1,
};

/* A call. Parameters stand in said[CLIENT], the value returned in said[SERVER]. */
struct thrift {
	struct clip service, method, exceptions;
	const struct idl_function *function; /* NULL when no IDL file has it */
	const struct idl_type *thrown;	     /* of the exception that was declared */
	uint32_t error_at, error_len;	     /* its first text, within exceptions */
	int32_t seq_id;
	int32_t failure; /* type of a TApplicationException */
	struct format format;
	bool failed, threw;
};

/* A container or struct that is open. */
struct level {
	const struct idl_type *type; /* NULL when not known */
	uint32_t left;		     /* values still to come; of a struct: fields so far */
	uint32_t done;		     /* values or fields in the text */
	int16_t last;		     /* id of the field before */
	uint8_t kind;		     /* enum thrift_type */
	uint8_t key, value;	     /* types of a map's keys, of all values */
	bool shown;
	bool first; /* JSON: nothing was read yet, so no comma comes first */
	bool owed;  /* JSON: the brace behind a field's value is to come */
};

enum thrift_state {
	THRIFT_IDLE, /* between messages */
	THRIFT_BODY,
	THRIFT_TAIL, /* JSON: the bracket that ends a message */
	THRIFT_SKIP, /* to the frame's end */
};

enum thrift_target { TO_NOTHING, TO_PARAMS, TO_RETURN, TO_EXCEPTIONS };

/* A direction. */
struct thrift_side {
	uint64_t frame_left; /* bytes of the frame in hand */
	uint64_t value_left; /* of the string in hand, or of values passed over */
	uint32_t show_left;  /* of that string, to be shown */
	uint8_t state;	     /* enum thrift_state */
	uint8_t target;	     /* enum thrift_target */
	struct format format;
	uint8_t depth;
	bool in_string, passing;     /* what value_left counts */
	bool show;		     /* the value in hand is shown */
	bool is_error;		     /* the string in hand is the error's message */
	bool hurt;		     /* some of the message was lost */
	const struct idl_type *type; /* of the value in hand */
	struct level near[DEPTH_NEAR];
	struct level *deep; /* DEPTH_MAX of them, in place of `near` */
	struct zip *zip;
};

/* A unit at work. */
struct reading {
	struct conn *conn;
	enum side from;
	const struct thrift_conf *conf;
	struct thrift_side *side;
	struct exchange *x; /* NULL between messages */
	struct thrift *own; /* of x */
	bool bad;	    /* this is not Thrift */
	bool ended;	    /* the message's struct has ended */
	size_t text_len;
	uint8_t text[TEXT_ROOM]; /* on its way to the target */
};

/* What a message begins with. */
struct head {
	struct format format;
	uint8_t type; /* enum thrift_message */
	bool zipped;  /* what follows `used` must be inflated first */
	int32_t seq_id;
	struct bytes name;
	uint64_t frame; /* bytes of the frame behind `used`; 0 when unframed */
	size_t used;	/* bytes of the head, frame's own included */
};

/* A value's beginning. */
struct value {
	uint8_t type;	    /* enum thrift_type */
	uint8_t key, inner; /* types within a container */
	bool yes;	    /* of a bool; of a list's element, read as one byte */
	int64_t n;	    /* a number, a string's length, a container's size */
	double real;
	struct bytes uuid; /* 16 bytes, or its text */
};

struct field_head {
	uint8_t type; /* T_STOP at the end */
	bool yes;     /* compact: a bool's value */
	int16_t id;
};

static inline struct level *walk_levels(const struct reading *r)
{
	struct thrift_side *side = r->side;

	return side->deep ? side->deep : side->near;
}

/* head.c */
enum guess thrift_start(struct bytes b, enum side from);
enum guess head_read(struct bytes b, struct format wanted, struct head *h);
enum guess head_message(struct bytes b, uint8_t protocol, struct head *h);

/* walk.c */
void walk_begin(struct reading *r, uint8_t type);
enum step walk(struct reading *r, struct cursor *c);
void walk_close_string(struct reading *r);
void walk_pop(struct reading *r);

/* text.c */
void text_flush(struct reading *r);
void text_to(struct reading *r, enum thrift_target target);
void text_long(struct reading *r, struct bytes b);
static inline void text_add(struct reading *r, struct bytes b)
{
	if (b.len > TEXT_ROOM - r->text_len) {
		text_long(r, b);
		return;
	}
	memcpy(r->text + r->text_len, b.at, b.len);
	r->text_len += b.len;
}
void text_int(struct reading *r, int64_t n);
void text_double(struct reading *r, double n);
void text_uuid(struct reading *r, struct bytes uuid);
/* A whole string in its quotes, and no more than TEXT_PLAIN_MAX bytes: true when all of it stays as
 * it is; otherwise nothing was added. */
bool text_plain(struct reading *r, struct bytes b);
/* Printable; returns how many bytes it took: all but the beginning of a character that is not
 * whole, unless nothing follows. */
size_t text_quoted(struct reading *r, struct bytes b, bool last);

/* json.c: a token each; the cursor runs dry when it is not whole, r->bad is set when there is none.
 */
void json_field(struct reading *r, struct cursor *c, struct field_head *f);
void json_before(struct reading *r, struct cursor *c);
void json_value(struct reading *r, struct cursor *c, struct value *v);
void json_after(struct reading *r, struct cursor *c);
bool json_string(struct reading *r, struct cursor *c);

/* zip.c */
void zip_open(struct reading *r);
void zip_close(struct conn *conn, struct thrift_side *side);
/* Inflates from the cursor, up to `limit` bytes of it; false when it cannot be inflated. */
bool zip_more(struct zip *zip, struct cursor *c, uint64_t limit);
struct bytes zip_bytes(const struct zip *zip);
void zip_take(struct zip *zip, size_t n);
bool zip_ended(const struct zip *zip);

/* write.c */
enum { THRIFT_FIELDS = 7 };
extern const struct field thrift_fields[THRIFT_FIELDS + 1];
void thrift_settle(struct exchange *x);
void thrift_write(const struct exchange *x, struct doc *d);

#endif
