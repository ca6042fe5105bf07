/*
 * How several workers divide conversations among them: whose a packet is follows from its ends, and
 * is the same for both directions.
 *
 * The same sum is worked out twice: here, from a decoded packet, and by the program that the kernel
 * runs for each frame (capture/fanout.h). Here is where it is decided; the kernel only saves most
 * of the handing over.
 *
 * Conversations that share state within a worker (SIP's calls) stay together, with the first:
 * datagrams, and connections of these ports.
 *
 * Thread   immutable once made
 */
#ifndef WIRESPAN_BASE_SHARE_H
#define WIRESPAN_BASE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHARE_TOGETHER = 0, SHARE_PORTS_MAX = 64 };

/* Odd factors with bits all over; the kernel's program has 32-bit words. */
#define SHARE_FACTOR_1 UINT32_C(0x9e3779b1)
#define SHARE_FACTOR_2 UINT32_C(0x85ebca6b)
#define SHARE_FACTOR_3 UINT32_C(0xc2b2ae35)
enum { SHARE_SHIFT_1 = 15, SHARE_SHIFT_2 = 13, SHARE_SHIFT_3 = 16 };

struct share {
	unsigned count; /* of workers */
	uint32_t seed;	/* live it is drawn by lot, so that nobody can aim at one worker */
	bool tunnels;	/* the inner conversation counts */
	/* Tunnels' UDP ports: VXLAN, GENEVE, GTP-U. */
	const struct ports *vxlan, *geneve, *gtpu;
	size_t ports_count;
	uint16_t ports[SHARE_PORTS_MAX]; /* TCP ports whose conversations stay together */
};

/* An IPv6 address as one word. */
static inline uint32_t share_fold(const uint32_t word[4])
{
	uint32_t sum = word[0];

	for (int i = 1; i < 4; i++)
		sum = sum * SHARE_FACTOR_2 + word[i];
	return sum;
}

static inline uint32_t share_end(uint32_t seed, uint32_t address, uint16_t port)
{
	uint32_t h = (address ^ seed) * SHARE_FACTOR_1;

	h ^= h >> SHARE_SHIFT_1;
	h = (h + port) * SHARE_FACTOR_2;
	return h ^ h >> SHARE_SHIFT_2;
}

/* The same whichever end is first. */
static inline uint32_t share_sum(uint32_t end, uint32_t other)
{
	uint32_t h = (end + other) * SHARE_FACTOR_3;

	return h ^ h >> SHARE_SHIFT_3;
}

#endif
