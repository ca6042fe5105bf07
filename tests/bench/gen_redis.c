/*
 * Redis as a web application's pool of connections speaks it, every fourth time in a pipeline: see
 * wire.h for the options.
 */
#include "tests/bench/wire.h"

#include <stdarg.h>
#include <stdio.h>

enum { PIPELINE_MOST = 31, PIPELINED_PERCENT = 25 };

static void bulk(struct buf *to, struct bytes text)
{
	char head[32];

	buf_add(to, bytes_of(head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", text.len)));
	buf_add(to, text);
	buf_add(to, BYTES("\r\n"));
}

static void words(struct buf *to, const char *const *word, unsigned count, struct bytes value)
{
	char head[32];
	unsigned all = count + (value.len > 0);

	buf_add(to, bytes_of(head, (size_t)snprintf(head, sizeof head, "*%u\r\n", all)));
	for (unsigned i = 0; i < count; i++)
		bulk(to, bytes_str(word[i]));
	if (value.len > 0)
		bulk(to, value);
}

/* Text of 1 to 2 * mean bytes. */
static struct bytes text_of(struct random *r, size_t mean)
{
	static char text[64 << 10];

	if (text[0] == 0)
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = "a value that somebody keeps, {\"and\": 17} "[i % 41];
	size_t len = 1 + random_below(r, 2 * mean);

	return bytes_of(text, len < sizeof text ? len : sizeof text);
}

/* A command and its answer, each behind what its side said before. */
static void command(struct random *r, size_t size, struct buf *asked, struct buf *answered)
{
	uint64_t kind = random_below(r, 100);
	char key[64], number[16];
	unsigned id = (unsigned)random_below(r, 5000000);

	snprintf(key, sizeof key, "%s:%u:%s", id % 3 ? "user" : "session", id,
		 id % 5 ? "profile" : "cart");
	snprintf(number, sizeof number, "%u", id % 3600);
	if (kind < 50) {
		words(asked, (const char *const[]){"GET", key}, 2, NO_BYTES);
		if (kind < 10)
			buf_add(answered, BYTES("$-1\r\n"));
		else
			bulk(answered, text_of(r, size));
	} else if (kind < 70) {
		words(asked, (const char *const[]){"SETEX", key, number}, 3, text_of(r, size));
		buf_add(answered, BYTES("+OK\r\n"));
	} else if (kind < 80) {
		words(asked, (const char *const[]){"HSET", key, "seen", number}, 4, NO_BYTES);
		buf_add(answered, BYTES(":1\r\n"));
	} else if (kind < 90) {
		words(asked, (const char *const[]){"HMGET", key, "name", "seen", "none"}, 5,
		      NO_BYTES);
		words(answered, (const char *const[]){"Ada Lovelace", number}, 2, BYTES("x"));
	} else {
		words(asked, (const char *const[]){"INCRBY", key, number}, 3, NO_BYTES);
		buf_add(answered, BYTES(":"));
		buf_add(answered, bytes_str(number));
		buf_add(answered, BYTES("\r\n"));
	}
}

static void exchange(struct random *r, uint64_t connection, size_t size, struct turns *turns)
{
	static struct buf answers;

	(void)connection;
	if (random_percent(r, PIPELINED_PERCENT))
		turns->exchanges = 1 + (unsigned)random_below(r, PIPELINE_MOST);
	answers.len = 0;
	turns_begin(turns, CLIENT, (nsec)random_below(r, 5 * NS_PER_MS));
	for (unsigned i = 0; i < turns->exchanges; i++)
		command(r, size, &turns->text, &answers);
	turns_begin(turns, SERVER, 30 * NS_PER_US + (nsec)random_below(r, NS_PER_MS));
	buf_add(&turns->text, buf_bytes(&answers));
}

int main(int argc, char **argv)
{
	static const struct speaker redis = {
		.port = 6379, .exchange = exchange, .exchanges_most = 400};

	return wire_main(argc, argv, &redis);
}
