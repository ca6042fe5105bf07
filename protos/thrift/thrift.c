/*
 * Thrift RPC: the table, the states of a direction, which answer is to which call.
 *
 *   IDLE ─head─► BODY ─struct's end─┬──────────────────────────► IDLE
 *    ▲            │                 └─► TAIL (JSON: "]") ──────► IDLE
 *    │            └─bytes lost within a frame─► SKIP ─its end─► IDLE
 *    └──────── what is left in a frame behind its message ──────┘
 *
 * A message without a frame says nowhere how long it is: its struct is walked to its end. Bytes
 * lost within a frame cost the message its text, not the conversation its place.
 *
 * Answers are told by sequence id and method. Clients that wait for each answer often give each
 * call the same id: then the oldest call of that method is meant, and calls before it that have the
 * same id and another method will never be answered: some libraries send oneway calls as ordinary
 * ones.
 */
#include "protos/thrift/thrift.h"

#include <stdlib.h>

static struct reading reading_of(struct conn *conn, enum side from)
{
	struct reading r;

	/* The text's room needs no zeros. */
	r.conn = conn;
	r.from = from;
	r.conf = conn_conf(conn);
	r.side = conn_side(conn, from);
	r.x = exchange_of(conn, from);
	r.own = r.x ? r.x->own : NULL;
	r.bad = r.ended = false;
	r.text_len = 0;
	return r;
}

static bool is_framed(const struct thrift_side *side)
{
	return side->format.transport != TRANSPORT_SOCKET;
}

/* ---- Calls and their answers ---- */

static bool is_answer_to(const struct exchange *x, const struct head *h, struct bytes method)
{
	const struct thrift *own = x->own;

	return own->seq_id == h->seq_id && bytes_eq(exchange_text(x, &own->method), method);
}

/* Some servers answer with 0 whatever the call's id was: good enough when only one is open. */
static struct exchange *sole_question(struct exchange *oldest, const struct head *h,
				      struct bytes method)
{
	const struct thrift *own = oldest ? oldest->own : NULL;

	if (own == NULL || oldest->next || h->seq_id != 0 || own->seq_id == 0 ||
	    !bytes_eq(exchange_text(oldest, &own->method), method))
		return NULL;
	oldest->notes |= THRIFT_NOTE_SEQ_ID;
	return oldest;
}

static bool is_open(const struct exchange *x)
{
	return !x->answered && x->begun[CLIENT] && x->asker == CLIENT && !x->begun[SERVER];
}

static struct exchange *find_question(struct conn *conn, const struct head *h, struct bytes method)
{
	struct exchange *oldest = exchange_oldest(conn), *found = oldest;

	while (found && !(is_open(found) && is_answer_to(found, h, method)))
		found = found->next;
	if (found == NULL)
		return sole_question(oldest, h, method);
	for (struct exchange *x = oldest, *next; x != found; x = next) {
		const struct thrift *own = x->own;

		next = x->next;
		if (!is_open(x) || own->seq_id != h->seq_id)
			continue;
		exchange_expect(x, 0);
		x->settled = true;
		exchange_close(x, THRIFT_NOTE_ONEWAY);
	}
	return found;
}

/* "service:method" when services are multiplexed. */
static void split_name(struct bytes name, struct bytes *service, struct bytes *method)
{
	size_t colon = name.len;

	while (colon > 0 && name.at[colon - 1] != ':')
		colon--;
	*service = colon > 0 ? bytes_head(name, colon - 1) : NO_BYTES;
	*method = bytes_skip(name, colon);
}

static void fill(struct reading *r, const struct head *h, struct bytes service, struct bytes method)
{
	struct thrift *own = r->own;

	own->seq_id = h->seq_id;
	own->format = h->format;
	if (r->conf->idl)
		own->function = idl_find(r->conf->idl, service, method);
	if (own->function && service.len == 0)
		service = bytes_str(own->function->service);
	exchange_keep(r->x, &own->method, method);
	exchange_keep(r->x, &own->service, service);
}

static enum step begin_message(struct reading *r, const struct head *h)
{
	bool asks = h->type == MESSAGE_CALL || h->type == MESSAGE_ONEWAY;
	struct bytes service, method;

	if (asks != (r->from == CLIENT))
		return STEP_ALIEN;
	split_name(h->name, &service, &method);
	r->x = asks ? exchange_begin(r->conn, CLIENT)
		    : exchange_answer_to(r->conn, find_question(r->conn, h, method));
	r->own = r->x->own;
	if (!r->x->begun[CLIENT] || asks)
		fill(r, h, service, method);
	if (asks && (h->type == MESSAGE_ONEWAY || (r->own->function && r->own->function->oneway)))
		exchange_expect(r->x, 0);
	r->own->failed = h->type == MESSAGE_EXCEPTION;
	r->side->format = h->format;
	r->side->state = THRIFT_BODY;
	r->side->hurt = false;
	walk_begin(r, h->type);
	return STEP_DONE;
}

/* ---- Beginnings ---- */

static enum step body(struct reading *r, struct cursor *c);

/* The call's name is in the deflated part: inflated anew until the whole of it is there. */
static enum step begin_zipped(struct reading *r, struct cursor *c, struct head *h)
{
	struct thrift_side *side = r->side;
	struct format format = h->format;
	uint64_t frame = h->frame;
	size_t before = cursor_left(c);

	zip_open(r);
	bool good = zip_more(side->zip, c, frame);
	enum guess guess = good ? head_message(zip_bytes(side->zip), format.protocol, h) : GUESS_NO;
	bool whole = before >= frame || before > HEAD_MAX;

	if (guess == GUESS_YES) {
		side->frame_left = frame - (before - cursor_left(c));
		size_t used = h->used;

		h->format = format;
		if (begin_message(r, h) != STEP_DONE)
			return STEP_ALIEN;
		zip_take(side->zip, used);
		/* The rest may be inflated already, and no byte be left to come. */
		return body(r, c) == STEP_ALIEN ? STEP_ALIEN : STEP_DONE;
	}
	zip_close(r->conn, side);
	return guess == GUESS_NO || whole ? STEP_ALIEN : STEP_MORE;
}

static struct format wanted(const struct reading *r)
{
	struct format f = r->side->format;

	if (f.transport == TRANSPORT_AUTO) {
		f.transport = (uint8_t)r->conf->transport_type;
		f.protocol = (uint8_t)r->conf->protocol_type;
	}
	/* Each header says it anew: some clients take up what their server answers in. */
	if (f.transport == TRANSPORT_HEADER)
		f.protocol = (uint8_t)r->conf->protocol_type;
	return f;
}

static enum step begin(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	struct head h;

	switch (head_read(rest, wanted(r), &h)) {
	case GUESS_NO:
		return STEP_ALIEN;
	case GUESS_MAYBE:
		return rest.len > HEAD_MAX ? STEP_ALIEN : STEP_MORE;
	case GUESS_YES:
	case GUESS_SURE:
		break;
	}
	cursor_take(c, h.used);
	if (h.zipped)
		return begin_zipped(r, c, &h);
	r->side->frame_left = h.frame;
	return begin_message(r, &h);
}

/* Behind a message in a frame: another one, or what nobody reads. */
static enum step begin_within(struct reading *r, struct cursor *c)
{
	struct bytes rest = bytes_head(cursor_rest(c), r->side->frame_left);
	struct head h = {0};
	enum guess guess = head_message(rest, r->side->format.protocol, &h);

	if (guess == GUESS_MAYBE && rest.len < r->side->frame_left && rest.len <= HEAD_MAX)
		return STEP_MORE;
	if (guess != GUESS_YES) {
		r->side->state = THRIFT_SKIP;
		return STEP_DONE;
	}
	cursor_take(c, h.used);
	r->side->frame_left -= h.used;
	h.format.transport = r->side->format.transport;
	return begin_message(r, &h);
}

/* ---- Values ---- */

/* What is left of a deflated frame, its checksum, belongs to the message. */
static void finish(struct reading *r)
{
	struct thrift_side *side = r->side;
	bool rest = side->zip && side->frame_left > 0;

	text_flush(r);
	zip_close(r->conn, side);
	side->state = rest ? THRIFT_SKIP : THRIFT_IDLE;
	r->ended = !rest;
	if (!rest)
		exchange_end(r->conn, r->from);
}

/* The frame's end, behind what was skipped. */
static void finish_frame(struct conn *conn, enum side from, struct thrift_side *side)
{
	side->state = THRIFT_IDLE;
	if (exchange_of(conn, from) == NULL)
		return;
	if (side->hurt)
		exchange_spoil(conn, from, NOTE_GAP);
	else
		exchange_end(conn, from);
}

/* The struct, and what ends the message. */
static enum step values(struct reading *r, struct cursor *c)
{
	if (r->side->state == THRIFT_BODY) {
		enum step step = walk(r, c);

		if (step != STEP_DONE)
			return step;
		r->side->state = THRIFT_TAIL;
	}
	r->ended = r->side->format.protocol != PROTOCOL_JSON;
	if (r->ended)
		return STEP_DONE;
	if (cursor_left(c) == 0)
		return STEP_MORE;
	r->ended = cursor_u8(c) == ']';
	return r->ended ? STEP_DONE : STEP_ALIEN;
}

static enum step body_zipped(struct reading *r, struct cursor *c)
{
	struct thrift_side *side = r->side;
	size_t left = cursor_left(c);

	for (;;) {
		size_t before = cursor_left(c), had = zip_bytes(side->zip).len;

		if (!zip_more(side->zip, c, side->frame_left))
			return STEP_ALIEN;
		side->frame_left -= before - cursor_left(c);
		bool more = zip_bytes(side->zip).len > had;
		struct cursor inner = cursor_of(zip_bytes(side->zip));
		enum step step = values(r, &inner);

		zip_take(side->zip, cursor_used(&inner));
		if (step != STEP_MORE)
			return step;
		if (!more && cursor_used(&inner) == 0 && cursor_left(c) == before)
			break;
	}
	if (side->frame_left == 0 || zip_ended(side->zip))
		return STEP_ALIEN; /* the message is not whole */
	return cursor_left(c) < left ? STEP_DONE : STEP_MORE;
}

static enum step body_plain(struct reading *r, struct cursor *c)
{
	struct thrift_side *side = r->side;
	struct cursor part = *c;
	bool last = is_framed(side) && cursor_left(c) >= side->frame_left;

	if (last)
		part.end = part.at + side->frame_left;
	enum step step = values(r, &part);
	size_t used = (size_t)(part.at - c->at);

	c->at = part.at;
	if (is_framed(side))
		side->frame_left -= used;
	if (step == STEP_MORE && last)
		return STEP_ALIEN;
	return step == STEP_MORE && used > 0 ? STEP_DONE : step;
}

static enum step body(struct reading *r, struct cursor *c)
{
	size_t before = cursor_left(c);
	enum step step = r->side->zip ? body_zipped(r, c) : body_plain(r, c);

	if (r->ended) {
		finish(r);
		return STEP_DONE;
	}
	/* What took nothing has to see more. */
	return step == STEP_DONE && cursor_left(c) == before ? STEP_MORE : step;
}

static enum step skip(struct reading *r, struct cursor *c)
{
	struct thrift_side *side = r->side;

	side->frame_left -= cursor_upto(c, side->frame_left).len;
	if (side->frame_left > 0)
		return STEP_DONE;
	r->ended = true; /* what was skipped is not the next message's */
	finish_frame(r->conn, r->from, side);
	return STEP_DONE;
}

/* ---- The table's functions ---- */

static enum step part(struct reading *r, struct cursor *c)
{
	switch ((enum thrift_state)r->side->state) {
	case THRIFT_IDLE:
		return is_framed(r->side) && r->side->frame_left > 0 ? begin_within(r, c)
								     : begin(r, c);
	case THRIFT_BODY:
	case THRIFT_TAIL:
		return body(r, c);
	case THRIFT_SKIP:
		return skip(r, c);
	}
	return STEP_ALIEN;
}

/* As many parts of one message as there are bytes for. */
static enum step thrift_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct reading r = reading_of(conn, from);
	enum step step = STEP_DONE;

	while (step == STEP_DONE && !r.ended && cursor_left(c) > 0) {
		struct cursor before = *c;

		step = part(&r, c);
		if (step == STEP_MORE)
			*c = before;
	}
	if (r.x && !r.ended)
		text_flush(&r);
	return step == STEP_MORE && cursor_used(c) > 0 ? STEP_DONE : step;
}

static bool lost_in_passing(struct thrift_side *side, uint64_t n)
{
	bool string = side->in_string && (!side->show || side->show_left == 0) &&
		      side->format.protocol != PROTOCOL_JSON;

	if (side->zip || side->state != THRIFT_BODY || !(string || side->passing) ||
	    n >= side->value_left)
		return false;
	side->value_left -= n;
	return true;
}

/* The text of the message in hand breaks off here. */
static void note_hurt(struct conn *conn, enum side from)
{
	struct reading r = reading_of(conn, from);

	if (r.x == NULL || r.side->state == THRIFT_SKIP)
		return;
	r.side->hurt = true;
	text_add(&r, BYTES("..."));
	text_flush(&r);
}

static enum step thrift_lost(struct conn *conn, enum side from, uint64_t n)
{
	struct thrift_side *side = conn_side(conn, from);
	bool framed = is_framed(side), idle = side->state == THRIFT_IDLE;
	bool in_frame = framed && !idle && n <= side->frame_left;

	if (!framed && !idle && lost_in_passing(side, n))
		return STEP_DONE;
	if (in_frame) {
		side->frame_left -= n;
		if (lost_in_passing(side, n) && side->frame_left > 0)
			return STEP_DONE;
	}
	note_hurt(conn, from);
	if (!in_frame)
		return STEP_ALIEN;
	zip_close(conn, side);
	side->state = THRIFT_SKIP;
	if (side->frame_left == 0)
		finish_frame(conn, from, side);
	return STEP_DONE;
}

static void thrift_close(struct conn *conn)
{
	for (int from = CLIENT; from <= SERVER; from++) {
		struct thrift_side *side = conn_side(conn, (enum side)from);

		if (side == NULL)
			continue;
		zip_close(conn, side);
		if (side->deep)
			quota_give(conn_quota(conn), DEPTH_MAX * sizeof(struct level));
		free(side->deep);
		side->deep = NULL;
	}
}

static bool thrift_ready(void *self, struct fault *fault)
{
	struct thrift_conf *conf = self;

	if (conf->idl_files.count == 0)
		return true;
	conf->idl = idl_load(&conf->idl_files, NULL, fault);
	return conf->idl != NULL;
}

static void thrift_unready(void *self)
{
	struct thrift_conf *conf = self;

	if (!conf->idl_inherited)
		idl_free(conf->idl);
	conf->idl = NULL;
}

/* Open exchanges point to functions and types: what was read at the start stays. */
static void thrift_inherit(void *self, const void *before)
{
	struct thrift_conf *conf = self;

	thrift_unready(conf);
	conf->idl = ((const struct thrift_conf *)before)->idl;
	conf->idl_inherited = true;
}

#define OWN(member) offsetof(struct thrift_conf, member)

/* By enum thrift_transport and enum thrift_protocol. */
static const char *const transports[] = {"auto", "socket", "framed", "header", NULL};
static const char *const protocols[] = {"auto", "binary", "compact", "json", NULL};

static const struct option thrift_options[] = {
	{"transport_type", OPTION_CHOICE, OWN(transport_type), "auto", .choices = transports,
	 .help = "How messages are framed; auto looks, for each conversation."},
	{"protocol_type", OPTION_CHOICE, OWN(protocol_type), "auto", .choices = protocols,
	 .help = "How values are written; auto looks. binary is with or without a version."},
	{"idl_files", OPTION_TEXTS, OWN(idl_files), "",
	 .help = "Thrift IDL files, for the names of services, parameters, fields, exceptions and "
		 "enumerations. What they include is found beside them."},
	{"string_max_size", OPTION_INT, OWN(string_max_size), "200", 0, 1 << 30, .unit = "bytes",
	 .help = "What a text shows of a longer string."},
	{"collection_max_size", OPTION_INT, OWN(collection_max_size), "15", 0, 1 << 30,
	 .help = "How many elements of a longer list, set or map a text shows."},
	{"drop_after_n_struct_fields", OPTION_INT, OWN(drop_after_n_struct_fields), "500", 0,
	 1 << 30,
	 .help = "How many fields of a larger struct a text shows; 0 is all. The message is read "
		 "all the same."},
	{"capture_reply", OPTION_BOOL, OWN(capture_reply), "true",
	 .help = "Show what calls return. Without it, documents still say whether they failed."},
	{"obfuscate_strings", OPTION_BOOL, OWN(obfuscate_strings), "false",
	 .help = "Show an asterisk in place of each string."},
	{0},
};

/* By enum thrift_note. */
static const char *const thrift_notes[] = {
	"never answered, taken for oneway",
	"answer with another sequence id",
	NULL,
};

const struct proto proto_thrift = {
	.name = "thrift",
	.ports = {9090},
	.transports = PROTO_TCP,
	.match = MATCH_KEY,
	.side_size = sizeof(struct thrift_side),
	.exchange_size = sizeof(struct thrift),
	.conf_size = sizeof(struct thrift_conf),
	.options = thrift_options,
	.fields = thrift_fields,
	.notes = thrift_notes,
	.start = thrift_start,
	.unit = thrift_unit,
	.lost = thrift_lost,
	.settle = thrift_settle,
	.write = thrift_write,
	.lose = thrift_close,
	.close = thrift_close,
	.ready = thrift_ready,
	.unready = thrift_unready,
	.inherit = thrift_inherit,
};
