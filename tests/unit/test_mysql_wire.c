/*
 * What only some clients and servers put on MySQL's wire: compression, attributes, metadata left
 * out, progress, binary logs.
 */
#include "tests/unit/mysql_say.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define HIGH_METADATA	"\x08\x02" /* plugins and CLIENT_OPTIONAL_RESULTSET_METADATA */
#define HIGH_ZSTD	"\x08\x04"
#define HIGH_ATTRIBUTES "\x08\x08"
#define LOW_ZLIB	"\x29\xa2"

/* ---- Compression ---- */

static void add_packet(struct buf *to, uint8_t seq, struct bytes body)
{
	uint8_t head[4] = {(uint8_t)body.len, (uint8_t)(body.len >> 8), (uint8_t)(body.len >> 16),
			   seq};

	buf_add(to, bytes_of(head, sizeof(head)));
	buf_add(to, body);
}

/* Says a frame that holds these packets. */
static void say_frame(struct mysql_talk *t, enum side from, bool zstd, struct bytes packets)
{
	uint8_t *frame = malloc(packets.len + 1024);
	uLongf zlib_len = packets.len + 1000;
	size_t len;

	if (zstd) {
		len = ZSTD_compress(frame + 7, packets.len + 1000, packets.at, packets.len, 3);
	} else {
		cr_assert_eq(compress(frame + 7, &zlib_len, packets.at, packets.len), Z_OK);
		len = zlib_len;
	}
	uint8_t head[7] = {
		(uint8_t)len,	      (uint8_t)(len >> 8),	   (uint8_t)(len >> 16),	0,
		(uint8_t)packets.len, (uint8_t)(packets.len >> 8), (uint8_t)(packets.len >> 16)};

	memcpy(frame, head, sizeof(head));
	mysql_say(t, from, bytes_of(frame, len + sizeof(head)));
	free(frame);
}

static void add_result(struct buf *to, size_t row_bytes)
{
	uint8_t *row = malloc(row_bytes + 4);
	uint32_t noise = 1;

	row[0] = 0xfd;
	row[1] = (uint8_t)row_bytes;
	row[2] = (uint8_t)(row_bytes >> 8);
	row[3] = (uint8_t)(row_bytes >> 16);
	for (size_t i = 0; i < row_bytes; i++) {
		noise = noise * 1664525u + 1013904223u;
		row[4 + i] = (uint8_t)('!' + (noise >> 24) % 90);
	}
	add_packet(to, 1, BYTES("\1"));
	add_packet(to, 2, BYTES(COLUMN("\1a")));
	add_packet(to, 3, BYTES(EOF_OLD));
	add_packet(to, 4, bytes_of(row, row_bytes + 4));
	add_packet(to, 5, BYTES(EOF_OLD));
	free(row);
}

/* Three questions in a frame, their answers in another, of several blocks; then one alone. */
static void play_compressed(struct mysql_talk *t, bool zstd, uint64_t login[2])
{
	struct buf packets;

	t->conf.max_row_length = 20;
	mysql_login(t, zstd ? LOW : LOW_ZLIB, zstd ? HIGH_ZSTD : HIGH);
	memcpy(login, t->said, sizeof(t->said));
	buf_init(&packets, NULL);
	add_packet(&packets, 0, BYTES("\3select a from one"));
	add_packet(&packets, 0, BYTES("\3select a from two"));
	add_packet(&packets, 0, BYTES("\3select a from three"));
	say_frame(t, CLIENT, zstd, buf_bytes(&packets));
	packets.len = 0;
	add_result(&packets, 300);
	add_result(&packets, 70000);
	add_result(&packets, 10);
	say_frame(t, SERVER, zstd, buf_bytes(&packets));
	packets.len = 0;
	add_packet(&packets, 0, BYTES("\3select a from four"));
	say_frame(t, CLIENT, zstd, buf_bytes(&packets));
	packets.len = 0;
	add_result(&packets, 20000);
	say_frame(t, SERVER, zstd, buf_bytes(&packets));
	buf_fini(&packets);
}

/* A document without its packets' numbers. */
static void plain(const char *doc, char *to)
{
	while (*doc) {
		*to++ = *doc++;
		if (to[-1] == ':' && strncmp(doc - 10, "\"packets\":", 10) == 0)
			doc += strspn(doc, "0123456789");
	}
	*to = 0;
}

static void compressed_at_every_cut(bool zstd)
{
	enum { DOCS = 4, DOC_MAX = 4096 };
	static char want[DOCS][DOC_MAX], have[DOC_MAX];
	uint64_t bytes[2] = {0, 0}, login[2];
	struct mysql_talk *t = mysql_talk_begin(SIZE_MAX, false);

	play_compressed(t, zstd, login);
	for (int i = 0; i < DOCS; i++) {
		const char *doc = mysql_next(t);

		LACKS(doc, "error");
		HAS(doc, "\"num_rows\":1");
		plain(doc, want[i]);
		bytes[0] +=
			strtoull(strstr(strstr(doc, "\"client\":"), "\"bytes\":") + 8, NULL, 10);
		bytes[1] +=
			strtoull(strstr(strstr(doc, "\"server\":"), "\"bytes\":") + 8, NULL, 10);
	}
	cr_expect_eq(bytes[CLIENT], t->said[CLIENT] - login[CLIENT]);
	cr_expect_eq(bytes[SERVER], t->said[SERVER] - login[SERVER]);
	mysql_talk_end(t);
	for (size_t cut = 1; cut < 40000; cut += cut < 20 ? 1 : cut / 3) {
		t = mysql_talk_begin(cut, false);
		play_compressed(t, zstd, login);
		for (int i = 0; i < DOCS; i++) {
			plain(mysql_next(t), have);
			size_t same = 0;

			while (have[same] && have[same] == want[i][same])
				same++;
			cr_assert_str_eq(have, want[i],
					 "document %d, pieces of %zu: %.60s, not %.60s", i, cut,
					 have + same, want[i] + same);
		}
		mysql_talk_end(t);
	}
}

Test(mysql_wire, zlib_frames_of_several_messages_count_alike_at_every_cut)
{
	compressed_at_every_cut(false);
}

Test(mysql_wire, zstd_frames_of_several_messages_count_alike_at_every_cut)
{
	compressed_at_every_cut(true);
}

/* ---- Query attributes ---- */

Test(mysql_wire, query_attributes_are_not_the_statement)
{
	for (size_t cut = 1; cut < 40; cut += 3) {
		struct mysql_talk *t = mysql_talk_begin(cut, false);

		mysql_login(t, LOW, HIGH_ATTRIBUTES);
		ASKS(t, "\3\0\1select 1");
		SAYS(t, OK);
		HAS(mysql_next(t), "\"query\":\"select 1\"");
		/* A text, a NULL and a number. */
		ASKS(t, "\3\3\1\2\1\xfd\0\5trace\6\0\4none\3\0\3num\6SECRET\x39\5\0\0select 2");
		SAYS(t, OK);
		const char *doc = mysql_next(t);

		HAS(doc, "\"query\":\"select 2\"");
		LACKS(doc, "SECRET");
		/* More of them than there are bytes. */
		ASKS(t, "\3\x20\1\2\1\xfd\0\5trace\6SECRETselect 3");
		SAYS(t, OK);
		doc = mysql_next(t);
		HAS(doc, "statement not seen");
		LACKS(doc, "SECRET");
		mysql_talk_end(t);
	}
}

Test(mysql_wire, attributes_of_an_execution_are_no_parameters)
{
	struct mysql_talk *t = mysql_talk_begin(3, false);

	mysql_login(t, LOW, HIGH_ATTRIBUTES);
	ASKS(t, "\x16"
		"delete from t where a = ?");
	SAYS(t, "\0\7\0\0\0\0\0\1\0\0\0\0");
	SAYS(t, COLUMN("\1?"));
	SAYS(t, EOF_OLD);
	HAS(mysql_next(t), "stmt_prepare");
	ASKS(t, "\x17\7\0\0\0\x08\1\0\0\0\2\0\1\3\0\0\xfd\0\5trace\5\0\0\0\6SECRET");
	SAYS(t, OK);
	const char *doc = mysql_next(t);

	HAS(doc, "\"params\":[\"5\"]");
	LACKS(doc, "SECRET");
	mysql_talk_end(t);
}

Test(mysql_wire, attributes_where_the_login_was_not_seen)
{
	struct mysql_talk *t = mysql_talk_begin(3, true);

	ASKS(t, "\x16"
		"delete from t where a = ?");
	SAYS(t, "\0\7\0\0\0\0\0\1\0\0\0\0");
	SAYS(t, COLUMN("\1?"));
	HAS(mysql_next(t), "stmt_prepare");
	ASKS(t, "\x17\7\0\0\0\x08\1\0\0\0\2\0\1\3\0\0\xfd\0\5trace\5\0\0\0\6SECRET");
	SAYS(t, OK);
	const char *doc = mysql_next(t);

	HAS(doc, "\"params\":[\"5\"]");
	LACKS(doc, "SECRET");
	ASKS(t, "\x17\7\0\0\0\0\1\0\0\0\0\1\3\0\6\0\0\0");
	SAYS(t, OK);
	HAS(mysql_next(t), "\"params\":[\"6\"]");
	mysql_talk_end(t);
}

/* ---- Metadata ---- */

Test(mysql_wire, columns_that_the_server_leaves_out)
{
	struct mysql_talk *t = mysql_talk_begin(5, false);

	mysql_login(t, LOW, HIGH_METADATA);
	ASKS(t, "\3select a, b from t");
	SAYS(t, "\2\0");
	SAYS(t, EOF_OLD);
	SAYS(t, "\1x\1y");
	SAYS(t, EOF_OLD);
	const char *doc = mysql_next(t);

	HAS(doc, "\"num_fields\":2,\"num_rows\":1");
	HAS(doc, "\"response\":\"x,y\"");
	ASKS(t, "\3select a from t");
	SAYS(t, "\1\1");
	SAYS(t, COLUMN("\1a"));
	SAYS(t, EOF_OLD);
	SAYS(t, "\1x");
	SAYS(t, EOF_OLD);
	HAS(mysql_next(t), "\"response\":\"a\\nx\"");
	mysql_talk_end(t);
}

/* MariaDB: both are asked at one go, and the statement has no number yet. */
Test(mysql_wire, an_execution_that_does_not_wait_for_the_statements_number)
{
	for (size_t cut = 1; cut < 50; cut += 7) {
		struct mysql_talk *t = mysql_talk_begin(cut, false);

		mysql_login(t, LOW, HIGH);
		ASKS(t, "\x16insert into t values (?, ?)");
		ASKS(t, "\x17\xff\xff\xff\xff\0\1\0\0\0\0\1\xfd\0\3\0\3one\2\0\0\0");
		t->seq = 1;
		SAYS(t, "\0\x09\0\0\0\0\0\2\0\0\0\0");
		SAYS(t, COLUMN("\1?"));
		SAYS(t, COLUMN("\1?"));
		SAYS(t, EOF_OLD);
		HAS(mysql_next(t), "stmt_prepare");
		t->seq = 1;
		SAYS(t, OK);
		const char *doc = mysql_next(t);

		HAS(doc, "\"query\":\"insert into t values (?, ?)\"");
		HAS(doc, "\"statement_id\":9,\"params\":[\"one\",\"2\"]");
		LACKS(doc, "notes");
		/* Where the preparation fails, the text is known, the values are not. */
		ASKS(t, "\x16insert into nowhere values (?)");
		ASKS(t, "\x17\xff\xff\xff\xff\0\1\0\0\0\0\1\xfd\0\6SECRET");
		t->seq = 1;
		SAYS(t, "\xff\x7a\x04#42S02no such table");
		t->seq = 1;
		SAYS(t, "\xff\xdb\x04#HY000unknown");
		HAS(mysql_next(t), "\"error_code\":1146");
		doc = mysql_next(t);
		HAS(doc, "\"query\":\"insert into nowhere values (?)\"");
		HAS(doc, "\"notes\":[\"parameters not read\"]");
		LACKS(doc, "SECRET");
		mysql_talk_end(t);
	}
}

/* ---- Reports and streams ---- */

Test(mysql_wire, reports_of_progress_are_no_answer)
{
	struct mysql_talk *t = mysql_talk_begin(4, false);

	mysql_login(t, LOW, HIGH);
	ASKS(t, "\3"
		"alter table t engine=aria");
	SAYS(t, "\xff\xff\xff\1\1\2\x10\0\0\7copying");
	SAYS(t, "\xff\xff\xff\1\2\2\x20\0\0\6sorted");
	SAYS(t, OK);
	const char *doc = mysql_next(t);

	HAS(doc, "\"status\":\"OK\"");
	LACKS(doc, "error");
	mysql_talk_end(t);
}

/* Said at once, since it may go on for ever. */
Test(mysql_wire, a_binary_log_by_transactions)
{
	struct mysql_talk *t = mysql_talk_begin(9, false);

	mysql_login(t, LOW, HIGH);
	ASKS(t, "\x1e\4\0\2\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0");
	SAYS(t, "\0" ZEROS_10 "\x13" ZEROS_10);
	const char *doc = mysql_next(t);

	HAS(doc, "\"command\":\"binlog_dump_gtid\"");
	HAS(doc, "\"notes\":[\"replication stream passed over\"]");
	HAS(doc, "\"status\":\"OK\"");
	SAYS(t, "\0" ZEROS_10 "\x13" ZEROS_10);
	GOES_ON(t, "\xef an acknowledgement");
	mysql_talk_end(t);
	t = mysql_talk_begin(9, false);
	mysql_login(t, LOW, HIGH);
	ASKS(t, "\x12\4\0\0\0\2\0\1\0\0\0nosuch.000001");
	SAYS(t, "\xff\xd4\x04#HY000no such file");
	HAS(mysql_next(t), "\"error_code\":1236");
	mysql_talk_end(t);
}
