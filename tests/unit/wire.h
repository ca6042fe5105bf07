/*
 * Frames byte by byte, for tests: from the inside out, so that each header knows what it carries.
 *
 *   wire_text(w, "hello"); wire_tcp(w, ...); wire_ip4(w, 6, ...); wire_ether(w, 0x0800);
 *
 * Checksums are right: IP fills in those of the TCP or UDP header that stands next to it. The
 * sums are taken two bytes at a time, unlike those of the program, which they test.
 */
#ifndef WIRESPAN_TESTS_UNIT_WIRE_H
#define WIRESPAN_TESTS_UNIT_WIRE_H

#include "shipper/capture/source.h"

#include <ctype.h>
#include <stdlib.h>

enum { WIRE_ROOM = 1 << 17 };

struct wire {
	size_t begin; /* of what has been put, which ends with the array */
	uint8_t at[WIRE_ROOM];
};

static inline struct wire *wire_new(void)
{
	struct wire *w = calloc(1, sizeof *w);

	w->begin = WIRE_ROOM;
	return w;
}

static inline size_t wire_len(const struct wire *w)
{
	return WIRE_ROOM - w->begin;
}

static inline uint8_t *wire_at(struct wire *w, size_t at)
{
	return w->at + w->begin + at;
}

static inline void wire_put(struct wire *w, const void *bytes, size_t n)
{
	if (n > w->begin)
		abort();
	w->begin -= n;
	memcpy(w->at + w->begin, bytes, n);
}

static inline void wire_text(struct wire *w, const char *text)
{
	wire_put(w, text, strlen(text));
}

/* Bytes in hexadecimal; spaces are passed over. */
static inline void wire_hex(struct wire *w, const char *hex)
{
	uint8_t bytes[512];
	size_t digits = 0;

	memset(bytes, 0, sizeof bytes);
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;

		int value = isdigit((unsigned char)*hex) ? *hex - '0' : (*hex | 0x20) - 'a' + 10;

		bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | value);
		digits++;
	}
	wire_put(w, bytes, digits / 2);
}

/* n bytes in network order. */
static inline void wire_be(struct wire *w, uint64_t value, size_t n)
{
	for (; n > 0; n--, value >>= 8)
		wire_put(w, &(uint8_t){(uint8_t)value}, 1);
}

/* Behind all that has been put. */
static inline void wire_pad(struct wire *w, size_t n)
{
	memmove(w->at + w->begin - n, w->at + w->begin, wire_len(w));
	memset(w->at + WIRE_ROOM - n, 0xee, n);
	w->begin -= n;
}

static inline uint32_t wire_sum(const uint8_t *at, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	return sum;
}

static inline void wire_set_checksum(uint8_t *at, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

/* Options must be a multiple of four bytes. */
static inline void wire_tcp(struct wire *w, uint16_t from, uint16_t to, uint32_t seq, uint32_t ack,
			    unsigned flags, const char *options_hex)
{
	size_t before = wire_len(w);

	wire_hex(w, options_hex);

	size_t head = 20 + wire_len(w) - before;

	wire_be(w, 0, 4); /* checksum, urgent pointer */
	wire_be(w, 4321, 2);
	wire_be(w, head / 4 << 12 | flags, 2);
	wire_be(w, ack, 4);
	wire_be(w, seq, 4);
	wire_be(w, to, 2);
	wire_be(w, from, 2);
}

static inline void wire_udp(struct wire *w, uint16_t from, uint16_t to)
{
	wire_be(w, 0, 2);
	wire_be(w, wire_len(w) - 2 + 8, 2);
	wire_be(w, to, 2);
	wire_be(w, from, 2);
}

static inline void wire_transport_checksum(struct wire *w, unsigned protocol, const uint8_t *ends,
					   size_t ends_bytes)
{
	uint8_t *sum_at = protocol == 6 ? wire_at(w, 16) : wire_at(w, 6);
	uint32_t sum = wire_sum(ends, ends_bytes) + protocol + (uint32_t)wire_len(w);

	if ((protocol != 6 && protocol != 17) || wire_len(w) < 8)
		return;
	memset(sum_at, 0, 2);
	wire_set_checksum(sum_at, sum + wire_sum(wire_at(w, 0), wire_len(w)));
}

/* From 10.0.0.from to 10.0.0.to. `part` is the field of flags and fragment offset. */
static inline void wire_ip4_part(struct wire *w, unsigned protocol, uint8_t from, uint8_t to,
				 unsigned id, unsigned part, const char *options_hex)
{
	uint8_t ends[] = {10, 0, 0, from, 10, 0, 0, to};
	size_t payload = wire_len(w);

	if (part == 0)
		wire_transport_checksum(w, protocol, ends, sizeof ends);
	wire_hex(w, options_hex);

	size_t head = 20 + wire_len(w) - payload;

	wire_put(w, ends, sizeof ends);
	wire_be(w, 0, 2);
	wire_be(w, 64u << 8 | protocol, 2);
	wire_be(w, part, 2);
	wire_be(w, id, 2);
	wire_be(w, head + payload, 2);
	wire_be(w, 4u << 12 | head / 4 << 8, 2);
	wire_set_checksum(wire_at(w, 10), wire_sum(wire_at(w, 0), head));
}

static inline void wire_ip4(struct wire *w, unsigned protocol, uint8_t from, uint8_t to)
{
	wire_ip4_part(w, protocol, from, to, 1, 0, "");
}

/* From 2001:db8::from to 2001:db8::to. Extension headers have been put before, by hand
 * (a checksum is filled in only where there are none). */
static inline void wire_ip6(struct wire *w, unsigned next, uint8_t from, uint8_t to)
{
	uint8_t ends[32] = {0x20, 0x01, 0x0d, 0xb8, [15] = from, 0x20, 0x01, 0x0d, 0xb8, [31] = to};

	wire_transport_checksum(w, next, ends, sizeof ends);

	size_t payload = wire_len(w);

	wire_put(w, ends, sizeof ends);
	wire_be(w, next << 8 | 64, 2);
	wire_be(w, payload, 2);
	wire_be(w, 0x60000000, 4);
}

static inline void wire_ether(struct wire *w, unsigned type)
{
	wire_be(w, type, 2);
	wire_hex(w, "0202 0000 0001 0202 0000 0002");
}

/* The tag, and the ethertype that stands behind it; the tag's own is that of who carries it. */
static inline void wire_vlan(struct wire *w, unsigned tag, unsigned type)
{
	wire_be(w, type, 2);
	wire_be(w, tag, 2);
}

/* What has been put, as a frame; it borrows from w. */
static inline void wire_frame(struct wire *w, struct frame *f, int link, nsec when)
{
	*f = (struct frame){.when = when,
			    .bytes = {w->at + w->begin, wire_len(w)},
			    .wire_bytes = (uint32_t)wire_len(w),
			    .link = link};
}

#endif
