#include "outputs/calls/ladder.h"

#include <string.h>

#include "outputs/cells.h"
#include "shipper/base/must.h"

enum {
	HOSTS_MAX = 16,	 /* columns */
	WIDTH_MAX = 512, /* of a line */
	LABEL_MAX = 48,	 /* columns of what is said */
	LABEL_BYTES = 4 * LABEL_MAX + 16,
	AROUND = 5,	       /* of an arrow around what is said: dash, blanks, dash, head, bar */
	PITCH_MIN = 4,	       /* from bar to bar */
	PITCH_MAX_SIDE = 16,   /* where nothing is written on the arrows */
	HEADS_MAX = HOSTS_MAX, /* lines that the names of the columns are spread over */
};

struct message {
	struct bytes line, time, from, to, what;
	unsigned x[2]; /* the columns of from and to */
	bool drawn;    /* false: of another form */
};

struct ladder {
	struct bytes hosts[HOSTS_MAX];
	unsigned count;
	size_t time, name, said; /* widths of the longest */
	size_t width, first, pitch;
	bool side; /* what is said stands at the right */
};

/* A line of characters. */
struct canvas {
	struct bytes at[WIDTH_MAX]; /* empty: a blank */
	size_t width;
};

/* ---- Lines read ---- */

static struct bytes word(struct bytes *rest)
{
	size_t n = bytes_find(*rest, ' ');
	struct bytes w = bytes_head(*rest, n);

	*rest = bytes_skip(*rest, n + 1);
	return w;
}

/* Its column, a new one if there is room; HOSTS_MAX if there is none. */
static unsigned column_of(struct ladder *l, struct bytes host)
{
	for (unsigned i = 0; i < l->count; i++)
		if (bytes_eq(l->hosts[i], host))
			return i;
	if (l->count == HOSTS_MAX)
		return HOSTS_MAX;
	l->hosts[l->count] = host;
	return l->count++;
}

static struct message message_of(struct ladder *l, struct bytes line)
{
	struct bytes rest = line;
	struct message m = {.line = line, .time = word(&rest), .from = word(&rest)};
	struct bytes arrow = word(&rest);

	m.to = word(&rest);
	m.what = rest;
	if (!bytes_eq(arrow, BYTES(">")) || m.time.len == 0 || m.from.len == 0 || m.to.len == 0 ||
	    m.what.len == 0)
		return m;
	m.x[0] = column_of(l, m.from);
	m.x[1] = column_of(l, m.to);
	m.drawn = m.x[0] < HOSTS_MAX && m.x[1] < HOSTS_MAX;
	return m;
}

/* That an answer is for the INVITE goes without saying. */
static struct bytes label_of(const struct message *m, uint8_t to[LABEL_BYTES])
{
	struct buf label = {.at = to, .cap = LABEL_BYTES};
	struct bytes what = m->what, behind;
	size_t open = what.len;

	while (open > 0 && what.at[open - 1] != '(')
		open--;
	behind = bytes_skip(what, open);
	if (open > 1 && what.at[0] >= '0' && what.at[0] <= '9' &&
	    bytes_starts(behind, BYTES("INVITE"))) {
		behind = bytes_skip(behind, strlen("INVITE"));
		behind = bytes_skip(behind, bytes_starts(behind, BYTES(", ")) ? 2 : 0);
		what = bytes_head(what, bytes_eq(behind, BYTES(")")) ? open - 2 : open);
		if (bytes_eq(behind, BYTES(")")))
			behind = NO_BYTES;
	} else {
		behind = NO_BYTES;
	}
	for (int i = 0; i < 2; i++) {
		struct bytes *part = i == 0 ? &what : &behind;

		while (part->len > 0 && label.len + 4 <= LABEL_BYTES)
			buf_add(&label, cells_next(part));
	}
	return buf_bytes(&label);
}

/* ---- Layout ---- */

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t label_width(const struct message *m)
{
	uint8_t label[LABEL_BYTES];

	return smaller(cells_width(label_of(m, label)), LABEL_MAX);
}

static unsigned span_of(const struct message *m)
{
	return m->x[0] > m->x[1] ? m->x[0] - m->x[1] : m->x[1] - m->x[0];
}

/* How far bars must be apart for all that is said to fit on the arrows. */
static size_t pitch_for(struct ladder *l, struct bytes flow)
{
	size_t pitch = 0;

	while (flow.len > 0) {
		size_t n = bytes_find(flow, '\n');
		struct message m = message_of(l, bytes_head(flow, n));

		flow = bytes_skip(flow, n + 1);
		if (!m.drawn)
			continue;
		size_t said = label_width(&m);
		unsigned span = span_of(&m);

		l->time = larger(l->time, cells_width(m.time));
		l->said = larger(l->said, said);
		if (span > 0)
			pitch = larger(pitch, (said + AROUND + span - 1) / span);
		else if (m.x[0] + 1 < l->count)
			pitch = larger(pitch, said + AROUND);
	}
	for (unsigned i = 0; i < l->count; i++)
		l->name = larger(l->name, cells_width(l->hosts[i]));
	return pitch;
}

static void lay_out(struct ladder *l, struct bytes flow, size_t width)
{
	size_t wanted = pitch_for(l, flow), gaps = l->count > 1 ? l->count - 1 : 1, room;

	l->width = smaller(width, WIDTH_MAX);
	l->time = smaller(l->time, 20);
	l->first = l->time + 2 + smaller(l->name / 2, 8);
	room = l->width - l->first - 1;
	/* A message from a host to itself is written behind its bar, and that may be the last. */
	l->side = wanted * gaps > room;
	if (!l->side) {
		size_t last = smaller(l->name / 2, room - wanted * gaps);

		l->pitch = smaller(larger(wanted, l->name + 2), (room - last) / gaps);
	} else {
		size_t least = gaps * PITCH_MAX_SIDE / 2, said = l->said + 3;

		said = smaller(said, room > 2 * least ? room - least : room / 2);

		l->pitch = smaller((room - said) / gaps, PITCH_MAX_SIDE);
	}
	l->pitch = larger(l->pitch, PITCH_MIN);
}

static size_t bar_of(const struct ladder *l, unsigned column)
{
	return l->first + column * l->pitch;
}

/* ---- Drawing ---- */

static void put(struct canvas *c, size_t x, struct bytes character)
{
	if (x < c->width)
		c->at[x] = character;
}

/* At most `most` columns; what is cut ends in an ellipsis. The text must outlive the canvas. */
static void put_text(struct canvas *c, size_t x, struct bytes text, size_t most)
{
	size_t room = x < c->width ? smaller(most, c->width - x) : 0;
	bool whole = cells_width(text) <= room;

	for (; text.len > 0 && room > (whole ? 0 : 1); room--)
		put(c, x++, cells_next(&text));
	if (!whole && room > 0)
		put(c, x, BYTES("…"));
}

static void end_canvas(struct buf *out, const struct canvas *c)
{
	for (size_t i = 0; i < c->width; i++)
		buf_add(out, c->at[i].len > 0 ? c->at[i] : BYTES(" "));
	cells_end_line(out);
}

static struct canvas canvas_of(const struct ladder *l, bool bars)
{
	struct canvas c = {.width = l->width};

	for (unsigned i = 0; bars && i < l->count; i++)
		put(&c, bar_of(l, i), BYTES("│"));
	return c;
}

/* Names stand above their bars, as many on a line as do not touch. */
static void draw_names(struct buf *out, const struct ladder *l)
{
	struct canvas lines[HEADS_MAX];
	size_t ends[HEADS_MAX] = {0}, used = 0;

	for (unsigned i = 0; i < l->count; i++) {
		size_t len = smaller(cells_width(l->hosts[i]), l->width), bar = bar_of(l, i);
		size_t x = bar > len / 2 ? bar - len / 2 : 0, line = 0;

		x = smaller(x, l->width - len);
		while (line + 1 < HEADS_MAX && line < used && ends[line] > x)
			line++;
		if (line >= used)
			lines[used++] = canvas_of(l, false);
		put_text(&lines[line], x, l->hosts[i], len);
		ends[line] = x + len + 1;
	}
	for (size_t i = 0; i < used; i++)
		end_canvas(out, &lines[i]);
	if (l->count > 0) {
		struct canvas bars = canvas_of(l, true);

		end_canvas(out, &bars);
	}
}

static void draw_arrow(struct canvas *c, const struct ladder *l, const struct message *m,
		       struct bytes said)
{
	bool right = m->x[1] > m->x[0];
	size_t from = bar_of(l, m->x[!right]), to = bar_of(l, m->x[right]);
	size_t len = smaller(cells_width(said), LABEL_MAX), room = to - from - 1;

	for (size_t x = from + 1; x < to; x++)
		put(c, x, BYTES("─"));
	put(c, right ? to - 1 : from + 1, right ? BYTES("►") : BYTES("◄"));
	if (l->side)
		return;
	/* The head takes a column on its side; blanks stand around what is said. */
	size_t x = from + 1 + (room - len) / 2;

	put(c, x - 1, BYTES(" "));
	put_text(c, x, said, len);
	put(c, x + len, BYTES(" "));
}

static void draw(struct buf *out, const struct ladder *l, const struct message *m)
{
	struct canvas c = canvas_of(l, m->drawn);
	uint8_t label[LABEL_BYTES];
	struct bytes said = label_of(m, label);
	size_t time = cells_width(m->time), x = bar_of(l, m->x[0]);

	if (!m->drawn) {
		put_text(&c, 0, m->line, c.width);
		end_canvas(out, &c);
		return;
	}
	put_text(&c, time < l->time ? l->time - time : 0, m->time, l->time);
	if (m->x[0] != m->x[1]) {
		draw_arrow(&c, l, m, said);
	} else {
		put(&c, x + 1, BYTES("↻"));
		if (!l->side)
			put_text(&c, x + 3, said, LABEL_MAX);
	}
	if (l->side)
		put_text(&c, bar_of(l, l->count - 1) + 3, said, LABEL_MAX);
	end_canvas(out, &c);
}

void ladder_write(struct buf *out, struct bytes flow, size_t width)
{
	struct ladder l = {0};

	must(width >= TABLE_WIDTH_MIN);
	lay_out(&l, flow, width);
	draw_names(out, &l);
	while (flow.len > 0) {
		size_t n = bytes_find(flow, '\n');
		struct message m = message_of(&l, bytes_head(flow, n));

		draw(out, &l, &m);
		flow = bytes_skip(flow, n + 1);
	}
}
