/*
 * A line of text as a signal handler may write it: no stdio, no memory but its own.
 *
 * Errors   what does not fit is left out; what cannot be written is lost
 * Thread   whoever has it
 */
#ifndef WIRESPAN_GUARD_LINE_H
#define WIRESPAN_GUARD_LINE_H

#include <stddef.h>
#include <stdint.h>

struct line {
	int descriptor;
	size_t len;
	char at[240];
};

void line_text(struct line *line, const char *text);
void line_number(struct line *line, uint64_t n);
/* At least so many digits. */
void line_hex(struct line *line, uint64_t n, unsigned digits);
/* Writes it, with a line break; it is empty then. */
void line_end(struct line *line);

#endif
