/*
 * The console output, with standard output led elsewhere.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <yajl/yajl_parse.h>

#include "outputs/console/console.h"
#include "outputs/console/pretty.h"
#include "shipper/publish/publisher.h"
#include "tests/unit/output_rig.h"

static int saved, pipe_fds[2];
static struct console_conf conf;
static struct batch batch;
static struct fault fault;
static void *self;

/* Standard output becomes a pipe. */
static void begin(void)
{
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(dup2(pipe_fds[1], STDOUT_FILENO), STDOUT_FILENO);
	close(pipe_fds[1]);
	signal(SIGPIPE, SIG_IGN);
	conf = (struct console_conf){0};
	self = must_alloc(output_console.self_size);
}

/* Gives standard output back, before anything is asserted. */
static void put_back(void)
{
	if (saved >= 0) {
		dup2(saved, STDOUT_FILENO);
		close(saved);
	}
	saved = -1;
}

static void end(void)
{
	put_back();
	rig_fini(&batch);
	free(self);
}

/* With a lost wake-up, a test ends by its timeout. */
TestSuite(output_console, .init = begin, .fini = end, .timeout = 120);

static void *read_all(void *arg)
{
	struct buf *got = arg;
	ssize_t n = 1;

	while (n > 0) {
		n = read(pipe_fds[0], buf_room(got, 65536), 65536);
		got->len += n > 0 ? (size_t)n : 0;
	}
	return NULL;
}

/* All of so many documents of 500 bytes arrive, in whole lines. */
static void all_arrive(unsigned count)
{
	struct buf got = {0};
	pthread_t reader;

	rig_fill(&batch, 0, count, 500);
	must(pthread_create(&reader, NULL, read_all, &got) == 0);
	cr_assert(output_console.open(self, &conf, &fault));
	output_console.send(self, &batch, &fault);
	output_console.close(self);
	put_back();
	must(pthread_join(reader, NULL) == 0);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), count);
	cr_assert_eq(rig_whole(&got, 0), count);
	buf_fini(&got);
}

Test(output_console, whole_lines_through_a_pipe)
{
	all_arrive(1000);
}

/* A program that we share standard output with may have made it non-blocking. */
Test(output_console, a_pipe_that_does_not_block_is_waited_for)
{
	cr_assert_eq(fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK), 0);
	all_arrive(2000);
}

Test(output_console, a_reader_that_left_is_gone)
{
	rig_fill(&batch, 0, 10, 100);
	close(pipe_fds[0]);
	cr_assert(output_console.open(self, &conf, &fault));
	output_console.send(self, &batch, &fault);
	output_console.close(self);
	put_back();
	cr_assert_eq(rig_verdicts(&batch, VERDICT_GONE), 10);
}

/* As `wirespan replay FILE | head`: the reader takes a few lines and leaves. SIGPIPE is left as it
 * is by default, which would end this process if the publisher's thread did not hold it back. */
Test(output_console, head_ends_it_quietly)
{
	static const char id[32] = "0123456789abcdef0123456789abcdef";
	volatile sig_atomic_t stop = 0;
	struct publish_conf publish = {
		.wait = true,
		.batch_bytes = 4096,
		.batches = 4,
		.flush_interval = NS_PER_S,
		.retry_wait = NS_PER_S,
		.retry_wait_limit = NS_PER_S,
		.stop = &stop,
	};
	struct publish_stats stats;
	uint64_t written = 0;
	char few[1000];

	signal(SIGPIPE, SIG_DFL);
	struct publisher *p = publisher_open(&publish, &output_console, &conf, 1, &fault);
	struct funnel *f = publisher_funnel(p, 0);

	rig_fill(&batch, 0, 1, 1000);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct buf *room = funnel_sink.room(f);

		if (room == NULL)
			continue;
		size_t at = room->len;

		buf_add(room, buf_bytes(&batch.text));
		funnel_sink.wrote(f, at, 0, id);
		if (++written == 50) {
			must(read(pipe_fds[0], few, sizeof(few)) > 0);
			close(pipe_fds[0]);
		}
	}
	bool gone = publisher_gone(p);
	bool well = publisher_close(p, INT64_MAX, &stats, &fault);

	put_back();
	cr_assert(gone && well);
	cr_assert_eq(stats.handed, written);
	cr_assert_eq(stats.handed, stats.delivered + stats.abandoned);
	cr_assert(stats.abandoned > 0);
}

Test(output_console, pretty_goes_on_within_a_document)
{
	struct buf got = {0};
	char name[] = "/tmp/wirespan-test-XXXXXX";
	struct pretty *pretty = pretty_new();
	struct buf want = {0};
	int fd = mkstemp(name), sends = 0;

	rig_add(&batch, BYTES("{\"a\":1,\"b\":[true,null,-1.50e+3],\"c\":{\"d\":\"\\u0007x\"}}\n"));
	rig_add(&batch, BYTES("{\"z\":{}}\n"));
	for (size_t i = 0; i < batch.count; i++)
		buf_add(&want, pretty_text(pretty, bytes_of(batch.text.at + batch.entries[i].at,
							    batch.entries[i].len)));
	pretty_free(pretty);
	conf.pretty = true;
	dup2(fd, STDOUT_FILENO);
	cr_assert(output_console.open(self, &conf, &fault));
	/* As on a full disk: a write stops within a document. */
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t room = 10; rig_verdicts(&batch, VERDICT_DELIVERED) < 2 && room < 1000;
	     room += 7) {
		must(setrlimit(RLIMIT_FSIZE, &(struct rlimit){room, RLIM_INFINITY}) == 0);
		output_console.send(self, &batch, &fault);
		sends++;
	}
	output_console.close(self);
	put_back();
	got = rig_read(name);
	unlink(name);
	cr_assert(sends > 5);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 2);
	cr_assert(bytes_eq(buf_bytes(&got), buf_bytes(&want)));
	buf_fini(&got);
	buf_fini(&want);
	close(fd);
}

static void expect_pretty(const char *json, const char *want)
{
	struct pretty *pretty = pretty_new();
	struct bytes got = pretty_text(pretty, bytes_str(json));

	cr_assert(bytes_eq(got, bytes_str(want)), "%.*s", (int)got.len, (const char *)got.at);
	pretty_free(pretty);
}

Test(pretty, indents_and_keeps_numbers)
{
	expect_pretty("{\"a\":1,\"b\":[true,null,-1.50e+3,18446744073709551615],"
		      "\"c\":{\"d\":\"\\u0007\xc3\xa9\"}}\n",
		      "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null,\n    -1.50e+3,\n"
		      "    18446744073709551615\n  ],\n  \"c\": {\n    \"d\": \"\\u0007\xc3\xa9\"\n"
		      "  }\n}\n");
}

Test(pretty, leaves_what_is_not_json)
{
	expect_pretty("{\"a\":\n", "{\"a\":\n");
	expect_pretty("", "");
}
