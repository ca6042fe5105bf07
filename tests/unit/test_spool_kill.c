/*
 * Processes that are killed while documents flow through their spool: every document that was
 * spooled is delivered, or it is among the dead letters, and nothing else is.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outputs/file/file.h"
#include "shipper/base/must.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/publisher.h"

/* Of each of the two tests; what starts under the thread sanitizer takes as long as ten lives. */
#ifdef __SANITIZE_THREAD__
enum { KILLS = 60, LIFE_MOST_US = 400000 };
#else
enum { KILLS = 250, LIFE_MOST_US = 25000 };
#endif
enum { EACH_MOST = 4000 };

TestSuite(spool_kill, .timeout = 600);

struct story {
	char path[64], out[96], dead[128];
	struct publish_conf conf;
	const struct output *output;
	void *output_conf;
	uint64_t random;
	uint64_t must[KILLS]; /* documents of each process that were spooled for certain */
	uint8_t (*got)[EACH_MOST];
	uint64_t lines, again, torn;
};

/* ---- An output that refuses some, by three handles ---- */

static int picky_fd = -1;

static void picky_demand(const void *conf, struct demand *demand)
{
	(void)conf;
	*demand = (struct demand){.handles = 3, .batch_bytes = 5000, .remote = true};
}

static bool picky_open(void *self, const void *conf, struct fault *fault)
{
	const struct story *f = *(struct story *const *)conf;

	(void)self, (void)fault;
	if (picky_fd < 0)
		picky_fd = open(f->out, O_WRONLY | O_APPEND | O_CREAT, 0600);
	return picky_fd >= 0;
}

static uint64_t number_of(const struct entry *e)
{
	char digits[33] = "";

	memcpy(digits, e->id, 32);
	return strtoull(digits, NULL, 10);
}

static void picky_send(void *self, struct batch *b, struct fault *fault)
{
	(void)self, (void)fault;
	/* Long enough for the cursor to pass it by, if it would. */
	if (b->count % 3 == 0)
		usleep(3000);
	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];

		if (number_of(e) % 7 == 0) {
			batch_refuse(b, e, 400, BYTES("no"));
			continue;
		}
		/* Each on a line of its own, whatever the one before has left. */
		must(write(picky_fd, "\n", 1) == 1);
		must(write(picky_fd, b->text.at + e->at, e->len) == (ssize_t)e->len);
		e->verdict = VERDICT_DELIVERED;
	}
}

static void picky_close(void *self)
{
	(void)self;
}

static const struct output picky = {
	.name = "picky",
	.conf_size = sizeof(struct story *),
	.self_size = 1,
	.demand = picky_demand,
	.open = picky_open,
	.send = picky_send,
	.close = picky_close,
};

/* ---- The process ---- */

static void make_document(struct funnel *f, uint64_t round, uint64_t n)
{
	char line[512], id[33];
	struct buf *room;

	while ((room = funnel_sink.room(f)) == NULL)
		usleep(50);
	size_t at = room->len;
	int len = snprintf(line, sizeof(line),
			   "{\"round\":%" PRIu64 ",\"n\":%" PRIu64 ",\"x\":\"%0*d\",\"end\":1}\n",
			   round, n, 1 + (int)(n * 31 % 400), 0);

	buf_add(room, bytes_of(line, (size_t)len));
	snprintf(id, sizeof(id), "%032" PRIu64, round * EACH_MOST + n);
	funnel_sink.wrote(f, at, 0, id);
}

/* Says how many documents are in the spool, again and again, until it is killed. */
static _Noreturn void live(struct story *f, uint64_t round, int say)
{
	struct publish_stats stats;
	struct fault fault = {0};
	struct publisher *p = publisher_open(&f->conf, f->output, f->output_conf, 1, &fault);

	if (p == NULL) {
		fprintf(stderr, "%s\n", fault.text);
		_exit(1);
	}
	for (uint64_t n = 0; n < EACH_MOST; n++) {
		make_document(publisher_funnel(p, 0), round, n);
		if (n % 8 != 7)
			continue;
		funnel_sink.flush(publisher_funnel(p, 0), true);
		publisher_stats(p, &stats);
		if (write(say, &stats.spooled, sizeof(stats.spooled)) < 0)
			_exit(2);
	}
	for (;;)
		pause();
}

static uint64_t roll(struct story *f, uint64_t below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random % below;
}

/* Between the start and some time after; how much was spooled by then. */
static void one_life(struct story *f, uint64_t round)
{
	uint64_t spooled = 0;
	int pipe_of[2], status = 0;

	cr_assert_eq(pipe(pipe_of), 0);
	pid_t child = fork();

	cr_assert(child >= 0);
	if (child == 0) {
		close(pipe_of[0]);
		live(f, round, pipe_of[1]);
	}
	close(pipe_of[1]);
	usleep((useconds_t)roll(f, LIFE_MOST_US));
	kill(child, SIGKILL);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", status);
	while (read(pipe_of[0], &spooled, sizeof(spooled)) == (ssize_t)sizeof(spooled))
		f->must[round] = spooled;
	close(pipe_of[0]);
}

/* ---- What came of it ---- */

/* A line that is not whole is the front of one: a process died there. */
static void note_line(struct story *f, const char *line, bool dead)
{
	uint64_t round, n;
	const char *end = strstr(line, "\"end\":1}");
	const char *at = dead ? strstr(line, "\"document\":") : line;

	if (line[0] == '\n')
		return;
	if (end == NULL || strchr(line, '\n') == NULL) {
		cr_assert_not(dead, "a dead letter is not whole: %s", line);
		f->torn++;
		return;
	}
	at += dead ? strlen("\"document\":") : 0;
	cr_assert_eq(sscanf(at, "{\"round\":%" SCNu64 ",\"n\":%" SCNu64, &round, &n), 2, "%s",
		     line);
	cr_assert(round < KILLS && n < EACH_MOST);
	cr_assert_eq(end - at,
		     snprintf(NULL, 0, "{\"round\":%" PRIu64 ",\"n\":%" PRIu64 ",\"x\":\"%0*d\",",
			      round, n, 1 + (int)(n * 31 % 400), 0));
	if (f->output == &picky)
		cr_assert_eq(dead, (round * EACH_MOST + n) % 7 == 0);
	f->lines++;
	f->again += f->got[round][n] > 0;
	f->got[round][n] = 1;
}

static void read_lines(struct story *f, const char *path, bool dead)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "r");

	while (file != NULL && getline(&line, &room, file) > 0)
		note_line(f, line, dead);
	if (file != NULL)
		fclose(file);
	free(line);
}

static void deliver_the_rest(struct story *f)
{
	struct publish_stats stats;
	struct fault fault = {0};
	struct publisher *p = publisher_open(&f->conf, f->output, f->output_conf, 1, &fault);

	cr_assert_not_null(p, "%s", fault.text);
	cr_assert(publisher_close(p, INT64_MAX, &stats, &fault), "%s", fault.text);
	cr_assert_eq(stats.queued, 0);
	cr_assert_eq(publish_lost(&stats), 0);
	cr_assert_eq(stats.delivered + stats.refused, stats.recovered);
}

static struct story *story_new(const struct output *output)
{
	struct story *f = must_alloc(sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/wirespan-kill-XXXXXX");
	cr_assert_not_null(mkdtemp(f->path));
	snprintf(f->out, sizeof(f->out), "%s/out.ndjson", f->path);
	snprintf(f->dead, sizeof(f->dead), "%s/dead-letters.ndjson", f->path);
	f->got = must_alloc(KILLS * sizeof(f->got[0]));
	f->random = UINT64_C(88172645463325252);
	f->output = output;
	f->conf = (struct publish_conf){
		.batch_bytes = 4096,
		.batches = 16,
		.flush_interval = NS_PER_S,
		.retry_wait = NS_PER_MS,
		.retry_wait_limit = NS_PER_MS,
		.queue = QUEUE_SPOOL,
		.spool = {.path = f->path,
			  .max_bytes = 1 << 28,
			  .segment_bytes = 1 << 15,
			  /* Where no disk is waited for, more happens in a short life; to a kill
			   * syncing makes no difference. */
			  .sync = SPOOL_SYNC_NEVER,
			  .sync_interval = NS_PER_MS},
		.dead_letters_size = 1 << 30,
		.dead_letters_files = 2,
	};
	return f;
}

static void run(struct story *f)
{
	uint64_t spooled = 0;
	char command[128];

	for (uint64_t round = 0; round < KILLS; round++)
		one_life(f, round);
	deliver_the_rest(f);
	read_lines(f, f->out, false);
	read_lines(f, f->dead, true);
	for (uint64_t round = 0; round < KILLS; round++) {
		for (uint64_t n = 0; n < f->must[round]; n++)
			cr_assert_eq(f->got[round][n], 1,
				     "document %" PRIu64 " of life %" PRIu64 " is lost", n, round);
		spooled += f->must[round];
	}
	fprintf(stderr,
		"%d lives, %" PRIu64 " documents spooled for certain; %" PRIu64 " lines, %" PRIu64
		" of them again, %" PRIu64 " torn\n",
		KILLS, spooled, f->lines, f->again, f->torn);
	cr_assert(spooled > (uint64_t)KILLS * 2);
	snprintf(command, sizeof(command), "rm -rf %s", f->path);
	cr_assert_eq(system(command), 0);
	free(f->got);
	free(f);
}

Test(spool_kill, into_a_file)
{
	struct story *f = story_new(&output_file);
	struct file_conf conf = {
		.path = f->path,
		.filename = (char[]){"out.ndjson"},
		.number_of_files = 2,
		.permissions = (char[]){"0600"},
	};

	f->output_conf = &conf;
	run(f);
}

Test(spool_kill, with_refusals_and_several_handles)
{
	struct story *f = story_new(&picky);
	struct story *self = f;

	f->output_conf = &self;
	run(f);
}
