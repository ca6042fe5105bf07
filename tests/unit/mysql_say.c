#include "tests/unit/mysql_say.h"

#include <stdlib.h>

extern const struct proto proto_mysql;

static struct buf *room(void *self)
{
	return &((struct mysql_talk *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	(void)self, (void)at, (void)proto, (void)id;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};
static const struct proto *const only[] = {&proto_mysql, NULL};

struct mysql_talk *mysql_talk_begin(size_t cut, bool midstream)
{
	struct mysql_talk *t = calloc(1, sizeof(*t));

	option_default(proto_options, &t->conf);
	option_default(proto_mysql.options, &t->conf);
	t->conf.common.ports = (struct ports){.at = {3306}, .count = 1};
	t->conf.common.send_response = true;
	t->confs[0] = &t->conf;
	t->engine_conf = (struct engine_conf){.protos = only,
					      .proto_conf = t->confs,
					      .unparsed_bytes_max = 256 << 10,
					      .exchanges_max = 100};
	t->quota.limit = 64 << 20;
	t->engine = engine_new(&t->engine_conf, &sink, t, &t->quota, &t->counters);
	t->ends =
		(struct endpoints){.port = {50000, 3306}, .version = 4, .transport = TRANSPORT_TCP};
	t->flow = (struct flow){.ends = &t->ends, .midstream = midstream};
	t->cut = cut;
	t->conn = conn_new(t->engine, &t->flow);
	return t;
}

void mysql_say(struct mysql_talk *t, enum side from, struct bytes b)
{
	t->now += NS_PER_MS;
	while (b.len > 0) {
		struct bytes part = bytes_head(b, t->cut);
		uint8_t *copy = malloc(part.len);

		memcpy(copy, part.at, part.len);
		struct piece piece = {.bytes = bytes_of(copy, part.len),
				      .when = t->now,
				      .peer_at = t->said[side_other(from)]};

		conn_data(t->conn, from, &piece);
		t->said[from] += part.len;
		free(copy);
		b = bytes_skip(b, part.len);
	}
}

void mysql_packet(struct mysql_talk *t, enum side from, struct bytes body)
{
	uint8_t *whole = malloc(body.len + 4);

	whole[0] = (uint8_t)body.len;
	whole[1] = (uint8_t)(body.len >> 8);
	whole[2] = (uint8_t)(body.len >> 16);
	whole[3] = t->seq++;
	if (body.len > 0)
		memcpy(whole + 4, body.at, body.len);
	mysql_say(t, from, bytes_of(whole, body.len + 4));
	free(whole);
}

const char *mysql_next(struct mysql_talk *t)
{
	static char line[1 << 16];
	struct bytes rest = bytes_skip(buf_bytes(&t->out), t->read);
	size_t n = bytes_find(rest, '\n');

	if (rest.len == 0)
		return "";
	n = n < sizeof(line) - 1 ? n : sizeof(line) - 1;
	memcpy(line, rest.at, n);
	line[n] = 0;
	t->read += n + 1;
	return line;
}

void mysql_talk_end(struct mysql_talk *t)
{
	conn_free(t->conn, FLOW_FIN);
	cr_assert_str_eq(mysql_next(t), "");
	engine_free(t->engine);
	cr_assert_eq(t->quota.used, 0);
	buf_fini(&t->out);
	option_free(proto_options, &t->conf);
	option_free(proto_mysql.options, &t->conf);
	free(t);
}

void mysql_login(struct mysql_talk *t, const char *low, const char *high)
{
	uint8_t hello[] = "\x0a"
			  "8.0.1\0"
			  "\1\0\0\0"
			  "12345678\0"
			  "LL\x21\2\0HH\x15" ZEROS_10 "123456789012\0mysql_native_password";
	uint8_t answer[] = "LLHH\0\0\0\1\x21" ZEROS_10 ZEROS_10 "\0\0\0"
			   "ada\0\4s3cr"
			   "shop\0"
			   "mysql_native_password";

	memcpy(memmem(hello, sizeof(hello), "LL", 2), low, 2);
	memcpy(memmem(hello, sizeof(hello), "HH", 2), high, 2);
	memcpy(answer, low, 2);
	memcpy(answer + 2, high, 2);
	t->seq = 0;
	mysql_packet(t, SERVER, bytes_of(hello, sizeof(hello)));
	mysql_packet(t, CLIENT, bytes_of(answer, sizeof(answer)));
	SAYS(t, OK);
	const char *doc = mysql_next(t);

	HAS(doc, "\"method\":\"LOGIN\",\"query\":\"LOGIN ada\"");
	HAS(doc, "\"user\":{\"name\":\"ada\"},\"db\":{\"name\":\"shop\"}");
	HAS(doc, "\"auth_plugin\":[\"mysql_native_password\"]");
	HAS(doc, "\"server_version\":\"8.0.1\"");
	LACKS(doc, "s3cr");
}
