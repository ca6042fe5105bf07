#include "outputs/top/reader.h"

#include <yajl/yajl_parse.h>

#include "shipper/base/must.h"

/* Values that are wanted: the texts come first, by their enum. */
enum place { PLACE_EVENT = READER_TEXTS, PLACE_DURATION, PLACE_NONE };

static const struct {
	const char *key;
	unsigned place;
} top_keys[] = {
	{"type", TEXT_TYPE},
	{"status", TEXT_STATUS},
	{"event", PLACE_EVENT},
	{"method", TEXT_METHOD},
	{"query", TEXT_QUERY},
	{"path", TEXT_PATH},
	{"query_fingerprint", TEXT_FINGERPRINT},
};

static int on_key(void *self, const unsigned char *key, size_t len)
{
	struct reader *r = self;
	struct bytes k = {key, len};

	r->wanted = PLACE_NONE;
	if (r->depth == 2 && r->in_event && bytes_eq(k, BYTES("duration")))
		r->wanted = PLACE_DURATION;
	if (r->depth != 1)
		return 1;
	for (size_t i = 0; i < sizeof(top_keys) / sizeof(top_keys[0]); i++)
		if (bytes_eq(k, bytes_str(top_keys[i].key)))
			r->wanted = top_keys[i].place;
	return 1;
}

static bool knows_enough(const struct reader *r)
{
	return r->seen_event && r->texts[TEXT_FINGERPRINT].len > 0 && r->texts[TEXT_TYPE].len > 0 &&
	       r->texts[TEXT_STATUS].len > 0;
}

static int on_string(void *self, const unsigned char *text, size_t len)
{
	struct reader *r = self;

	if (r->wanted < READER_TEXTS) {
		r->texts[r->wanted].len = 0;
		buf_add(&r->texts[r->wanted], bytes_of(text, len));
	}
	r->wanted = PLACE_NONE;
	return !knows_enough(r);
}

static int on_number(void *self, const char *text, size_t len)
{
	struct reader *r = self;

	if (r->wanted == PLACE_DURATION)
		bytes_int(bytes_of(text, len), 0, INT64_MAX, &r->duration);
	r->wanted = PLACE_NONE;
	return 1;
}

/* A map or a list. Event is the one behind its key; what is nested in it lies deeper. */
static int on_open(void *self)
{
	struct reader *r = self;

	if (r->depth == 1)
		r->in_event = r->wanted == PLACE_EVENT;
	r->seen_event |= r->in_event;
	r->wanted = PLACE_NONE;
	r->depth++;
	return 1;
}

static int on_close(void *self)
{
	struct reader *r = self;

	r->depth--;
	return 1;
}

static int on_other(void *self)
{
	((struct reader *)self)->wanted = PLACE_NONE;
	return 1;
}

static int on_bool(void *self, int yes)
{
	(void)yes;
	return on_other(self);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_other,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_open,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close,
	.yajl_start_array = on_open,
	.yajl_end_array = on_close,
};

void reader_init(struct reader *r)
{
	*r = (struct reader){.duration = -1};
}

void reader_fini(struct reader *r)
{
	for (int i = 0; i < READER_TEXTS; i++)
		buf_fini(&r->texts[i]);
	buf_fini(&r->name);
}

bool reader_read(struct reader *r, struct bytes json)
{
	yajl_handle parser = yajl_alloc(&callbacks, NULL, r);

	must(parser != NULL);
	for (int i = 0; i < READER_TEXTS; i++)
		r->texts[i].len = 0;
	r->duration = -1;
	r->depth = 0;
	r->wanted = PLACE_NONE;
	r->in_event = r->seen_event = false;
	yajl_status status = yajl_parse(parser, json.at, json.len);
	bool well = status == yajl_status_client_canceled ||
		    (status == yajl_status_ok && yajl_complete_parse(parser) == yajl_status_ok);

	yajl_free(parser);
	return well;
}

bool reader_failed(const struct reader *r)
{
	return !bytes_eq(buf_bytes(&r->texts[TEXT_STATUS]), BYTES("OK"));
}

struct bytes reader_name(struct reader *r)
{
	const struct buf *method = &r->texts[TEXT_METHOD], *path = &r->texts[TEXT_PATH];

	if (r->texts[TEXT_FINGERPRINT].len > 0)
		return buf_bytes(&r->texts[TEXT_FINGERPRINT]);
	if (r->texts[TEXT_QUERY].len > 0)
		return buf_bytes(&r->texts[TEXT_QUERY]);
	r->name.len = 0;
	buf_add(&r->name, buf_bytes(method));
	if (method->len > 0 && path->len > 0)
		buf_add(&r->name, BYTES(" "));
	buf_add(&r->name, buf_bytes(path));
	if (r->name.len == 0)
		buf_add(&r->name, BYTES("-"));
	return buf_bytes(&r->name);
}
