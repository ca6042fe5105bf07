/*
 * Captures made to measure: many TCP connections at once, written to a pcap file as a tap beside
 * the server would have seen them.
 *
 * What is said comes from a protocol's generator (struct speaker); here it becomes packets:
 * handshakes, segments of the usual size with the timestamps option, delayed and piggybacked
 * acknowledgements, FINs; some lost and sent again, some out of order, if asked for. The same seed
 * gives the same file.
 */
#ifndef WIRESPAN_TESTS_BENCH_WIRE_H
#define WIRESPAN_TESTS_BENCH_WIRE_H

#include "shipper/base/buf.h"
#include "shipper/base/side.h"
#include "shipper/base/time.h"

enum { TURNS_MAX = 16 };

/* What one side says before the other goes on. */
struct turn {
	enum side from;
	nsec wait; /* since it had the other's last byte, or since its own last one */
	size_t at, len;
};

/* The turns of one exchange. */
struct turns {
	struct turn at[TURNS_MAX];
	size_t count;
	unsigned exchanges; /* that they are; 1 unless the speaker says more */
	struct buf text;
};

/* A turn begins; what is then added to turns->text belongs to it. */
void turns_begin(struct turns *turns, enum side from, nsec wait);

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *r);
uint64_t random_below(struct random *r, uint64_t limit); /* limit > 0 */
bool random_percent(struct random *r, double percent);

/* A protocol's side of it. */
struct speaker {
	uint16_t port;
	/* Whatever comes before the first exchange: greetings, a login; it says how many exchanges
	 * these are, 0 unless it does. May be NULL. */
	void (*greet)(struct random *r, uint64_t connection, struct turns *turns);
	/* One exchange, or a pipeline of some, each of about `size` bytes, on the connection
	 * `connection`. */
	void (*exchange)(struct random *r, uint64_t connection, size_t size, struct turns *turns);
	unsigned exchanges_most; /* calls of it for a connection; 1 to so many, evenly */
};

/*
 * The whole program but for the speaker: options, generation, and one line on standard output
 * that says what is in the file. Returns the exit code.
 */
int wire_main(int argc, char **argv, const struct speaker *speaker);

#endif
