/*
 * PostgreSQL through the real engine: who says what, and what documents come of it; then every
 * story again cut at every size.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/pgsql_say.h"

extern const struct proto proto_pgsql;

enum { STEPS_MAX = 16, WANTS_MAX = 16 };

struct pg_story {
	const char *name;
	const char *options[4];
	bool midstream; /* where pieces end then decides what may be an answer's beginning */
	size_t docs;
	const char *steps[STEPS_MAX]; /* "C…" the client says, "S…" the server, "L<n>" it loses */
	struct {
		size_t doc;
		const char *path, *text; /* NULL: the field is not there */
	} wants[WANTS_MAX];
};

#define Q   "query"
#define ERR "error.message"
#define TAG "pgsql.command_tag"
#define TX  "pgsql.transaction_status"

#define COLUMN(name)	   name "~#000000000000000000170004000000000000."
#define ONE_COLUMN	   "T#0001." COLUMN("a")
#define ROW_OF_1	   "D#00010000000131."
#define ERROR(code)	   "ESERROR~VERROR~C" code "~Mno~~"
#define PARSE(name, text)  "P" name "~" text "~#0000."
#define BIND(portal, name) "B" portal "~" name "~#000000000000."
#define EXECUTE(portal)	   "E" portal "~#00000000."

static const struct pg_story stories[] = {
	{.name = "a login, a query, an end",
	 .docs = 2,
	 .steps = {"C" PG_LOGIN, "S" PG_READY, "CQselect 1, 'x'~",
		   "ST#0002." COLUMN("a") COLUMN("b") "|D#00020000000131000000.#01.x|"
						      "CSELECT 1~|ZI",
		   "CX"},
	 .wants = {{0, "method", "LOGIN"},
		   {0, "user.name", "blog"},
		   {0, "db.name", "shop"},
		   {0, "application", "probe"},
		   {0, "pgsql.protocol", "3.0"},
		   {0, "pgsql.server_version", "15.4"},
		   {0, "pgsql.backend_pid", "42"},
		   {0, TX, "idle"},
		   {1, "method", "SELECT"},
		   {1, Q, "select 1, 'x'"},
		   {1, "query_fingerprint", "select ?, ?"},
		   {1, TAG, "SELECT 1"},
		   {1, "pgsql.num_rows", "1"},
		   {1, "pgsql.num_fields", "2"},
		   {1, "user.name", "blog"},
		   {1, "notes", NULL}}},
	{.name = "each statement of a text has a document",
	 .docs = 3,
	 .steps = {"CQselect 1; insert into t values (';'); ; select 3 ;~",
		   "S" ONE_COLUMN "|" ROW_OF_1 "|CSELECT 1~", "SCINSERT 0 1~",
		   "S" ONE_COLUMN "|CSELECT 0~|ZT"},
	 .wants = {{0, Q, "select 1"},
		   {0, "event.duration", "1000000"},
		   {0, TX, NULL},
		   {1, Q, "insert into t values (';')"},
		   {1, "event.duration", "2000000"},
		   {1, "pgsql.affected_rows", "1"},
		   {1, "pgsql.num_rows", NULL},
		   {1, "client.bytes", "0"},
		   {2, Q, "select 3"},
		   {2, "event.duration", "3000000"},
		   {2, "pgsql.num_rows", "0"},
		   {2, TX, "in_transaction"}}},
	{.name = "an error ends a text of several statements",
	 .docs = 2,
	 .steps = {"CQselect 1; select 1/0; select 3~", "SCSELECT 1~",
		   "SESERROR~VERROR~C22012~Mdivision by zero~~|ZI"},
	 .wants = {{0, Q, "select 1"},
		   {0, "status", "OK"},
		   {1, Q, "select 1/0"},
		   {1, "status", "Error"},
		   {1, ERR, "division by zero"},
		   {1, "pgsql.error_code", "22012"},
		   {1, "pgsql.error_severity", "ERROR"},
		   {1, "notes", "statements behind it not run|login not seen"},
		   {1, TX, "idle"}}},
	{.name = "a text that cannot be read is shown whole",
	 .docs = 1,
	 .steps = {"CQselect 1; selec 2~", "SESERROR~C42601~Msyntax error~~|ZI"},
	 .wants = {{0, Q, "select 1; selec 2"}, {0, "notes", "login not seen"}}},
	{.name = "an empty query",
	 .docs = 1,
	 .steps = {"CQ~", "SI|ZI"},
	 .wants = {{0, "status", "OK"}, {0, Q, NULL}, {0, "pgsql.command", "Query"}}},
	{.name = "an extended query with parameters",
	 .docs = 1,
	 .steps = {"CP~select $1, $2, $3 from t~#0002.#00000017.#00000019.|"
		   "B~~#0003.#0001.#0000.#0000.#0003.#00000004.#fffffffb.#00000003.abc#ffffffff.#"
		   "0000.|"
		   "DP~|" EXECUTE("") "|S",
		   "S1|2|" ONE_COLUMN "|" ROW_OF_1 "|CSELECT 1~|ZI"},
	 .wants = {{0, Q, "select $1, $2, $3 from t"},
		   {0, "pgsql.params", "-5|abc|NULL"},
		   {0, "pgsql.command", "Execute"},
		   {0, "path", "t"},
		   {0, "method", "SELECT"},
		   {0, TX, "idle"},
		   {0, "pgsql.num_rows", "1"}}},
	{.name = "an error in a pipeline skips what follows, up to Sync",
	 .docs = 4,
	 .steps =
		 {"C" PARSE("", "select 1") "|" BIND("", "") "|" EXECUTE("") "|" PARSE(
			  "",
			  "select "
			  "1/0") "|" BIND("",
					  "") "|" EXECUTE("") "|" PARSE("",
									"select 3") "|" BIND("",
											     "") "|" EXECUTE("") "|S|" PARSE("",
															     "selec"
															     "t 4") "|" BIND("",
																	     "") "|" EXECUTE("") "|S",
		  "S1|2|CSELECT 1~|1|2|" ERROR("22012") "|ZI|1|2|CSELECT 1~|ZI"},
	 .wants = {{0, Q, "select 1"},
		   {0, TX, NULL},
		   {0, "status", "OK"},
		   {1, Q, "select 1/0"},
		   {1, "pgsql.error_code", "22012"},
		   {1, TX, "idle"},
		   {2, Q, "select 3"},
		   {2, "status", "Error"},
		   {2, ERR, "Skipped after an error"},
		   {2, "notes", "skipped after an error|login not seen"},
		   {3, Q, "select 4"},
		   {3, "status", "OK"},
		   {3, "notes", "login not seen"}}},
	{.name = "a statement is prepared, described, run twice and closed",
	 .docs = 3,
	 .steps = {"C" PARSE("s", "select a from t where b = $1") "|DSs~|S",
		   "S1|t#000100000017.|" ONE_COLUMN "|ZI",
		   "CB~s~#00010001.#0001.#00000004.#00000007.#0000.|" EXECUTE("") "|S",
		   "S2|" ROW_OF_1 "|CSELECT 1~|ZI",
		   "CB~s~#00010001.#0001.#00000004.#00000008.#0000.|" EXECUTE("") "|CSs~|S",
		   "S2|CSELECT 0~|3|ZI"},
	 .wants = {{0, "method", "PREPARE"},
		   {0, "pgsql.statement", "s"},
		   {0, "status", "OK"},
		   {1, "pgsql.params", "7"},
		   {1, Q, "select a from t where b = $1"},
		   {1, "pgsql.statement", "s"},
		   {2, "pgsql.params", "8"},
		   {2, "notes", "login not seen"}}},
	{.name = "a Parse that fails is a document",
	 .docs = 1,
	 .steps = {"C" PARSE("s", "selec") "|S", "S" ERROR("42601") "|ZI"},
	 .wants = {{0, "method", "PREPARE"}, {0, "pgsql.error_code", "42601"}, {0, Q, "selec"}}},
	{.name = "a commit that fails at Sync is the last statement's error",
	 .docs = 1,
	 .steps = {"C" PARSE("", "insert into t values (1)") "|" BIND("", "") "|" EXECUTE("") "|S",
		   "S1|2|CINSERT 0 1~|" ERROR("23503") "|ZI"},
	 .wants = {{0, "status", "Error"},
		   {0, TAG, "INSERT 0 1"},
		   {0, "notes", "failed at sync|login not seen"},
		   {0, "pgsql.error_code", "23503"}}},
	{.name = "a portal is suspended and goes on",
	 .docs = 2,
	 .steps = {"C" PARSE("", "select a from t") "|" BIND("c", "") "|Ec~#00000001.|S",
		   "S1|2|" ROW_OF_1 "|s|ZT", "CEc~#00000001.|S", "S" ROW_OF_1 "|CSELECT 1~|ZT"},
	 .wants = {{0, "pgsql.suspended", "true"},
		   {0, "pgsql.portal", "c"},
		   {1, Q, "select a from t"},
		   {1, "pgsql.suspended", NULL},
		   {1, "notes", "login not seen"}}},
	{.name = "COPY in, by a simple query",
	 .docs = 2,
	 .steps = {"CQcopy t from stdin~", "SG#00000100.#00.", "Cd1\n|d2\n|c", "SCCOPY 2~|ZI",
		   "CQselect 1~", "SCSELECT 1~|ZI"},
	 .wants = {{0, "pgsql.copy", "in"},
		   {0, "pgsql.copy_bytes", "4"},
		   {0, "pgsql.affected_rows", "2"},
		   {0, "client.bytes", "42"},
		   {0, "timing.request", "2000000"},
		   {0, "path", "t"},
		   {1, Q, "select 1"}}},
	{.name = "COPY in, by an extended query: its first Sync is not answered",
	 .docs = 2,
	 .steps = {"C" PARSE("", "copy t from stdin") "|" BIND("", "") "|" EXECUTE("") "|S",
		   "S1|2|G#00000100.#00.", "Cd1\n|c|S", "SCCOPY 1~|ZI",
		   "C" PARSE("", "select 1") "|" BIND("", "") "|" EXECUTE("") "|S",
		   "S1|2|CSELECT 1~|ZI"},
	 .wants = {{0, "pgsql.copy", "in"}, {0, TX, "idle"}, {1, Q, "select 1"}, {1, TX, "idle"}}},
	{.name = "COPY out",
	 .docs = 1,
	 .steps = {"CQcopy t to stdout~", "SH#00000100.#00.|d1\n|d2\n|c|CCOPY 2~|ZI"},
	 .wants = {{0, "pgsql.copy", "out"},
		   {0, "pgsql.copy_bytes", "4"},
		   {0, "pgsql.num_rows", "2"}}},
	{.name = "TLS: one document, then nothing",
	 .docs = 1,
	 .steps = {"C" PG_SSL, "S!S", "CQselect 1~", "SCSELECT 1~|ZI"},
	 .wants = {{0, "method", "TLS"}, {0, "notes", "tls"}, {0, "status", "OK"}}},
	{.name = "TLS refused: the login goes on",
	 .docs = 2,
	 .steps = {"C" PG_SSL, "S!N", "C" PG_LOGIN, "SR#0000000a.SCRAM-SHA-256~~",
		   "CpSCRAM-SHA-256~#00000003.n,,", "SR#0000000b.r=|R#0000000c.v=|" PG_READY,
		   "CQselect 1~", "SCSELECT 1~|ZI"},
	 .wants = {{0, "method", "LOGIN"},
		   {0, "pgsql.authentication", "SCRAM-SHA-256"},
		   {0, "status", "OK"},
		   {0, "notes", NULL},
		   {0, "event.duration", "5000000"},
		   {0, "user.name", "blog"},
		   {1, Q, "select 1"}}},
	{.name = "a login that is refused",
	 .docs = 1,
	 .steps = {"C" PG_LOGIN, "SR#0000000500010203.", "Cpmd5secret~",
		   "SESFATAL~VFATAL~C28P01~Mpassword authentication failed~~"},
	 .wants = {{0, "method", "LOGIN"},
		   {0, "status", "Error"},
		   {0, "pgsql.authentication", "md5"},
		   {0, "pgsql.error_code", "28P01"}}},
	{.name = "a cancel request",
	 .docs = 1,
	 .steps = {"C=#04d2162e.#0000002a.#01020304."},
	 .wants = {{0, "method", "CANCEL"}, {0, "pgsql.backend_pid", "42"}, {0, "status", "OK"}}},
	{.name = "notifications and errors that nobody asked for",
	 .docs = 3,
	 .steps = {"CQlisten jobs~", "SCLISTEN~|ZI", "SA#0000002a.jobs~seventeen~",
		   "SESFATAL~VFATAL~C57P01~Mterminating~~"},
	 .wants = {{1, "method", "NOTIFICATION"},
		   {1, "pgsql.channel", "jobs"},
		   {1, "pgsql.payload", "seventeen"},
		   {1, "status", "OK"},
		   {2, "pgsql.error_code", "57P01"},
		   {2, "status", "Error"}}},
	{.name = "a notice belongs to its own statement",
	 .docs = 2,
	 .steps = {"CQdrop table if exists a; drop table if exists b~", "SCDROP TABLE~",
		   "SNSNOTICE~VNOTICE~C00000~Mb is not there~~|CDROP TABLE~|ZI"},
	 .wants = {{0, "pgsql.notices", NULL},
		   {1, "pgsql.notices", "1"},
		   {1, "pgsql.notice", "NOTICE: b is not there"},
		   {1, Q, "drop table if exists b"}}},
	{.name = "a statement from before the capture says less",
	 .midstream = true,
	 .docs = 2,
	 .steps = {"SZI", "CB~old~#000000000000.|" EXECUTE("") "|S", "S2|CUPDATE 3~|ZI",
		   "CQselect 1~", "SCSELECT 1~|ZI"},
	 .wants = {{0, Q, NULL},
		   {0, "method", "UPDATE"},
		   {0, "pgsql.statement", "old"},
		   {0, "notes", "midstream|statement not seen|login not seen"}}},
	{.name = "a simple query may be a capture's first packet",
	 .midstream = true,
	 .docs = 1,
	 .steps = {"CQselect 1~", "SCSELECT 1~|ZI"},
	 .wants = {{0, Q, "select 1"},
		   {0, TAG, "SELECT 1"},
		   {0, "notes", "midstream|login not seen"}}},
	{.name = "an extended query may not: answers to earlier ones may be under way",
	 .midstream = true,
	 .docs = 3,
	 .steps = {"C" PARSE("", "select 2") "|" BIND("", "") "|" EXECUTE("") "|S",
		   "S1|2|CSELECT 1~|ZI", "S1|2|CSELECT 2~|ZI", "CQselect 3~", "SCSELECT 3~|ZI"},
	 .wants = {{0, Q, NULL}, {1, Q, NULL}, {2, Q, "select 3"}, {2, TAG, "SELECT 3"}}},
	{.name = "with fingerprints alone, no value leaves",
	 .options = {"statements=fingerprint", "send_request=true", "send_response=true"},
	 .docs = 2,
	 .steps = {"CQselect 'secret'~", "S" ONE_COLUMN "|D#0001.#00000006.secret|CSELECT 1~|ZI",
		   "C" PARSE("", "select $1") "|B~~#0000.#0001.#00000006.secret#0000.|" EXECUTE(
			   "") "|S",
		   "S1|2|ESERROR~C22P02~Mbad: \"secret\"~Dsecret~Hsecret~~|ZI"},
	 .wants = {{0, Q, "select ?"},
		   {0, "request", NULL},
		   {0, "response", NULL},
		   {1, ERR, "22P02: data exception"},
		   {1, "pgsql.params", NULL},
		   {1, "pgsql.error_message", NULL},
		   {1, "pgsql.error_detail", NULL},
		   {1, "pgsql.error_hint", NULL}}},
	{.name = "TLS from the first byte on",
	 .docs = 1,
	 .steps = {"C!\x16", "C!\x03", "C!\x01", "CQselect 1~"},
	 .wants = {{0, "method", "TLS"}, {0, "tls.established", "true"}, {0, "status", "OK"}}},
	{.name = "GSSAPI encryption and TLS are refused, and the version is negotiated",
	 .docs = 2,
	 .steps = {"C=#04d21630.", "S!N", "C" PG_SSL, "S!N", "C=#00030002.user~blog~_pq_.later~1~~",
		   "Sv#00000000.#00000001._pq_.later~|" PG_READY, "CQselect 1~", "SCSELECT 1~|ZI"},
	 .wants = {{0, "method", "LOGIN"},
		   {0, "pgsql.protocol", "3.0"},
		   {0, "status", "OK"},
		   {1, "user.name", "blog"},
		   {1, "db.name", "blog"},
		   {1, "notes", NULL}}},
	{.name = "a server that is too old for TLS says so by an error",
	 .docs = 1,
	 .steps = {"C" PG_SSL, "SESFATAL~C0A000~Munsupported frontend protocol~~"},
	 .wants = {{0, "method", "LOGIN"},
		   {0, "status", "Error"},
		   {0, "pgsql.error_code", "0A000"}}},
	{.name = "a stream of a replication is not read",
	 .docs = 2,
	 .steps = {"C" PG_LOGIN, "S" PG_READY, "CQSTART_REPLICATION 0/1~", "SW#000000.",
		   "Sdw0123456789|dw0", "CQselect 1~", "SCSELECT 1~|ZI"},
	 .wants = {{1, "method", "START_REPLICATION"},
		   {1, "status", "OK"},
		   {1, "notes", "replication stream passed over"}}},
	{.name = "several results of one statement are its own",
	 .docs = 2,
	 .steps = {"C" PG_LOGIN, "S" PG_READY, "CQBASE_BACKUP~",
		   "S" ONE_COLUMN "|" ROW_OF_1 "|CSELECT 1~|" ONE_COLUMN "|" ROW_OF_1 "|" ROW_OF_1
		   "|CSELECT 2~|H#000000.|dxyz|c|CSELECT~",
		   "SCBASE_BACKUP~|ZI"},
	 .wants = {{1, Q, "BASE_BACKUP"},
		   {1, TAG, "BASE_BACKUP"},
		   {1, "pgsql.copy_bytes", "3"},
		   {1, TX, "idle"},
		   {1, "notes", NULL}}},
	{.name = "a function call",
	 .docs = 2,
	 .steps = {"C" PG_LOGIN, "S" PG_READY, "CF#00000575.#0000.#0001.#00000001.x#0000.",
		   "SV#00000001.y|ZI"},
	 .wants = {{1, "method", "FUNCTION"}, {1, "pgsql.function", "1397"}, {1, TX, "idle"}}},
	{.name = "a password in a statement stays here, and words that may quote it",
	 .options = {"send_request=true", "send_response=true"},
	 .docs = 4,
	 .steps = {"C" PG_LOGIN, "S" PG_READY, "CQalter role a with Password  'hunter2'~",
		   "SESERROR~VERROR~C42704~Mrole \"hunter2\" is not there~~|ZI",
		   "CQselect dblink('host=a password=hunter2')~",
		   "S" ONE_COLUMN "|" ROW_OF_1 "|CSELECT 1~|ZI",
		   "CQselect password from t where passwords = 'x' and password = $1~",
		   "SCSELECT 0~|ZI"},
	 .wants = {{1, Q, "alter role a with password ?"},
		   {1, "request", NULL},
		   {1, "pgsql.error_message", NULL},
		   {1, ERR, "42704: syntax error or access rule violation"},
		   {1, "notes", "statement with a secret withheld"},
		   {2, Q, "select dblink(?)"},
		   {2, "response", NULL},
		   {2, "notes", "statement with a secret withheld"},
		   {3, Q, "select password from t where passwords = 'x' and password = $1"},
		   {3, "notes", NULL}}},
	{.name = "columns that were described before stand above later rows",
	 .options = {"send_response=true"},
	 .docs = 2,
	 .steps = {"C" PARSE("s", "select a from t") "|DSs~|S", "S1|t#0000.|" ONE_COLUMN "|ZI",
		   "CB~s~#0000.#0000.#00010001.|" EXECUTE("") "|S",
		   "S2|D#0001.#00000004.#0000002a.|CSELECT 1~|ZI"},
	 .wants = {{1, "response", "a\n42\n"}}},
	{.name = "a pipeline whose end was not seen",
	 .docs = 2,
	 .steps = {"C" PG_LOGIN, "S" PG_READY,
		   "C" PARSE("", "select 1") "|" BIND("", "") "|" EXECUTE("") "|S",
		   "S1|2|CSELECT 1~"},
	 .wants = {{1, "status", "OK"},
		   {1, TX, NULL},
		   {1, "notes", "transaction status not seen"}}},
	{.name = "rows are shown when asked for",
	 .options = {"send_request=true", "send_response=true"},
	 .docs = 1,
	 .steps = {"CQselect a, b from t~",
		   "ST#0002." COLUMN("a") COLUMN("b") "|D#0002.#00000001.1#00000003.x,y|D#0002.#"
						      "ffffffff.#00000001.\"|CSELECT 2~|ZI"},
	 .wants = {{0, "request", "select a, b from t"},
		   {0, "response", "a,b\n1,\"x,y\"\n,\"\"\"\"\n"}}},
};

static void tell(struct talk *t, const struct pg_story *story, size_t cut)
{
	(story->midstream ? talk_open_midstream : talk_open)(t, &proto_pgsql, story->options);
	t->cut = cut;
	for (size_t i = 0; i < STEPS_MAX && story->steps[i]; i++) {
		const char *step = story->steps[i];

		if (step[0] == 'L')
			talk_lose(t, step[1] == 'C' ? CLIENT : SERVER, (uint64_t)atoi(step + 2));
		else
			pgsql_say(t, step[0] == 'C' ? CLIENT : SERVER, step + 1);
	}
	talk_finish(t);
}

static void check(struct talk *t, const struct pg_story *story)
{
	cr_expect_eq(t->docs_count, story->docs, "%s: %zu documents, not %zu:\n%.*s", story->name,
		     t->docs_count, story->docs, (int)t->out.len,
		     t->out.len ? (const char *)t->out.at : "");
	for (size_t i = 0; i < WANTS_MAX && story->wants[i].path; i++) {
		const char *path = story->wants[i].path, *want = story->wants[i].text;
		const char *is;

		if (story->wants[i].doc >= t->docs_count)
			continue;
		is = talk_field(t, story->wants[i].doc, path);
		cr_expect(want ? is && strcmp(is, want) == 0 : !is,
			  "%s: %s of document %zu is %s, not %s", story->name, path,
			  story->wants[i].doc, is ? is : "not there", want ? want : "not there");
	}
}

Test(pgsql, stories)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct talk t;

		tell(&t, &stories[i], 0);
		check(&t, &stories[i]);
		talk_close(&t);
	}
}

Test(pgsql, stories_cut_at_every_size)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		for (size_t cut = 1; cut < 100 && !stories[i].midstream; cut++) {
			struct talk t;

			tell(&t, &stories[i], cut);
			check(&t, &stories[i]);
			talk_close(&t);
		}
	}
}
