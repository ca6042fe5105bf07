/*
 * Batches for outputs, and what came out at the other end.
 */
#ifndef WIRESPAN_TESTS_OUTPUT_RIG_H
#define WIRESPAN_TESTS_OUTPUT_RIG_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outputs/output.h"
#include "shipper/base/must.h"

static inline void rig_add(struct batch *b, struct bytes line)
{
	b->entries = must_realloc(b->entries, (b->count + 1) * sizeof(b->entries[0]));
	b->entries[b->count++] = (struct entry){
		.at = (uint32_t)b->text.len,
		.len = (uint32_t)line.len,
	};
	buf_add(&b->text, line);
}

static inline void rig_fini(struct batch *b)
{
	buf_fini(&b->text);
	free(b->entries);
	*b = (struct batch){0};
}

/* Documents numbered from `first`, each of `len` bytes with its newline (at least 40). */
static inline void rig_fill(struct batch *b, unsigned first, unsigned count, size_t len)
{
	char *line = must_alloc(len + 1);

	for (unsigned i = 0; i < count; i++) {
		int head = snprintf(line, len, "{\"n\":%u,\"x\":\"", first + i);

		memset(line + head, 'x', len - 3 - (size_t)head);
		memcpy(line + len - 3, "\"}\n", 3);
		rig_add(b, bytes_of(line, len));
	}
	free(line);
}

static inline size_t rig_verdicts(const struct batch *b, enum verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < b->count; i++)
		n += b->entries[i].verdict == verdict;
	return n;
}

/* A file's bytes; empty when there is none. */
static inline struct buf rig_read(const char *path)
{
	struct buf b = {0};
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : 1;

	while (n > 0) {
		n = read(fd, buf_room(&b, 4096), 4096);
		b.len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return b;
}

/* The lines are documents of rig_fill, from `first` on, whole and none missing: how many. */
static inline unsigned rig_whole(const struct buf *got, unsigned first)
{
	struct bytes rest = {got->at, got->len};
	unsigned n = 0;

	while (rest.len > 0) {
		size_t len = bytes_find(rest, '\n') + 1;
		char want[40];

		snprintf(want, sizeof(want), "{\"n\":%u,\"x\":\"", first + n);
		cr_assert(len <= rest.len, "the last line is torn");
		cr_assert(bytes_starts(rest, bytes_str(want)), "line %u is not number %u", n,
			  first + n);
		cr_assert(memcmp(rest.at + len - 3, "\"}\n", 3) == 0);
		rest = bytes_skip(rest, len);
		n++;
	}
	return n;
}

#endif
