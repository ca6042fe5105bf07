/*
 * MySQL, told as stories: packets in, documents out, at every size of piece.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "protos/mysql/mysql.h"
#include "shipper/base/must.h"
#include "shipper/txn/conn.h"

extern const struct proto proto_mysql;

struct talk {
	struct mysql_conf conf;
	void *confs[1];
	struct engine_conf engine_conf;
	struct quota quota;
	struct counters counters;
	struct engine *engine;
	struct endpoints ends;
	struct flow flow;
	struct conn *conn;
	struct buf out;
	nsec now;
	size_t cut, read;
	uint64_t said[2];
	uint8_t seq;
};

static struct buf *room(void *self)
{
	return &((struct talk *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	(void)self, (void)at, (void)proto, (void)id;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};
static const struct proto *const only[] = {&proto_mysql, NULL};

static struct talk *begin(size_t cut, bool midstream)
{
	struct talk *t = calloc(1, sizeof(*t));

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

static void say(struct talk *t, enum side from, struct bytes b)
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

/* A packet of the next sequence number. */
static void packet(struct talk *t, enum side from, struct bytes body)
{
	uint8_t *whole = malloc(body.len + 4);

	whole[0] = (uint8_t)body.len;
	whole[1] = (uint8_t)(body.len >> 8);
	whole[2] = (uint8_t)(body.len >> 16);
	whole[3] = t->seq++;
	if (body.len > 0)
		memcpy(whole + 4, body.at, body.len);
	say(t, from, bytes_of(whole, body.len + 4));
	free(whole);
}

#define ASKS(t, body)	 ((t)->seq = 0, packet(t, CLIENT, BYTES(body)))
#define GOES_ON(t, body) packet(t, CLIENT, BYTES(body))
#define SAYS(t, body)	 packet(t, SERVER, BYTES(body))

/* The next document; "" when there is none. Good until the next call. */
static const char *next(struct talk *t)
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

#define HAS(doc, part)	 cr_assert(strstr(doc, part), "no %s in %s", part, doc)
#define LACKS(doc, part) cr_assert(!strstr(doc, part), "%s in %s", part, doc)

static void end(struct talk *t)
{
	conn_free(t->conn, FLOW_FIN);
	cr_assert_str_eq(next(t), "");
	engine_free(t->engine);
	cr_assert_eq(t->quota.used, 0);
	buf_fini(&t->out);
	option_free(proto_options, &t->conf);
	option_free(proto_mysql.options, &t->conf);
	free(t);
}

#define ZEROS_10     "\0\0\0\0\0\0\0\0\0\0"
#define OK	     "\0\0\0\2\0\0\0"
#define EOF_OLD	     "\xfe\0\0\2\0"
#define COLUMN(name) "\3def\1s\1t\1t" name name "\x0c\x21\0\4\0\0\0\xfd\0\0\0\0\0"

/* Greeting and login; what both sides can do: `low`, `high` of the capabilities. */
static void login(struct talk *t, const char *low, const char *high)
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
	packet(t, SERVER, bytes_of(hello, sizeof(hello)));
	packet(t, CLIENT, bytes_of(answer, sizeof(answer)));
	SAYS(t, OK);
	const char *doc = next(t);

	HAS(doc, "\"method\":\"LOGIN\",\"query\":\"LOGIN ada\"");
	HAS(doc, "\"user\":{\"name\":\"ada\"},\"db\":{\"name\":\"shop\"}");
	HAS(doc, "\"auth_plugin\":[\"mysql_native_password\"]");
	HAS(doc, "\"server_version\":\"8.0.1\"");
	LACKS(doc, "s3cr");
}

#define LOW    "\x09\xa2" /* with schema, protocol 41, secure connection */
#define HIGH   "\x08\x00" /* plugins */
#define HIGH_D "\x08\x01" /* and no EOF packets */

Test(mysql, a_query_and_its_rows_at_every_cut)
{
	for (size_t cut = 1; cut < 60; cut++) {
		struct talk *t = begin(cut, false);

		login(t, LOW, HIGH);
		ASKS(t, "\3select id, name from item where id in (1, 2)");
		SAYS(t, "\2");
		SAYS(t, COLUMN("\2id"));
		SAYS(t, COLUMN("\4name"));
		SAYS(t, EOF_OLD);
		SAYS(t, "\1"
			"1\3one");
		SAYS(t, "\1"
			"2\xfb");
		SAYS(t, "\xfe\3\0\2\0");
		const char *doc = next(t);

		HAS(doc, "\"query_fingerprint\":\"select id, name from item where id in (?)\"");
		HAS(doc, "\"method\":\"SELECT\"");
		HAS(doc, "\"path\":\"item\"");
		HAS(doc, "\"num_fields\":2,\"num_rows\":2,\"warnings\":3}");
		HAS(doc, "\"response\":\"id,name\\n1,one\\n2,NULL\"");
		HAS(doc, "\"status\":\"OK\"");
		HAS(doc, "\"user\":{\"name\":\"ada\"}");
		LACKS(doc, "notes");
		ASKS(t, "\1");
		HAS(next(t), "\"method\":\"QUIT\"");
		end(t);
	}
}

Test(mysql, without_eof_packets_and_with_several_results)
{
	struct talk *t = begin(SIZE_MAX, false);

	login(t, LOW, HIGH_D);
	ASKS(t, "\3select 1; update t set a=2; select 3");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, "\1"
		"1");
	SAYS(t, "\xfe\0\0\x0a\0\0\0");
	SAYS(t, "\0\5\7\x0a\0\1\0");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1b"));
	SAYS(t, "\xfe\0\0\2\0\0\0");
	const char *doc = next(t);

	HAS(doc,
	    "\"affected_rows\":5,\"insert_id\":7,\"num_fields\":1,\"num_rows\":1,\"results\":3");
	LACKS(doc, "notes");
	end(t);
}

Test(mysql, errors_at_once_and_within_rows)
{
	struct talk *t = begin(SIZE_MAX, false);

	login(t, LOW, HIGH);
	ASKS(t, "\3selec");
	SAYS(t, "\xff\x28\x04#42000You have an error");
	const char *doc = next(t);

	HAS(doc, "\"error_code\":1064,\"error_message\":\"You have an error\","
		 "\"sql_state\":\"42000\"");
	HAS(doc, "\"outcome\":\"failure\"");
	ASKS(t, "\3select f(a) from t");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	SAYS(t, "\1"
		"1");
	SAYS(t, "\xff\x42\x04#HY000late");
	doc = next(t);
	HAS(doc, "\"num_rows\":1,\"error_code\":1090");
	HAS(doc, "\"error\":{\"message\":\"late\"}");
	end(t);
}

Test(mysql, a_prepared_statement_and_its_parameters)
{
	for (size_t cut = 1; cut < 40; cut += 3) {
		struct talk *t = begin(cut, false);

		login(t, LOW, HIGH);
		ASKS(t, "\x16select a from t where b = ? and c = ? and d = ?");
		SAYS(t, "\0\7\0\0\0\1\0\3\0\0\0\0");
		for (int i = 0; i < 3; i++)
			SAYS(t, COLUMN("\1?"));
		SAYS(t, EOF_OLD);
		SAYS(t, COLUMN("\1a"));
		SAYS(t, EOF_OLD);
		const char *doc = next(t);

		HAS(doc, "\"command\":\"stmt_prepare\",\"statement_id\":7");
		/* c is NULL, d is an unsigned byte */
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0\2\1\xfd\0\6\0\1\x80\3x,y\xff");
		SAYS(t, "\1");
		SAYS(t, COLUMN("\1a"));
		SAYS(t, EOF_OLD);
		SAYS(t, "\0\0\2hi");
		SAYS(t, EOF_OLD);
		doc = next(t);
		HAS(doc, "\"query\":\"select a from t where b = ? and c = ? and d = ?\"");
		HAS(doc, "\"params\":[\"x,y\",\"NULL\",\"255\"]");
		HAS(doc, "\"response\":\"a\\nhi\"");
		HAS(doc, "\"num_rows\":1");
		/* The types of the last execution, and one parameter sent before. */
		ASKS(t, "\x18\7\0\0\0\0\0some long text");
		HAS(next(t), "stmt_send_long_data");
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0\0\0\2");
		SAYS(t, OK);
		doc = next(t);
		HAS(doc, "\"params\":[\"(long data)\",\"NULL\",\"2\"]");
		ASKS(t, "\x19\7\0\0\0");
		HAS(next(t), "\"method\":\"STMT_CLOSE\"");
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0");
		SAYS(t, OK);
		HAS(next(t), "\"notes\":[\"statement not seen\"]");
		end(t);
	}
}

Test(mysql, a_cursor_and_its_rows)
{
	struct talk *t = begin(SIZE_MAX, false);

	login(t, LOW, HIGH);
	ASKS(t, "\x16select a from t");
	SAYS(t, "\0\1\0\0\0\1\0\0\0\0\0\0");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	HAS(next(t), "stmt_prepare");
	ASKS(t, "\x17\1\0\0\0\1\1\0\0\0");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, "\xfe\0\0\x42\0");
	HAS(next(t), "\"num_rows\":0");
	ASKS(t, "\x1c\1\0\0\0\2\0\0\0");
	SAYS(t, "\0\0\2hi");
	SAYS(t, "\0\0\2ho");
	SAYS(t, "\xfe\0\0\x82\0");
	const char *doc = next(t);

	HAS(doc, "\"query\":\"STMT_FETCH select a from t\"");
	HAS(doc, "\"response\":\"hi\\nho\"");
	end(t);
}

Test(mysql, a_file_of_the_clients)
{
	struct talk *t = begin(3, false);

	login(t, LOW, HIGH);
	ASKS(t, "\3load data local infile 'x' into table t");
	SAYS(t, "\xfbx");
	GOES_ON(t, "1\t2\n3\t4\n");
	packet(t, CLIENT, NO_BYTES);
	SAYS(t, "\0\2\0\2\0\0\0\x0cRecords: 2  ");
	const char *doc = next(t);

	HAS(doc, "\"affected_rows\":2");
	HAS(doc, "\"infile_bytes\":8");
	HAS(doc, "\"path\":\"t\"");
	end(t);
}

Test(mysql, rounds_of_authentication_show_no_secret)
{
	struct talk *t = begin(7, false);

	login(t, LOW, HIGH);
	ASKS(t, "\x11"
		"bob\0\4hush"
		"other\0\x21\0caching_sha2_password\0");
	SAYS(t, "\xfe"
		"mysql_native_password\0"
		"salt");
	GOES_ON(t, "hush again");
	SAYS(t, "\1\4");
	GOES_ON(t, "hush");
	SAYS(t, OK);
	const char *doc = next(t);

	HAS(doc, "\"query\":\"CHANGE_USER bob\"");
	HAS(doc, "[\"caching_sha2_password\",\"mysql_native_password\"]");
	HAS(doc, "\"db\":{\"name\":\"other\"}");
	LACKS(doc, "hush");
	ASKS(t, "\2third");
	SAYS(t, OK);
	HAS(next(t), "\"user\":{\"name\":\"bob\"},\"db\":{\"name\":\"third\"}");
	end(t);
}

Test(mysql, tls_is_said_once_and_passed_over)
{
	struct talk *t = begin(5, false);
	uint8_t hello[] =
		"\x0a"
		"8.0.1\0"
		"\1\0\0\0"
		"12345678\0"
		"\xff\xff\x21\2\0\xff\xff\x15" ZEROS_10 "123456789012\0mysql_native_password";

	packet(t, SERVER, bytes_of(hello, sizeof(hello)));
	GOES_ON(t, "\x05\xae\x00\x00\0\0\0\1\x21" ZEROS_10 ZEROS_10 "\0\0\0");
	say(t, CLIENT, BYTES("\x16\3\1\2\0\1\0\1\xfc\3\3 random"));
	say(t, SERVER, BYTES("\x16\3\3\0\x7a\2\0\0\x76\3\3 random"));
	const char *doc = next(t);

	HAS(doc, "\"notes\":[\"tls\"]");
	HAS(doc, "\"tls\":{\"established\":true}");
	cr_assert_eq(t->counters.at[COUNT_FLOWS_TLS], 1);
	HAS(doc, "\"status\":\"OK\"");
	end(t);
}

Test(mysql, fingerprints_only)
{
	struct talk *t = begin(SIZE_MAX, false);

	t->conf.statements = STATEMENTS_FINGERPRINT;
	t->conf.common.send_request = true;
	login(t, LOW, HIGH);
	ASKS(t, "\3insert into t values ('SECRET')");
	SAYS(t, "\xff\x26\x04#23000Duplicate entry 'SECRET' for key 'a'");
	const char *doc = next(t);

	LACKS(doc, "SECRET");
	HAS(doc, "\"query\":\"insert into t values (?)\"");
	HAS(doc, "\"error_code\":1062");
	ASKS(t, "\3select 'SECRET' as a");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\6SECRET"));
	SAYS(t, EOF_OLD);
	SAYS(t, "\6SECRET");
	SAYS(t, EOF_OLD);
	LACKS(next(t), "SECRET");
	end(t);
}

Test(mysql, passwords_in_statements_never_leave)
{
	struct talk *t = begin(SIZE_MAX, false);

	t->conf.common.send_request = true;
	login(t, LOW, HIGH);
	ASKS(t, "\3create user 'a' identified by 'hunter2'");
	SAYS(t, OK);
	const char *doc = next(t);

	LACKS(doc, "hunter2");
	HAS(doc, "statement with a secret withheld");
	end(t);
}

Test(mysql, a_conversation_seen_from_the_middle_finds_out)
{
	struct talk *t = begin(SIZE_MAX, true);

	ASKS(t, "\x16select ?");
	SAYS(t, "\0\1\0\0\0\0\0\1\0\0\0\0");
	SAYS(t, COLUMN("\1?"));
	HAS(next(t), "\"notes\":[\"midstream\",\"login not seen\"]");
	SAYS(t, EOF_OLD); /* that of the parameters, which could not be foreseen */
	ASKS(t, "\x17\1\0\0\0\0\1\0\0\0\0\1\1\0\5");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	SAYS(t, "\xfe\0\0\2\0");
	const char *doc = next(t);

	HAS(doc, "\"params\":[\"5\"]");
	HAS(doc, "\"num_rows\":0");
	HAS(doc, "\"notes\":[\"login not seen\"]");
	end(t);
}

Test(mysql, an_answer_out_of_sequence_is_nobodys)
{
	struct talk *t = begin(SIZE_MAX, false);

	login(t, LOW, HIGH);
	ASKS(t, "\3select 1");
	t->seq = 4;
	SAYS(t, OK);
	HAS(next(t), "not the protocol");
	end(t);
}

Test(mysql, packets_longer_than_16_mib)
{
	struct talk *t = begin(1 << 20, false);
	size_t n = 0xffffff;
	uint8_t *big = must_alloc(n + 4);

	login(t, LOW, HIGH);
	memset(big, 'a', n);
	memcpy(big, "\3select '", 9);
	t->seq = 0;
	packet(t, CLIENT, bytes_of(big, n));
	GOES_ON(t, "the rest'");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	memcpy(big, "\xfe\0\0\0\1\0\0\0\0", 9);
	packet(t, SERVER, bytes_of(big, n));
	packet(t, SERVER, bytes_of(big + 100, 18));
	SAYS(t, "\1"
		"2");
	SAYS(t, EOF_OLD);
	const char *doc = next(t);

	HAS(doc, "\"num_rows\":2");
	HAS(doc, "\"trimmed\"");
	HAS(doc, "\"query_fingerprint\":\"select ?\"");
	cr_assert_lt(t->quota.most, 1 << 20);
	free(big);
	end(t);
}

Test(mysql, a_loss_within_a_row_costs_a_note)
{
	struct talk *t = begin(SIZE_MAX, false);

	t->conf.common.send_response = false;
	login(t, LOW, HIGH);
	ASKS(t, "\3select a from t");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	say(t, SERVER,
	    BYTES("\x66\0\0\4\x65"
		  "aaaaaaaaaaaaaaaaaaaaa"));
	conn_lost(t->conn, SERVER, 40, t->now);
	say(t, SERVER, BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	t->seq = 5;
	SAYS(t, EOF_OLD);
	const char *doc = next(t);

	HAS(doc, "\"num_rows\":1");
	HAS(doc, "\"notes\":[\"gap\"]");
	end(t);
}

Test(mysql, hostile_counts)
{
	static const char *const firsts[] = {"\xfd\xff\xff\xff", "\xfc\xff\xff",
					     "\xfe\xff\xff\xff\xff\xff\xff\xff\xff"};

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		struct talk *t = begin(SIZE_MAX, false);

		login(t, LOW, HIGH);
		ASKS(t, "\3select 1");
		packet(t, SERVER, bytes_str(firsts[i]));
		for (int k = 0; k < 1000; k++)
			SAYS(t, COLUMN("\1a"));
		cr_assert_lt(t->quota.most, 64 << 10);
		conn_free(t->conn, FLOW_FIN);
		t->conn = conn_new(t->engine, &t->flow);
		next(t);
		end(t);
	}
}
