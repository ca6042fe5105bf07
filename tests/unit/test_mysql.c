/*
 * MySQL, told as stories: packets in, documents out, at every size of piece.
 */
#include "shipper/base/must.h"
#include "tests/unit/mysql_say.h"

#include <stdlib.h>

Test(mysql, a_query_and_its_rows_at_every_cut)
{
	for (size_t cut = 1; cut < 60; cut++) {
		struct mysql_talk *t = mysql_talk_begin(cut, false);

		mysql_login(t, LOW, HIGH);
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
		const char *doc = mysql_next(t);

		HAS(doc, "\"query_fingerprint\":\"select id, name from item where id in (?)\"");
		HAS(doc, "\"method\":\"SELECT\"");
		HAS(doc, "\"path\":\"item\"");
		HAS(doc, "\"num_fields\":2,\"num_rows\":2,\"warnings\":3}");
		HAS(doc, "\"response\":\"id,name\\n1,one\\n2,NULL\"");
		HAS(doc, "\"status\":\"OK\"");
		HAS(doc, "\"user\":{\"name\":\"ada\"}");
		LACKS(doc, "notes");
		ASKS(t, "\1");
		HAS(mysql_next(t), "\"method\":\"QUIT\"");
		mysql_talk_end(t);
	}
}

Test(mysql, without_eof_packets_and_with_several_results)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	mysql_login(t, LOW, HIGH_D);
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
	const char *doc = mysql_next(t);

	HAS(doc,
	    "\"affected_rows\":5,\"insert_id\":7,\"num_fields\":1,\"num_rows\":1,\"results\":3");
	LACKS(doc, "notes");
	mysql_talk_end(t);
}

Test(mysql, errors_at_once_and_within_rows)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	mysql_login(t, LOW, HIGH);
	ASKS(t, "\3selec");
	SAYS(t, "\xff\x28\x04#42000You have an error");
	const char *doc = mysql_next(t);

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
	doc = mysql_next(t);
	HAS(doc, "\"num_rows\":1,\"error_code\":1090");
	HAS(doc, "\"error\":{\"message\":\"late\"}");
	mysql_talk_end(t);
}

Test(mysql, a_prepared_statement_and_its_parameters)
{
	for (size_t cut = 1; cut < 40; cut += 3) {
		struct mysql_talk *t = mysql_talk_begin(cut, false);

		mysql_login(t, LOW, HIGH);
		ASKS(t, "\x16select a from t where b = ? and c = ? and d = ?");
		SAYS(t, "\0\7\0\0\0\1\0\3\0\0\0\0");
		for (int i = 0; i < 3; i++)
			SAYS(t, COLUMN("\1?"));
		SAYS(t, EOF_OLD);
		SAYS(t, COLUMN("\1a"));
		SAYS(t, EOF_OLD);
		const char *doc = mysql_next(t);

		HAS(doc, "\"command\":\"stmt_prepare\",\"statement_id\":7");
		/* c is NULL, d is an unsigned byte */
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0\2\1\xfd\0\6\0\1\x80\3x,y\xff");
		SAYS(t, "\1");
		SAYS(t, COLUMN("\1a"));
		SAYS(t, EOF_OLD);
		SAYS(t, "\0\0\2hi");
		SAYS(t, EOF_OLD);
		doc = mysql_next(t);
		HAS(doc, "\"query\":\"select a from t where b = ? and c = ? and d = ?\"");
		HAS(doc, "\"params\":[\"x,y\",\"NULL\",\"255\"]");
		HAS(doc, "\"response\":\"a\\nhi\"");
		HAS(doc, "\"num_rows\":1");
		/* The types of the last execution, and one parameter sent before. */
		ASKS(t, "\x18\7\0\0\0\0\0some long text");
		HAS(mysql_next(t), "stmt_send_long_data");
		ASKS(t, "\x18\7\0\0\0\0\0, and more");
		HAS(mysql_next(t), "stmt_send_long_data");
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0\0\0\2");
		SAYS(t, OK);
		doc = mysql_next(t);
		HAS(doc, "\"params\":[\"some long text, and more\",\"NULL\",\"2\"]");
		/* It was for that execution alone. */
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0\2\0\3new\2");
		SAYS(t, OK);
		HAS(mysql_next(t), "\"params\":[\"new\",\"NULL\",\"2\"]");
		/* More than the values: one of them came unseen, or none of this is what it seems.
		 */
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0\2\0\3new\2more");
		SAYS(t, OK);
		doc = mysql_next(t);
		HAS(doc, "\"notes\":[\"parameters not read\"]");
		LACKS(doc, "\"params\"");
		ASKS(t, "\x19\7\0\0\0");
		HAS(mysql_next(t), "\"method\":\"STMT_CLOSE\"");
		ASKS(t, "\x17\7\0\0\0\0\1\0\0\0");
		SAYS(t, OK);
		HAS(mysql_next(t), "\"notes\":[\"statement not seen\"]");
		mysql_talk_end(t);
	}
}

Test(mysql, a_cursor_and_its_rows)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	mysql_login(t, LOW, HIGH);
	ASKS(t, "\x16select a from t");
	SAYS(t, "\0\1\0\0\0\1\0\0\0\0\0\0");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	HAS(mysql_next(t), "stmt_prepare");
	ASKS(t, "\x17\1\0\0\0\1\1\0\0\0");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, "\xfe\0\0\x42\0");
	HAS(mysql_next(t), "\"num_rows\":0");
	ASKS(t, "\x1c\1\0\0\0\2\0\0\0");
	SAYS(t, "\0\0\2hi");
	SAYS(t, "\0\0\2ho");
	SAYS(t, "\xfe\0\0\x82\0");
	const char *doc = mysql_next(t);

	HAS(doc, "\"query\":\"STMT_FETCH select a from t\"");
	HAS(doc, "\"response\":\"hi\\nho\"");
	mysql_talk_end(t);
}

Test(mysql, a_file_of_the_clients)
{
	struct mysql_talk *t = mysql_talk_begin(3, false);

	mysql_login(t, LOW, HIGH);
	ASKS(t, "\3load data local infile 'x' into table t");
	SAYS(t, "\xfbx");
	GOES_ON(t, "1\t2\n3\t4\n");
	mysql_packet(t, CLIENT, NO_BYTES);
	SAYS(t, "\0\2\0\2\0\0\0\x0cRecords: 2  ");
	const char *doc = mysql_next(t);

	HAS(doc, "\"affected_rows\":2");
	HAS(doc, "\"infile_bytes\":8");
	HAS(doc, "\"path\":\"t\"");
	mysql_talk_end(t);
}

Test(mysql, rounds_of_authentication_show_no_secret)
{
	struct mysql_talk *t = mysql_talk_begin(7, false);

	mysql_login(t, LOW, HIGH);
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
	const char *doc = mysql_next(t);

	HAS(doc, "\"query\":\"CHANGE_USER bob\"");
	HAS(doc, "[\"caching_sha2_password\",\"mysql_native_password\"]");
	HAS(doc, "\"db\":{\"name\":\"other\"}");
	LACKS(doc, "hush");
	ASKS(t, "\2third");
	SAYS(t, OK);
	HAS(mysql_next(t), "\"user\":{\"name\":\"bob\"},\"db\":{\"name\":\"third\"}");
	mysql_talk_end(t);
}

Test(mysql, tls_is_said_once_and_passed_over)
{
	struct mysql_talk *t = mysql_talk_begin(5, false);
	uint8_t hello[] =
		"\x0a"
		"8.0.1\0"
		"\1\0\0\0"
		"12345678\0"
		"\xff\xff\x21\2\0\xff\xff\x15" ZEROS_10 "123456789012\0mysql_native_password";

	mysql_packet(t, SERVER, bytes_of(hello, sizeof(hello)));
	GOES_ON(t, "\x05\xae\x00\x00\0\0\0\1\x21" ZEROS_10 ZEROS_10 "\0\0\0");
	mysql_say(t, CLIENT, BYTES("\x16\3\1\2\0\1\0\1\xfc\3\3 random"));
	mysql_say(t, SERVER, BYTES("\x16\3\3\0\x7a\2\0\0\x76\3\3 random"));
	const char *doc = mysql_next(t);

	HAS(doc, "\"notes\":[\"tls\"]");
	HAS(doc, "\"tls\":{\"established\":true}");
	cr_assert_eq(t->counters.at[COUNT_FLOWS_TLS], 1);
	HAS(doc, "\"status\":\"OK\"");
	mysql_talk_end(t);
}

Test(mysql, fingerprints_only)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	t->conf.statements = STATEMENTS_FINGERPRINT;
	t->conf.common.send_request = true;
	mysql_login(t, LOW, HIGH);
	ASKS(t, "\3insert into t values ('SECRET')");
	SAYS(t, "\xff\x26\x04#23000Duplicate entry 'SECRET' for key 'a'");
	const char *doc = mysql_next(t);

	LACKS(doc, "SECRET");
	HAS(doc, "\"query\":\"insert into t values (?)\"");
	HAS(doc, "\"error_code\":1062");
	ASKS(t, "\3select 'SECRET' as a");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\6SECRET"));
	SAYS(t, EOF_OLD);
	SAYS(t, "\6SECRET");
	SAYS(t, EOF_OLD);
	LACKS(mysql_next(t), "SECRET");
	mysql_talk_end(t);
}

Test(mysql, passwords_in_statements_never_leave)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	t->conf.common.send_request = true;
	mysql_login(t, LOW, HIGH);
	ASKS(t, "\3create user 'a' identified by 'hunter2'");
	SAYS(t, OK);
	const char *doc = mysql_next(t);

	LACKS(doc, "hunter2");
	HAS(doc, "statement with a secret withheld");
	mysql_talk_end(t);
}

Test(mysql, a_conversation_seen_from_the_middle_finds_out)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, true);

	ASKS(t, "\x16select ?");
	SAYS(t, "\0\1\0\0\0\0\0\1\0\0\0\0");
	SAYS(t, COLUMN("\1?"));
	HAS(mysql_next(t), "\"notes\":[\"midstream\",\"login not seen\"]");
	SAYS(t, EOF_OLD); /* that of the parameters, which could not be foreseen */
	ASKS(t, "\x17\1\0\0\0\0\1\0\0\0\0\1\1\0\5");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	SAYS(t, "\xfe\0\0\2\0");
	const char *doc = mysql_next(t);

	HAS(doc, "\"params\":[\"5\"]");
	HAS(doc, "\"num_rows\":0");
	HAS(doc, "\"notes\":[\"login not seen\"]");
	mysql_talk_end(t);
}

Test(mysql, an_answer_out_of_sequence_is_nobodys)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	mysql_login(t, LOW, HIGH);
	ASKS(t, "\3select 1");
	t->seq = 4;
	SAYS(t, OK);
	HAS(mysql_next(t), "not the protocol");
	mysql_talk_end(t);
}

Test(mysql, packets_longer_than_16_mib)
{
	struct mysql_talk *t = mysql_talk_begin(1 << 20, false);
	size_t n = 0xffffff;
	uint8_t *big = must_alloc(n + 4);

	mysql_login(t, LOW, HIGH);
	memset(big, 'a', n);
	memcpy(big, "\3select '", 9);
	t->seq = 0;
	mysql_packet(t, CLIENT, bytes_of(big, n));
	GOES_ON(t, "the rest'");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	memcpy(big, "\xfe\0\0\0\1\0\0\0\0", 9);
	mysql_packet(t, SERVER, bytes_of(big, n));
	mysql_packet(t, SERVER, bytes_of(big + 100, 18));
	SAYS(t, "\1"
		"2");
	SAYS(t, EOF_OLD);
	const char *doc = mysql_next(t);

	HAS(doc, "\"num_rows\":2");
	HAS(doc, "\"trimmed\"");
	HAS(doc, "\"query_fingerprint\":\"select ?\"");
	cr_assert_lt(t->quota.most, 1 << 20);
	free(big);
	mysql_talk_end(t);
}

Test(mysql, a_loss_within_a_row_costs_a_note)
{
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	t->conf.common.send_response = false;
	mysql_login(t, LOW, HIGH);
	ASKS(t, "\3select a from t");
	SAYS(t, "\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	mysql_say(t, SERVER,
		  BYTES("\x66\0\0\4\x65"
			"aaaaaaaaaaaaaaaaaaaaa"));
	conn_lost(t->conn, SERVER, 40, t->now);
	mysql_say(t, SERVER, BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	t->seq = 5;
	SAYS(t, EOF_OLD);
	const char *doc = mysql_next(t);

	HAS(doc, "\"num_rows\":1");
	HAS(doc, "\"notes\":[\"gap\"]");
	mysql_talk_end(t);
}

Test(mysql, hostile_counts)
{
	static const char *const firsts[] = {"\xfd\xff\xff\xff", "\xfc\xff\xff",
					     "\xfe\xff\xff\xff\xff\xff\xff\xff\xff"};

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

		mysql_login(t, LOW, HIGH);
		ASKS(t, "\3select 1");
		mysql_packet(t, SERVER, bytes_str(firsts[i]));
		for (int k = 0; k < 1000; k++)
			SAYS(t, COLUMN("\1a"));
		cr_assert_lt(t->quota.most, 64 << 10);
		conn_free(t->conn, FLOW_FIN);
		t->conn = conn_new(t->engine, &t->flow);
		mysql_next(t);
		mysql_talk_end(t);
	}
}
