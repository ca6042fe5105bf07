#include "shipper/guard/line.h"

#include <errno.h>
#include <unistd.h>

enum { DIGITS_MAX = 20 };

void line_text(struct line *line, const char *text)
{
	/* One byte is the line break's. */
	while (*text != '\0' && line->len < sizeof(line->at) - 1)
		line->at[line->len++] = *text++;
}

static void put_number(struct line *line, uint64_t n, unsigned base, unsigned least)
{
	char digits[DIGITS_MAX + 1];
	size_t i = DIGITS_MAX;

	digits[i] = '\0';
	do
		digits[--i] = "0123456789abcdef"[n % base];
	while ((n /= base) > 0 || (DIGITS_MAX - i < least && i > 0));
	line_text(line, digits + i);
}

void line_number(struct line *line, uint64_t n)
{
	put_number(line, n, 10, 1);
}

void line_hex(struct line *line, uint64_t n, unsigned digits)
{
	put_number(line, n, 16, digits);
}

void line_end(struct line *line)
{
	ssize_t n;

	line->at[line->len++] = '\n';
	do
		n = write(line->descriptor, line->at, line->len);
	while (n < 0 && errno == EINTR);
	line->len = 0;
}
