/* MySQL as an application's pool of connections speaks it: see wire.h for the options. */
#include "tests/bench/wire.h"

#include <stdarg.h>
#include <stdio.h>

enum { COLUMNS = 4 };

static void raw(struct buf *to, uint8_t *seq, struct bytes body)
{
	uint8_t head[4] = {(uint8_t)body.len, (uint8_t)(body.len >> 8), (uint8_t)(body.len >> 16),
			   (*seq)++};

	buf_add(to, bytes_of(head, sizeof head));
	buf_add(to, body);
}

static void __attribute__((format(printf, 2, 3))) ask(struct turns *turns, const char *format, ...)
{
	char text[600] = "\3";
	uint8_t seq = 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text + 1, sizeof text - 1, format, args);
	va_end(args);
	raw(&turns->text, &seq, bytes_of(text, (size_t)n + 1));
}

static void ok(struct turns *turns, uint8_t affected)
{
	uint8_t seq = 1, body[] = {0, affected, 0, 2, 0, 0, 0};

	raw(&turns->text, &seq, bytes_of(body, sizeof body));
}

static void column(struct turns *turns, uint8_t *seq, const char *name)
{
	uint8_t body[64] = "\3def\4shop\5items\5items";
	size_t at = 21, len = strlen(name);

	for (int i = 0; i < 2; i++) {
		body[at++] = (uint8_t)len;
		memcpy(body + at, name, len);
		at += len;
	}
	memcpy(body + at, "\x0c\x21\0\xff\0\0\0\xfd\0\0\0\0\0", 13);
	raw(&turns->text, seq, bytes_of(body, at + 13));
}

/* Rows of about `size` bytes in all. */
static void rows(struct random *r, struct turns *turns, size_t size)
{
	static const char *const names[COLUMNS] = {"id", "name", "price", "created_at"};
	static const char end[] = "\xfe\0\0\2\0";
	uint8_t seq = 1, count = COLUMNS;
	size_t sent = 0, mean = size > 300 ? size - 300 : 1;
	size_t want = random_below(r, 2 * mean);

	raw(&turns->text, &seq, bytes_of(&count, 1));
	for (int i = 0; i < COLUMNS; i++)
		column(turns, &seq, names[i]);
	raw(&turns->text, &seq, bytes_of(end, 5));
	do {
		char row[128];
		int n = snprintf(row, sizeof row,
				 "\6%06u\x1ePlain item of a catalogue %04u\5%05u\x13%s",
				 (unsigned)random_below(r, 900000), (unsigned)random_below(r, 9999),
				 (unsigned)random_below(r, 99999), "2026-01-02 03:04:05");

		raw(&turns->text, &seq, bytes_of(row, (size_t)n));
		sent += (size_t)n;
	} while (sent < want);
	raw(&turns->text, &seq, bytes_of(end, 5));
}

static void exchange(struct random *r, uint64_t connection, size_t size, struct turns *turns)
{
	uint64_t kind = random_below(r, 100);
	unsigned id = (unsigned)random_below(r, 5000000);

	turns_begin(turns, CLIENT, (nsec)random_below(r, 5 * NS_PER_MS));
	if (kind < 55)
		ask(turns, "SELECT id, name, price, created_at FROM items WHERE id = %u LIMIT 1",
		    id);
	else if (kind < 70)
		ask(turns,
		    "SELECT i.id, i.name, i.price, o.created_at FROM items i JOIN orders o ON "
		    "o.item = i.id "
		    "WHERE o.customer IN (%u, %u, %u) AND o.state <> 'cancelled' ORDER BY "
		    "o.created_at "
		    "DESC LIMIT 20",
		    id, id + 1, id + 2);
	else if (kind < 80)
		ask(turns,
		    "INSERT INTO orders (customer, item, state, note) VALUES (%u, %u, 'new', 'call "
		    "at %u')",
		    id, id / 2, id / 3);
	else if (kind < 92)
		ask(turns, "UPDATE items SET price = %u.50, name = 'item \\'%u\\'' WHERE id = %u",
		    id % 99, id, id);
	else
		ask(turns, "%s", connection % 2 ? "COMMIT" : "BEGIN");
	turns_begin(turns, SERVER, 80 * NS_PER_US + (nsec)random_below(r, 2 * NS_PER_MS));
	if (kind < 70)
		rows(r, turns, size);
	else
		ok(turns, kind < 92);
}

int main(int argc, char **argv)
{
	static const struct speaker mysql = {
		.port = 3306, .exchange = exchange, .exchanges_most = 400};

	return wire_main(argc, argv, &mysql);
}
