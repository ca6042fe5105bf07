/*
 * Values of any depth, one token at a time: a stack of open containers, none of which is ever held.
 *
 *   call    (1: 5, 2: (1: "x", 2: [1, 2, ...]))          with IDL  (num: 5, work: (comment: "x",
 * …)) reply   field 0 is the value returned, any other an exception that the service declares
 *
 * Every element of a container takes at least a byte on the wire, so a hostile count costs no more
 * than the bytes that are really sent.
 */
#include "protos/thrift/binary.h"

#include <stdlib.h>

#include "shipper/base/must.h"

/* Thrift's own exception is a struct like others. */
static const struct idl_type failure_message = {.kind = T_STRING}, failure_type = {.kind = T_I32};
static const struct idl_field failure_fields[] = {{1, "message", &failure_message},
						  {2, "type", &failure_type}};
static const struct idl_type failure = {
	.kind = T_STRUCT, .fields = failure_fields, .field_count = 2};

static struct level *top(const struct reading *r)
{
	return &walk_levels(r)[r->side->depth - 1];
}

/* ---- Containers ---- */

static void go_deep(struct reading *r)
{
	struct thrift_side *side = r->side;
	size_t bytes = DEPTH_MAX * sizeof(struct level);

	side->deep = must_alloc(bytes);
	quota_take(conn_quota(r->conn), bytes);
	memcpy(side->deep, side->near, sizeof(side->near));
}

static void push(struct reading *r, const struct value *v, const struct idl_type *type)
{
	struct thrift_side *side = r->side;
	bool framed = side->format.transport != TRANSPORT_SOCKET && side->zip == NULL;

	if (side->depth == DEPTH_MAX || v->n < 0 || v->n > INT32_MAX ||
	    (framed && (uint64_t)v->n > side->frame_left)) {
		r->bad = true;
		return;
	}
	if (side->depth == DEPTH_NEAR && side->deep == NULL)
		go_deep(r);
	walk_levels(r)[side->depth++] = (struct level){
		.type = type,
		.kind = v->type,
		.key = v->key,
		.value = v->inner,
		.left = (uint32_t)v->n * (v->type == T_MAP ? 2U : 1U),
		.shown = side->show,
		.first = true,
	};
	if (side->show)
		text_add(r, v->type == T_STRUCT ? BYTES("(")
			    : v->type == T_LIST ? BYTES("[")
						: BYTES("{"));
}

void walk_pop(struct reading *r)
{
	struct level *l = top(r);

	if (r->side->depth == 1) {
		if (r->own->threw && r->from == SERVER)
			text_to(r, TO_EXCEPTIONS);
		else if (r->side->target == TO_RETURN)
			text_to(r, TO_NOTHING);
		if (r->side->target != TO_NOTHING && l->shown)
			text_add(r, BYTES(")"));
		r->ended = true;
	} else if (l->shown) {
		text_add(r, l->kind == T_STRUCT ? BYTES(")")
			    : l->kind == T_LIST ? BYTES("]")
						: BYTES("}"));
	}
	r->side->depth--;
}

void walk_begin(struct reading *r, uint8_t type)
{
	const struct idl_function *f = r->own->function;
	struct thrift_side *side = r->side;
	bool call = r->from == CLIENT;

	side->depth = 1;
	side->in_string = side->passing = false;
	side->near[0] = (struct level){
		.type = type == MESSAGE_EXCEPTION ? &failure
			: f == NULL		  ? NULL
			: call			  ? &f->arguments
						  : &f->result,
		.kind = T_STRUCT,
		.shown = call || type == MESSAGE_EXCEPTION || r->conf->capture_reply,
		.first = true,
	};
	if (side->deep)
		side->deep[0] = side->near[0];
	side->target = call ? TO_PARAMS : type == MESSAGE_EXCEPTION ? TO_EXCEPTIONS : TO_NOTHING;
	if (type == MESSAGE_EXCEPTION)
		text_add(r, BYTES("TApplicationException"));
	if (side->target != TO_NOTHING)
		text_add(r, BYTES("("));
}

/* ---- Fields and elements: their names, and what separates them ---- */

static void add_name(struct reading *r, const struct level *l, int16_t id,
		     const struct idl_field *field)
{
	uint8_t *to = r->text + r->text_len;

	/* The usual case, written at one go. */
	if (field == NULL && id >= 0 && id < 10 && TEXT_ROOM - r->text_len >= 5) {
		memcpy(to, ", ", 2);
		to += l->done > 0 ? 2 : 0;
		*to = (uint8_t)('0' + id);
		memcpy(to + 1, ": ", 2);
		r->text_len = (size_t)(to + 3 - r->text);
		return;
	}
	if (l->done > 0)
		text_add(r, BYTES(", "));
	if (field)
		text_add(r, bytes_str(field->name));
	else
		text_int(r, id);
	text_add(r, BYTES(": "));
}

static void add_more(struct reading *r, bool comma)
{
	text_add(r, comma ? BYTES(", ...") : BYTES("..."));
	r->x->notes |= NOTE_TRIMMED;
}

/* A result has at most one field; what has more is shown all the same. */
static void result_field(struct reading *r, struct level *l, int16_t id,
			 const struct idl_field *field)
{
	if (id == 0) {
		text_to(r, TO_RETURN);
		return;
	}
	r->own->threw = true;
	r->own->thrown = field ? field->type : NULL;
	text_to(r, TO_EXCEPTIONS);
	if (!r->side->show)
		return;
	if (l->done == 0)
		text_add(r, BYTES("("));
	add_name(r, l, id, field);
	l->done++;
}

static void on_field(struct reading *r, const struct field_head *f)
{
	struct level *l = top(r);
	const struct idl_field *field = l->type ? idl_field(l->type, f->id) : NULL;
	uint32_t most = (uint32_t)r->conf->drop_after_n_struct_fields;

	l->first = false;
	l->owed = true;
	l->last = f->id;
	if (l->left < UINT32_MAX)
		l->left++;
	r->side->type = field ? field->type : NULL;
	r->side->show = l->shown && (most == 0 || l->left <= most);
	if (r->side->depth == 1 && r->from == SERVER && !r->own->failed) {
		result_field(r, l, f->id, field);
	} else if (r->side->show) {
		add_name(r, l, f->id, field);
		l->done++;
	} else if (l->shown && l->left == most + 1) {
		add_more(r, true);
	}
}

static void on_element(struct reading *r)
{
	struct level *l = top(r);
	bool map = l->kind == T_MAP, value = map && l->done % 2 == 1;
	uint32_t item = map ? l->done / 2 : l->done;
	uint32_t most = (uint32_t)r->conf->collection_max_size;

	r->side->show = l->shown && item < most;
	r->side->type = l->type == NULL ? NULL : map && !value ? l->type->key : l->type->value;
	if (r->side->show && value)
		text_add(r, BYTES(": "));
	else if (r->side->show && item > 0)
		text_add(r, BYTES(", "));
	else if (l->shown && item == most && !value)
		add_more(r, item > 0);
	l->first = false;
	l->left--;
	l->done++;
}

/* ---- Values ---- */

/* All of it is there and shown, and it is no exception's message, of which the place is noted. */
static bool string_at_once(struct reading *r, struct cursor *c, uint64_t len)
{
	const struct thrift_side *side = r->side;

	if (len > TEXT_PLAIN_MAX || len > cursor_left(c) || !side->show ||
	    len > (uint64_t)r->conf->string_max_size || r->conf->obfuscate_strings ||
	    side->target == TO_EXCEPTIONS || !text_plain(r, bytes_of(c->at, len)))
		return false;
	cursor_take(c, len);
	return true;
}

static void begin_string(struct reading *r, struct cursor *c, const struct value *v)
{
	struct thrift_side *side = r->side;
	const struct level *l = top(r);
	bool json = side->format.protocol == PROTOCOL_JSON;
	uint64_t most = (uint64_t)r->conf->string_max_size;

	if (v->n < 0 && !json) {
		r->bad = true;
		return;
	}
	if (!json && string_at_once(r, c, (uint64_t)v->n))
		return;
	side->in_string = true;
	side->value_left = json ? 0 : (uint64_t)v->n;
	side->show_left = (uint32_t)(json || side->value_left > most ? most : side->value_left);
	if (side->show && r->conf->obfuscate_strings) {
		text_add(r, BYTES("\"*\""));
		side->show = false;
	}
	side->is_error = side->show && side->target == TO_EXCEPTIONS && r->own->error_len == 0 &&
			 l->kind == T_STRUCT &&
			 (r->own->failed ? side->depth == 1 && l->last == 1 : side->depth == 2);
	if (side->show)
		text_add(r, BYTES("\""));
	if (side->is_error) {
		text_flush(r);
		r->own->error_at = r->own->exceptions.len;
	}
	if (side->show && side->show_left == 0 && side->value_left > 0)
		add_more(r, false);
	if (side->value_left == 0 && !json)
		walk_close_string(r);
}

void walk_close_string(struct reading *r)
{
	struct thrift_side *side = r->side;

	if (side->is_error) {
		text_flush(r);
		r->own->error_len = r->own->exceptions.len - r->own->error_at;
	}
	if (side->show)
		text_add(r, BYTES("\""));
	side->in_string = false;
}

/* What there is of it, up to its limit as text. A character whose end is not there waits for it,
 * but behind the limit it is left out. */
static void string(struct reading *r, struct cursor *c)
{
	struct thrift_side *side = r->side;
	struct bytes part = bytes_head(cursor_rest(c), side->value_left);

	if (side->show && side->show_left > 0) {
		bool last, cut = side->value_left > side->show_left;

		part = bytes_head(part, side->show_left);
		last = part.len == side->show_left;
		size_t n = text_quoted(r, part, last && !cut);

		if (!last)
			part.len = n;
		side->show_left -= (uint32_t)part.len;
		if (last && cut)
			add_more(r, false);
	}
	cursor_take(c, part.len);
	c->dry = part.len == 0;
	side->value_left -= part.len;
	if (side->value_left == 0)
		walk_close_string(r);
}

static void on_value(struct reading *r, struct cursor *c, const struct value *v)
{
	const struct idl_type *type = r->side->type;
	const char *name = NULL;

	if (type && type->kind != v->type)
		type = NULL;
	switch (v->type) {
	case T_STRING:
		begin_string(r, c, v);
		return;
	case T_STRUCT:
	case T_MAP:
	case T_SET:
	case T_LIST:
		push(r, v, type);
		return;
	}
	if (r->own->failed && r->side->depth == 1 && top(r)->last == 2)
		r->own->failure = (int32_t)v->n;
	if (!r->side->show)
		return;
	if (v->type == T_BOOL)
		text_add(r, v->yes ? BYTES("true") : BYTES("false"));
	else if (v->type == T_DOUBLE)
		text_double(r, v->real);
	else if (v->type == T_UUID)
		text_uuid(r, v->uuid);
	else if (type && type->names && (name = idl_name(type, v->n)))
		text_add(r, bytes_str(name));
	else
		text_int(r, v->n);
}

/* ---- Tokens ---- */

/* Bytes of a value that has always as many, 0 for others. */
static uint64_t fixed_size(const struct reading *r, uint8_t type)
{
	uint8_t protocol = r->side->format.protocol;
	bool binary = protocol == PROTOCOL_BINARY || protocol == PROTOCOL_OLD;

	if (protocol == PROTOCOL_JSON)
		return 0;
	switch (type) {
	case T_BOOL:
	case T_BYTE:
		return 1;
	case T_DOUBLE:
		return 8;
	case T_UUID:
		return 16;
	case T_I16:
		return binary ? 2 : 0;
	case T_I32:
		return binary ? 4 : 0;
	case T_I64:
		return binary ? 8 : 0;
	}
	return 0;
}

/* The values that are left, when none of them is shown and their length is known, are passed over
 * as one. */
static bool pass_rest(struct reading *r, struct level *l)
{
	bool map = l->kind == T_MAP;
	uint32_t most = (uint32_t)r->conf->collection_max_size;

	if (l->shown && (map ? l->done / 2 : l->done) <= most)
		return false;
	uint64_t key = map ? fixed_size(r, l->key) : 0, value = fixed_size(r, l->value);

	if (value == 0 || (map && (key == 0 || l->left % 2 == 1)))
		return false;
	r->side->value_left = map ? l->left / 2 * (key + value) : l->left * value;
	r->side->passing = true;
	l->left = 0;
	return true;
}

static void pass(struct reading *r, struct cursor *c)
{
	struct thrift_side *side = r->side;

	side->value_left -= cursor_upto(c, side->value_left).len;
	if (side->value_left == 0)
		side->passing = false;
}

static void read_value(struct reading *r, struct cursor *c, struct value *v)
{
	switch (r->side->format.protocol) {
	case PROTOCOL_COMPACT:
		compact_value(r, c, v);
		break;
	case PROTOCOL_JSON:
		json_value(r, c, v);
		break;
	default:
		binary_value(r, c, v);
	}
}

static void read_field(struct reading *r, struct cursor *c, struct field_head *f)
{
	switch (r->side->format.protocol) {
	case PROTOCOL_COMPACT:
		compact_field(r, c, f);
		break;
	case PROTOCOL_JSON:
		json_field(r, c, f);
		break;
	default:
		binary_field(r, c, f);
	}
}

/* Behind the last element of a container. */
static void end_elements(struct reading *r, struct cursor *c)
{
	if (r->side->format.protocol == PROTOCOL_JSON)
		json_after(r, c);
	if (!c->dry && !r->bad)
		walk_pop(r);
}

/* The next field or element, or the end. What a value's type does not need is not set. */
static void within(struct reading *r, struct cursor *c)
{
	struct level *l = top(r);
	bool fields = l->kind == T_STRUCT;
	struct field_head f;
	struct value v;

	v.n = 0;
	v.key = v.inner = T_STOP;
	if (fields) {
		f.yes = false;
		read_field(r, c, &f);
		if (c->dry || r->bad)
			return;
		if (f.type == T_STOP) {
			walk_pop(r);
			return;
		}
		v.type = f.type;
		v.yes = f.yes;
	} else if (l->left == 0) {
		end_elements(r, c);
		return;
	} else {
		if (pass_rest(r, l))
			return;
		v.type = l->kind == T_MAP && l->left % 2 == 0 ? l->key : l->value;
		if (r->side->format.protocol == PROTOCOL_JSON)
			json_before(r, c);
	}
	read_value(r, c, &v);
	if (c->dry || r->bad)
		return;
	if (fields)
		on_field(r, &f);
	else
		on_element(r);
	on_value(r, c, &v);
}

static void token(struct reading *r, struct cursor *c)
{
	if (!r->side->in_string && !r->side->passing)
		within(r, c);
	else if (r->side->passing)
		pass(r, c);
	else if (r->side->format.protocol != PROTOCOL_JSON)
		string(r, c);
	else if (json_string(r, c))
		walk_close_string(r);
}

/* Up to the message's end, or as far as there are whole tokens. */
enum step walk(struct reading *r, struct cursor *c)
{
	while (!r->ended && cursor_left(c) > 0) {
		const uint8_t *before = c->at;

		token(r, c);
		if (r->bad)
			return STEP_ALIEN;
		if (c->dry) {
			c->at = before;
			c->dry = false;
			return STEP_MORE;
		}
	}
	return r->ended ? STEP_DONE : STEP_MORE;
}
