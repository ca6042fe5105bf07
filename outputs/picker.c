#include "outputs/picker.h"

#include <yajl/yajl_parse.h>

#include "shipper/base/must.h"

/* Deeper, and longer, than any path that is wanted. */
enum { DEPTH_MAX = 6, PATH_MAX_BYTES = 64, NOWHERE = PATH_MAX_BYTES, NOTHING = -1 };

struct picker {
	const struct picker_want *wants;
	size_t count;
	picker_fn take;
	void *self;
	char path[PATH_MAX_BYTES]; /* of the value to come */
	size_t path_len;	   /* NOWHERE: too long */
	struct {
		size_t path_len; /* its own; NOWHERE: a list, or within one */
		int wanted;	 /* what its next value is */
	} open[DEPTH_MAX];
	unsigned depth;
	bool is_object;
};

static int find(const struct picker *p, struct bytes path)
{
	for (size_t i = 0; i < p->count; i++)
		if (bytes_eq(path, bytes_str(p->wants[i].path)))
			return p->wants[i].which;
	return NOTHING;
}

static int on_key(void *self, const unsigned char *key, size_t len)
{
	struct picker *p = self;
	size_t at = p->depth <= DEPTH_MAX ? p->open[p->depth - 1].path_len : NOWHERE;

	p->path_len = NOWHERE;
	if (p->depth <= DEPTH_MAX)
		p->open[p->depth - 1].wanted = NOTHING;
	/* An empty name would make one path of two. */
	if (at == NOWHERE || len == 0 || at + 1 + len >= PATH_MAX_BYTES)
		return 1;
	if (at > 0)
		p->path[at++] = '.';
	memcpy(p->path + at, key, len);
	p->path_len = at + len;
	p->open[p->depth - 1].wanted = find(p, bytes_of(p->path, p->path_len));
	return 1;
}

static bool within_object(const struct picker *p)
{
	return p->depth == 0 ||
	       (p->depth <= DEPTH_MAX && p->open[p->depth - 1].path_len != NOWHERE);
}

static int on_object(void *self)
{
	struct picker *p = self;

	p->is_object |= p->depth == 0;
	if (p->depth < DEPTH_MAX) {
		p->open[p->depth].path_len = within_object(p) ? p->path_len : NOWHERE;
		p->open[p->depth].wanted = NOTHING;
	}
	p->depth++;
	return 1;
}

static int on_list(void *self)
{
	struct picker *p = self;

	if (p->depth < DEPTH_MAX) {
		bool known = within_object(p) && p->path_len + 2 < PATH_MAX_BYTES;

		p->open[p->depth].path_len = NOWHERE;
		p->open[p->depth].wanted = NOTHING;
		if (known) {
			memcpy(p->path + p->path_len, "[]", 2);
			p->open[p->depth].wanted = find(p, bytes_of(p->path, p->path_len + 2));
		}
	}
	p->depth++;
	return 1;
}

static int on_close(void *self)
{
	((struct picker *)self)->depth--;
	return 1;
}

static int value(struct picker *p, bool is_number, struct bytes text)
{
	int wanted = p->depth > 0 && p->depth <= DEPTH_MAX ? p->open[p->depth - 1].wanted : NOTHING;

	return wanted == NOTHING || p->take(p->self, wanted, is_number, text);
}

static int on_string(void *self, const unsigned char *text, size_t len)
{
	return value(self, false, bytes_of(text, len));
}

static int on_number(void *self, const char *text, size_t len)
{
	return value(self, true, bytes_of(text, len));
}

static const yajl_callbacks callbacks = {
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close,
	.yajl_start_array = on_list,
	.yajl_end_array = on_close,
};

enum picked picker_read(struct bytes json, const struct picker_want *wants, size_t count,
			picker_fn take, void *self)
{
	struct picker p = {.wants = wants, .count = count, .take = take, .self = self};
	yajl_handle parser = yajl_alloc(&callbacks, NULL, &p);
	yajl_status status;

	must(parser != NULL);
	status = yajl_parse(parser, json.at, json.len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(parser);
	yajl_free(parser);
	if (status == yajl_status_client_canceled)
		return PICKED_ENOUGH;
	return status == yajl_status_ok && p.is_object ? PICKED_ALL : PICKED_NO_OBJECT;
}
