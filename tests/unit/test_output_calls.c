/*
 * The calls output: what it reads of documents, the list, the ladder.
 */
#include <inttypes.h>

#include "outputs/calls/calls.h"
#include "outputs/calls/ladder.h"
#include "outputs/calls/list.h"
#include "outputs/cells.h"
#include "tests/unit/output_rig.h"

/* ---- Reading ---- */

static struct call_reader reader;

static void begin_reader(void)
{
	call_reader_init(&reader);
}

static void end_reader(void)
{
	call_reader_fini(&reader);
}

TestSuite(calls_reader, .init = begin_reader, .fini = end_reader);

static enum call_read reads(const char *json)
{
	return call_reader_read(&reader, bytes_str(json));
}

static void said(enum call_text which, const char *want)
{
	struct bytes got = call_text(&reader, which);

	cr_assert(bytes_eq(got, bytes_str(want)), "%.*s, not %s", (int)got.len,
		  (const char *)got.at, want);
}

Test(calls_reader, takes_what_list_and_ladder_need)
{
	cr_assert_eq(
		reads("{\"@timestamp\":\"2026-01-02T03:04:05.678901234Z\",\"type\":\"sip_call\","
		      "\"event\":{\"duration\":7},\"sip\":{\"code\":200,\"call_id\":\"a@b\","
		      "\"call\":{\"state\":\"completed\",\"caller\":\"ada\","
		      "\"caller_domain\":\"x\",\"callee\":\"bob\",\"callee_domain\":\"y\","
		      "\"setup_time\":12,\"duration\":34,\"media\":{\"caller\":\"no\"},"
		      "\"messages\":3,\"flow\":[\"one\",\"two\"]}}}"),
		CALL_READ);
	said(CALL_START, "2026-01-02T03:04:05.678901234Z");
	said(CALL_CALLER, "ada");
	said(CALL_CALLER_DOMAIN, "x");
	said(CALL_CALLEE, "bob");
	said(CALL_CALLEE_DOMAIN, "y");
	said(CALL_STATE_NAME, "completed");
	said(CALL_ID, "a@b");
	said(CALL_FLOW, "one\ntwo\n");
	cr_assert_eq(reader.numbers[CALL_CODE], 200);
	cr_assert_eq(reader.numbers[CALL_SETUP_TIME], 12);
	cr_assert_eq(reader.numbers[CALL_LENGTH], 34);
	cr_assert_eq(reader.numbers[CALL_MESSAGES], 3);
	/* The next document owes the last one nothing. */
	cr_assert_eq(
		reads("{\"@timestamp\":\"t\",\"type\":\"sip_call\",\"sip\":{\"call_id\":\"c\"}}"),
		CALL_READ);
	said(CALL_CALLER, "");
	said(CALL_FLOW, "");
	cr_assert_eq(reader.numbers[CALL_CODE], -1);
}

Test(calls_reader, leaves_other_documents)
{
	cr_assert_eq(reads("{\"@timestamp\":\"t\",\"type\":\"sip\",\"sip\":{\"call_id\":\"a\"}}"),
		     CALL_OTHER);
	cr_assert_eq(reads("{\"@timestamp\":\"t\",\"sip\":{\"call_id\":\"a\"}}"), CALL_OTHER);
	cr_assert_eq(reads("{\"@timestamp\":\"t\",\"type\":\"sip_call\",\"sip\":{}}"), CALL_OTHER);
	cr_assert_eq(reads("[\"sip_call\"]"), CALL_NOT_JSON);
	cr_assert_eq(reads("{\"type\":\"sip_call\""), CALL_NOT_JSON);
	cr_assert_eq(reads("nonsense"), CALL_NOT_JSON);
}

Test(calls_reader, is_not_misled_by_the_same_names_elsewhere)
{
	cr_assert_eq(reads("{\"x\":{\"type\":\"no\"},\"@timestamp\":\"t\",\"type\":\"sip_call\","
			   "\"sip\":{\"list\":[{\"call_id\":\"no\"},{\"call\":{\"state\":\"no\"}}],"
			   "\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":1}}}}}},"
			   "\"call_id\":\"yes\",\"call\":{\"state\":\"yes\"}},\"state\":\"no\","
			   "\"call_id\":\"no\",\"code\":404}"),
		     CALL_READ);
	said(CALL_ID, "yes");
	said(CALL_STATE_NAME, "yes");
	cr_assert_eq(reader.numbers[CALL_CODE], -1);
}

/* ---- The list ---- */

static void add(struct calls *calls, const char *start, const char *id, const char *state)
{
	char json[400];

	snprintf(json, sizeof(json),
		 "{\"@timestamp\":\"%s\",\"type\":\"sip_call\",\"sip\":{\"call_id\":\"%s\","
		 "\"call\":{\"state\":\"%s\",\"caller\":\"1001\",\"callee_domain\":\"example.org\","
		 "\"setup_time\":5200000000,\"flow\":[\"x\"]}}}",
		 start, id, state);
	cr_assert_eq(reads(json), CALL_READ);
	calls_add(calls, &reader, false);
}

TestSuite(calls_list, .init = begin_reader, .fini = end_reader);

static void prints(const struct buf *out, const char *want)
{
	cr_assert(bytes_eq(buf_bytes(out), bytes_str(want)), "\n%.*s\nnot\n%s", (int)out->len,
		  (const char *)out->at, want);
}

Test(calls_list, the_last_document_of_a_call_counts)
{
	struct calls calls;
	struct buf out = {0};

	calls_init(&calls, 100);
	add(&calls, "2026-01-02T03:05:00.100000000Z", "b", "ringing");
	add(&calls, "2026-01-02T03:04:05.678901234Z", "a", "answered");
	add(&calls, "2026-01-02T03:05:00.100000000Z", "b", "answered");
	add(&calls, "2026-01-02T03:06:00.100000000Z", "b", "refused"); /* used again */
	add(&calls, "2026-01-02T03:05:00.100000000Z", "b", "completed");
	cr_assert_eq(calls.count, 3);
	calls_sort(&calls);
	calls_table(&out, &calls, 0, calls.count, 120);
	prints(&out,
	       "start (UTC)              caller  callee        setup  duration  code  state      "
	       "call-id\n"
	       "2026-01-02 03:04:05.678  1001    example.org  5.20 s         -     -  answered   "
	       "a\n"
	       "2026-01-02 03:05:00.100  1001    example.org  5.20 s         -     -  completed  "
	       "b\n"
	       "2026-01-02 03:06:00.100  1001    example.org  5.20 s         -     -  refused    "
	       "b\n");
	buf_fini(&out);
	calls_fini(&calls);
}

Test(calls_list, holds_no_more_than_it_may)
{
	struct calls calls;
	char id[16];

	calls_init(&calls, 50);
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "%d", i % 200);
		add(&calls, "2026-01-02T03:05:00.100000000Z", id, i < 200 ? "ringing" : "lost");
	}
	cr_assert_eq(calls.count, 50);
	cr_assert_eq(calls.left_out, 750);
	for (size_t i = 0; i < calls.count; i++)
		cr_assert(bytes_eq(listed_text(&calls.at[i], CALL_STATE_NAME), BYTES("lost")));
	calls_fini(&calls);
}

/* Names are cut, the Call-ID never: it is what --flow is given. What steers a terminal is not
 * printed. */
Test(calls_list, hostile_names_are_tamed)
{
	struct calls calls;
	struct buf out = {0};
	char id[120];

	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	calls_init(&calls, 50);
	cr_assert_eq(
		reads("{\"@timestamp\":\"\\u001b[2J\",\"type\":\"sip_call\",\"sip\":{"
		      "\"call_id\":\"\\u001b[31m\\r\",\"call\":{\"caller\":"
		      "\"\\u202eaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}}"),
		CALL_READ);
	calls_add(&calls, &reader, false);
	add(&calls, "2026-01-02T03:05:00.100000000Z", id, "ringing");
	calls_sort(&calls);
	calls_table(&out, &calls, 0, calls.count, 120);
	for (size_t i = 0; i < out.len; i++)
		cr_assert(out.at[i] == '\n' || out.at[i] >= ' ');
	buf_add(&out, BYTES(""));
	buf_add(&out, bytes_of("", 1));
	cr_assert(strstr((const char *)out.at, id) != NULL);
	cr_assert(strstr((const char *)out.at, "  ?aaaaaaaa…  ") != NULL, "%s",
		  (const char *)out.at);
	buf_fini(&out);
	calls_fini(&calls);
}

/* ---- The ladder ---- */

static void draws(const char *flow, size_t width, const char *want)
{
	struct buf out = {0};

	ladder_write(&out, bytes_str(flow), width);
	prints(&out, want);
	buf_fini(&out);
}

Test(calls_ladder, arrows_say_what_was_said)
{
	draws("0.000000 192.0.2.1:5060 > 192.0.2.2:5060 INVITE (sdp)\n"
	      "0.000160 192.0.2.2:5060 > 192.0.2.1:5060 100 Trying (INVITE)\n"
	      "0.500000 192.0.2.2:5060 > 192.0.2.1:5060 200 OK (INVITE, sdp, again)\n"
	      "10.250300 192.0.2.1:5060 > 192.0.2.2:5060 ACK\n"
	      "11.250300 192.0.2.1:5060 > 192.0.2.2:5060 BYE\n"
	      "11.250400 192.0.2.2:5060 > 192.0.2.1:5060 200 (BYE)\n",
	      80,
	      "           192.0.2.1:5060          192.0.2.2:5060\n"
	      "                  │                       │\n"
	      " 0.000000         │──── INVITE (sdp) ────►│\n"
	      " 0.000160         │◄──── 100 Trying ──────│\n"
	      " 0.500000         │◄ 200 OK (sdp, again) ─│\n"
	      "10.250300         │───────── ACK ────────►│\n"
	      "11.250300         │───────── BYE ────────►│\n"
	      "11.250400         │◄───── 200 (BYE) ──────│\n");
}

static const char through_a_proxy[] =
	"0.000000 192.0.2.1:5060 > 192.0.2.4:5060 INVITE (sdp)\n"
	"0.000100 192.0.2.4:5060 > 192.0.2.1:5060 407 Proxy Authentication Required (INVITE)\n"
	"0.000400 192.0.2.4:5060 > 192.0.2.2:5060 INVITE (sdp)\n"
	"0.000500 192.0.2.2:5060 > 192.0.2.2:5060 REFER\n"
	"12.100000 192.0.2.1:5060 > 192.0.2.2:5060 ACK\n";

Test(calls_ladder, arrows_pass_those_whom_they_are_not_for)
{
	draws(through_a_proxy, 120,
	      "           192.0.2.1:5060                        192.0.2.4:5060                     "
	      "   "
	      "192.0.2.2:5060\n"
	      "                  │                                     │                           "
	      "  "
	      "        │\n"
	      " 0.000000         │─────────── INVITE (sdp) ───────────►│                           "
	      "  "
	      "        │\n"
	      " 0.000100         │◄ 407 Proxy Authentication Required ─│                           "
	      "  "
	      "        │\n"
	      " 0.000400         │                                     │─────────── INVITE (sdp) "
	      "───────────►│\n"
	      " 0.000500         │                                     │                           "
	      "  "
	      "        │↻ REFER\n"
	      "12.100000         │─────────────────────────────────── ACK "
	      "──────────────────────────────────►│\n");
}

Test(calls_ladder, in_a_narrow_one_words_stand_beside)
{
	draws(through_a_proxy, 80,
	      "           192.0.2.1:5060          192.0.2.2:5060\n"
	      "                       192.0.2.4:5060\n"
	      "                  │           │           │\n"
	      " 0.000000         │──────────►│           │  INVITE (sdp)\n"
	      " 0.000100         │◄──────────│           │  407 Proxy Authentication Required\n"
	      " 0.000400         │           │──────────►│  INVITE (sdp)\n"
	      " 0.000500         │           │           │↻ REFER\n"
	      "12.100000         │──────────────────────►│  ACK\n");
}

/* However many take part, whatever they say: no line is wider, none holds control characters. */
Test(calls_ladder, is_never_wider_than_asked_for)
{
	enum { HOSTS = 40, LINES = 300 };

	for (unsigned hosts = 1; hosts <= HOSTS; hosts++) {
		struct buf flow = {0}, out = {0};
		char line[300];

		for (unsigned i = 0; i < LINES; i++) {
			snprintf(line, sizeof(line),
				 "%u.000000 [2001:db8:ffff:eeee:dddd:1234:5678:%x]:5060 > "
				 "192.0.2.%u:5060 "
				 "%u \033[2J%.*s (INVITE)\n",
				 i * i, i * 7 % hosts, i * 5 % hosts, 100 + i, (int)(i % 90),
				 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
				 "nnnnn"
				 "nnnnnnnnnnnnnnnnnnnnnnnn");
			buf_add(&flow, bytes_str(line));
		}
		buf_add(&flow, BYTES("\n\nnonsense\n1 2 > 3\n1 2 < 3 4\n1 2 > 3 "));
		for (size_t width = 80; width < 700; width += 97) {
			size_t columns = 0;

			out.len = 0;
			ladder_write(&out, buf_bytes(&flow), width);
			for (size_t i = 0; i < out.len; i++) {
				cr_assert(out.at[i] == '\n' || out.at[i] >= ' ');
				columns = out.at[i] == '\n'
						  ? 0
						  : columns + ((out.at[i] & 0xc0) != 0x80);
				cr_assert(columns <= width);
			}
		}
		buf_fini(&flow);
		buf_fini(&out);
	}
}
