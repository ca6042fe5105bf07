#include "outputs/report/seen.h"

#include <time.h>
#include <yajl/yajl_parse.h>

#include "shipper/base/must.h"

enum { WANTED_DURATION = SEEN_TEXTS, WANTED_BYTES, WANTED_NONE };

static const struct {
	const char *path;
	int wanted;
} wanted_paths[] = {
	{"@timestamp", SEEN_TIME},
	{"type", SEEN_TYPE},
	{"status", SEEN_STATUS},
	{"event.duration", WANTED_DURATION},
	{"method", SEEN_METHOD},
	{"query", SEEN_QUERY},
	{"path", SEEN_PATH},
	{"query_fingerprint", SEEN_FINGERPRINT},
	{"client.ip", SEEN_CLIENT},
	{"host.name", SEEN_HOST},
	{"network.bytes", WANTED_BYTES},
	{"server.ip", SEEN_SERVER},
	{"server.port", SEEN_PORT},
	{"error.message", SEEN_ERROR},
	{"mysql.error_code", SEEN_CODE},
	{"pgsql.error_code", SEEN_CODE},
	{"sip.code", SEEN_CODE},
	{"sip.status", SEEN_PHRASE},
};

void seen_init(struct seen *s)
{
	*s = (struct seen){.took = -1};
}

void seen_fini(struct seen *s)
{
	for (int i = 0; i < SEEN_TEXTS; i++)
		buf_fini(&s->texts[i]);
	buf_fini(&s->name);
	buf_fini(&s->server);
	buf_fini(&s->error);
}

/* ---- reading ---- */

static int wanted_at(struct bytes path)
{
	for (size_t i = 0; i < sizeof(wanted_paths) / sizeof(wanted_paths[0]); i++)
		if (bytes_eq(path, bytes_str(wanted_paths[i].path)))
			return wanted_paths[i].wanted;
	return WANTED_NONE;
}

static int on_key(void *self, const unsigned char *key, size_t len)
{
	struct seen *s = self;
	size_t at;

	s->wanted = WANTED_NONE;
	s->lost = true;
	if (s->depth > SEEN_DEPTH)
		return 1;
	at = s->ends[s->depth - 1];
	/* An empty name would make one path of two. */
	if (at == SEEN_PATH_MAX || len == 0 || at + 1 + len >= SEEN_PATH_MAX)
		return 1;
	if (at > 0)
		s->path[at++] = '.';
	memcpy(s->path + at, key, len);
	s->path_len = at + len;
	s->lost = false;
	s->wanted = wanted_at(bytes_of(s->path, s->path_len));
	return 1;
}

static int open_value(struct seen *s, bool list)
{
	bool inside = s->depth > 0 && s->depth <= SEEN_DEPTH && s->in_list[s->depth - 1];

	if (s->depth == 0)
		s->is_map = !list;
	if (s->depth < SEEN_DEPTH) {
		s->ends[s->depth] = s->lost || list || inside ? SEEN_PATH_MAX : s->path_len;
		s->in_list[s->depth] = list;
	}
	s->depth++;
	s->wanted = WANTED_NONE;
	return 1;
}

static int on_map(void *self)
{
	return open_value(self, false);
}

static int on_list(void *self)
{
	return open_value(self, true);
}

static int on_close(void *self)
{
	struct seen *s = self;

	s->depth--;
	s->wanted = WANTED_NONE;
	return 1;
}

static void take_text(struct seen *s, struct bytes text)
{
	if (s->wanted < SEEN_TEXTS) {
		s->texts[s->wanted].len = 0;
		buf_add(&s->texts[s->wanted], text);
	}
	s->wanted = WANTED_NONE;
}

static int on_string(void *self, const unsigned char *text, size_t len)
{
	take_text(self, bytes_of(text, len));
	return 1;
}

static int on_number(void *self, const char *text, size_t len)
{
	struct seen *s = self;

	if (s->wanted == WANTED_DURATION)
		bytes_int(bytes_of(text, len), 0, INT64_MAX, &s->took);
	if (s->wanted == WANTED_BYTES)
		bytes_int(bytes_of(text, len), 0, INT64_MAX, &s->bytes);
	take_text(s, bytes_of(text, len));
	return 1;
}

static int on_other(void *self)
{
	((struct seen *)self)->wanted = WANTED_NONE;
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
	.yajl_start_map = on_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close,
	.yajl_start_array = on_list,
	.yajl_end_array = on_close,
};

/* 2026-01-02T03:04:05.123456789Z */
static bool time_read(struct bytes text, nsec *at)
{
	static const struct {
		uint8_t at, len, behind;
		int16_t min, max;
	} parts[] = {{0, 4, '-', 1971, 2200}, {5, 2, '-', 1, 12},  {8, 2, 'T', 1, 31},
		     {11, 2, ':', 0, 23},     {14, 2, ':', 0, 59}, {17, 2, 0, 0, 60}};
	int64_t n[6], fraction = 0;
	struct bytes rest = bytes_skip(text, 19);

	if (text.len < 20 || text.at[text.len - 1] != 'Z')
		return false;
	for (size_t i = 0; i < 6; i++)
		if (!bytes_int(bytes_of(text.at + parts[i].at, parts[i].len), parts[i].min,
			       parts[i].max, &n[i]) ||
		    (parts[i].behind && text.at[parts[i].at + parts[i].len] != parts[i].behind))
			return false;
	rest.len--;
	if (rest.len > 10 ||
	    (rest.len > 0 &&
	     (rest.at[0] != '.' || !bytes_int(bytes_skip(rest, 1), 0, 999999999, &fraction))))
		return false;
	for (size_t digits = rest.len > 0 ? rest.len - 1 : 9; digits < 9; digits++)
		fraction *= 10;
	struct tm tm = {.tm_year = (int)n[0] - 1900,
			.tm_mon = (int)n[1] - 1,
			.tm_mday = (int)n[2],
			.tm_hour = (int)n[3],
			.tm_min = (int)n[4],
			.tm_sec = (int)n[5]};
	*at = (nsec)timegm(&tm) * NS_PER_S + fraction;
	return true;
}

bool seen_read(struct seen *s, struct bytes json)
{
	yajl_handle parser = yajl_alloc(&callbacks, NULL, s);

	must(parser != NULL);
	for (int i = 0; i < SEEN_TEXTS; i++)
		s->texts[i].len = 0;
	s->took = -1;
	s->bytes = 0;
	s->is_map = false;
	s->depth = 0;
	s->path_len = 0;
	s->lost = false;
	s->wanted = WANTED_NONE;
	bool well = yajl_parse(parser, json.at, json.len) == yajl_status_ok &&
		    yajl_complete_parse(parser) == yajl_status_ok;

	yajl_free(parser);
	s->has_time = well && time_read(seen_text(s, SEEN_TIME), &s->at);
	return well && s->is_map;
}

/* ---- what it comes to ---- */

bool seen_failed(const struct seen *s)
{
	return !bytes_eq(seen_text(s, SEEN_STATUS), BYTES("OK"));
}

/* Two texts with a mark between them where both are there. */
static struct bytes join(struct buf *to, struct bytes a, struct bytes mark, struct bytes b)
{
	to->len = 0;
	buf_add(to, a);
	if (a.len > 0 && b.len > 0)
		buf_add(to, mark);
	buf_add(to, b);
	return buf_bytes(to);
}

struct bytes seen_name(struct seen *s)
{
	struct bytes name;

	if (s->texts[SEEN_FINGERPRINT].len > 0)
		return seen_text(s, SEEN_FINGERPRINT);
	if (s->texts[SEEN_QUERY].len > 0)
		return seen_text(s, SEEN_QUERY);
	name = join(&s->name, seen_text(s, SEEN_METHOD), BYTES(" "), seen_text(s, SEEN_PATH));
	return name.len > 0 ? name : BYTES("-");
}

struct bytes seen_server(struct seen *s)
{
	struct bytes ip = seen_text(s, SEEN_SERVER), port = seen_text(s, SEEN_PORT);
	bool six = bytes_find(ip, ':') < ip.len && port.len > 0;

	if (!six)
		return join(&s->server, ip, BYTES(":"), port);
	s->server.len = 0;
	buf_add(&s->server, BYTES("["));
	buf_add(&s->server, ip);
	buf_add(&s->server, BYTES("]:"));
	buf_add(&s->server, port);
	return buf_bytes(&s->server);
}

struct bytes seen_error(struct seen *s)
{
	struct bytes code = seen_text(s, SEEN_CODE), what = seen_text(s, SEEN_ERROR), label;

	if (!seen_failed(s))
		return NO_BYTES;
	if (what.len == 0)
		what = seen_text(s, SEEN_PHRASE);
	label = join(&s->error, code, BYTES(" "), what);
	if (label.len == 0)
		label = seen_text(s, SEEN_STATUS);
	return label.len > 0 ? label : BYTES("failed");
}
