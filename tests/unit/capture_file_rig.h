/*
 * Capture files written by hand, in either byte order, and what is read of them.
 */
#ifndef WIRESPAN_TESTS_CAPTURE_FILE_RIG_H
#define WIRESPAN_TESTS_CAPTURE_FILE_RIG_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/buf.h"
#include "shipper/capture/file.h"

/* ---- Files are written by hand, in either byte order ---- */

struct made {
	struct buf bytes;
	bool swapped; /* most significant byte first */
	char path[64];
};

static inline void put(struct made *m, uint64_t value, unsigned n)
{
	uint8_t *at = buf_room(&m->bytes, n);

	for (unsigned i = 0; i < n; i++)
		at[m->swapped ? n - 1 - i : i] = (uint8_t)(value >> (8 * i));
	m->bytes.len += n;
}

static inline void put_fill(struct made *m, uint8_t value, size_t n)
{
	memset(buf_room(&m->bytes, n), value, n);
	m->bytes.len += n;
}

static inline void classic_head(struct made *m, uint32_t magic, uint32_t snap, uint32_t link)
{
	put(m, magic, 4);
	put(m, 2, 2);
	put(m, 4, 2);
	put(m, 0, 8);
	put(m, snap, 4);
	put(m, link, 4);
}

static inline void classic_frame(struct made *m, uint32_t s, uint32_t fraction, uint32_t captured,
				 uint32_t wire, uint8_t fill)
{
	put(m, s, 4);
	put(m, fraction, 4);
	put(m, captured, 4);
	put(m, wire, 4);
	put_fill(m, fill, captured);
}

static inline void section(struct made *m)
{
	put(m, 0x0a0d0d0a, 4);
	put(m, 28, 4);
	put(m, 0x1a2b3c4d, 4);
	put(m, 1, 2);
	put(m, 0, 2);
	put(m, UINT64_MAX, 8);
	put(m, 28, 4);
}

/* resolution 0: without the option. */
static inline void interface(struct made *m, unsigned link, uint32_t snap, uint8_t resolution,
			     int64_t offset)
{
	unsigned len = 20U + (resolution > 0 ? 8U : 0U) + (offset != 0 ? 12U : 0U);

	put(m, 1, 4);
	put(m, len, 4);
	put(m, link, 2);
	put(m, 0, 2);
	put(m, snap, 4);
	if (resolution > 0) {
		put(m, 9, 2);
		put(m, 1, 2);
		put_fill(m, resolution, 1);
		put_fill(m, 0, 3);
	}
	if (offset != 0) {
		put(m, 14, 2);
		put(m, 8, 2);
		put(m, (uint64_t)offset, 8);
	}
	put(m, len, 4);
}

static inline void packet(struct made *m, unsigned which, uint64_t ticks, uint32_t captured,
			  uint32_t wire, uint8_t fill)
{
	unsigned padded = (captured + 3) / 4 * 4;

	put(m, 6, 4);
	put(m, 32 + padded, 4);
	put(m, which, 4);
	put(m, ticks >> 32, 4);
	put(m, ticks & UINT32_MAX, 4);
	put(m, captured, 4);
	put(m, wire, 4);
	put_fill(m, fill, captured);
	put_fill(m, 0, padded - captured);
	put(m, 32 + padded, 4);
}

static inline const char *saved(struct made *m)
{
	int fd;

	snprintf(m->path, sizeof(m->path), "/tmp/wirespan-test-XXXXXX");
	fd = mkstemp(m->path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, m->bytes.at, m->bytes.len), (ssize_t)m->bytes.len);
	close(fd);
	return m->path;
}

static inline void gone(struct made *m)
{
	unlink(m->path);
	buf_fini(&m->bytes);
}

/* ---- Reading ---- */

struct seen {
	struct frame frames[16]; /* the bytes are gone; their first is in `fill` */
	uint8_t fill[16];
	size_t count, reports;
	size_t foretold; /* by `ahead` of the frame before */
	enum next end;
	struct fault fault, report;
};

static inline void keep_report(void *self, const struct fault *fault)
{
	struct seen *seen = self;

	seen->report = *fault;
	seen->reports++;
}

static inline bool only_ethernet(int link)
{
	return link == 1;
}

static inline struct seen read_files(const char *const *paths, size_t count, const char *filter,
				     bool (*knows_link)(int))
{
	static struct seen seen;
	struct file_conf conf = {filter, knows_link, keep_report, &seen};
	struct frame frame;
	struct bytes ahead = NO_BYTES;
	struct tap tap;
	enum next got;

	seen = (struct seen){0};
	if (!file_open(&tap, paths, count, &conf, &seen.fault)) {
		seen.end = NEXT_FAILED;
		return seen;
	}
	while ((got = tap.source->next(tap.self, &frame, &seen.fault)) <= NEXT_IDLE) {
		if (got == NEXT_IDLE)
			continue;
		cr_assert_lt(seen.count, 16);
		seen.foretold += ahead.len > 0 && ahead.at == frame.bytes.at;
		ahead = frame.ahead;
		for (size_t i = 0; i < frame.bytes.len; i++)
			cr_assert_eq(frame.bytes.at[i], frame.bytes.at[0]);
		seen.fill[seen.count] = frame.bytes.len > 0 ? frame.bytes.at[0] : 0;
		seen.frames[seen.count++] = frame;
	}
	seen.end = got;
	cr_expect_eq(tap.source->next(tap.self, &frame, &seen.fault), NEXT_END,
		     "nothing follows the end");
	tap.source->close(tap.self);
	return seen;
}

static inline struct seen read_one(struct made *m)
{
	const char *path = saved(m);

	return read_files(&path, 1, NULL, NULL);
}

static inline void expect_frame(const struct seen *seen, size_t i, nsec when, size_t len,
				uint32_t wire, int link, uint8_t fill)
{
	cr_assert_lt(i, seen->count);
	cr_expect_eq(seen->frames[i].when, when, "%zu: %ld", i, (long)seen->frames[i].when);
	cr_expect_eq(seen->frames[i].bytes.len, len, "%zu", i);
	cr_expect_eq(seen->frames[i].wire_bytes, wire, "%zu", i);
	cr_expect_eq(seen->frames[i].link, link, "%zu", i);
	cr_expect_eq(seen->fill[i], fill, "%zu", i);
}

static inline void expect_fault(const struct seen *seen, const char *name, const char *says)
{
	cr_expect_eq(seen->end, NEXT_FAILED);
	cr_expect(strstr(seen->fault.text, name) != NULL, "%s", seen->fault.text);
	cr_expect(strstr(seen->fault.text, says) != NULL, "%s", seen->fault.text);
	cr_expect(strchr(seen->fault.text, '\n') == NULL, "%s", seen->fault.text);
}

#endif
