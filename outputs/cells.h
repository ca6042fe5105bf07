/*
 * Cells of tables and drawings for a terminal: text of known width, durations in units for people.
 *
 * Texts come from the network: what would move a terminal's cursor or change its direction of
 * writing is shown as a question mark. Each character of UTF-8 counts as one column.
 */
#ifndef WIRESPAN_OUTPUTS_CELLS_H
#define WIRESPAN_OUTPUTS_CELLS_H

#include "shipper/base/buf.h"
#include "shipper/base/time.h"

enum {
	DURATION_TEXT_MAX = 24,
	TABLE_WIDTH_MIN = 80, /* of a line, however narrow the terminal is */
	CELLS_GAP = 2,	      /* blanks between columns */
};

/* "980 ns", "12.3 µs", "1.54 ms", "59.9 s", "2 m 05 s", "1 h 12 m". */
void duration_text(int64_t ns, char to[DURATION_TEXT_MAX]);

size_t cells_width(struct bytes text);
/* The first character; a question mark in place of a harmful one. Takes it off the text. */
struct bytes cells_next(struct bytes *text);
/* At most `width` columns, the rest of them blank; several blanks become one. */
void cells_add(struct buf *out, struct bytes text, size_t width);
/* Behind a gap, at the right of its columns. */
void cells_add_right(struct buf *out, const char *text, size_t width);
void cells_pad(struct buf *out, size_t n);
/* Ends the line, without blanks at its end. */
void cells_end_line(struct buf *out);

/* Of a line on standard output: what is configured; 0 stands for the terminal's, or 120. */
size_t cells_line_width(int64_t configured);

#endif
