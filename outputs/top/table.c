#include "outputs/top/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Numbers stand behind type and name. */
enum cell { CELL_COUNT, CELL_FAILED, CELL_MEDIAN, CELL_95, CELL_99, CELL_LONGEST, CELL_TOTAL };
enum { CELLS = CELL_TOTAL + 1, NAME_WIDTH_MIN = 16, TYPE_WIDTH_MAX = 10 };

static const char *const heads[CELLS] = {
	"count", "errors", "median", "95th", "99th", "longest", "total",
};

struct row {
	char cell[CELLS][DURATION_TEXT_MAX];
};

struct layout {
	size_t type, name, cell[CELLS];
};

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
			l.cell[c] = larger(l.cell[c], cells_width(bytes_str(row.cell[c])));
		l.type = larger(l.type, cells_width(bytes_str(groups[i]->type)));
		longest = larger(longest, cells_width(bytes_str(groups[i]->name)));
	}
	l.type = l.type < TYPE_WIDTH_MAX ? l.type : TYPE_WIDTH_MAX;
	used = l.type + CELLS_GAP;
	for (int c = 0; c < CELLS; c++)
		used += CELLS_GAP + l.cell[c];
	size_t room = width > used + NAME_WIDTH_MIN ? width - used : NAME_WIDTH_MIN;

	l.name = longest < room ? longest : room;
	return l;
}

static void add_row(struct buf *out, const struct layout *l, struct bytes type, struct bytes name,
		    const struct row *row)
{
	cells_add(out, type, l->type);
	cells_pad(out, CELLS_GAP);
	cells_add(out, name, l->name);
	for (int c = 0; c < CELLS; c++)
		cells_add_right(out, row ? row->cell[c] : heads[c], l->cell[c]);
	cells_end_line(out);
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
