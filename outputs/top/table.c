#include "outputs/top/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Numbers stand behind type and name. */
enum cell { CELL_COUNT, CELL_FAILED, CELL_MEDIAN, CELL_95, CELL_99, CELL_LONGEST, CELL_TOTAL };
enum { CELLS = CELL_TOTAL + 1, GAP = 2, NAME_WIDTH_MIN = 16, TYPE_WIDTH_MAX = 10 };

static const char *const heads[CELLS] = {
	"count", "errors", "median", "95th", "99th", "longest", "total",
};

struct row {
	char cell[CELLS][DURATION_TEXT_MAX];
};

struct layout {
	size_t type, name, cell[CELLS];
};

/* ---- text ---- */

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

/* Of UTF-8, one column for each character. */
static size_t columns(struct bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += (text.at[i] & 0xc0) != 0x80;
	return n;
}

static size_t character_len(struct bytes text)
{
	size_t n = 1;

	while (n < text.len && (text.at[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Control characters of ASCII and Latin 1, and those that steer the direction of writing. */
static bool harmful(struct bytes c)
{
	if (c.len == 1)
		return c.at[0] < 0x20 || c.at[0] == 0x7f;
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

static void pad(struct buf *out, size_t n)
{
	memset(buf_room(out, n), ' ', n);
	out->len += n;
}

/* At most `width` columns, the rest of them blank; blanks made one. */
static void add_clean(struct buf *out, struct bytes text, size_t width)
{
	size_t used = 0;
	bool after_blank = true, whole = columns(text) <= width;

	while (text.len > 0 && used + !whole < width) {
		struct bytes c = bytes_head(text, character_len(text));

		text = bytes_skip(text, c.len);
		if (blank(c) && after_blank)
			continue;
		after_blank = blank(c);
		buf_add(out, after_blank ? BYTES(" ") : harmful(c) ? BYTES("?") : c);
		used++;
	}
	if (text.len > 0 && used < width) {
		buf_add(out, BYTES("…"));
		used++;
	}
	pad(out, width - used);
}

static void add_right(struct buf *out, const char *text, size_t width)
{
	struct bytes b = bytes_str(text);
	size_t used = columns(b);

	pad(out, GAP + (used < width ? width - used : 0));
	buf_add(out, b);
}

/* Ends the line without blanks. */
static void end_line(struct buf *out)
{
	while (out->len > 0 && out->at[out->len - 1] == ' ')
		out->len--;
	buf_add(out, BYTES("\n"));
}

/* ---- the table ---- */

static void fill_row(struct row *row, const struct group *g)
{
	const struct histogram *t = &g->times;
	const struct {
		enum cell cell;
		int64_t ns;
	} times[] = {
		{CELL_MEDIAN, histogram_at(t, 0.5)},
		{CELL_95, histogram_at(t, 0.95)},
		{CELL_99, histogram_at(t, 0.99)},
		{CELL_LONGEST, t->max},
		{CELL_TOTAL, t->sum < 9e18 ? (int64_t)t->sum : INT64_MAX},
	};

	snprintf(row->cell[CELL_COUNT], DURATION_TEXT_MAX, "%" PRIu64, g->count);
	snprintf(row->cell[CELL_FAILED], DURATION_TEXT_MAX, "%" PRIu64, g->failed);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (t->count == 0)
			snprintf(row->cell[times[i].cell], DURATION_TEXT_MAX, "-");
		else
			duration_text(times[i].ns, row->cell[times[i].cell]);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static struct layout lay_out(struct group *const *groups, size_t count, size_t width)
{
	struct layout l = {.type = strlen("type")};
	size_t longest = strlen("query"), used = 0;

	for (int c = 0; c < CELLS; c++)
		l.cell[c] = strlen(heads[c]);
	for (size_t i = 0; i < count; i++) {
		struct row row;

		fill_row(&row, groups[i]);
		for (int c = 0; c < CELLS; c++)
			l.cell[c] = larger(l.cell[c], columns(bytes_str(row.cell[c])));
		l.type = larger(l.type, columns(bytes_str(groups[i]->type)));
		longest = larger(longest, columns(bytes_str(groups[i]->name)));
	}
	l.type = l.type < TYPE_WIDTH_MAX ? l.type : TYPE_WIDTH_MAX;
	used = l.type + GAP;
	for (int c = 0; c < CELLS; c++)
		used += GAP + l.cell[c];
	size_t room = width > used + NAME_WIDTH_MIN ? width - used : NAME_WIDTH_MIN;

	l.name = longest < room ? longest : room;
	return l;
}

static void add_row(struct buf *out, const struct layout *l, struct bytes type, struct bytes name,
		    const struct row *row)
{
	add_clean(out, type, l->type);
	pad(out, GAP);
	add_clean(out, name, l->name);
	for (int c = 0; c < CELLS; c++)
		add_right(out, row ? row->cell[c] : heads[c], l->cell[c]);
	end_line(out);
}

void table_write(struct buf *out, const char *title, struct group *const *groups, size_t count,
		 size_t width)
{
	struct layout l = lay_out(groups, count, width);

	buf_add(out, bytes_str(title));
	buf_add(out, BYTES("\n"));
	add_row(out, &l, BYTES("type"), BYTES("query"), NULL);
	for (size_t i = 0; i < count; i++) {
		struct row row;

		fill_row(&row, groups[i]);
		add_row(out, &l, bytes_str(groups[i]->type), bytes_str(groups[i]->name), &row);
	}
	buf_add(out, BYTES("\n"));
}
