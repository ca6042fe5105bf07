/*
 * Lines of documents, or of anything, through the list of calls, and as the messages of one. What
 * is printed holds no control character but the end of a line; a ladder is no wider than asked for.
 *
 * Input: how wide (1 byte), then lines.
 */
#include "outputs/calls/ladder.h"
#include "outputs/calls/list.h"
#include "outputs/cells.h"
#include "shipper/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct buf *out, size_t width)
{
	size_t columns = 0;

	for (size_t i = 0; i < out->len; i++) {
		must(out->at[i] == '\n' || (out->at[i] >= ' ' && out->at[i] != 0x7f));
		columns = out->at[i] == '\n' ? 0 : columns + ((out->at[i] & 0xc0) != 0x80);
		must(columns <= width);
	}
	out->len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes all = bytes_skip(bytes_of(data, size), 1), rest = all;
	struct call_reader reader;
	struct calls calls;
	struct buf out = {0};

	if (size == 0)
		return -1;
	size_t width = TABLE_WIDTH_MIN + data[0];

	call_reader_init(&reader);
	calls_init(&calls, 16);
	while (rest.len > 0) {
		struct bytes line = bytes_head(rest, bytes_find(rest, '\n'));

		rest = bytes_skip(rest, line.len + 1);
		if (call_reader_read(&reader, line) == CALL_READ)
			calls_add(&calls, &reader, true);
	}
	calls_sort(&calls);
	calls_table(&out, &calls, 0, calls.count, width);
	check(&out, SIZE_MAX);
	for (size_t i = 0; i < calls.count; i++)
		ladder_write(&out, listed_text(&calls.at[i], CALL_FLOW), width);
	check(&out, width);
	ladder_write(&out, all, width);
	check(&out, width);
	buf_fini(&out);
	calls_fini(&calls);
	call_reader_fini(&reader);
	return 0;
}
