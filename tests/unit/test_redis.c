/*
 * Redis conversations, told as stories: what is said, and the documents that come of it.
 *
 * A document is told as "METHOD | query | answer | notes": an answer that is an error begins with
 * '!', one that never came is "-". Each story is told in one piece and cut at every size.
 */
#include "protos/redis/redis.h"

#include "tests/unit/talk.h"

#include <criterion/criterion.h>
#include <stdio.h>

extern const struct proto proto_redis;

enum { STEPS_MAX = 24, DOCS_MAX = 24, CUTS_MAX = 40 };

enum what { END, SAY_CLIENT, SAY_SERVER, LOSE_CLIENT, LOSE_SERVER };

struct story {
	const char *name;
	const char *const options[4];
	bool midstream;
	bool whole; /* not to be cut: losses fall where they are said to */
	struct {
		enum what what;
		const char *text;
		unsigned n; /* bytes lost */
	} steps[STEPS_MAX];
	const char *const docs[DOCS_MAX];
};

#define C(text)                     \
	{                           \
		SAY_CLIENT, text, 0 \
	}
#define S(text)                     \
	{                           \
		SAY_SERVER, text, 0 \
	}

static const char *member(yajl_val doc, const char *a, const char *b)
{
	const char *path[] = {a, b, NULL};
	yajl_val v = yajl_tree_get(doc, path, yajl_t_string);

	return v ? YAJL_GET_STRING(v) : NULL;
}

/* "METHOD | query | answer | notes" */
static void describe(yajl_val doc, char *to, size_t room)
{
	const char *path[] = {"notes", NULL};
	const char *method = member(doc, "method", NULL), *query = member(doc, "query", NULL),
		   *value = member(doc, "redis", "return_value"),
		   *error = member(doc, "redis", "error");
	yajl_val notes = yajl_tree_get(doc, path, yajl_t_array);
	int n = snprintf(to, room, "%s | %s | %s%s", method ? method : "-", query ? query : "-",
			 error ? "!" : "",
			 error	 ? error
			 : value ? value
				 : "-");

	for (size_t i = 0; notes && i < YAJL_GET_ARRAY(notes)->len; i++)
		n += snprintf(to + n, room - (size_t)n, "%s%s", i ? ", " : " | ",
			      YAJL_GET_STRING(YAJL_GET_ARRAY(notes)->values[i]));
}

static void compare(const struct story *story, const struct talk *t)
{
	size_t k;

	for (k = 0; k < t->docs_count; k++) {
		char text[2048];

		describe(t->docs[k], text, sizeof(text));
		cr_assert(k < DOCS_MAX && story->docs[k], "%s, cut %zu: one too many: %s",
			  story->name, t->cut, text);
		cr_assert_str_eq(text, story->docs[k], "%s, cut %zu, document %zu:\n%s\n%s",
				 story->name, t->cut, k, text, story->docs[k]);
	}
	cr_assert(k == DOCS_MAX || story->docs[k] == NULL, "%s, cut %zu: missing: %s", story->name,
		  t->cut, story->docs[k]);
}

/* What is said and lost, to the end. */
static void play(const struct story *story, struct talk *t, size_t cut)
{
	(story->midstream ? talk_open_midstream : talk_open)(t, &proto_redis, story->options);
	t->cut = cut;
	for (unsigned i = 0; i < STEPS_MAX && story->steps[i].what != END; i++) {
		enum side from =
			story->steps[i].what == SAY_CLIENT || story->steps[i].what == LOSE_CLIENT
				? CLIENT
				: SERVER;

		if (story->steps[i].text)
			talk_text(t, from, story->steps[i].text);
		else
			talk_lose(t, from, story->steps[i].n);
	}
	talk_finish(t);
}

static void tell(const struct story *story, size_t cut)
{
	struct talk t;

	play(story, &t, cut);
	compare(story, &t);
	talk_close(&t);
}

static void tell_all(const struct story *stories, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t cut = 0; cut < (stories[i].whole ? 1 : CUTS_MAX); cut++)
			tell(&stories[i], cut);
}

#define TELL(stories) tell_all(stories, sizeof(stories) / sizeof(stories[0]))

static const struct story values[] = {
	{.name = "the values of RESP2",
	 .steps = {C("*3\r\n$3\r\nset\r\n$6\r\nuser:1\r\n$3\r\nAda\r\n"), S("+OK\r\n"),
		   C("*2\r\n$3\r\nGET\r\n$6\r\nuser:1\r\n*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"),
		   S("$3\r\nAda\r\n$-1\r\n"), C("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"), S(":-17\r\n"),
		   C("*4\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n$2\r\n-1\r\n"),
		   S("*3\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n$-1\r\n"),
		   C("*2\r\n$4\r\nINCR\r\n$1\r\nl\r\n"),
		   S("-WRONGTYPE Operation against a key\r\n"), C("*1\r\n$4\r\nBLAH\r\n"),
		   S("*-1\r\n")},
	 .docs = {"SET | set user:1 Ada | OK", "GET | GET user:1 | Ada", "GET | GET x | nil",
		  "INCR | INCR n | -17", "LRANGE | LRANGE l 0 -1 | [a, [1, []], nil]",
		  "INCR | INCR l | !WRONGTYPE Operation against a key", "BLAH | BLAH | nil"}},
	{.name = "the values of RESP3",
	 .steps = {C("HELLO 3\r\n"),
		   S("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"), C("A\r\n"),
		   S("~2\r\n,3.14\r\n(123456789012345678901234567890\r\n"), C("B\r\n"),
		   S("*4\r\n#t\r\n#f\r\n_\r\n=7\r\ntxt:abc\r\n"), C("D\r\n"),
		   S("!9\r\nERR oh no\r\n"), C("E\r\n"),
		   S("|1\r\n$3\r\nttl\r\n:3600\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n"),
		   C("F\r\n"), S(",inf\r\n"), C("G\r\n"),
		   S("$?\r\n;4\r\nHell\r\n;2\r\no!\r\n;0\r\n"), C("H\r\n"),
		   S("*?\r\n:1\r\n*2\r\n:2\r\n%?\r\n+k\r\n:3\r\n.\r\n.\r\n")},
	 .docs = {"HELLO | HELLO 3 | {server: redis, proto: 3}",
		  "A | A | [3.14, 123456789012345678901234567890]",
		  "B | B | [true, false, nil, abc]", "D | D | !ERR oh no", "E | E | [1, 2]",
		  "F | F | inf", "G | G | Hello!", "H | H | [1, [2, {k: 3}]]"}},
	{.name = "inline commands, quotes and empty lines",
	 .steps = {C("\r\nPING\r\n  set  k \"a b\\x41\\n\" 'it\\'s' \r\n*0\r\n*-1\r\nget k\n"),
		   S("+PONG\r\n+OK\r\n$1\r\nv\r\n")},
	 .docs = {"PING | PING | PONG", "SET | set k a bA\n it's | OK", "GET | get k | v"}},
	{.name = "long values are cut, binary ones counted",
	 .options = {"max_value_length=4"},
	 .steps = {C("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9\r\nabcdefghi\r\n"
		     "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\nabc\xc3\xa9"
		     "d\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\001b\r\n"),
		   S("+OK\r\n+OK\r\n+OK\r\n")},
	 .docs = {"SET | SET k abcd | OK | trimmed", "SET | SET k abc | OK | trimmed",
		  "SET | SET k <3 bytes> | OK"}},
};

Test(redis, values)
{
	TELL(values);
}

static const struct story transactions[] = {
	{.name = "each command of a transaction has its own result",
	 .steps = {C("MULTI\r\nSET a 1\r\nINCR b\r\nLRANGE l 0 1\r\nEXEC\r\nPING\r\n"),
		   S("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n"),
		   S("-WRONGTYPE no\r\n*2\r\n$1\r\nx\r\n$1\r\ny\r\n+PONG\r\n")},
	 .docs = {"MULTI | MULTI | OK", "SET | SET a 1 | OK", "INCR | INCR b | !WRONGTYPE no",
		  "LRANGE | LRANGE l 0 1 | [x, y]", "EXEC | EXEC | 3 results",
		  "PING | PING | PONG"}},
	{.name = "given up, failed, and not executed for a change elsewhere",
	 .steps = {C("MULTI\r\nSET a 1\r\nDISCARD\r\n"), S("+OK\r\n+QUEUED\r\n+OK\r\n"),
		   C("MULTI\r\nSET a 1\r\nNO\r\nEXEC\r\n"),
		   S("+OK\r\n+QUEUED\r\n-ERR unknown\r\n-EXECABORT Transaction\r\n"),
		   C("WATCH a\r\nMULTI\r\nGET a\r\nEXEC\r\nGET a\r\n"),
		   S("+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n$1\r\n2\r\n")},
	 .docs = {"MULTI | MULTI | OK", "DISCARD | DISCARD | OK",
		  "SET | SET a 1 | QUEUED | not executed", "MULTI | MULTI | OK",
		  "NO | NO | !ERR unknown", "EXEC | EXEC | !EXECABORT Transaction",
		  "SET | SET a 1 | QUEUED | not executed", "WATCH | WATCH a | OK",
		  "MULTI | MULTI | OK", "EXEC | EXEC | nil", "GET | GET a | QUEUED | not executed",
		  "GET | GET a | 2"}},
	{.name = "SUBSCRIBE in a transaction has a value for each channel",
	 .steps = {C("MULTI\r\nSUBSCRIBE a b\r\nGET k\r\nEXEC\r\n"),
		   S("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
		     "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n$1\r\nv\r\n"),
		   S("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n")},
	 .docs = {"MULTI | MULTI | OK",
		  "SUBSCRIBE | SUBSCRIBE a b | [subscribe, a, 1], [subscribe, b, 2]",
		  "GET | GET k | v", "EXEC | EXEC | 2 results",
		  "MESSAGE | message a | [message, a, hi]"}},
	{.name = "an empty one",
	 .steps = {C("MULTI\r\nEXEC\r\n"), S("+OK\r\n*0\r\n")},
	 .docs = {"MULTI | MULTI | OK", "EXEC | EXEC | []"}},
};

Test(redis, transactions)
{
	TELL(transactions);
}

static const struct story channels[] = {
	{.name = "RESP2: confirmations are answers, messages are not",
	 .steps = {C("SUBSCRIBE news sport\r\nPSUBSCRIBE n*\r\n"),
		   S("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
		     "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"
		     "*3\r\n$9\r\nsubscribe\r\n$5\r\nsport\r\n:2\r\n"
		     "*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:3\r\n"),
		   S("*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n"),
		   C("PING\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE n*\r\nLRANGE l 0 3\r\n"),
		   S("*2\r\n$4\r\npong\r\n$0\r\n\r\n"
		     "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:2\r\n"
		     "*3\r\n$11\r\nunsubscribe\r\n$5\r\nsport\r\n:1\r\n"
		     "*3\r\n$12\r\npunsubscribe\r\n$2\r\nn*\r\n:0\r\n"
		     "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n")},
	 .docs = {"MESSAGE | message news | [message, news, hello]",
		  "SUBSCRIBE | SUBSCRIBE news sport | [subscribe, news, 1], [subscribe, sport, 2]",
		  "PSUBSCRIBE | PSUBSCRIBE n* | [psubscribe, n*, 3]",
		  "PMESSAGE | pmessage n* news | [pmessage, n*, news, hi]",
		  "PING | PING | [pong, ]",
		  "UNSUBSCRIBE | UNSUBSCRIBE | [unsubscribe, news, 2], [unsubscribe, sport, 1]",
		  "PUNSUBSCRIBE | PUNSUBSCRIBE n* | [punsubscribe, n*, 0]",
		  "LRANGE | LRANGE l 0 3 | [message, a, b]"}},
	{.name = "UNSUBSCRIBE of nothing has one answer",
	 .steps = {C("UNSUBSCRIBE\r\nPING\r\n"),
		   S("*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n+PONG\r\n")},
	 .docs = {"UNSUBSCRIBE | UNSUBSCRIBE | [unsubscribe, nil, 0]", "PING | PING | PONG"}},
	{.name = "RESP3: what is pushed is pushed, but for confirmations",
	 .steps = {C("SUBSCRIBE a b\r\nGET k\r\n"),
		   S(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$"
		     "1\r\nk\r\n"),
		   S(">3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
		     ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n$1\r\nv\r\n"
		     ">3\r\n$12\r\nsunsubscribe\r\n$1\r\nz\r\n:0\r\n")},
	 .docs = {"INVALIDATE | invalidate | [invalidate, [k]]",
		  "SUBSCRIBE | SUBSCRIBE a b | [subscribe, a, 1], [subscribe, b, 2]",
		  "MESSAGE | message a | [message, a, hi]", "GET | GET k | v",
		  "SUNSUBSCRIBE | sunsubscribe z | [sunsubscribe, z, 0]"}},
	{.name = "an error is the only answer to SUBSCRIBE",
	 .steps = {C("SUBSCRIBE a b c\r\nPING\r\n"), S("-NOPERM no\r\n+PONG\r\n")},
	 .docs = {"SUBSCRIBE | SUBSCRIBE a b c | !NOPERM no", "PING | PING | PONG"}},
	{.name = "a subscription of before the capture",
	 .midstream = true,
	 .steps = {S("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"), C("UNSUBSCRIBE\r\n"),
		   S("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n"
		     "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n"),
		   C("PING\r\n"), S("+PONG\r\n")},
	 .docs = {"MESSAGE | message a | [message, a, hi] | midstream",
		  "UNSUBSCRIBE | UNSUBSCRIBE | [unsubscribe, a, 1], [unsubscribe, b, 0] | "
		  "midstream",
		  "PING | PING | PONG | midstream"}},
};

static const struct story unseen[] = {
	{.name = "RESP3: a confirmation nobody waits for answers what was not seen",
	 .midstream = true,
	 .steps = {S(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"), C("GET k\r\n"),
		   S(">3\r\n$10\r\npsubscribe\r\n$1\r\nb\r\n:2\r\n$1\r\nv\r\n"),
		   S(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n")},
	 .docs = {"- | - | [subscribe, a, 1] | midstream", "- | - | [psubscribe, b, 2] | midstream",
		  "GET | GET k | v | midstream",
		  "MESSAGE | message a | [message, a, hi] | midstream"}},
};

Test(redis, channels)
{
	TELL(channels);
	TELL(unseen);
}

static const struct story silences[] = {
	{.name = "CLIENT REPLY",
	 .steps = {C("CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\n"), S("$1\r\n1\r\n"),
		   C("CLIENT REPLY OFF\r\nSET a 2\r\nCLIENT REPLY SKIP\r\nSET a 3\r\nCLIENT REPLY "
		     "ON\r\nGET a\r\n"),
		   S("+OK\r\n$1\r\n3\r\n")},
	 .docs = {"CLIENT | CLIENT REPLY SKIP | -", "SET | SET a 1 | -", "GET | GET a | 1",
		  "CLIENT | CLIENT REPLY OFF | -", "SET | SET a 2 | -",
		  "CLIENT | CLIENT REPLY SKIP | -", "SET | SET a 3 | -",
		  "CLIENT | CLIENT REPLY ON | OK", "GET | GET a | 3"}},
	{.name = "MONITOR's lines are passed over",
	 .steps = {C("MONITOR\r\n"),
		   S("+OK\r\n+1700000000.123456 [0 127.0.0.1:5] \"GET\" \"a\"\r\n"), C("RESET\r\n"),
		   S("+1700000000.2 [0 lua] \"GET\"\r\n+RESET\r\n"), C("PING\r\n"), S("+PONG\r\n")},
	 .docs = {"MONITOR | MONITOR | OK | what follows is passed over", "RESET | RESET | RESET",
		  "PING | PING | PONG"}},
	{.name = "replication",
	 .steps = {C("PING\r\nREPLCONF listening-port 6380\r\nPSYNC ? -1\r\n"),
		   S("+PONG\r\n+OK\r\n\n\n+FULLRESYNC abc 0\r\n$5\r\nREDIS*1\r\n$4\r\nPING\r\n"),
		   C("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n"),
		   S("*1\r\n$4\r\nPING\r\n")},
	 .docs = {"PING | PING | PONG", "REPLCONF | REPLCONF listening-port 6380 | OK",
		  "PSYNC | PSYNC ? -1 | FULLRESYNC abc 0 | what follows is passed over"}},
	{.name = "who is no replica goes on behind REPLCONF ACK",
	 .steps = {C("REPLCONF ACK 0\r\nGET k\r\n"), S("$1\r\nv\r\n")},
	 .docs = {"REPLCONF | REPLCONF ACK 0 | -", "GET | GET k | v"}},
	{.name = "a replica in the middle",
	 .midstream = true,
	 .steps = {S("*1\r\n$4\r\nPING\r\n"), C("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n"),
		   S("*1\r\n$4\r\nPING\r\n")},
	 .docs = {"- | - | [PING] | midstream", "REPLCONF | REPLCONF ACK 0 | - | midstream"}},
	{.name = "replication of old: the data are the answer",
	 .steps = {C("SYNC\r\n"),
		   S("\n$EOF:0123456789012345678901234567890123456789\r\nREDIS0009")},
	 .docs = {"SYNC | SYNC | - | what follows is passed over"}},
};

Test(redis, silences)
{
	TELL(silences);
}

static const struct story secrets[] = {
	{.name = "passwords",
	 .options = {"send_request=true", "send_response=true"},
	 .steps = {C("AUTH hunter2\r\nAUTH ada hunter2\r\n"), S("-ERR no\r\n+OK\r\n"),
		   C("HELLO 3 AUTH ada hunter2 SETNAME x\r\n"), S("+OK\r\n"),
		   C("ACL SETUSER bob on >hunter2 +@all\r\n"), S("+OK\r\n"),
		   C("CONFIG SET maxmemory 1 requirepass hunter2\r\n"), S("+OK\r\n"),
		   C("CONFIG GET *\r\n"),
		   S("*4\r\n$11\r\nrequirepass\r\n$7\r\nhunter2\r\n$4\r\nport\r\n$4\r\n6379\r\n"),
		   C("MIGRATE h 1 \"\" 0 9 AUTH2 ada hunter2 KEYS a b\r\n"), S("+OK\r\n"),
		   C("ACL GENPASS\r\n"), S("$7\r\nhunter2\r\n"),
		   C("HELLO 3 AUTH x\r\nCONFIG SET\r\n"),
		   S("-ERR can't execute 'hello': not here\r\n-ERR wrong number of arguments for "
		     "'config|set' command, not 'hunter2'\r\n"),
		   C("ACL SETUSER bob <hunter2\r\n"),
		   S("-ERR Error in ACL SETUSER modifier '<hunter2': no such password\r\n")},
	 .docs = {"AUTH | AUTH xxxxx | !ERR no", "AUTH | AUTH ada xxxxx | OK",
		  "HELLO | HELLO 3 AUTH ada xxxxx SETNAME x | OK",
		  "ACL | ACL SETUSER bob on xxxxx +@all | OK",
		  "CONFIG | CONFIG SET maxmemory 1 requirepass xxxxx | OK",
		  "CONFIG | CONFIG GET * | [requirepass, xxxxx, port, 6379]",
		  "MIGRATE | MIGRATE h 1  0 9 AUTH2 xxxxx xxxxx KEYS a b | OK",
		  "ACL | ACL GENPASS | xxxxx",
		  "HELLO | HELLO 3 AUTH x | !ERR can't execute 'hello': not here",
		  "CONFIG | CONFIG SET | !ERR wrong number of arguments for 'config|set' command, "
		  "not ",
		  "ACL | ACL SETUSER bob xxxxx | !ERR Error in ACL SETUSER modifier "}},
	{.name = "no argument leaves",
	 .options = {"statements=fingerprint"},
	 .steps = {C("SET hunter2 hunter2 EX 10\r\nGET hunter2\r\n"), S("+OK\r\n$7\r\nhunter2\r\n"),
		   C("LPUSH l hunter2\r\n"), S("-WRONGTYPE 'hunter2'\r\n"), C("EVAL s 1 k a b\r\n"),
		   S("*1\r\n$7\r\nhunter2\r\n")},
	 .docs = {"SET | SET fa14d24a4dd8f613 ? | OK", "GET | GET fa14d24a4dd8f613 | -",
		  "LPUSH | LPUSH c00f9d4f580c0c3a ? | !WRONGTYPE",
		  "EVAL | EVAL ? a921e3704fda881d ? | -"}},
};

#define LONG_KEY                                                                           \
	"hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-" \
	"hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-" \
	"hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-" \
	"hunter2-hunter2-"

static const struct story hidden_keys[] = {
	{.name = "no key leaves",
	 .options = {"keys=hash", "send_request=true", "send_response=true"},
	 .steps = {C("SORT l BY hunter2* GET hunter2* STORE hunter2\r\n"), S(":1\r\n"),
		   C("SCAN 0 MATCH hunter2 COUNT 1\r\n"),
		   S("*2\r\n$1\r\n0\r\n*1\r\n$7\r\nhunter2\r\n"),
		   C("KEYS hunter2\r\nCLUSTER KEYSLOT hunter2\r\n"), S("*0\r\n:7\r\n"),
		   C("PUBSUB NUMSUB hunter2\r\n"), S("*2\r\n$7\r\nhunter2\r\n:1\r\n"),
		   C("CLIENT TRACKING ON BCAST PREFIX hunter2\r\n"), S("+OK\r\n"),
		   C("SLOWLOG GET\r\n"), S("*1\r\n$7\r\nhunter2\r\n"), C("ACL LOG\r\n"),
		   S("*2\r\n$6\r\nobject\r\n$7\r\nhunter2\r\n"),
		   C("*2\r\n$3\r\nGET\r\n$300\r\n" LONG_KEY)},
	 .docs = {"SORT | SORT c00f9d4f580c0c3a BY 8b7c559892c07249 GET 8b7c559892c07249 STORE "
		  "fa14d24a4dd8f613 | 1",
		  "SCAN | SCAN 0 MATCH fa14d24a4dd8f613 COUNT 1 | -",
		  "KEYS | KEYS fa14d24a4dd8f613 | -",
		  "CLUSTER | CLUSTER KEYSLOT fa14d24a4dd8f613 | -",
		  "PUBSUB | PUBSUB NUMSUB fa14d24a4dd8f613 | -",
		  "CLIENT | CLIENT TRACKING ON BCAST PREFIX fa14d24a4dd8f613 | OK",
		  "SLOWLOG | SLOWLOG GET | -", "ACL | ACL LOG | xxxxx",
		  "GET | GET  | - | connection closed"}},
};

static void no_secret(const struct story *story)
{
	struct talk t;

	play(story, &t, 0);
	cr_assert(t.out.len > 0);
	cr_assert(memmem(t.out.at, t.out.len, "hunter2", 7) == NULL, "%s: %.*s", story->name,
		  (int)t.out.len, (const char *)t.out.at);
	talk_close(&t);
}

Test(redis, secrets)
{
	no_secret(&secrets[0]);
	no_secret(&secrets[1]);
	no_secret(&hidden_keys[0]);
	TELL(secrets);
	TELL(hidden_keys);
}

static const struct story losses[] = {
	{.name = "a hole in a value costs a note, anywhere else the place",
	 .whole = true,
	 .steps = {C("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$300\r\nabc"),
		   {LOSE_CLIENT, NULL, 290},
		   C("xyz1234\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		   S("+OK\r\n$300\r\nabc"),
		   {LOSE_SERVER, NULL, 299},
		   C("*1\r\n$4\r\nPING\r\n"),
		   {LOSE_SERVER, NULL, 7},
		   C("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		   S("$1\r\nv\r\n"),
		   C("*2\r\n$3\r\nGET\r\n$1\r\nl\r\n"),
		   S("$1\r\nw\r\n")},
	 .docs = {"SET | SET k abc | OK | gap", "GET | GET k | abc | gap", "PING | PING | - | gap",
		  "GET | GET k | v | resync, session as before a loss",
		  "GET | GET l | w | session as before a loss"}},
};

static const struct story middles[] = {
	{.name = "in the middle the first answer may be to a question before the first one",
	 .midstream = true,
	 .steps = {C("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), S("$1\r\n1\r\n"),
		   C("*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"), S("$1\r\n2\r\n"),
		   C("*2\r\n$3\r\nGET\r\n$1\r\nc\r\n"), S("$1\r\n3\r\n")},
	 .docs = {"- | - | 1 | midstream", "GET | GET b | 2 | midstream",
		  "GET | GET c | 3 | midstream"}},
	{.name = "so it is when two questions come before any answer",
	 .midstream = true,
	 .whole = true,
	 .steps = {C("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), C("*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"),
		   S("$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n"), C("*2\r\n$3\r\nGET\r\n$1\r\nc\r\n"),
		   S("$1\r\n3\r\n")},
	 .docs = {"- | - | 0 | midstream", "- | - | 1 | midstream", "- | - | 2 | midstream",
		  "GET | GET c | 3 | midstream"}},
};

Test(redis, losses)
{
	TELL(losses);
	TELL(middles);
}

Test(redis, keys_are_folded)
{
	static const char *const pairs[][2] = {
		{"user:1000:cart", "user:?:cart"},
		{"page7", "page?"},
		{"plain", "plain"},
		{"session:550e8400-e29b-41d4-a716-446655440000", "session:?"},
		{"order-17-item-3", "order-?-item-?"},
		{"a1b2", "?"},
		{"{user1}.x", "{user?}.x"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint8_t to[64];
		size_t n = key_fold(bytes_str(pairs[i][0]), to, sizeof(to));

		cr_assert(bytes_eq(bytes_of(to, n), bytes_str(pairs[i][1])), "%s: %.*s",
			  pairs[i][0], (int)n, (const char *)to);
		cr_assert(key_fold(bytes_str(pairs[i][0]), to, 3) <= 3);
	}
}

Test(redis, commands_are_found_in_any_case)
{
	cr_assert(command_is_known(commands_find(BYTES("get"))));
	cr_assert(command_is_known(commands_find(BYTES("Acl"))));
	cr_assert(command_is_known(commands_find(BYTES("ZUNIONSTORE"))));
	cr_assert(command_is_known(commands_find(BYTES("georadiusbymember_ro"))));
	cr_assert_not(command_is_known(commands_find(BYTES("gett"))));
	cr_assert_not(command_is_known(commands_find(BYTES(""))));
	cr_assert_not(command_is_known(commands_find(BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))));
}
