#include "outputs/seen.h"

#include <time.h>

#include "outputs/picker.h"

enum { WANTED_DURATION = SEEN_TEXTS, WANTED_BYTES };

static const struct picker_want wants[] = {
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

static bool take(void *self, int which, bool is_number, struct bytes value)
{
	struct seen *s = self;

	if (which < SEEN_TEXTS) {
		s->texts[which].len = 0;
		buf_add(&s->texts[which], value);
	} else if (is_number) {
		bytes_int(value, 0, INT64_MAX, which == WANTED_BYTES ? &s->bytes : &s->took);
	}
	return !(s->brief && which == SEEN_FINGERPRINT);
}

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
	bool well;

	for (int i = 0; i < SEEN_TEXTS; i++)
		s->texts[i].len = 0;
	s->took = -1;
	s->bytes = 0;
	well = picker_read(json, wants, sizeof(wants) / sizeof(wants[0]), take, s) !=
	       PICKED_NO_OBJECT;
	s->has_time = well && time_read(seen_text(s, SEEN_TIME), &s->at);
	return well;
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
