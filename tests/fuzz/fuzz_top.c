/*
 * Lines of documents, or of anything, through the tables: read, added up in few groups so that
 * they are folded, printed narrow and wide. What is printed holds no control character but the
 * end of a line, and no line is wider than asked for.
 */
#include <stdlib.h>

#include "outputs/console/pretty.h"
#include "outputs/seen.h"
#include "outputs/top/table.h"
#include "shipper/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(struct group *const *ranked, size_t count, size_t width)
{
	struct buf out = {0};
	size_t columns = 0;

	table_write(&out, "Title", ranked, count, width);
	for (size_t i = 0; i < out.len; i++) {
		must(out.at[i] == '\n' || (out.at[i] >= ' ' && out.at[i] != 0x7f));
		columns = out.at[i] == '\n' ? 0 : columns + ((out.at[i] & 0xc0) != 0x80);
		must(columns <= width);
	}
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = {data, size};
	struct seen seen;
	struct groups groups;
	struct pretty *pretty = pretty_new();
	uint64_t added = 0, held = 0;

	seen_init(&seen);
	seen.brief = size % 2 == 0;
	groups_init(&groups, 16);
	while (rest.len > 0) {
		struct bytes line = bytes_head(rest, bytes_find(rest, '\n'));

		rest = bytes_skip(rest, line.len + 1);
		pretty_text(pretty, line);
		if (!seen_read(&seen, line))
			continue;
		groups_add(&groups, seen_text(&seen, SEEN_TYPE), seen_name(&seen),
			   seen_failed(&seen), seen.took);
		added++;
	}
	for (size_t i = 0; i < groups.count; i++)
		held += groups.at[i].count;
	must(held + groups.others.count == added);
	for (int rank = 0; rank < RANKS; rank++) {
		struct group **ranked = groups_rank(&groups, (enum rank)rank);

		check_table(ranked, groups.count, 200);
		check_table(ranked, groups.count, 130);
		free(ranked);
	}
	groups_fini(&groups);
	seen_fini(&seen);
	pretty_free(pretty);
	return 0;
}
