/* Answers to bulk requests, at every cut, and what their parts mean. */
#include "outputs/elasticsearch/judge.h"
#include "tests/lib/answer_pieces.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define ERROR(type, reason) "\"error\":{\"type\":\"" type "\",\"reason\":\"" reason "\"}"

static const char mixed[] =
	"{\"took\":3,\"errors\":true,\"items\":[{\"create\":{\"_id\":\"a\",\"status\":201}},"
	"{\"create\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\","
	"\"reason\":\"failed to parse\",\"caused_by\":{\"type\":\"x\",\"reason\":\"For input\","
	"\"caused_by\":{\"reason\":\"deeper\"}},\"reason2\":[{\"status\":7}]}}},"
	"{\"create\":{\"status\":429," ERROR("es_rejected_execution_exception", "full") "}}]}";

static void read_answer(struct answer *a, const char *text, size_t expected, size_t cut)
{
	answer_in_pieces(a, bytes_str(text), expected, cut);
}

static void reason_is(const struct answer *a, const struct answer_item *item, const char *text)
{
	struct bytes why = answer_reason(a, item);

	cr_assert(bytes_eq(why, bytes_str(text)), "%.*s", (int)why.len, (const char *)why.at);
}

Test(elastic_answer, tells_each_item_at_every_cut)
{
	struct answer a;

	answer_init(&a);
	for (size_t cut = 0; cut < sizeof(mixed); cut++) {
		read_answer(&a, mixed, 3, cut);
		cr_assert_eq(a.wrong, ANSWER_RIGHT, "cut %zu", cut);
		cr_assert_eq(a.count, 3);
		cr_assert_eq(a.items[0].status, 201);
		cr_assert_eq(a.items[1].status, 400);
		cr_assert_eq(a.items[2].status, 429);
		reason_is(&a, &a.items[0], "");
		reason_is(&a, &a.items[1], "mapper_parsing_exception: failed to parse: For input");
		reason_is(&a, &a.items[2], "es_rejected_execution_exception: full");
		cr_assert(
			bytes_eq(answer_type(&a, &a.items[1]), BYTES("mapper_parsing_exception")));
		reason_is(&a, &a.whole, "");
	}
	answer_fini(&a);
}

Test(elastic_answer, that_ends_early_is_never_right)
{
	struct answer a;
	char front[sizeof(mixed)];

	answer_init(&a);
	for (size_t len = 0; len < sizeof(mixed) - 1; len++) {
		snprintf(front, sizeof(front), "%.*s", (int)len, mixed);
		read_answer(&a, front, 3, 0);
		/* In the middle of a status it is another status, or none. */
		cr_assert_neq(a.wrong, ANSWER_RIGHT, "%zu bytes", len);
	}
	answer_fini(&a);
}

Test(elastic_answer, of_the_request_as_a_whole)
{
	struct answer a;

	answer_init(&a);
	read_answer(&a,
		    "{\"error\":{\"root_cause\":[{\"type\":\"r\",\"reason\":\"c\"}],"
		    "\"type\":\"security_exception\",\"reason\":\"missing\"},\"status\":401}",
		    5, 0);
	cr_assert_eq(a.wrong, ANSWER_RIGHT);
	cr_assert_eq(a.whole.status, 401);
	cr_assert_eq(a.count, 0);
	reason_is(&a, &a.whole, "security_exception: missing");
	read_answer(&a, "{\"error\":\"no handler\",\"status\":400}", 5, 0);
	reason_is(&a, &a.whole, "no handler");
	answer_fini(&a);
}

Test(elastic_answer, that_is_none)
{
	static const struct {
		const char *text;
		enum answer_wrong wrong;
	} cases[] = {
		{"", ANSWER_EMPTY},
		{"<html>502</html>", ANSWER_HTML},
		{"  <!DOCTYPE html>", ANSWER_HTML},
		{"Bad Gateway", ANSWER_NOT_JSON},
		{"{\"items\":[]} x", ANSWER_NOT_JSON},
		{"[]", ANSWER_OTHER},
		{"7", ANSWER_OTHER},
		{"\"text\"", ANSWER_OTHER},
		{"null", ANSWER_OTHER},
		{"{\"items\":{}}", ANSWER_OTHER},
		{"{\"items\":[{\"create\":{\"status\":\"201\"}}]}", ANSWER_OTHER},
		{"{\"items\":[{\"create\":{\"status\":99999999999999999999}}]}", ANSWER_OTHER},
		{"{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}", ANSWER_OTHER},
		{"{\"items\":[{\"create\":{\"status\":201}},{\"create\":{\"status\":201}},"
		 "{\"create\":{\"status\":201}}]}",
		 ANSWER_COUNT},
	};
	struct answer a;

	answer_init(&a);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_answer(&a, cases[i].text, 2, 0);
		cr_assert_eq(a.wrong, cases[i].wrong, "%s: %s", cases[i].text,
			     answer_wrong_text(a.wrong));
	}
	answer_fini(&a);
}

Test(elastic_answer, is_given_up_when_it_is_too_large)
{
	struct answer a;
	size_t total = 0;
	uint8_t block[4096];

	memset(block, 'x', sizeof(block));
	answer_init(&a);
	answer_begin(&a, 1);
	cr_assert(answer_more(&a, BYTES("{\"items\":[{\"create\":{\"status\":\"")));
	while (answer_more(&a, bytes_of(block, sizeof(block))))
		total += sizeof(block);
	answer_end(&a);
	cr_assert_eq(a.wrong, ANSWER_LARGE);
	cr_assert_leq(total, (size_t)ANSWER_BYTES_MIN + ANSWER_BYTES_ITEM);
	answer_fini(&a);
}

Test(elastic_answer, keeps_reasons_short_and_whole_characters)
{
	char text[ANSWER_REASON_MAX * 3];
	struct answer a;
	int at = snprintf(text, sizeof(text),
			  "{\"items\":[{\"create\":{\"status\":400,\"error\":"
			  "{\"type\":\"t\",\"reason\":\"x");

	for (int i = 0; i < ANSWER_REASON_MAX; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "\xc3\xa4");
	snprintf(text + at, sizeof(text) - (size_t)at, "\"}}}]}");
	answer_init(&a);
	read_answer(&a, text, 1, 0);
	cr_assert_eq(a.wrong, ANSWER_RIGHT);
	struct bytes why = answer_reason(&a, &a.items[0]);

	cr_assert_leq(why.len, (size_t)ANSWER_REASON_MAX + 4);
	cr_assert_eq(why.at[why.len - 1], 0xa4);
	answer_fini(&a);
}

static enum judgement judged(unsigned status, const char *type, const char *reason)
{
	return judge_item(status, bytes_str(type), bytes_str(reason));
}

Test(elastic_judge, items)
{
	cr_assert_eq(judged(200, "", ""), ITEM_DELIVERED);
	cr_assert_eq(judged(201, "", ""), ITEM_DELIVERED);
	cr_assert_eq(judged(409, "version_conflict_engine_exception", ""), ITEM_DELIVERED);
	cr_assert_eq(judged(409, "resource_already_exists_exception", ""), ITEM_AGAIN);
	cr_assert_eq(judged(429, "es_rejected_execution_exception", ""), ITEM_AGAIN);
	cr_assert_eq(judged(500, "", ""), ITEM_AGAIN);
	cr_assert_eq(judged(503, "unavailable_shards_exception", ""), ITEM_AGAIN);
	cr_assert_eq(judged(302, "", ""), ITEM_AGAIN);
	cr_assert_eq(judged(403, "cluster_block_exception", ""), ITEM_HOLD);
	cr_assert_eq(judged(401, "", ""), ITEM_HOLD);
	cr_assert_eq(judged(404, "index_not_found_exception", ""), ITEM_HOLD);
	cr_assert_eq(judged(400, "validation_exception", ""), ITEM_HOLD);
	cr_assert_eq(judged(400, "illegal_argument_exception",
			    "illegal_argument_exception: pipeline with id [x] does not exist"),
		     ITEM_HOLD);
	cr_assert_eq(judged(400, "illegal_argument_exception", "illegal_argument_exception: no"),
		     ITEM_REFUSED);
	cr_assert_eq(judged(400, "document_parsing_exception", ""), ITEM_REFUSED);
	cr_assert_eq(judged(413, "", ""), ITEM_REFUSED);
}

Test(elastic_judge, requests)
{
	static const struct {
		unsigned status;
		enum whole json, other;
	} cases[] = {
		{301, WHOLE_FAILED, WHOLE_FAILED},	 {400, WHOLE_REFUSED, WHOLE_FAILED},
		{401, WHOLE_HOLD, WHOLE_HOLD},		 {403, WHOLE_HOLD, WHOLE_HOLD},
		{404, WHOLE_FAILED, WHOLE_FAILED},	 {407, WHOLE_HOLD, WHOLE_HOLD},
		{413, WHOLE_TOO_LARGE, WHOLE_TOO_LARGE}, {429, WHOLE_BUSY, WHOLE_BUSY},
		{500, WHOLE_FAILED, WHOLE_FAILED},	 {502, WHOLE_FAILED, WHOLE_FAILED},
		{503, WHOLE_BUSY, WHOLE_BUSY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(judge_whole(cases[i].status, true), cases[i].json, "%u",
			     cases[i].status);
		cr_assert_eq(judge_whole(cases[i].status, false), cases[i].other, "%u",
			     cases[i].status);
	}
	cr_assert_neq(judge_advice(401, NO_BYTES)[0], '\0');
	cr_assert_eq(judge_advice(500, NO_BYTES)[0], '\0');
}
