#include "shipper/txn/community.h"

enum {
	BLOCK = 64,
	DIGEST = 20,
	LENGTH_AT = BLOCK - 2, /* where the low bytes of the message's length in bits go */
};

static inline uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

/* Word i of the schedule, of which the last sixteen are kept. */
static inline uint32_t word(uint32_t w[16], unsigned i)
{
	if (i >= 16)
		w[i % 16] =
			rotate(w[(i - 3) % 16] ^ w[(i - 8) % 16] ^ w[(i - 14) % 16] ^ w[i % 16], 1);
	return w[i % 16];
}

/* A round leaves three of the five words where they are; so five rounds, in which each takes each
 * place once, move none. All places are known to the compiler, which then keeps none in memory. */
#define ROUND(a, b, c, d, e, mix, constant, i)                              \
	e += rotate(a, 5) + mix(b, c, d) + UINT32_C(constant) + word(w, i); \
	b = rotate(b, 30);

#define FIVE_ROUNDS(mix, constant, i)              \
	ROUND(a, b, c, d, e, mix, constant, i)     \
	ROUND(e, a, b, c, d, mix, constant, i + 1) \
	ROUND(d, e, a, b, c, mix, constant, i + 2) \
	ROUND(c, d, e, a, b, mix, constant, i + 3) \
	ROUND(b, c, d, e, a, mix, constant, i + 4)

#define QUARTER(mix, constant, i)          \
	FIVE_ROUNDS(mix, constant, i)      \
	FIVE_ROUNDS(mix, constant, i + 5)  \
	FIVE_ROUNDS(mix, constant, i + 10) \
	FIVE_ROUNDS(mix, constant, i + 15)

#define CHOOSE(b, c, d)	  (d ^ (b & (c ^ d)))
#define PARITY(b, c, d)	  (b ^ c ^ d)
#define MAJORITY(b, c, d) ((b & c) | (d & (b | c)))

/* SHA-1 of a message that, with its padding, is one block. */
static void sha1_block(const uint8_t block[BLOCK], uint8_t digest[DIGEST])
{
	static const uint32_t begin[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
					  0xc3d2e1f0};
	uint32_t w[16];
	uint32_t a = begin[0], b = begin[1], c = begin[2], d = begin[3], e = begin[4];

	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	QUARTER(CHOOSE, 0x5a827999, 0)
	QUARTER(PARITY, 0x6ed9eba1, 20)
	QUARTER(MAJORITY, 0x8f1bbcdc, 40)
	QUARTER(PARITY, 0xca62c1d6, 60)

	const uint32_t sums[5] = {begin[0] + a, begin[1] + b, begin[2] + c, begin[3] + d,
				  begin[4] + e};

	for (unsigned i = 0; i < DIGEST; i++)
		digest[i] = (uint8_t)(sums[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t digest[DIGEST], char *to)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned i = 0; i < DIGEST; i += 3) {
		uint32_t last = i + 2 < DIGEST ? digest[i + 2] : 0;
		uint32_t three = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | last;

		for (int shift = 18; shift >= 0; shift -= 6)
			*to++ = letters[three >> shift & 63];
	}
	to[-1] = '=';
}

static uint8_t *put_port(uint8_t *to, uint16_t port)
{
	to[0] = (uint8_t)(port >> 8);
	to[1] = (uint8_t)port;
	return to + 2;
}

/* Seed, lower address, higher address, transport, a zero byte, the ports in the addresses' order
 * (which decide where the addresses are equal); then what SHA-1 pads with. */
void community_id(const struct endpoints *ends, char to[COMMUNITY_ID_LEN])
{
	size_t len = ends->version == 4 ? 4 : 16;
	int order = memcmp(ends->addr[0].at, ends->addr[1].at, len);
	unsigned low = order > 0 || (order == 0 && ends->port[0] > ends->port[1]);
	uint8_t block[BLOCK] = {0}, digest[DIGEST], *at = block + 2;

	memcpy(at, ends->addr[low].at, len);
	memcpy(at + len, ends->addr[!low].at, len);
	at += 2 * len;
	*at = ends->transport;
	at = put_port(at + 2, ends->port[low]);
	at = put_port(at, ends->port[!low]);
	*at = 0x80;
	put_port(block + LENGTH_AT, (uint16_t)((at - block) * 8));
	sha1_block(block, digest);
	memcpy(to, "1:", 2);
	base64(digest, to + 2);
}
