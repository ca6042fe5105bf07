#include "outputs/calls/reader.h"

#include <yajl/yajl_parse.h>

#include "shipper/base/must.h"

enum { FLOW_MAX_BYTES = 64 << 10 };

static const char *const text_paths[CALL_TEXTS] = {
	[CALL_START] = "@timestamp",
	[CALL_CALLER] = "sip.call.caller",
	[CALL_CALLER_DOMAIN] = "sip.call.caller_domain",
	[CALL_CALLEE] = "sip.call.callee",
	[CALL_CALLEE_DOMAIN] = "sip.call.callee_domain",
	[CALL_STATE_NAME] = "sip.call.state",
	[CALL_ID] = "sip.call_id",
	[CALL_FLOW] = "sip.call.flow",
};

static const char *const number_paths[CALL_NUMBERS] = {
	[CALL_CODE] = "sip.code",
	[CALL_SETUP_TIME] = "sip.call.setup_time",
	[CALL_LENGTH] = "sip.call.duration",
	[CALL_MESSAGES] = "sip.call.messages",
};

/* A list's members have the path of the list. */
static int on_key(void *self, const unsigned char *key, size_t len)
{
	struct call_reader *r = self;
	size_t at = r->depth <= READER_DEPTH ? r->ends[r->depth - 1] : 0;

	r->lost = r->depth > READER_DEPTH || at + 1 + len >= READER_PATH_MAX;
	if (r->lost)
		return 1;
	if (at > 0)
		r->path[at++] = '.';
	memcpy(r->path + at, key, len);
	r->path[at + len] = '\0';
	return 1;
}

static int on_open(void *self)
{
	struct call_reader *r = self;

	if (r->depth < READER_DEPTH)
		r->ends[r->depth] = r->lost ? READER_PATH_MAX : strlen(r->path);
	r->depth++;
	return 1;
}

static int on_close(void *self)
{
	struct call_reader *r = self;

	r->depth--;
	if (r->depth < READER_DEPTH) {
		r->lost = r->ends[r->depth] == READER_PATH_MAX;
		r->path[r->lost ? 0 : r->ends[r->depth]] = '\0';
	}
	return 1;
}

static int on_string(void *self, const unsigned char *text, size_t len)
{
	struct call_reader *r = self;
	struct bytes b = bytes_of(text, len);

	if (r->lost)
		return 1;
	if (r->depth == 1 && strcmp(r->path, "type") == 0) {
		r->is_call = bytes_eq(b, BYTES("sip_call"));
		return r->is_call;
	}
	for (int i = 0; i < CALL_TEXTS; i++) {
		if (strcmp(r->path, text_paths[i]) != 0)
			continue;
		if (i != CALL_FLOW)
			r->texts[i].len = 0;
		else if (r->texts[i].len + len > FLOW_MAX_BYTES)
			break;
		buf_add(&r->texts[i], b);
		if (i == CALL_FLOW)
			buf_add(&r->texts[i], BYTES("\n"));
	}
	return 1;
}

static int on_number(void *self, const char *text, size_t len)
{
	struct call_reader *r = self;

	for (int i = 0; i < CALL_NUMBERS && !r->lost; i++)
		if (strcmp(r->path, number_paths[i]) == 0)
			bytes_int(bytes_of(text, len), 0, INT64_MAX, &r->numbers[i]);
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_open,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close,
};

void call_reader_init(struct call_reader *r)
{
	*r = (struct call_reader){0};
}

void call_reader_fini(struct call_reader *r)
{
	for (int i = 0; i < CALL_TEXTS; i++)
		buf_fini(&r->texts[i]);
}

enum call_read call_reader_read(struct call_reader *r, struct bytes json)
{
	yajl_handle parser = yajl_alloc(&callbacks, NULL, r);

	must(parser != NULL);
	for (int i = 0; i < CALL_TEXTS; i++)
		r->texts[i].len = 0;
	for (int i = 0; i < CALL_NUMBERS; i++)
		r->numbers[i] = -1;
	r->path[0] = '\0';
	r->depth = 0;
	r->is_call = r->lost = false;
	yajl_status status = yajl_parse(parser, json.at, json.len);
	bool well = status == yajl_status_ok && yajl_complete_parse(parser) == yajl_status_ok;

	yajl_free(parser);
	if (status == yajl_status_client_canceled)
		return CALL_OTHER;
	if (!well)
		return CALL_NOT_JSON;
	well = r->is_call && r->texts[CALL_ID].len > 0 && r->texts[CALL_START].len > 0;
	return well ? CALL_READ : CALL_OTHER;
}
