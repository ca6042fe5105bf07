#include "tests/unit/talk.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct buf *talk_room(void *self)
{
	struct talk *t = self;

	return &t->out;
}

static void talk_wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct talk *t = self;

	(void)id;
	cr_assert_eq(proto, 0);
	cr_assert(at < t->out.len);
}

static const struct document_sink sink = {.room = talk_room, .wrote = talk_wrote};

static void set_option(struct talk *t, const char *text)
{
	const struct option *tables[] = {proto_options, t->protos[0]->options};
	size_t n = strcspn(text, "=");
	struct fault fault = {0};

	for (int i = 0; i < 2; i++) {
		for (const struct option *row = tables[i]; row->name; row++) {
			if (strlen(row->name) != n || memcmp(row->name, text, n) != 0)
				continue;
			cr_assert(option_parse(row, t->confs[0], text + n + 1, &fault), "%s: %s",
				  text, fault.text);
			return;
		}
	}
	cr_assert_fail("no option %s", text);
}

static void open_conn(struct talk *t, const struct proto *proto, const char *const *options,
		      bool midstream)
{
	struct fault fault = {0};

	*t = (struct talk){.now = INT64_C(1700000000) * NS_PER_S, .protos = {proto}};
	t->confs[0] = calloc(1, proto->conf_size);
	option_default(proto_options, t->confs[0]);
	option_default(proto->options, t->confs[0]);
	set_option(t, "ports=[80]");
	for (; options && *options; options++)
		set_option(t, *options);
	cr_assert(proto->ready == NULL || proto->ready(t->confs[0], &fault), "%s", fault.text);
	t->engine_conf = (struct engine_conf){.protos = t->protos,
					      .proto_conf = t->confs,
					      .unparsed_bytes_max = 256 << 10,
					      .exchanges_max = 1000};
	t->quota.limit = SIZE_MAX;
	t->ends = (struct endpoints){
		.addr = {{{192, 0, 2, 10}}, {{192, 0, 2, 20}}},
		.port = {40000, 80},
		.version = 4,
		.transport = TRANSPORT_TCP,
	};
	t->flow = (struct flow){.ends = &t->ends, .midstream = midstream};
	t->engine = engine_new(&t->engine_conf, &sink, t, &t->quota, &t->counters);
	t->conn = conn_new(t->engine, &t->flow);
	cr_assert(t->conn != NULL);
}

void talk_open(struct talk *t, const struct proto *proto, const char *const *options)
{
	open_conn(t, proto, options, false);
}

void talk_open_midstream(struct talk *t, const struct proto *proto, const char *const *options)
{
	open_conn(t, proto, options, true);
}

/* Each piece in a block of its own size, so that a sanitizer sees reads past its end. */
static void say_piece(struct talk *t, enum side from, struct bytes b)
{
	uint8_t *copy = malloc(b.len);

	memcpy(copy, b.at, b.len);
	struct piece piece = {.bytes = bytes_of(copy, b.len),
			      .when = t->now,
			      .peer_at = t->said[side_other(from)]};

	conn_data(t->conn, from, &piece);
	t->said[from] += b.len;
	free(copy);
}

void talk_say(struct talk *t, enum side from, struct bytes text)
{
	while (text.len > 0) {
		size_t n = t->cut && t->cut < text.len ? t->cut : text.len;

		say_piece(t, from, bytes_head(text, n));
		text = bytes_skip(text, n);
	}
	t->now += NS_PER_MS;
}

void talk_text(struct talk *t, enum side from, const char *text)
{
	talk_say(t, from, bytes_str(text));
}

void talk_lose(struct talk *t, enum side from, uint64_t n)
{
	conn_lost(t->conn, from, n, t->now);
	t->said[from] += n;
}

void talk_end(struct talk *t, enum side from)
{
	conn_end(t->conn, from, t->now);
}

void talk_finish(struct talk *t)
{
	struct bytes rest;
	char why[256];

	conn_free(t->conn, FLOW_FIN);
	cr_assert_eq(t->quota.used, 0, "%zu bytes still charged", t->quota.used);
	for (rest = buf_bytes(&t->out); rest.len > 0;) {
		size_t n = bytes_find(rest, '\n');
		char *line = strndup((const char *)rest.at, n);

		cr_assert(n < rest.len && t->docs_count < TALK_DOCS_MAX);
		cr_assert_eq(strlen(line), n, "a NUL in %s", line);
		t->lines[t->docs_count] = bytes_head(rest, n);
		t->docs[t->docs_count] = yajl_tree_parse(line, why, sizeof(why));
		cr_assert(t->docs[t->docs_count] != NULL, "%s in %s", why, line);
		t->docs_count++;
		free(line);
		rest = bytes_skip(rest, n + 1);
	}
}

void talk_close(struct talk *t)
{
	for (size_t i = 0; i < t->docs_count; i++)
		yajl_tree_free(t->docs[i]);
	engine_free(t->engine);
	buf_fini(&t->out);
	if (t->protos[0]->unready)
		t->protos[0]->unready(t->confs[0]);
	option_free(proto_options, t->confs[0]);
	option_free(t->protos[0]->options, t->confs[0]);
	free(t->confs[0]);
}

static void print_value(yajl_val v, char *to, size_t room)
{
	size_t n = strlen(to);

	if (YAJL_IS_STRING(v))
		snprintf(to + n, room - n, "%s", YAJL_GET_STRING(v));
	else if (YAJL_IS_NUMBER(v))
		snprintf(to + n, room - n, "%s", YAJL_GET_NUMBER(v));
	else if (YAJL_IS_TRUE(v) || YAJL_IS_FALSE(v))
		snprintf(to + n, room - n, YAJL_IS_TRUE(v) ? "true" : "false");
	else if (YAJL_IS_ARRAY(v))
		for (size_t i = 0; i < YAJL_GET_ARRAY(v)->len; i++) {
			if (i > 0)
				snprintf(to + strlen(to), room - strlen(to), "|");
			print_value(YAJL_GET_ARRAY(v)->values[i], to, room);
		}
}

const char *talk_field(struct talk *t, size_t doc, const char *path)
{
	static char texts[8][4096];
	static unsigned turn;
	char *text = texts[turn++ % 8];
	yajl_val v;

	cr_assert(doc < t->docs_count, "document %zu of %zu", doc, t->docs_count);
	v = t->docs[doc];
	while (v && *path) {
		size_t n = strcspn(path, ".");
		yajl_val found = NULL;

		for (size_t i = 0; YAJL_IS_OBJECT(v) && i < YAJL_GET_OBJECT(v)->len; i++) {
			const char *key = YAJL_GET_OBJECT(v)->keys[i];

			if (strlen(key) == n && memcmp(key, path, n) == 0)
				found = YAJL_GET_OBJECT(v)->values[i];
		}
		v = found;
		path += path[n] ? n + 1 : n;
	}
	if (v == NULL)
		return NULL;
	text[0] = '\0';
	print_value(v, text, sizeof(texts[0]));
	return text;
}
