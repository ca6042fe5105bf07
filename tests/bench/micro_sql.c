/* What a statement's fingerprint costs: statements as applications send them. */
#include "protos/sql/fingerprint.h"
#include "shipper/base/time.h"

#include <stdio.h>

enum { ROUNDS = 100, TIMES = 4000 };

static const char *const statements[] = {
	"SELECT id, name, price, created_at FROM items WHERE id = 4815162 LIMIT 1",
	"SELECT i.id, i.name, i.price, o.created_at FROM items i JOIN orders o ON o.item = i.id "
	"WHERE o.customer IN (17, 18, 19) AND o.state <> 'cancelled' ORDER BY o.created_at DESC "
	"LIMIT 20",
	"INSERT INTO orders (customer, item, state, note) VALUES (17, 4711, 'new', 'call at 1234')",
	"UPDATE items SET price = 12.50, name = 'item \\'17\\'' WHERE id = 4815162",
	"SELECT `users`.`id`, `users`.`email`, `users`.`created_at` FROM `users` WHERE "
	"`users`.`deleted_at` IS NULL AND `users`.`email` = 'someone@example.com' LIMIT 1",
	"INSERT INTO log (at, level, text) VALUES ('2026-01-02 03:04:05', 3, 'a line of text that "
	"an application has to say'), ('2026-01-02 03:04:06', 4, 'and one more such line of it')",
	"COMMIT",
};

/* Of the quietest round. */
static double cost(struct bytes text, struct sql_print *print)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		struct mono from = mono_now();

		for (int i = 0; i < TIMES / ROUNDS; i++)
			sql_fingerprint(SQL_MYSQL, text, print);
		double ns = (double)(mono_now().ns - from.ns) / (TIMES / ROUNDS);

		best = ns < best ? ns : best;
	}
	return best;
}

int main(void)
{
	static struct sql_print print;

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		struct bytes text = bytes_str(statements[i]);
		double ns = cost(text, &print);

		printf("%3zu bytes  %6.1f ns  %4.2f ns a byte  %.*s\n", text.len, ns,
		       ns / (double)text.len, (int)(print.len < 40 ? print.len : 40),
		       (const char *)print.text);
	}
	return 0;
}
