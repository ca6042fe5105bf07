/*
 * Answers to bulk requests, whole and in pieces.
 *
 * Input: how many items are expected, the size of pieces (0 whole), the answer.
 *
 * Asserts that what is kept lies within its bounds and limits, and that an answer in pieces is the
 * same as whole.
 */
#include "outputs/elasticsearch/judge.h"
#include "shipper/base/must.h"
#include "tests/lib/answer_pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void judge(const struct answer *a, const struct answer_item *item)
{
	struct bytes why = answer_reason(a, item), type = answer_type(a, item);

	must(type.len <= why.len && type.len <= ANSWER_TYPE_MAX);
	must(why.len == 0 || item->reason_at + why.len <= a->reasons.len);
	must(item->status == 0 || (item->status >= 100 && item->status <= 999));
	judge_item(item->status, type, why);
	judge_advice(item->status, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct answer whole, pieces;

	if (len < 2)
		return 0;
	struct bytes text = bytes_of(at + 2, len - 2);

	answer_init(&whole);
	answer_init(&pieces);
	answer_in_pieces(&whole, text, at[0] % 8, 0);
	answer_in_pieces(&pieces, text, at[0] % 8, at[1] % 16);
	must(whole.count <= whole.expected);
	judge(&whole, &whole.whole);
	for (size_t i = 0; i < whole.count; i++)
		judge(&whole, &whole.items[i]);
	if (whole.wrong == ANSWER_RIGHT) {
		must(pieces.wrong == ANSWER_RIGHT && pieces.count == whole.count);
		for (size_t i = 0; i < whole.count; i++)
			must(whole.items[i].status == pieces.items[i].status &&
			     bytes_eq(answer_reason(&whole, &whole.items[i]),
				      answer_reason(&pieces, &pieces.items[i])));
	} else {
		must(pieces.wrong != ANSWER_RIGHT);
	}
	answer_fini(&whole);
	answer_fini(&pieces);
	return 0;
}
