#include "outputs/cells.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_OTHERWISE = 120 };

/* Three digits of a number that is below 999.5. */
static void three_digits(double n, const char *unit, char to[DURATION_TEXT_MAX])
{
	int digits = n < 9.995 ? 2 : n < 99.95 ? 1 : 0;

	snprintf(to, DURATION_TEXT_MAX, "%.*f %s", digits, n, unit);
}

void duration_text(int64_t ns, char to[DURATION_TEXT_MAX])
{
	double n = (double)ns;
	int64_t s = ns / NS_PER_S + (ns % NS_PER_S >= NS_PER_S / 2);
	int64_t m = (s + 30) / 60;

	if (ns < 1000)
		snprintf(to, DURATION_TEXT_MAX, "%d ns", (int)ns);
	else if (n < 999.5e3)
		three_digits(n / 1e3, "µs", to);
	else if (n < 999.5e6)
		three_digits(n / 1e6, "ms", to);
	else if (n < 59.95e9)
		three_digits(n / 1e9, "s", to);
	else if (s < 3600)
		snprintf(to, DURATION_TEXT_MAX, "%d m %02d s", (int)(s / 60), (int)(s % 60));
	else
		snprintf(to, DURATION_TEXT_MAX, "%" PRId64 " h %02d m", m / 60, (int)(m % 60));
}

size_t cells_width(struct bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += (text.at[i] & 0xc0) != 0x80;
	return n;
}

static size_t character_len(struct bytes text)
{
	size_t n = 1;

	while (n < text.len && n < 4 && (text.at[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Control characters of ASCII and Latin 1, and those that steer the direction of writing. */
static bool harmful(struct bytes c)
{
	if (c.at[0] < 0x20 || c.at[0] == 0x7f || (c.at[0] & 0xc0) == 0x80)
		return true;
	if (c.len == 2)
		return c.at[0] == 0xc2 && c.at[1] < 0xa0;
	if (c.len != 3 || c.at[0] != 0xe2)
		return false;
	unsigned low = (c.at[1] & 0x3fU) << 6 | (c.at[2] & 0x3fU); /* U+2000 + low */

	return low == 0x0e || low == 0x0f || (low >= 0x28 && low <= 0x2e) ||
	       (low >= 0x66 && low <= 0x69);
}

static bool blank(struct bytes c)
{
	return c.len == 1 && memchr(" \t\r\n", c.at[0], 4) != NULL;
}

struct bytes cells_next(struct bytes *text)
{
	struct bytes c = bytes_head(*text, character_len(*text));

	*text = bytes_skip(*text, c.len);
	return harmful(c) ? BYTES("?") : c;
}

void cells_pad(struct buf *out, size_t n)
{
	memset(buf_room(out, n), ' ', n);
	out->len += n;
}

void cells_add(struct buf *out, struct bytes text, size_t width)
{
	size_t used = 0;
	bool after_blank = true, whole = cells_width(text) <= width;

	while (text.len > 0 && used + !whole < width) {
		bool is_blank = blank(bytes_head(text, 1));
		struct bytes c = cells_next(&text);

		if (is_blank && after_blank)
			continue;
		after_blank = is_blank;
		buf_add(out, is_blank ? BYTES(" ") : c);
		used++;
	}
	if (text.len > 0 && used < width) {
		buf_add(out, BYTES("…"));
		used++;
	}
	cells_pad(out, width - used);
}

void cells_add_right(struct buf *out, const char *text, size_t width)
{
	struct bytes b = bytes_str(text);
	size_t used = cells_width(b);

	cells_pad(out, CELLS_GAP + (used < width ? width - used : 0));
	buf_add(out, b);
}

void cells_end_line(struct buf *out)
{
	while (out->len > 0 && out->at[out->len - 1] == ' ')
		out->len--;
	buf_add(out, BYTES("\n"));
}

size_t cells_line_width(int64_t configured)
{
	struct winsize size = {0};

	if (configured > 0)
		return (size_t)configured;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0)
		return size.ws_col < TABLE_WIDTH_MIN ? TABLE_WIDTH_MIN : size.ws_col;
	return WIDTH_OTHERWISE;
}
