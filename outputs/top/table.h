/*
 * Tables of groups as plain text: columns aligned, durations in units for people, no line wider
 * than asked for.
 *
 * Names come from the network: what would move a terminal's cursor or change its direction of
 * writing is shown as a question mark.
 */
#ifndef WIRESPAN_OUTPUTS_TOP_TABLE_H
#define WIRESPAN_OUTPUTS_TOP_TABLE_H

#include "outputs/top/groups.h"
#include "shipper/base/buf.h"
#include "shipper/base/time.h"

enum { DURATION_TEXT_MAX = 24, TABLE_WIDTH_MIN = 80 };

/* "980 ns", "12.3 µs", "1.54 ms", "59.9 s", "2 m 05 s", "1 h 12 m". */
void duration_text(int64_t ns, char to[DURATION_TEXT_MAX]);

/* A title, a head, and a row for each group. */
void table_write(struct buf *out, const char *title, struct group *const *groups, size_t count,
		 size_t width);

#endif
