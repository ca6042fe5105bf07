/* HTTP as browsers and programs speak it: see wire.h for the options. */
#include "tests/bench/wire.h"

#include <stdarg.h>
#include <stdio.h>

enum { FILLER = 1 << 16, HEADERS_LEN = 800 /* of both messages, about */ };

static const char *const hosts[] = {"www.example.com", "api.example.com", "shop.example.org",
				    "static.example.net", "auth.internal"};

static const char *const agents[] = {
	"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
	"Chrome/126.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	"Version/17.5 Safari/605.1.15",
	"okhttp/4.12.0",
	"python-requests/2.32.3",
	"curl/8.8.0",
};

static const char *const paths[] = {"/",
				    "/index.html",
				    "/api/v1/users/%u",
				    "/api/v1/users/%u/orders",
				    "/api/v2/orders/%u/items?page=2&per_page=50&sort=-created_at",
				    "/search?q=black+shoes+%u&lang=en",
				    "/assets/app-%08x.js",
				    "/images/products/%u/large.jpg",
				    "/login",
				    "/health"};

struct answer {
	unsigned code;
	const char *phrase;
	unsigned weight; /* of 100 */
};

static const struct answer answers[] = {
	{200, "OK", 84},
	{201, "Created", 4},
	{304, "Not Modified", 3},
	{204, "No Content", 1},
	{302, "Found", 2},
	{404, "Not Found", 3},
	{401, "Unauthorized", 1},
	{500, "Internal Server Error", 1},
	{503, "Service Unavailable", 1},
};

static const char *const types[] = {"application/json", "text/html; charset=utf-8",
				    "application/javascript", "image/jpeg"};

#define PICK(list, r) (list[random_below(r, sizeof list / sizeof *list)])

static void __attribute__((format(printf, 2, 3))) add(struct buf *to, const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	buf_add(to, bytes_of(line, (size_t)n));
}

static uint8_t filler[FILLER];

/* Text to take bodies from, made once: what looks like words. */
static void filler_make(void)
{
	struct random r = {7};

	if (filler[0])
		return;
	for (size_t i = 0; i < sizeof filler; i++)
		filler[i] = (uint8_t) "eeeeeetttaaooiinnsshhrrddlluu    \",:{}0123456789\n"
			[random_below(&r, 48)];
}

static void body(struct random *r, struct buf *to, size_t len)
{
	while (len > 0) {
		struct bytes part = bytes_of(filler, sizeof filler);

		part = bytes_head(bytes_skip(part, random_below(r, FILLER / 2)), len);
		buf_add(to, part);
		len -= part.len;
	}
}

static const char *method_of(struct random *r)
{
	uint64_t n = random_below(r, 100);

	return n < 82 ? "GET" : n < 93 ? "POST" : n < 96 ? "PUT" : n < 98 ? "DELETE" : "HEAD";
}

static void request(struct random *r, uint64_t connection, const char *method, struct turns *turns)
{
	struct buf *to = &turns->text;
	bool sends = method[0] == 'P';
	uint64_t len = sends ? 40 + random_below(r, 400) : 0;
	const char *host = hosts[connection % (sizeof hosts / sizeof *hosts)];

	add(to, "%s ", method);
	/* The format is one of `paths`, each with one number at most. */
	const char *path = PICK(paths, r), *number = strchr(path, '%');

	if (number) {
		const char *rest = strpbrk(number, "ux") + 1;

		add(to, "%.*s", (int)(number - path), path);
		add(to, rest[-1] == 'x' ? "%08x" : "%u", (unsigned)random_below(r, 5000000));
		add(to, "%s", rest);
	} else {
		add(to, "%s", path);
	}
	add(to, " HTTP/1.1\r\nHost: %s\r\n", host);
	add(to, "User-Agent: %s\r\n", agents[connection / 3 % (sizeof agents / sizeof *agents)]);
	add(to, "Accept: application/json, text/html;q=0.9, */*;q=0.8\r\n"
		"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n");
	if (random_below(r, 2) == 0)
		add(to, "Referer: https://%s/products?page=%u\r\n", host,
		    (unsigned)random_below(r, 40));
	add(to, "Cookie: session=%016llx; theme=dark; consent=1\r\nConnection: keep-alive\r\n",
	    (unsigned long long)connection * 7919);
	if (sends)
		add(to, "Content-Type: application/json\r\nContent-Length: %llu\r\n",
		    (unsigned long long)len);
	add(to, "X-Request-Id: %016llx\r\n\r\n", (unsigned long long)random_next(r));
	body(r, to, len);
}

static const struct answer *answer_of(struct random *r)
{
	uint64_t n = random_below(r, 100);
	const struct answer *a = answers;

	while (n >= a->weight)
		n -= a++->weight;
	return a;
}

static void chunked(struct random *r, struct buf *to, size_t len)
{
	add(to, "Transfer-Encoding: chunked\r\n\r\n");
	while (len > 0) {
		size_t part = len < 4096 ? len : 4096;

		add(to, "%zx\r\n", part);
		body(r, to, part);
		add(to, "\r\n");
		len -= part;
	}
	add(to, "0\r\n\r\n");
}

static void response(struct random *r, bool head, size_t size, struct turns *turns)
{
	const struct answer *a = answer_of(r);
	struct buf *to = &turns->text;
	size_t mean = size > HEADERS_LEN ? size - HEADERS_LEN : 0;
	size_t len = mean / 2 + random_below(r, mean + 1);

	add(to, "HTTP/1.1 %u %s\r\nServer: nginx/1.26.1\r\n", a->code, a->phrase);
	add(to, "Date: Fri, 02 Jan 2026 03:04:%02u GMT\r\n", (unsigned)random_below(r, 60));
	if (a->code != 204)
		add(to, "Content-Type: %s\r\n", PICK(types, r));
	add(to,
	    "Cache-Control: private, max-age=0\r\nVary: Accept-Encoding\r\n"
	    "ETag: \"%016llx\"\r\nX-Frame-Options: SAMEORIGIN\r\n",
	    (unsigned long long)random_next(r));
	if (random_below(r, 8) == 0)
		add(to, "Set-Cookie: session=%016llx; Path=/; HttpOnly; SameSite=Lax\r\n",
		    (unsigned long long)random_next(r));
	if (a->code == 302)
		add(to, "Location: /login?next=%%2Faccount\r\n");
	if (a->code == 204 || a->code == 304) {
		add(to, "\r\n");
	} else if (!head && random_below(r, 6) == 0) {
		chunked(r, to, len);
	} else {
		add(to, "Content-Length: %zu\r\n\r\n", len);
		body(r, to, head ? 0 : len);
	}
}

static void exchange(struct random *r, uint64_t connection, size_t size, struct turns *turns)
{
	const char *method = method_of(r);

	filler_make();
	turns_begin(turns, CLIENT, (nsec)random_below(r, 30 * NS_PER_MS));
	request(r, connection, method, turns);
	turns_begin(turns, SERVER,
		    100 * NS_PER_US + (nsec)random_below(r, random_below(r, 20) == 0
								    ? 80 * NS_PER_MS
								    : 4 * NS_PER_MS));
	response(r, method[0] == 'H', size, turns);
}

int main(int argc, char **argv)
{
	static const struct speaker http = {.port = 80, .exchange = exchange, .exchanges_most = 20};

	return wire_main(argc, argv, &http);
}
