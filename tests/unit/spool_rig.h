/*
 * For tests of the spool: a folder of its own, documents that know their number, and what came
 * back.
 */
#ifndef WIRESPAN_TESTS_SPOOL_RIG_H
#define WIRESPAN_TESTS_SPOOL_RIG_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/publish/spool.h"
#include "shipper/publish/spool_folder.h"

enum { RIG_DOCUMENTS_MAX = 1 << 16 };

struct rig {
	char path[64];
	struct spool_conf conf;
	struct bell news;
	struct spool *spool;
	uint64_t made;			/* documents, numbered from 0 */
	uint8_t got[RIG_DOCUMENTS_MAX]; /* how often each came back */
	uint64_t last;			/* the number of the last that came, and one */
	uint64_t came;
	struct batch batch; /* the one that was taken last */
};

static inline struct rig *rig_new(void)
{
	struct rig *r = must_alloc(sizeof(*r));

	snprintf(r->path, sizeof(r->path), "/tmp/wirespan-spool-XXXXXX");
	cr_assert_not_null(mkdtemp(r->path));
	bell_init(&r->news);
	r->conf = (struct spool_conf){
		.path = r->path,
		.max_bytes = 1 << 24,
		.segment_bytes = 8192,
		.sync_interval = NS_PER_MS,
	};
	return r;
}

static inline void rig_open(struct rig *r)
{
	struct fault fault = {0};

	r->spool = spool_open(&r->conf, 4, &r->news, &fault);
	cr_assert_not_null(r->spool, "%s", fault.text);
}

static inline void rig_close(struct rig *r)
{
	spool_end(r->spool);
	spool_free(r->spool);
	r->spool = NULL;
}

static inline void rig_free(struct rig *r)
{
	char command[128];

	if (r->spool != NULL)
		rig_close(r);
	snprintf(command, sizeof(command), "rm -rf %s", r->path);
	cr_assert_eq(system(command), 0);
	bell_fini(&r->news);
	buf_fini(&r->batch.text);
	buf_fini(&r->batch.reasons);
	free(r->batch.entries);
	free(r);
}

/* A document's text: of a length of its own, and its number in it. */
static inline size_t rig_text(uint64_t n, char to[1024])
{
	size_t pad = (size_t)(n * 37 % 500);

	return (size_t)snprintf(to, 1024, "{\"n\":%" PRIu64 ",\"x\":\"%0*d\"}\n", n, (int)pad + 1,
				0);
}

static inline void rig_id(uint64_t n, char to[33])
{
	snprintf(to, 33, "%016" PRIx64 "%016" PRIx64, n * UINT64_C(0x9e3779b97f4a7c15), n);
}

static inline void rig_add(struct batch *b, uint64_t n)
{
	char text[1024], id[33];
	size_t len = rig_text(n, text);

	if (b->count == b->room) {
		b->room = b->room > 0 ? b->room * 2 : 8;
		b->entries = must_realloc(b->entries, b->room * sizeof(b->entries[0]));
	}
	struct entry *e = &b->entries[b->count++];

	rig_id(n, id);
	*e = (struct entry){.at = (uint32_t)b->text.len, .len = (uint32_t)len};
	memcpy(e->id, id, sizeof(e->id));
	buf_add(&b->text, bytes_of(text, len));
}

/* Makes so many documents and puts them as one batch. */
static inline void rig_put(struct rig *r, unsigned documents)
{
	struct batch b = {0};

	for (unsigned i = 0; i < documents; i++)
		rig_add(&b, r->made++);
	cr_assert(r->made <= RIG_DOCUMENTS_MAX);
	spool_put(r->spool, &b);
	buf_fini(&b.text);
	free(b.entries);
}

/* What was taken is what was put: text and id, to the letter, in order. */
static inline void rig_check(struct rig *r)
{
	for (size_t i = 0; i < r->batch.count; i++) {
		const struct entry *e = &r->batch.entries[i];
		struct bytes text = {r->batch.text.at + e->at, e->len};
		char want[1024], id[33];
		uint64_t n = 0;

		cr_assert_eq(sscanf((const char *)text.at, "{\"n\":%" SCNu64, &n), 1);
		cr_assert(n < r->made);
		cr_assert_eq(text.len, rig_text(n, want));
		cr_assert_eq(memcmp(text.at, want, text.len), 0);
		rig_id(n, id);
		cr_assert_eq(memcmp(e->id, id, sizeof(e->id)), 0);
		cr_assert(n >= r->last, "%" PRIu64 " came behind %" PRIu64, n, r->last - 1);
		r->last = n + 1;
		r->got[n]++;
		r->came++;
	}
}

static inline bool rig_take(struct rig *r, unsigned courier)
{
	if (!spool_take(r->spool, courier, &r->batch, 4096, 0))
		return false;
	cr_assert(r->batch.count > 0);
	rig_check(r);
	return true;
}

/* All that there is. */
static inline void rig_drain(struct rig *r)
{
	while (rig_take(r, 0))
		spool_settle(r->spool, 0);
}

/* What came is forgotten: a new process has begun. */
static inline void rig_forget(struct rig *r)
{
	memset(r->got, 0, sizeof(r->got));
	r->last = r->came = 0;
}

static inline struct spool_stats rig_stats(struct rig *r)
{
	struct spool_stats stats;

	spool_stats(r->spool, &stats);
	cr_assert_eq(stats.recovered + stats.spooled,
		     stats.settled + stats.waiting + stats.lost[SPOOL_LOST_OLDEST] +
			     stats.lost[SPOOL_LOST_AGE] + stats.lost[SPOOL_LOST_DAMAGED]);
	return stats;
}

static inline size_t rig_segments(const struct rig *r)
{
	struct spool_folder folder;
	struct spool_list list;
	struct fault fault;

	cr_assert(spool_folder_look(&folder, r->path, &fault));
	cr_assert(spool_folder_list(&folder, &list, &fault));
	size_t count = list.count;

	spool_list_free(&list);
	spool_folder_close(&folder);
	return count;
}

#endif
