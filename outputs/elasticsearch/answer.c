#include "outputs/elasticsearch/answer.h"

#include <stdlib.h>

#include "shipper/base/must.h"

/* What a map, list or value is, by the keys that lead to it. */
enum place {
	PLACE_OTHER,
	PLACE_TOP,
	PLACE_ITEMS,  /* the list */
	PLACE_ITEM,   /* {"create": …} */
	PLACE_ACTION, /* what is in it */
	PLACE_STATUS,
	PLACE_ERROR,
	PLACE_TYPE,
	PLACE_REASON,
	PLACE_CAUSE,
	PLACE_CAUSE_REASON,
};

static enum place place_of_key(enum place in, struct bytes key)
{
	static const struct {
		enum place in;
		const char *key;
		enum place is;
	} table[] = {
		{PLACE_TOP, "items", PLACE_ITEMS},
		{PLACE_TOP, "error", PLACE_ERROR},
		{PLACE_TOP, "status", PLACE_STATUS},
		{PLACE_ACTION, "status", PLACE_STATUS},
		{PLACE_ACTION, "error", PLACE_ERROR},
		{PLACE_ERROR, "type", PLACE_TYPE},
		{PLACE_ERROR, "reason", PLACE_REASON},
		{PLACE_ERROR, "caused_by", PLACE_CAUSE},
		{PLACE_CAUSE, "reason", PLACE_CAUSE_REASON},
	};

	if (in == PLACE_ITEM)
		return PLACE_ACTION;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].in == in && bytes_eq(key, bytes_str(table[i].key)))
			return table[i].is;
	return PLACE_OTHER;
}

static enum place inside(const struct answer *a)
{
	return a->depth > 0 ? (enum place)a->at[a->depth - 1] : PLACE_OTHER;
}

static int fail(struct answer *a, enum answer_wrong wrong)
{
	if (a->wrong == ANSWER_RIGHT)
		a->wrong = wrong;
	return 0;
}

/* ---- yajl's callbacks: 0 ends the reading ---- */

static int open_one(struct answer *a, enum place is)
{
	if (a->depth == ANSWER_DEPTH_MAX)
		return fail(a, ANSWER_OTHER);
	a->at[a->depth++] = (uint8_t)is;
	a->key = PLACE_OTHER;
	return 1;
}

static int on_map(void *self)
{
	struct answer *a = self;
	enum place is = (enum place)a->key;

	if (a->depth == 0) {
		is = PLACE_TOP;
		a->item = &a->whole;
	} else if (inside(a) == PLACE_ITEMS) {
		if (a->count == a->expected)
			return fail(a, ANSWER_COUNT);
		is = PLACE_ITEM;
		a->item = &a->items[a->count++];
		*a->item = (struct answer_item){0};
		a->cause = false;
	} else if (is == PLACE_ITEMS || is == PLACE_STATUS) {
		return fail(a, ANSWER_OTHER);
	}
	return open_one(a, is);
}

static int on_list(void *self)
{
	struct answer *a = self;

	if (a->depth == 0)
		return fail(a, ANSWER_OTHER);
	/* Only `items` is a list that is looked into. */
	return open_one(a, a->key == PLACE_ITEMS ? PLACE_ITEMS : PLACE_OTHER);
}

static int on_end(void *self)
{
	struct answer *a = self;

	a->depth--;
	if (a->depth > 0 && a->at[a->depth] == PLACE_ITEM)
		a->item = &a->whole;
	a->ended |= a->depth == 0;
	a->key = PLACE_OTHER;
	return 1;
}

static int on_key(void *self, const unsigned char *text, size_t len)
{
	struct answer *a = self;

	a->key = (uint8_t)place_of_key(inside(a), bytes_of(text, len));
	return 1;
}

static int on_number(void *self, const char *text, size_t len)
{
	struct answer *a = self;
	int64_t n;

	if (a->depth == 0)
		return fail(a, ANSWER_OTHER);
	if (a->key == PLACE_STATUS) {
		if (!bytes_int(bytes_of(text, len), 100, 999, &n))
			return fail(a, ANSWER_OTHER);
		a->item->status = (uint16_t)n;
	}
	a->key = PLACE_OTHER;
	return 1;
}

/* Up to `most` bytes, and no part of a character at the end. */
static struct bytes cut(struct bytes text, size_t most)
{
	size_t len = most;

	if (text.len <= most)
		return text;
	while (len > 0 && (text.at[len] & 0xc0) == 0x80)
		len--;
	return bytes_head(text, len);
}

/* "type: reason: cause", as the parts come; the engines give them in this order. */
static void reason_add(struct answer *a, struct bytes text, size_t most)
{
	struct answer_item *item = a->item;

	if (item->reason_len == 0)
		item->reason_at = (uint32_t)a->reasons.len;
	else if (text.len > 0)
		buf_add(&a->reasons, BYTES(": "));
	buf_add(&a->reasons, cut(text, most));
	item->reason_len = (uint32_t)(a->reasons.len - item->reason_at);
}

static int on_string(void *self, const unsigned char *at, size_t len)
{
	struct answer *a = self;
	struct bytes text = bytes_of(at, len);

	if (a->depth == 0)
		return fail(a, ANSWER_OTHER);
	switch ((enum place)a->key) {
	case PLACE_TYPE:
		if (a->item->reason_len == 0) {
			reason_add(a, text, ANSWER_TYPE_MAX);
			a->item->type_len = (uint16_t)a->item->reason_len;
		}
		break;
	case PLACE_CAUSE_REASON:
		if (!a->cause)
			reason_add(a, text, ANSWER_REASON_MAX);
		a->cause = true;
		break;
	case PLACE_REASON:
	case PLACE_ERROR: /* old engines and proxies give a text in place of a map */
		reason_add(a, text, ANSWER_REASON_MAX);
		break;
	case PLACE_STATUS:
		return fail(a, ANSWER_OTHER);
	default:
		break;
	}
	a->key = PLACE_OTHER;
	return 1;
}

static int on_null(void *self)
{
	struct answer *a = self;

	a->key = PLACE_OTHER;
	return a->depth > 0 || fail(a, ANSWER_OTHER);
}

static int on_bool(void *self, int yes)
{
	(void)yes;
	return on_null(self);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_list,
	.yajl_end_array = on_end,
};

/* ---- One answer ---- */

void answer_init(struct answer *a)
{
	*a = (struct answer){0};
}

void answer_fini(struct answer *a)
{
	if (a->reader != NULL)
		yajl_free(a->reader);
	free(a->items);
	buf_fini(&a->reasons);
	*a = (struct answer){0};
}

void answer_begin(struct answer *a, size_t expected)
{
	if (expected > a->room) {
		a->room = expected;
		a->items = must_realloc(a->items, a->room * sizeof(a->items[0]));
	}
	if (a->reader != NULL)
		yajl_free(a->reader);
	a->reader = yajl_alloc(&callbacks, NULL, a);
	must(a->reader != NULL);
	a->count = 0;
	a->expected = expected;
	a->reasons.len = 0;
	a->whole = (struct answer_item){0};
	a->wrong = ANSWER_RIGHT;
	a->bytes = 0;
	a->limit = ANSWER_BYTES_MIN + expected * ANSWER_BYTES_ITEM;
	a->depth = 0;
	a->key = PLACE_OTHER;
	a->ended = a->cause = false;
	a->item = NULL;
}

bool answer_more(struct answer *a, struct bytes more)
{
	struct bytes trimmed = bytes_trim(more);

	if (a->wrong != ANSWER_RIGHT)
		return false;
	if (a->bytes == 0 && trimmed.len > 0 && trimmed.at[0] == '<')
		return fail(a, ANSWER_HTML);
	a->bytes += more.len;
	if (a->bytes > a->limit)
		return fail(a, ANSWER_LARGE);
	if (yajl_parse(a->reader, more.at, more.len) != yajl_status_ok)
		return fail(a, ANSWER_NOT_JSON);
	return true;
}

void answer_end(struct answer *a)
{
	if (a->wrong != ANSWER_RIGHT)
		return;
	if (a->bytes == 0)
		a->wrong = ANSWER_EMPTY;
	else if (yajl_complete_parse(a->reader) != yajl_status_ok || !a->ended)
		fail(a, ANSWER_CUT);
}

struct bytes answer_reason(const struct answer *a, const struct answer_item *item)
{
	return item->reason_len > 0 ? bytes_of(a->reasons.at + item->reason_at, item->reason_len)
				    : NO_BYTES;
}

struct bytes answer_type(const struct answer *a, const struct answer_item *item)
{
	return bytes_head(answer_reason(a, item), item->type_len);
}

const char *answer_wrong_text(enum answer_wrong wrong)
{
	static const char *const texts[] = {
		[ANSWER_RIGHT] = "an answer",
		[ANSWER_EMPTY] = "nothing",
		[ANSWER_HTML] = "HTML, as a proxy or another server would",
		[ANSWER_NOT_JSON] = "what is not JSON",
		[ANSWER_CUT] = "JSON that ends early",
		[ANSWER_OTHER] = "JSON that is no answer to a bulk request",
		[ANSWER_COUNT] = "another number of items than it was sent",
		[ANSWER_LARGE] = "more than such an answer needs",
	};

	return texts[wrong];
}
