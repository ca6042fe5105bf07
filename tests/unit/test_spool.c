/*
 * The spool: what is put comes back, once or again, whole or not at all.
 */
#include "spool_rig.h"

#include "shipper/base/hash.h"
#include "shipper/publish/spool_scan.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

TestSuite(spool, .timeout = 120);

/* Its files as a process that was killed would leave them: the lock is let go, nothing is written.
 */
static void kill_process(struct rig *r)
{
	struct rig *copy = must_alloc(sizeof(*copy));
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s.was && cp -a %s %s.was", r->path, r->path,
		 r->path);
	cr_assert_eq(system(command), 0);
	rig_close(r);
	snprintf(command, sizeof(command), "rm -rf %s && mv %s.was %s", r->path, r->path, r->path);
	cr_assert_eq(system(command), 0);
	free(copy);
}

/* The keeper has its own time: until the condition holds. */
#define await(condition)                   \
	do {                               \
		while (!(condition))       \
			usleep(NS_PER_US); \
	} while (0)

Test(spool, what_is_put_comes_back_in_order)
{
	struct rig *r = rig_new();

	rig_open(r);
	cr_assert_not(spool_has(r->spool));
	cr_assert_not(rig_take(r, 0));
	for (unsigned i = 1; i < 60; i++) {
		rig_put(r, i);
		cr_assert(spool_has(r->spool));
		if (i % 3 == 0)
			rig_drain(r);
	}
	rig_drain(r);
	cr_assert_eq(r->came, r->made);
	struct spool_stats stats = rig_stats(r);

	cr_assert_eq(stats.spooled, r->made);
	cr_assert_eq(stats.settled, r->made);
	cr_assert_eq(stats.waiting, 0);
	await(rig_segments(r) <= 1);
	rig_close(r);
	cr_assert_eq(rig_segments(r), 0);
	rig_free(r);
}

Test(spool, a_batch_is_cut_at_its_limits_and_has_one_document_at_least)
{
	struct rig *r = rig_new();

	rig_open(r);
	rig_put(r, 60);
	for (unsigned limit = 1; r->came < 40; limit++) {
		cr_assert(spool_take(r->spool, 0, &r->batch, 1 << 20, limit));
		cr_assert(r->batch.count <= limit);
		rig_check(r);
		spool_settle(r->spool, 0);
	}
	while (r->came < r->made) {
		cr_assert(spool_take(r->spool, 0, &r->batch, 1, 0));
		cr_assert_eq(r->batch.count, 1);
		rig_check(r);
		spool_settle(r->spool, 0);
	}
	rig_free(r);
}

Test(spool, what_waits_is_there_at_the_next_start)
{
	struct rig *r = rig_new();
	uint64_t before = 0;

	for (unsigned start = 0; start < 20; start++) {
		rig_open(r);
		cr_assert_eq(rig_stats(r).recovered, before);
		rig_put(r, 50);
		for (unsigned i = 0; i < start % 4; i++)
			if (rig_take(r, 0))
				spool_settle(r->spool, 0);
		before = rig_stats(r).waiting;
		cr_assert_eq(before, r->made - r->came);
		rig_close(r);
	}
	rig_open(r);
	rig_drain(r);
	cr_assert_eq(r->came, r->made);
	cr_assert_eq(rig_stats(r).waiting, 0);
	rig_free(r);
}

Test(spool, the_cursor_stays_before_what_is_not_settled)
{
	struct rig *r = rig_new();
	uint64_t first;

	rig_open(r);
	rig_put(r, 100);
	cr_assert(rig_take(r, 0));
	spool_settle(r->spool, 0);
	first = r->came;
	for (unsigned courier = 0; courier < 4; courier++)
		cr_assert(rig_take(r, courier));
	for (unsigned courier = 1; courier < 4; courier++)
		spool_settle(r->spool, courier);
	/* Courier 0 never ends: all from its first document on comes again. */
	rig_close(r);
	rig_forget(r);
	rig_open(r);
	cr_assert_eq(rig_stats(r).recovered, r->made - first);
	rig_drain(r);
	cr_assert_eq(r->came, r->made - first);
	cr_assert_eq(r->got[first - 1], 0);
	cr_assert_eq(r->got[first], 1);
	rig_free(r);
}

Test(spool, a_killed_process_loses_nothing_that_was_put)
{
	struct rig *r = rig_new();
	uint64_t settled = 0;

	r->conf.sync_interval = (nsec)3600 * NS_PER_S;
	for (unsigned round = 0; round < 10; round++) {
		rig_open(r);
		rig_put(r, 40);
		cr_assert(rig_take(r, 0));
		spool_settle(r->spool, 0);
		settled = rig_stats(r).settled;
		kill_process(r);
		rig_forget(r);
	}
	cr_assert(settled > 0);
	rig_open(r);
	rig_drain(r);
	/* The cursor was never written: all comes again. */
	cr_assert_eq(r->came, r->made);
	rig_free(r);
}

static char *file_of(const struct rig *r, const char *name, char to[PATH_MAX])
{
	snprintf(to, PATH_MAX, "%s/%s", r->path, name);
	return to;
}

/* The last segment's file. */
static char *last_file(const struct rig *r, char to[PATH_MAX])
{
	struct spool_folder folder;
	struct spool_list list;
	char name[SPOOL_NAME];

	cr_assert(spool_folder_look(&folder, r->path, NULL));
	cr_assert(spool_folder_list(&folder, &list, NULL));
	cr_assert(list.count > 0);
	spool_name(list.at[list.count - 1].number, name);
	spool_list_free(&list);
	spool_folder_close(&folder);
	return file_of(r, name, to);
}

Test(spool, a_torn_end_costs_the_documents_in_it_alone)
{
	struct rig *r = rig_new();
	char path[PATH_MAX];
	struct stat st;
	struct spool_stats stats;

	r->conf.segment_bytes = 1 << 20;
	rig_open(r);
	rig_put(r, 100);
	kill_process(r);
	cr_assert_eq(stat(last_file(r, path), &st), 0);
	cr_assert_eq(truncate(path, st.st_size - 3), 0);
	rig_open(r);
	stats = rig_stats(r);
	cr_assert_eq(stats.recovered, 99);
	rig_drain(r);
	cr_assert_eq(r->came, 99);
	stats = rig_stats(r);
	cr_assert_eq(stats.lost[SPOOL_LOST_DAMAGED], 0);
	/* New ones are numbered behind, and come. */
	rig_put(r, 10);
	rig_drain(r);
	cr_assert_eq(r->came, 109);
	rig_free(r);
}

Test(spool, a_segment_with_nothing_whole_is_set_aside)
{
	struct rig *r = rig_new();
	char path[PATH_MAX];
	int fd;

	rig_open(r);
	rig_close(r);
	fd = open(file_of(r, "0000000000000003.seg", path), O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(write(fd,
			   "some rubbish, and a bit more of it than a header would have, so that",
			   68),
		     68);
	close(fd);
	close(open(file_of(r, "0000000000000004.seg", path), O_WRONLY | O_CREAT, 0600));
	rig_open(r);
	cr_assert_eq(rig_stats(r).recovered, 0);
	cr_assert_eq(rig_segments(r), 0);
	cr_assert_eq(access(file_of(r, "0000000000000003.seg.damaged", path), F_OK), 0);
	rig_put(r, 5);
	rig_drain(r);
	cr_assert_eq(r->came, 5);
	rig_free(r);
}

/* ---- Limits ---- */

Test(spool, full_drops_the_newest)
{
	struct rig *r = rig_new();
	struct spool_stats stats;

	r->conf.max_bytes = 64 << 10;
	rig_open(r);
	while (rig_stats(r).lost[SPOOL_LOST_NEWEST] == 0)
		rig_put(r, 20);
	rig_put(r, 20);
	stats = rig_stats(r);
	cr_assert_eq(stats.lost[SPOOL_LOST_NEWEST], 40);
	cr_assert_eq(stats.spooled, r->made - 40);
	cr_assert(stats.bytes <= 64 << 10);
	cr_assert(stats.bytes > 48 << 10);
	rig_drain(r);
	cr_assert_eq(r->came, r->made - 40);
	cr_assert_eq(r->got[0], 1);
	cr_assert_eq(r->got[r->made - 1], 0);
	await(rig_stats(r).segments <= 1);
	rig_put(r, 20);
	rig_drain(r);
	cr_assert_eq(r->came, r->made - 40);
	rig_free(r);
}

Test(spool, full_drops_the_oldest_when_told_to)
{
	struct rig *r = rig_new();
	struct spool_stats stats;
	uint64_t held;

	r->conf.max_bytes = 64 << 10;
	r->conf.full = SPOOL_DROP_OLDEST;
	rig_open(r);
	rig_put(r, 20);
	/* Under way: its segment stays. */
	cr_assert(rig_take(r, 1));
	held = r->came;
	for (unsigned i = 0; i < 50; i++) {
		await(rig_stats(r).lost[SPOOL_LOST_NEWEST] == 0);
		rig_put(r, 20);
		/* So that sealed ones may go. */
		usleep(3000);
		cr_assert(rig_stats(r).bytes <= 64 << 10);
	}
	stats = rig_stats(r);
	cr_assert_eq(stats.lost[SPOOL_LOST_NEWEST], 0);
	cr_assert(stats.lost[SPOOL_LOST_OLDEST] > 0);
	cr_assert_eq(stats.spooled, r->made);
	spool_settle(r->spool, 1);
	rig_drain(r);
	cr_assert_eq(r->got[r->made - 1], 1);
	cr_assert_eq(r->came, r->made - stats.lost[SPOOL_LOST_OLDEST]);
	cr_assert_eq(rig_stats(r).settled, r->came);
	cr_assert(held > 0);
	rig_free(r);
}

Test(spool, old_documents_are_dropped)
{
	struct rig *r = rig_new();

	rig_open(r);
	rig_put(r, 30);
	rig_close(r);
	r->conf.max_age = 1;
	rig_open(r);
	/* By the segment, from the keeper. */
	await(rig_stats(r).lost[SPOOL_LOST_AGE] == 30);
	cr_assert_eq(rig_stats(r).waiting, 0);
	rig_close(r);
	r->conf.sync_interval = (nsec)3600 * NS_PER_S;
	rig_open(r);
	rig_put(r, 30);
	/* One by one, as they are read. */
	cr_assert_not(rig_take(r, 0));
	cr_assert_eq(rig_stats(r).lost[SPOOL_LOST_AGE], 30);
	rig_close(r);
	r->conf.max_age = (nsec)3600 * NS_PER_S;
	rig_open(r);
	rig_put(r, 30);
	rig_drain(r);
	cr_assert_eq(r->came, 30);
	rig_free(r);
}

/* ---- Trouble ---- */

Test(spool, a_disk_that_is_full_costs_what_is_new_and_no_more)
{
	struct rig *r = rig_new();
	struct rlimit limit = {20000, 20000}, none = {RLIM_INFINITY, RLIM_INFINITY};
	struct spool_stats stats;
	uint64_t before;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &none), 0);
	r->conf.segment_bytes = 1 << 20;
	rig_open(r);
	rig_put(r, 20);
	limit.rlim_max = none.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (rig_stats(r).lost[SPOOL_LOST_DISK] == 0)
		rig_put(r, 20);
	rig_put(r, 20);
	stats = rig_stats(r);
	cr_assert_eq(stats.lost[SPOOL_LOST_DISK], 40);
	before = r->made - 40;
	cr_assert_eq(stats.spooled, before);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	rig_put(r, 20);
	rig_drain(r);
	cr_assert_eq(r->came, r->made - 40);
	cr_assert_eq(r->got[before - 1], 1);
	cr_assert_eq(r->got[before], 0);
	cr_assert_eq(r->got[r->made - 1], 1);
	rig_free(r);
}

Test(spool, one_folder_has_one_user)
{
	struct rig *r = rig_new();
	struct fault fault = {0};
	char want[128];

	rig_open(r);
	cr_assert_null(spool_open(&r->conf, 1, &r->news, &fault));
	snprintf(want, sizeof(want), "the spool in %s is in use by another process (%ld)", r->path,
		 (long)getpid());
	cr_assert_str_eq(fault.text, want);
	rig_close(r);
	rig_open(r);
	rig_free(r);
}

Test(spool, a_folder_that_cannot_be_used_is_a_fault)
{
	struct rig *r = rig_new();
	struct fault fault = {0};
	char path[PATH_MAX];

	r->conf.path = file_of(r, "file", path);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	cr_assert_null(spool_open(&r->conf, 1, &r->news, &fault));
	cr_assert(strstr(fault.text, "Not a directory") != NULL, "%s", fault.text);
	r->conf.path = file_of(r, "file/below", path);
	cr_assert_null(spool_open(&r->conf, 1, &r->news, &fault));
	cr_assert(strstr(fault.text, "cannot make the folder") != NULL, "%s", fault.text);
	char none[] = "";

	r->conf.path = none;
	cr_assert_null(spool_open(&r->conf, 1, &r->news, &fault));
	r->conf.path = file_of(r, "a/b/c", path);
	rig_open(r);
	rig_put(r, 1);
	rig_drain(r);
	cr_assert_eq(r->came, 1);
	rig_free(r);
}

Test(spool, another_version_is_left_alone)
{
	struct rig *r = rig_new();
	struct fault fault = {0};
	char path[PATH_MAX];
	uint8_t text[SPOOL_HEADER];
	int fd;

	rig_open(r);
	rig_put(r, 10);
	rig_close(r);
	fd = open(last_file(r, path), O_RDWR);
	cr_assert_eq(spool_read(fd, text, sizeof(text), 0), SPOOL_HEADER);
	text[8] = 2;
	uint64_t sum = hash_bytes(bytes_of(text, SPOOL_HEADER - 8));

	for (unsigned i = 0; i < 8; i++)
		text[SPOOL_HEADER - 8 + i] = (uint8_t)(sum >> 8 * i);
	cr_assert(spool_write(fd, bytes_of(text, sizeof(text)), 0));
	close(fd);
	cr_assert_null(spool_open(&r->conf, 1, &r->news, &fault));
	cr_assert(strstr(fault.text, "was written by another version of wirespan (format 2, this "
				     "one has 1)") != NULL,
		  "%s", fault.text);
	cr_assert_eq(rig_segments(r), 1);
	rig_free(r);
}

Test(spool, sync_as_told)
{
	struct rig *r = rig_new();

	r->conf.sync = SPOOL_SYNC_BATCH;
	r->conf.sync_interval = (nsec)3600 * NS_PER_S;
	rig_open(r);
	for (unsigned i = 0; i < 7; i++)
		rig_put(r, 3);
	cr_assert_eq(rig_stats(r).synced, 7);
	rig_drain(r);
	rig_close(r);
	r->conf.sync = SPOOL_SYNC_NEVER;
	r->conf.sync_interval = NS_PER_MS;
	rig_open(r);
	rig_put(r, 3);
	rig_drain(r);
	cr_assert_eq(rig_stats(r).synced, 0);
	rig_close(r);
	r->conf.sync = SPOOL_SYNC_INTERVAL;
	rig_open(r);
	rig_put(r, 3);
	await(rig_stats(r).synced == 1);
	rig_drain(r);
	cr_assert_eq(r->came, r->made);
	rig_free(r);
}

/* ---- Looked at ---- */

struct looked {
	uint64_t next, documents;
	unsigned damaged;
};

static void note_waiting(void *self, const struct spool_record *record)
{
	struct looked *l = self;
	char want[1024], id[33];

	cr_assert_eq(record->number, l->next++);
	cr_assert_eq(record->text.len, rig_text(record->number, want));
	cr_assert_eq(memcmp(record->text.at, want, record->text.len), 0);
	rig_id(record->number, id);
	cr_assert_eq(memcmp(record->id, id, SPOOL_ID), 0);
	l->documents++;
}

static void note_damage(void *self, const char *name, const struct spool_scan *scan, bool header)
{
	(void)name, (void)scan, (void)header;
	((struct looked *)self)->damaged++;
}

Test(spool, people_may_look_while_it_is_in_use)
{
	struct rig *r = rig_new();
	struct looked looked = {0};
	struct spool_folder folder;
	struct spool_view view, glance;
	struct fault fault;
	struct stat st;
	char path[PATH_MAX];

	rig_open(r);
	for (unsigned i = 0; i < 10; i++)
		rig_put(r, 20);
	while (r->came < 70) {
		cr_assert(rig_take(r, 0));
		spool_settle(r->spool, 0);
	}
	cr_assert(spool_folder_look(&folder, r->path, &fault));
	do
		cr_assert(spool_glance(&folder, &glance, &fault), "%s", fault.text);
	while (glance.cursor < r->came);
	cr_assert_eq(glance.waiting, r->made - r->came);
	looked.next = r->came;
	cr_assert(spool_view(&folder, note_waiting, note_damage, &looked, &view, &fault));
	cr_assert_eq(looked.documents, r->made - r->came);
	cr_assert_eq(view.waiting, looked.documents);
	cr_assert_eq(view.user, getpid());
	cr_assert_eq(view.damaged + looked.damaged, 0);
	cr_assert(view.oldest > 0 && view.oldest == glance.oldest);
	/* Within a tenth: a glance only knows what documents take on average. */
	cr_assert(glance.waiting_bytes > view.waiting_bytes / 10 * 9 &&
		  glance.waiting_bytes < view.waiting_bytes / 10 * 11);
	/* A record that is being written is no damage; when nobody writes, it is. */
	cr_assert_eq(stat(last_file(r, path), &st), 0);
	cr_assert_eq(truncate(path, st.st_size - 9), 0);
	cr_assert(spool_view(&folder, NULL, note_damage, &looked, &view, &fault));
	cr_assert_eq(view.damaged + looked.damaged, 0);
	cr_assert_eq(view.waiting, r->made - r->came - 1);
	rig_close(r);
	cr_assert(spool_view(&folder, NULL, note_damage, &looked, &view, &fault));
	cr_assert_eq(view.user, 0);
	cr_assert_eq(looked.damaged, 1);
	cr_assert_eq(view.damaged_segments, 1);
	spool_folder_close(&folder);
	rig_free(r);
}

/* ---- All at once ---- */

enum { PUTS = 2000, TAKERS = 4 };

struct crew {
	struct rig *rig;
	pthread_mutex_t take, note;
	_Atomic bool over;
	_Atomic unsigned next;
};

static void *taker(void *arg)
{
	struct crew *crew = arg;
	struct rig *r = crew->rig;
	unsigned which = atomic_fetch_add(&crew->next, 1);
	struct batch b = {0};

	for (;;) {
		bool over = atomic_load(&crew->over);

		pthread_mutex_lock(&crew->take);
		bool found = spool_take(r->spool, which, &b, 3000, 0);

		if (!found && !over) {
			bell_listen(&r->news);
			if (spool_has(r->spool) || atomic_load(&crew->over))
				bell_ignore(&r->news);
			else
				bell_wait(&r->news, BELL_FOREVER);
		}
		pthread_mutex_unlock(&crew->take);
		if (!found && over)
			break;
		pthread_mutex_lock(&crew->note);
		for (size_t i = 0; found && i < b.count; i++) {
			uint64_t n = 0;

			sscanf((const char *)b.text.at + b.entries[i].at, "{\"n\":%" SCNu64, &n);
			r->got[n]++;
			r->came++;
		}
		pthread_mutex_unlock(&crew->note);
		if (found)
			spool_settle(r->spool, which);
	}
	buf_fini(&b.text);
	free(b.entries);
	return NULL;
}

Test(spool, several_takers_get_each_document_once)
{
	struct rig *r = rig_new();
	struct crew crew = {.rig = r};
	pthread_t threads[TAKERS];

	pthread_mutex_init(&crew.take, NULL);
	pthread_mutex_init(&crew.note, NULL);
	rig_open(r);
	for (unsigned i = 0; i < TAKERS; i++)
		must(pthread_create(&threads[i], NULL, taker, &crew) == 0);
	for (unsigned i = 0; i < PUTS; i++)
		rig_put(r, 1 + i % 20);
	atomic_store(&crew.over, true);
	bell_ring(&r->news);
	for (unsigned i = 0; i < TAKERS; i++)
		must(pthread_join(threads[i], NULL) == 0);
	cr_assert_eq(r->came, r->made);
	for (uint64_t n = 0; n < r->made; n++)
		cr_assert_eq(r->got[n], 1);
	cr_assert_eq(rig_stats(r).settled, r->made);
	await(rig_stats(r).segments <= 1);
	rig_free(r);
}
