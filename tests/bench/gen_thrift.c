/*
 * Thrift as services behind each other speak it, in frames: half of the connections binary, half
 * compact. See wire.h for the options.
 */
#include "tests/bench/wire.h"

#include <stdio.h>

enum { T_STOP, T_BOOL = 2, T_DOUBLE = 4, T_I32 = 8, T_I64 = 10, T_STRING, T_STRUCT, T_LIST = 15 };
enum { CALL = 1, REPLY, EXCEPTION, ONEWAY };

struct writer {
	struct buf *to;
	bool compact;
	int last[4]; /* ids of the fields before, by depth */
	int depth;
};

static void byte(struct writer *w, unsigned b)
{
	*buf_room(w->to, 1) = (uint8_t)b;
	w->to->len++;
}

static void fixed(struct writer *w, uint64_t n, unsigned bytes)
{
	while (bytes-- > 0)
		byte(w, (unsigned)(n >> (8 * bytes)));
}

static void varint(struct writer *w, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		byte(w, (unsigned)(n & 0x7f) | 0x80);
	byte(w, (unsigned)n);
}

static void number(struct writer *w, int64_t n, unsigned bytes)
{
	if (w->compact)
		varint(w, (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0));
	else
		fixed(w, (uint64_t)n, bytes);
}

static void real(struct writer *w, double n)
{
	uint64_t bits;

	memcpy(&bits, &n, sizeof(bits));
	fixed(w, w->compact ? __builtin_bswap64(bits) : bits, 8);
}

static void text(struct writer *w, const char *of)
{
	size_t len = strlen(of);

	if (w->compact)
		varint(w, len);
	else
		fixed(w, len, 4);
	buf_add(w->to, bytes_of(of, len));
}

static unsigned kind(const struct writer *w, unsigned type)
{
	static const uint8_t compact[] = {[T_BOOL] = 1,	  [T_DOUBLE] = 7,  [T_I32] = 5, [T_I64] = 6,
					  [T_STRING] = 8, [T_STRUCT] = 12, [T_LIST] = 9};

	return w->compact ? compact[type] : type;
}

static void field(struct writer *w, unsigned type, int id)
{
	int step = id - w->last[w->depth];

	if (w->compact && step == 0) {
		byte(w, kind(w, type));
		number(w, id, 2);
	} else if (w->compact) {
		byte(w, (unsigned)step << 4 | kind(w, type));
	} else {
		byte(w, type);
		fixed(w, (uint64_t)id, 2);
	}
	w->last[w->depth] = id;
}

static void list(struct writer *w, unsigned type, unsigned count)
{
	if (!w->compact) {
		byte(w, type);
		fixed(w, count, 4);
	} else if (count < 15) {
		byte(w, count << 4 | kind(w, type));
	} else {
		byte(w, 0xf0 | kind(w, type));
		varint(w, count);
	}
}

static void open(struct writer *w)
{
	w->last[++w->depth] = 0;
}

static void close(struct writer *w)
{
	w->depth--;
	byte(w, T_STOP);
}

static struct writer message(struct turns *turns, bool compact, unsigned type, const char *name,
			     unsigned seq_id)
{
	struct writer w = {.to = &turns->text, .compact = compact};

	fixed(&w, 0, 4); /* the frame's length, set by `done` */
	if (compact) {
		byte(&w, 0x82);
		byte(&w, type << 5 | 1);
		varint(&w, seq_id);
		text(&w, name);
	} else {
		fixed(&w, 0x80010000 | type, 4);
		text(&w, name);
		fixed(&w, seq_id, 4);
	}
	return w;
}

static void done(struct writer *w, const struct turns *turns)
{
	size_t at = turns->at[turns->count - 1].at, len;

	byte(w, T_STOP);
	len = turns->text.len - at - 4;
	for (unsigned i = 0; i < 4; i++)
		turns->text.at[at + i] = (uint8_t)(len >> (24 - 8 * i));
}

/* An item of about 170 bytes. */
static void item(struct random *r, struct writer *w)
{
	char name[64];

	open(w);
	field(w, T_I64, 1);
	number(w, (int64_t)random_below(r, 5000000), 8);
	field(w, T_STRING, 2);
	snprintf(name, sizeof(name), "Plain item of a catalogue %04u",
		 (unsigned)random_below(r, 9999));
	text(w, name);
	field(w, T_DOUBLE, 3);
	real(w, (double)random_below(r, 99999) / 100);
	field(w, T_LIST, 4);
	list(w, T_STRING, 3);
	text(w, "garden");
	text(w, "tools and machines");
	text(w, "new");
	field(w, T_LIST, 5);
	list(w, T_I32, 6);
	for (int i = 0; i < 6; i++)
		number(w, (int64_t)random_below(r, 9999), 4);
	field(w, T_STRING, 6);
	text(w, "2026-01-02T03:04:05Z");
	close(w);
}

static void items(struct random *r, struct writer *w, size_t size)
{
	unsigned count = 1 + (unsigned)random_below(r, 2 * size / 170 + 1);

	field(w, T_LIST, 0);
	list(w, T_STRUCT, count);
	while (count-- > 0)
		item(r, w);
}

static void exchange(struct random *r, uint64_t connection, size_t size, struct turns *turns)
{
	static const char *const names[] = {"getItem", "listItems", "putItem", "countVisits"};
	uint64_t chance = random_below(r, 100);
	int which = chance < 70 ? 0 : chance < 75 ? 1 : chance < 95 ? 2 : 3;
	unsigned seq_id = (unsigned)random_below(r, 100000);
	bool compact = connection % 2 == 1;

	turns_begin(turns, CLIENT, (nsec)random_below(r, 5 * NS_PER_MS));
	struct writer w = message(turns, compact, which == 3 ? ONEWAY : CALL, names[which], seq_id);

	field(&w, T_I64, 1);
	number(&w, (int64_t)random_below(r, 5000000), 8);
	field(&w, T_STRING, 2);
	text(&w, "trace-4bf92f3577b34da6");
	if (which == 2) {
		field(&w, T_STRUCT, 3);
		item(r, &w);
	}
	done(&w, turns);
	if (which == 3)
		return;
	turns_begin(turns, SERVER, 80 * NS_PER_US + (nsec)random_below(r, 2 * NS_PER_MS));
	w = message(turns, compact, REPLY, names[which], seq_id);
	if (which == 0) {
		field(&w, T_STRUCT, 0);
		item(r, &w);
	} else if (which == 1) {
		items(r, &w, size);
	} else if (chance < 78) {
		field(&w, T_STRUCT, 1);
		open(&w);
		field(&w, T_I32, 1);
		number(&w, 17, 4);
		field(&w, T_STRING, 2);
		text(&w, "no such item");
		close(&w);
	}
	done(&w, turns);
}

int main(int argc, char **argv)
{
	static const struct speaker thrift = {
		.port = 9090, .exchange = exchange, .exchanges_most = 1000};

	return wire_main(argc, argv, &thrift);
}
