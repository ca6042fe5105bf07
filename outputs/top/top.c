#include "outputs/top/top.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "outputs/lines.h"
#include "outputs/seen.h"
#include "outputs/top/table.h"
#include "shipper/base/fd.h"

enum { TYPES_MAX = 64, LINE_MAX_BYTES = 256 };

struct top {
	const struct top_conf *conf;
	struct seen seen;
	struct groups groups;
	struct groups types; /* by type alone */
};

static const struct option top_options[] = {
	{.name = "rows",
	 .type = OPTION_INT,
	 .offset = offsetof(struct top_conf, rows),
	 .preset = "10",
	 .min = 1,
	 .max = 1000,
	 .help = "Of each table."},
	{.name = "width",
	 .type = OPTION_INT,
	 .offset = offsetof(struct top_conf, width),
	 .preset = "0",
	 .min = 0,
	 .max = 1000,
	 .unit = "columns",
	 .help = "Of a line; 0 is the terminal's width, or 120."},
	{.name = "groups",
	 .type = OPTION_INT,
	 .offset = offsetof(struct top_conf, groups),
	 .preset = "10000",
	 .min = 100,
	 .max = 1000000,
	 .help = "Kinds of queries kept apart at a time; what is rare beyond that is added up in "
		 "one, and the tables say so."},
	{0},
};

static const struct {
	enum rank rank;
	const char *title;
} tables[] = {
	{RANK_SLOW, "Slowest, by the 99th percentile of their response times"},
	{RANK_COUNT, "Most frequent"},
	{RANK_FAILED, "Most failing"},
	{RANK_TOTAL, "Most time in total"},
};

static bool top_open(void *self, const void *conf, struct fault *fault)
{
	struct top *top = self;

	(void)fault;
	top->conf = conf;
	seen_init(&top->seen);
	top->seen.brief = true;
	groups_init(&top->groups, (size_t)top->conf->groups);
	groups_init(&top->types, TYPES_MAX);
	return true;
}

static void top_send(void *self, struct batch *b, struct fault *fault)
{
	struct top *top = self;
	struct seen *s = &top->seen;

	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];

		if (!entry_pending(e))
			continue;
		if (!seen_read(s, bytes_of(b->text.at + e->at, e->len))) {
			e->verdict = VERDICT_REFUSED;
			fault_set(fault, "not JSON");
			continue;
		}
		struct bytes type = seen_text(s, SEEN_TYPE);
		bool failed = seen_failed(s);

		groups_add(&top->types, type, BYTES("(all)"), failed, s->took);
		groups_add(&top->groups, type, seen_name(s), failed, s->took);
		e->verdict = VERDICT_DELIVERED;
	}
}

static void __attribute__((format(printf, 2, 3))) add_line(struct buf *out, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	buf_add(out, bytes_str(line));
}

/* Ranked highest first, a table ends where nothing is left to say. */
static size_t worth_showing(enum rank rank, struct group *const *ranked, size_t count)
{
	size_t n = 0;

	while (n < count && (rank != RANK_FAILED || ranked[n]->failed > 0) &&
	       ((rank != RANK_SLOW && rank != RANK_TOTAL) || ranked[n]->times.count > 0))
		n++;
	return n;
}

static void add_table(struct top *top, struct buf *out, enum rank rank, const char *title,
		      size_t width)
{
	struct group **ranked = groups_rank(&top->groups, rank);
	size_t rows = (size_t)top->conf->rows;
	size_t count = top->groups.count < rows ? top->groups.count : rows;

	count = worth_showing(rank, ranked, count);
	if (count > 0)
		table_write(out, title, ranked, count, width);
	else
		add_line(out, "%s: none\n\n", title);
	free(ranked);
}

static void add_others(struct top *top, struct buf *out, size_t width)
{
	struct group others = top->groups.others;
	struct group *row = &others;
	char none[] = "", name[] = "(others)";

	if (others.count == 0)
		return;
	others.type = none;
	others.name = name;
	table_write(out, "Not kept apart", &row, 1, width);
	add_line(out,
		 "There were more kinds of queries than the %" PRId64 " that are kept apart: "
		 "the rarest were added up\nas others, and a count above may be too low by "
		 "up to %" PRIu64 ".\n\n",
		 top->conf->groups, top->groups.low_by);
}

static void write_tables(struct top *top, struct buf *out)
{
	size_t width = cells_line_width(top->conf->width);

	if (top->types.count == 0) {
		add_line(out, "No documents.\n");
		return;
	}
	struct group **types = groups_rank(&top->types, RANK_COUNT);

	table_write(out, "All, by type", types, top->types.count, width);
	free(types);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		add_table(top, out, tables[i].rank, tables[i].title, width);
	add_others(top, out, width);
	out->len--; /* the blank line behind the last table */
}

static bool top_finish(void *self, struct fault *fault)
{
	struct top *top = self;
	struct buf out;
	bool well;

	buf_init(&out, NULL);
	write_tables(top, &out);
	well = fd_write(STDOUT_FILENO, buf_bytes(&out)) == out.len || errno == EPIPE;
	buf_fini(&out);
	return well ||
	       fault_set(fault, "cannot write the tables to standard output: %s", strerror(errno));
}

static void top_close(void *self)
{
	struct top *top = self;

	seen_fini(&top->seen);
	groups_fini(&top->groups);
	groups_fini(&top->types);
}

const struct output output_top = {
	.name = "top",
	.options = top_options,
	.conf_size = sizeof(struct top_conf),
	.self_size = sizeof(struct top),
	.open = top_open,
	.send = top_send,
	.finish = top_finish,
	.close = top_close,
};
