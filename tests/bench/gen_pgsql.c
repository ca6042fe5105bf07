/*
 * PostgreSQL as an application's pool of connections speaks it: a third of the connections with
 * simple queries, a third with unnamed statements, a third with statements prepared once. See
 * wire.h for the options.
 */
#include "tests/bench/wire.h"

#include <stdarg.h>
#include <stdio.h>

enum { SIMPLE, UNNAMED, PREPARED, WAYS };
enum { INT4 = 23, TEXT = 25, NUMERIC = 1700, TIMESTAMP = 1114 };

static void number(struct buf *to, uint64_t n, unsigned bytes)
{
	while (bytes-- > 0) {
		*buf_room(to, 1) = (uint8_t)(n >> (8 * bytes));
		to->len++;
	}
}

static void text(struct buf *to, const char *of)
{
	buf_add(to, bytes_of(of, strlen(of) + 1));
}

/* A message begins; message_end puts its length in. */
static size_t message(struct buf *to, char type)
{
	number(to, (uint8_t)type, 1);
	number(to, 0, 4);
	return to->len - 4;
}

static void message_end(struct buf *to, size_t at)
{
	size_t len = to->len - at;

	for (size_t i = 0; i < 4; i++)
		to->at[at + i] = (uint8_t)(len >> (24 - 8 * i));
}

static void said(struct buf *to, char type, const char *what)
{
	size_t at = message(to, type);

	if (what)
		text(to, what);
	message_end(to, at);
}

static void ready(struct buf *to)
{
	size_t at = message(to, 'Z');

	number(to, 'I', 1);
	message_end(to, at);
}

/* What is asked: its text with parameters, and with values in their place. */
struct question {
	char name[8], open[400], filled[400];
	char values[3][24];
	unsigned count, rows;
	const char *tag;
};

static void __attribute__((format(printf, 3, 4)))
fill(char *to, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(to, size, format, args);
	va_end(args);
}

#define FILL(to, ...) fill(to, sizeof(to), __VA_ARGS__)

static struct question choose(struct random *r, uint64_t kind)
{
	unsigned id = (unsigned)random_below(r, 5000000);
	struct question q = {.count = 1, .rows = 1};

	FILL(q.values[0], "%u", id);
	FILL(q.values[1], "%u.50", id % 99);
	FILL(q.values[2], "%u", id / 2);
	if (kind < 55) {
		static const char query[] =
			"SELECT id, name, price, created_at FROM items WHERE id = ";

		FILL(q.name, "S_1");
		FILL(q.open, "%s$1 LIMIT 1", query);
		FILL(q.filled, "%s%u LIMIT 1", query, id);
	} else if (kind < 70) {
		static const char query[] =
			"SELECT i.id, i.name, i.price, o.created_at FROM items i JOIN orders o ON "
			"o.item = i.id WHERE o.customer IN (%s) AND o.state <> 'cancelled' ORDER "
			"BY "
			"o.created_at DESC LIMIT 20";
		char list[40];

		q.count = 3;
		q.rows = 20;
		FILL(q.name, "S_2");
		FILL(q.open, query, "$1, $2, $3");
		FILL(list, "%u, %u, %u", id, id + 1, id + 2);
		FILL(q.filled, query, list);
		FILL(q.values[1], "%u", id + 1);
	} else if (kind < 80) {
		static const char query[] =
			"INSERT INTO orders (customer, price, item, state) VALUES (";

		q.count = 3;
		q.tag = "INSERT 0 1";
		FILL(q.name, "S_3");
		FILL(q.open, "%s$1, $2, $3, 'new')", query);
		FILL(q.filled, "%s%u, %u.50, %u, 'new')", query, id, id % 99, id / 2);
	} else if (kind < 92) {
		static const char query[] =
			"UPDATE items SET price = %s, name = name || '!' WHERE id = %s";

		q.count = 2;
		q.tag = "UPDATE 1";
		FILL(q.name, "S_4");
		FILL(q.open, query, "$2", "$1");
		FILL(q.filled, query, q.values[1], q.values[0]);
	} else {
		q.count = 0;
		q.tag = kind % 2 ? "COMMIT" : "BEGIN";
		FILL(q.name, kind % 2 ? "S_5" : "S_6");
		FILL(q.open, "%s", q.tag);
		FILL(q.filled, "%s", q.tag);
	}
	return q;
}

static void ask_parse(struct buf *to, const struct question *q, const char *name)
{
	size_t at = message(to, 'P');

	text(to, name);
	text(to, q->open);
	number(to, q->count, 2);
	for (unsigned i = 0; i < q->count; i++)
		number(to, i == 1 && q->rows == 1 ? NUMERIC : INT4, 4);
	message_end(to, at);
}

static void ask_extended(struct buf *to, const struct question *q, bool prepared)
{
	if (!prepared)
		ask_parse(to, q, "");
	size_t at = message(to, 'B');

	text(to, "");
	text(to, prepared ? q->name : "");
	number(to, 0, 2);
	number(to, q->count, 2);
	for (unsigned i = 0; i < q->count; i++) {
		number(to, strlen(q->values[i]), 4);
		buf_add(to, bytes_of(q->values[i], strlen(q->values[i])));
	}
	number(to, 0, 2);
	message_end(to, at);
	said(to, 'D', "P");
	at = message(to, 'E');
	text(to, "");
	number(to, 0, 4);
	message_end(to, at);
	said(to, 'S', NULL);
}

static void columns(struct buf *to)
{
	static const struct {
		const char *name;
		uint32_t type;
	} all[] = {{"id", INT4}, {"name", TEXT}, {"price", NUMERIC}, {"created_at", TIMESTAMP}};
	size_t at = message(to, 'T');

	number(to, 4, 2);
	for (int i = 0; i < 4; i++) {
		text(to, all[i].name);
		number(to, 16402, 4);
		number(to, (uint64_t)i + 1, 2);
		number(to, all[i].type, 4);
		number(to, 4, 2);
		number(to, UINT32_MAX, 4);
		number(to, 0, 2);
	}
	message_end(to, at);
}

static void row(struct random *r, struct buf *to)
{
	char values[4][40];
	size_t at = message(to, 'D');

	FILL(values[0], "%06u", (unsigned)random_below(r, 900000));
	FILL(values[1], "Plain item of a catalogue %04u", (unsigned)random_below(r, 9999));
	FILL(values[2], "%05u.50", (unsigned)random_below(r, 99999));
	FILL(values[3], "2026-01-02 03:04:05.123456");
	number(to, 4, 2);
	for (int i = 0; i < 4; i++) {
		number(to, strlen(values[i]), 4);
		buf_add(to, bytes_of(values[i], strlen(values[i])));
	}
	message_end(to, at);
}

static void answer(struct random *r, struct buf *to, const struct question *q, unsigned way,
		   size_t size)
{
	size_t from = to->len, want = random_below(r, 2 * size);
	unsigned rows = 0;
	char tag[24];

	if (way == UNNAMED)
		said(to, '1', NULL);
	if (way != SIMPLE)
		said(to, '2', NULL);
	if (q->tag == NULL) {
		columns(to);
		do {
			row(r, to);
			rows++;
		} while (to->len - from < want);
		FILL(tag, "SELECT %u", rows);
	} else if (way != SIMPLE) {
		said(to, 'n', NULL);
	}
	said(to, 'C', q->tag ? q->tag : tag);
	ready(to);
}

static void log_in(struct turns *turns)
{
	static const char startup[] = "user\0shop\0database\0shop\0application_name\0till\0";
	size_t at;

	turns_begin(turns, CLIENT, 100 * NS_PER_US);
	number(&turns->text, 8 + sizeof(startup), 4);
	number(&turns->text, 3 << 16, 4);
	buf_add(&turns->text, bytes_of(startup, sizeof(startup)));
	turns_begin(turns, SERVER, NS_PER_MS);
	at = message(&turns->text, 'R');
	number(&turns->text, 0, 4);
	message_end(&turns->text, at);
	at = message(&turns->text, 'S');
	text(&turns->text, "server_version");
	text(&turns->text, "15.18");
	message_end(&turns->text, at);
	at = message(&turns->text, 'K');
	number(&turns->text, 4711, 8);
	message_end(&turns->text, at);
	ready(&turns->text);
}

static void greet(struct random *r, uint64_t connection, struct turns *turns)
{
	static const uint64_t kinds[] = {0, 55, 70, 80, 92, 93};

	turns->exchanges = 1;
	log_in(turns);
	for (size_t i = 0; connection % WAYS == PREPARED && i < sizeof(kinds) / sizeof(kinds[0]);
	     i++) {
		struct question q = choose(r, kinds[i]);

		turns->exchanges++;
		turns_begin(turns, CLIENT, NS_PER_MS);
		ask_parse(&turns->text, &q, q.name);
		said(&turns->text, 'S', NULL);
		turns_begin(turns, SERVER, NS_PER_MS);
		said(&turns->text, '1', NULL);
		ready(&turns->text);
	}
}

static void exchange(struct random *r, uint64_t connection, size_t size, struct turns *turns)
{
	unsigned way = (unsigned)(connection % WAYS);
	struct question q = choose(r, random_below(r, 100));

	turns_begin(turns, CLIENT, (nsec)random_below(r, 5 * NS_PER_MS));
	if (way == SIMPLE)
		said(&turns->text, 'Q', q.filled);
	else
		ask_extended(&turns->text, &q, way == PREPARED);
	turns_begin(turns, SERVER, 80 * NS_PER_US + (nsec)random_below(r, 2 * NS_PER_MS));
	answer(r, &turns->text, &q, way, size);
}

int main(int argc, char **argv)
{
	static const struct speaker pgsql = {
		.port = 5432, .greet = greet, .exchange = exchange, .exchanges_most = 400};

	return wire_main(argc, argv, &pgsql);
}
