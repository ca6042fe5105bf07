/*
 * What an HTTP exchange costs from parse to written document: a browser's request with 8 headers,
 * an answer with 8 headers and a body of 6 KB in segments, through the real engine.
 */
#include "protos/http/http.h"
#include "protos/protos.h"
#include "shipper/base/must.h"
#include "shipper/txn/conn.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct proto proto_http;

enum { SEGMENT = 1448, BODY = 6144 };

static const char request[] =
	"GET /shop/items/48151623?page=2&sort=price HTTP/1.1\r\n"
	"Host: www.example.com\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
	"Accept-Language: en-US,en;q=0.5\r\n"
	"Accept-Encoding: gzip, deflate\r\n"
	"Referer: http://www.example.com/shop\r\n"
	"Connection: keep-alive\r\n"
	"Cookie: session=0123456789abcdef; theme=dark\r\n\r\n";

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Date: Mon, 05 Jan 2026 10:11:12 GMT\r\n"
			     "Server: nginx/1.22.1\r\n"
			     "Content-Type: text/html; charset=utf-8\r\n"
			     "Content-Length: 6144\r\n"
			     "Connection: keep-alive\r\n"
			     "Vary: Accept-Encoding\r\n"
			     "Cache-Control: max-age=60\r\n"
			     "ETag: \"5f3c-9a\"\r\n\r\n";

struct bench {
	struct buf out;
	uint64_t documents, bytes;
};

static struct buf *room(void *self)
{
	return &((struct bench *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct bench *b = self;

	(void)proto;
	(void)id;
	b->documents++;
	b->bytes += b->out.len - at;
	if (b->out.len > 1 << 20)
		b->out.len = 0;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static void say(struct conn *conn, enum side from, struct bytes b, nsec *now, uint64_t said[2])
{
	while (b.len > 0) {
		struct piece piece = {.bytes = bytes_head(b, SEGMENT),
				      .when = *now += 1000,
				      .peer_at = said[side_other(from)]};

		conn_data(conn, from, &piece);
		said[from] += piece.bytes.len;
		b = bytes_skip(b, SEGMENT);
	}
}

int main(int argc, char **argv)
{
	long times = argc > 1 ? atol(argv[1]) : 1000000;
	static struct http_conf conf;
	static void *confs[PROTOS_MAX];
	static uint8_t reply[sizeof(answer) - 1 + BODY];
	struct engine_conf engine_conf = {
		.proto_conf = confs, .unparsed_bytes_max = 1 << 18, .exchanges_max = 100};
	struct quota quota = {.limit = SIZE_MAX};
	struct counters counters = {0};
	struct bench b = {0};
	struct endpoints ends = {.addr = {{{192, 0, 2, 1}}, {{192, 0, 2, 2}}},
				 .port = {40000, 80},
				 .version = 4,
				 .transport = TRANSPORT_TCP};
	struct flow flow = {.ends = &ends};
	struct fault fault;
	nsec now = INT64_C(1700000000) * NS_PER_S;
	uint64_t said[2] = {0};

	option_default(proto_options, &conf);
	option_default(proto_http.options, &conf);
	conf.common.ports = (struct ports){{80}, 1};
	must(proto_http.ready(&conf, &fault));
	for (unsigned i = 0; protos[i]; i++)
		confs[i] = protos[i] == &proto_http ? &conf : NULL;
	memcpy(reply, answer, sizeof(answer) - 1);
	memset(reply + sizeof(answer) - 1, 'x', BODY);

	struct engine *engine = engine_new(&engine_conf, &sink, &b, &quota, &counters);
	struct conn *conn = conn_new(engine, &flow);
	struct mono from = mono_now();

	for (long i = 0; i < times; i++) {
		say(conn, CLIENT, BYTES(request), &now, said);
		say(conn, SERVER, bytes_of(reply, sizeof(reply)), &now, said);
	}
	double ns = (double)(mono_now().ns - from.ns) / (double)times;

	must(b.documents == (uint64_t)times);
	printf("%.0f ns an exchange of %zu + %zu bytes, document of %llu bytes\n", ns,
	       sizeof(request) - 1, sizeof(reply), (unsigned long long)(b.bytes / b.documents));
	conn_free(conn, FLOW_FIN);
	engine_free(engine);
	option_free(proto_options, &conf);
	option_free(proto_http.options, &conf);
	buf_fini(&b.out);
	return 0;
}
