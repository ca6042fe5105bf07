/*
 * The document writer, called in any order that its contract allows with any bytes: what comes out
 * is always JSON, each key once, each value of its declared type.
 */
#include "shipper/base/cursor.h"
#include "shipper/base/must.h"
#include "shipper/txn/doc.h"
#include "tests/lib/declared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 600, OWN_COUNT = 10, FIELDS = FIELD_COMMON_COUNT + OWN_COUNT, OBJECTS_MAX = 64 };

static const struct field own[OWN_COUNT + 1] = {
	{"one.two.three.four.five.six.seven.eight", FIELD_LONG, NULL, "", NULL},
	{"one.two.three.four.keyword", FIELD_KEYWORD, NULL, "", NULL},
	{"one.two.other.bool", FIELD_BOOL, NULL, "", NULL},
	{"one.two.double", FIELD_DOUBLE, NULL, "", NULL},
	{"one.object", FIELD_OBJECT, NULL, "", NULL},
	{"a_long_name_of_forty_bytes_without_a_dot", FIELD_OBJECT, NULL, "", NULL},
	{"event_also.double", FIELD_DOUBLE, NULL, "", NULL},
	{"event_also.when", FIELD_DATE, NULL, "", NULL},
	{"x", FIELD_TEXT, NULL, "", NULL},
	{"last", FIELD_KEYWORD, NULL, "", NULL}, /* written by doc_members alone */
};

/* Which calls the contract still allows. */
struct model {
	bool written[FIELDS];
	const char *last; /* the field written last */
	struct bytes closed[OBJECTS_MAX];
	size_t closed_count;
};

static const struct field *field_of(unsigned i)
{
	return i < FIELD_COMMON_COUNT ? &fields_common[i] : &own[i - FIELD_COMMON_COUNT];
}

static bool within(const char *name, struct bytes object)
{
	return strncmp(name, (const char *)object.at, object.len) == 0 && name[object.len] == '.';
}

static bool allowed(const struct model *m, unsigned i)
{
	for (size_t k = 0; k < m->closed_count; k++)
		if (within(field_of(i)->name, m->closed[k]))
			return false;
	return !m->written[i];
}

static void wrote(struct model *m, unsigned i)
{
	const char *name = field_of(i)->name, *dot = m->last;

	while (dot && (dot = strchr(dot, '.')) != NULL) {
		struct bytes object = bytes_of(m->last, (size_t)(dot++ - m->last));

		if (!within(name, object)) {
			must(m->closed_count < OBJECTS_MAX);
			m->closed[m->closed_count++] = object;
		}
	}
	m->last = name;
	m->written[i] = true;
}

/* yajl's tree ends texts at a zero byte, so that one in front would look like none at all. */
static struct bytes text_of(struct cursor *c)
{
	struct bytes text = cursor_upto(c, cursor_be16(c) % TEXT_MAX);

	return text.len > 0 && text.at[0] == 0 ? BYTES("zero") : text;
}

static struct addr addr_of(struct cursor *c)
{
	struct addr addr = {{0}};
	struct bytes b = cursor_upto(c, sizeof addr.at);

	if (b.len > 0)
		memcpy(addr.at, b.at, b.len);
	return addr;
}

static double double_of(struct cursor *c)
{
	uint64_t bits = cursor_be(c, 8);
	double n;

	memcpy(&n, &bits, sizeof n);
	return n;
}

static bool write_list(struct doc *d, unsigned i, struct cursor *c)
{
	doc_list_begin(d, i);
	for (unsigned n = cursor_u8(c) % 5 + 1; n > 0; n--)
		doc_list_text(d, text_of(c));
	doc_list_end(d);
	return true;
}

static bool write_pieces(struct doc *d, unsigned i, struct cursor *c)
{
	bool any = false;

	doc_text_begin(d, i);
	for (unsigned n = cursor_u8(c) % 5; n > 0; n--) {
		struct bytes piece = text_of(c);

		any |= piece.len > 0;
		doc_text_more(d, piece);
	}
	doc_text_end(d);
	return any;
}

static bool write_text(struct doc *d, unsigned i, struct cursor *c)
{
	struct bytes text;

	switch (cursor_u8(c) % 5) {
	case 0:
		return write_list(d, i, c);
	case 1:
		return write_pieces(d, i, c);
	case 2:
		doc_hex(d, i, cursor_be(c, 8));
		return true;
	case 3:
		doc_word(d, i, "a word");
		return true;
	default:
		text = text_of(c);
		doc_text(d, i, text);
		return text.len > 0;
	}
}

static bool write_object(struct doc *d, unsigned i, struct cursor *c)
{
	uint8_t key[TEXT_MAX + 8];

	doc_object_begin(d, i);
	for (unsigned n = cursor_u8(c) % 5 + 1; n > 0; n--) {
		struct bytes more = text_of(c);
		struct bytes name =
			bytes_of(key, (size_t)snprintf((char *)key, 8, "%u-", n) + more.len);

		if (more.len > 0)
			memcpy(key + name.len - more.len, more.at, more.len);
		switch (cursor_u8(c) % 3) {
		case 0:
			doc_object_int(d, name, (int64_t)cursor_be(c, 8));
			break;
		case 1:
			doc_object_list_begin(d, name);
			doc_list_text(d, text_of(c));
			doc_list_text(d, text_of(c));
			doc_object_list_end(d);
			break;
		default:
			doc_object_text(d, name, text_of(c));
		}
	}
	doc_object_end(d);
	return true;
}

static bool write_ip(struct doc *d, unsigned i, struct cursor *c)
{
	uint8_t how = cursor_u8(c);
	struct addr one = addr_of(c), other = addr_of(c);

	if (how & 1) {
		doc_ip(d, i, &one, how & 2 ? 4 : 6);
		return true;
	}
	doc_list_begin(d, i);
	doc_list_ip(d, &one, how & 2 ? 4 : 6);
	doc_list_ip(d, &other, how & 4 ? 4 : 6);
	doc_list_end(d);
	return true;
}

/* False: there was nothing to write. */
static bool write_field(struct doc *d, unsigned i, struct cursor *c)
{
	double n;

	switch (field_of(i)->type) {
	case FIELD_LONG:
		doc_int(d, i, (int64_t)cursor_be(c, 8) >> cursor_u8(c) % 64);
		return true;
	case FIELD_DOUBLE:
		n = double_of(c);
		doc_double(d, i, n);
		return isfinite(n);
	case FIELD_BOOL:
		doc_bool(d, i, cursor_u8(c) & 1);
		return true;
	case FIELD_DATE:
		doc_time(d, i, (nsec)cursor_be(c, 8));
		return true;
	case FIELD_IP:
		return write_ip(d, i, c);
	case FIELD_OBJECT:
		return write_object(d, i, c);
	default:
		return write_text(d, i, c);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(bytes_of(data, size));
	static struct doc_keys *keys; /* made once: immutable */
	struct model model = {0};
	struct fault fault = {0};
	struct buf out;
	struct doc d;

	if (!keys)
		keys = doc_keys_new(own);
	buf_init(&out, NULL);
	doc_begin(&d, &out, keys);
	while (!c.dry) {
		unsigned i = cursor_u8(&c) % (FIELDS - 1);

		if (allowed(&model, i) && write_field(&d, i, &c))
			wrote(&model, i);
	}
	if (size % 2)
		doc_members(&d, BYTES("\"last\":\"member\""));
	doc_end(&d);
	must(out.at[out.len - 1] == '\n' && memchr(out.at, '\n', out.len - 1) == NULL);
	if (!declared_check(buf_bytes(&out), own, &fault)) {
		fprintf(stderr, "%s\n%.*s", fault.text, (int)out.len, (const char *)out.at);
		abort();
	}
	buf_fini(&out);
	return 0;
}
