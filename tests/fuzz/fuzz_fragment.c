/*
 * Fragments of a few datagrams, against a table that keeps each fragment and looks at all of them
 * every time.
 *
 * Input: commands of four bytes: which datagram and switches, place and length in units of eight
 * bytes, how much shorter than that. A place of 255 lets so much time pass that all is forgotten.
 */
#include "shipper/decode/fragment.h"

#include "shipper/base/cursor.h"
#include "shipper/base/must.h"

#include <stdlib.h>

enum {
	DATAGRAMS = 4,
	PARTS_MAX = 64,
	LAST = 4,  /* the last fragment */
	OTHER = 8, /* other bytes than usual */
	CUT = 16,  /* the capture holds half of it */
	FORGET = 255,
};

struct model {
	struct fragment part[PARTS_MAX];
	size_t parts;
	bool over; /* joined or given up: nothing more comes of it */
};

/* What stands at each place of a datagram, so that a fragment in the wrong place shows. */
static uint8_t usual[4096], other[4096];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool same(const struct fragment *a, const struct fragment *b)
{
	return a->from == b->from && a->bytes == b->bytes && a->last == b->last &&
	       bytes_eq(a->have, b->have);
}

static bool contradict(const struct fragment *a, const struct fragment *b)
{
	uint32_t a_end = a->from + a->bytes, b_end = b->from + b->bytes;

	return (a->from < b_end && b->from < a_end) || (a->last && b->last) ||
	       (a->last && b_end > a_end) || (b->last && a_end > b_end);
}

static enum fragment_step model_add(struct model *m, const struct fragment *f)
{
	uint32_t bytes = f->bytes, total = f->last ? f->from + f->bytes : 0;

	if (f->bytes == 0 || (!f->last && f->bytes % 8 != 0))
		return FRAGMENT_BAD;
	if (m->over)
		return FRAGMENT_KEPT;
	for (size_t i = 0; i < m->parts; i++) {
		if (same(&m->part[i], f))
			return FRAGMENT_KEPT;
		m->over |= contradict(&m->part[i], f);
		bytes += m->part[i].bytes;
		if (m->part[i].last)
			total = m->part[i].from + m->part[i].bytes;
	}
	if (m->over)
		return FRAGMENT_KEPT;
	must(m->parts < PARTS_MAX);
	m->part[m->parts++] = *f;
	m->over = bytes == total;
	return m->over ? FRAGMENT_JOINED : FRAGMENT_KEPT;
}

/* The joined bytes are those of the parts, up to the first that was cut. */
static void check(const struct model *m, const struct joined *j)
{
	uint32_t good = j->bytes, wire_bytes = 0;

	for (size_t i = 0; i < m->parts; i++) {
		const struct fragment *f = &m->part[i];

		wire_bytes += f->wire_bytes;
		if (f->have.len < f->bytes && f->from + f->have.len < good)
			good = f->from + (uint32_t)f->have.len;
		if (f->from == 0)
			must(j->when == f->when && j->protocol == f->protocol);
	}
	must(j->have.len == good && j->wire_bytes == wire_bytes);
	for (size_t i = 0; i < m->parts; i++) {
		const struct fragment *f = &m->part[i];
		struct bytes there = bytes_head(bytes_skip(j->have, f->from), f->have.len);

		if (f->from < good)
			must(bytes_eq(there, bytes_head(f->have, there.len)));
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof usual; i++) {
		usual[i] = (uint8_t)(i * 7 + i / 251);
		other[i] = (uint8_t)~usual[i];
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct cursor c = cursor_of(bytes_of(at, bytes_head(bytes_of(at, len), PARTS_MAX * 4).len));
	struct quota quota = {0};
	struct counters counters = {0};
	struct fragments *t = fragments_new(1 << 20, NS_PER_S, &quota, &counters);
	struct model model[DATAGRAMS] = {0};
	nsec now = 0;

	while (cursor_left(&c) >= 4) {
		uint8_t what = cursor_u8(&c), place = cursor_u8(&c), units = cursor_u8(&c);
		uint8_t less = cursor_u8(&c) % 8;
		uint32_t bytes = units * 8u > less ? units * 8u - less : 0;
		struct fragment f = {
			.key = {.id = what % DATAGRAMS, .version = 4},
			.from = place * 8u,
			.bytes = bytes,
			.last = what & LAST,
			.protocol = what,
			.have = {(what & OTHER ? other : usual) + place * 8u,
				 what & CUT ? bytes / 2 : bytes},
			.when = now++,
			.wire_bytes = bytes + 20,
		};
		struct joined j;

		if (place == FORGET) {
			now += 2 * (nsec)NS_PER_S;
			fragments_expire(t, now);
			memset(model, 0, sizeof model);
			continue;
		}

		enum fragment_step step = fragments_add(t, &f, &j);
		struct model *m = &model[what % DATAGRAMS];

		must(step == model_add(m, &f));
		if (step == FRAGMENT_JOINED)
			check(m, &j);
	}
	fragments_free(t);
	must(quota.used == 0);
	return 0;
}
