/*
 * The file output: whole lines, rotation, reopening, and disks that are full.
 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "outputs/file/file.h"
#include "shipper/publish/publisher.h"
#include "tests/unit/output_rig.h"

static char folder[64], empty[] = "", mode_0600[] = "0600", file_name[] = "out.ndjson";
static char path[256];
static struct file_conf conf;
static struct batch batch;
static struct fault fault;
static void *self;

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void begin(void)
{
	strcpy(folder, "/tmp/wirespan-test-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	conf = (struct file_conf){
		.path = folder,
		.filename = file_name,
		.number_of_files = 3,
		.permissions = mode_0600,
	};
	self = must_alloc(output_file.self_size);
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
	rig_fini(&batch);
	free(self);
}

/* With a lost wake-up, a test ends by its timeout. */
TestSuite(output_file, .init = begin, .fini = end, .timeout = 120);

static void opened(void)
{
	cr_assert(output_file.open(self, &conf, &fault), "%s", fault.text);
}

/* Sends documents first, first + 1, … of `len` bytes in a batch of their own. */
static void send_new(unsigned first, unsigned count, size_t len)
{
	rig_fini(&batch);
	rig_fill(&batch, first, count, len);
	output_file.send(self, &batch, &fault);
}

static unsigned whole_in(const char *name, unsigned first)
{
	struct buf got = rig_read(in_folder(name));
	unsigned n = rig_whole(&got, first);

	buf_fini(&got);
	return n;
}

static bool exists(const char *name)
{
	return access(in_folder(name), F_OK) == 0;
}

Test(output_file, appends_with_modest_permissions)
{
	struct stat st;

	umask(0);
	opened();
	send_new(0, 10, 100);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 10);
	output_file.close(self);
	memset(self, 0, output_file.self_size);
	opened();
	send_new(10, 5, 100);
	output_file.close(self);
	cr_assert_eq(whole_in(file_name, 0), 15);
	cr_assert_eq(stat(in_folder(file_name), &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
}

Test(output_file, begins_empty_when_asked)
{
	conf.truncate = true;
	conf.path = empty;
	conf.filename = strdup(in_folder("plain"));
	opened();
	send_new(0, 10, 100);
	output_file.close(self);
	memset(self, 0, output_file.self_size);
	opened();
	send_new(0, 3, 100);
	output_file.close(self);
	cr_assert_eq(whole_in("plain", 0), 3);
	free(conf.filename);
}

static bool on_ext4(void)
{
	struct statfs fs;

	return statfs(folder, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC;
}

/* What the file's blocks hold beyond its end. */
static int64_t spare(const char *name)
{
	struct stat st;

	cr_assert_eq(stat(in_folder(name), &st), 0);
	return (int64_t)st.st_blocks * 512 - st.st_size;
}

/* Readers see what was written, and no block that holds nothing stays behind. */
Test(output_file, reserves_room_and_gives_it_back)
{
	enum { BATCHES = 8, EACH = 1000, LEN = 1000, SLACK = 64 << 10 };
	struct stat st;

	opened();
	for (unsigned i = 0; i < BATCHES; i++) {
		send_new(i * EACH, EACH, LEN);
		cr_assert_eq(stat(in_folder(file_name), &st), 0);
		cr_assert_eq(st.st_size, (i + 1) * EACH * LEN);
	}
	if (on_ext4())
		cr_assert_gt(spare(file_name), 1 << 20);
	output_file.reopen(self, &fault);
	cr_assert_lt(spare(file_name), SLACK);
	send_new(BATCHES * EACH, EACH, LEN);
	send_new((BATCHES + 1) * EACH, EACH, LEN);
	output_file.close(self);
	cr_assert_lt(spare(file_name), SLACK);
	cr_assert_eq(whole_in(file_name, 0), (BATCHES + 2) * EACH);
}

/* Another's lines behind the end are not taken back with the room. */
Test(output_file, leaves_what_others_wrote)
{
	enum { EACH = 2000, LEN = 1000 };
	static const char line[] = "another's\n";
	struct stat st;

	opened();
	send_new(0, EACH, LEN);
	send_new(EACH, 10, LEN);
	int fd = open(in_folder(file_name), O_WRONLY | O_APPEND);
	cr_assert_eq(write(fd, line, sizeof(line) - 1), (ssize_t)sizeof(line) - 1);
	close(fd);
	output_file.close(self);
	cr_assert_eq(stat(in_folder(file_name), &st), 0);
	cr_assert_eq(st.st_size, (EACH + 10) * LEN + (off_t)sizeof(line) - 1);
}

Test(output_file, makes_its_folder)
{
	conf.path = strdup(in_folder("deeper"));
	opened();
	output_file.close(self);
	cr_assert(exists("deeper/out.ndjson"));
	free(conf.path);
}

Test(output_file, says_what_is_wrong)
{
	char wrong[] = "rw-", octal[] = "0999", nowhere[] = "/nowhere/at/all", name[] = "/tmp";

	conf.permissions = wrong;
	cr_assert_not(output_file.open(self, &conf, &fault));
	cr_assert(strstr(fault.text, "octal"), "%s", fault.text);
	conf.permissions = octal;
	cr_assert_not(output_file.open(self, &conf, &fault));
	conf.permissions = mode_0600;
	conf.path = nowhere;
	cr_assert_not(output_file.open(self, &conf, &fault));
	cr_assert(strstr(fault.text, "/nowhere/at/all: No such file"), "%s", fault.text);
	conf.path = empty;
	conf.filename = name;
	cr_assert_not(output_file.open(self, &conf, &fault));
	cr_assert(strstr(fault.text, "/tmp for writing: Is a directory"), "%s", fault.text);
	conf.filename = empty;
	cr_assert_not(output_file.open(self, &conf, &fault));
}

/* Files of 1 KiB hold four documents of 256 bytes. */
Test(output_file, rotates_by_size_and_keeps_so_many)
{
	conf.rotate_every_kb = 1;
	opened();
	send_new(0, 9, 256);
	cr_assert_eq(whole_in("out.ndjson.2", 0), 4);
	cr_assert_eq(whole_in("out.ndjson.1", 4), 4);
	cr_assert_eq(whole_in("out.ndjson", 8), 1);
	send_new(9, 4, 256);
	cr_assert_eq(whole_in("out.ndjson.2", 4), 4);
	cr_assert_eq(whole_in("out.ndjson.1", 8), 4);
	cr_assert_eq(whole_in("out.ndjson", 12), 1);
	cr_assert_not(exists("out.ndjson.3"));
	output_file.close(self);
}

Test(output_file, a_document_larger_than_a_file_is_written_whole)
{
	conf.rotate_every_kb = 1;
	opened();
	send_new(0, 2, 5000);
	cr_assert_eq(whole_in("out.ndjson.1", 0), 1);
	cr_assert_eq(whole_in("out.ndjson", 1), 1);
	output_file.close(self);
}

Test(output_file, rotation_counts_what_was_there_before)
{
	conf.rotate_every_kb = 1;
	opened();
	send_new(0, 3, 256);
	output_file.close(self);
	memset(self, 0, output_file.self_size);
	opened();
	send_new(3, 2, 256);
	output_file.close(self);
	cr_assert_eq(whole_in("out.ndjson.1", 0), 4);
	cr_assert_eq(whole_in("out.ndjson", 4), 1);
}

Test(output_file, rotation_fills_the_first_free_number)
{
	conf.rotate_every_kb = 1;
	conf.number_of_files = 5;
	opened();
	send_new(0, 13, 256);
	cr_assert_eq(whole_in("out.ndjson.3", 0), 4);
	cr_assert_eq(rename(in_folder("out.ndjson.2"), "/tmp/wirespan-test-moved"), 0);
	cr_assert_eq(unlink("/tmp/wirespan-test-moved"), 0);
	send_new(13, 4, 256);
	cr_assert_eq(whole_in("out.ndjson.3", 0), 4);
	cr_assert_eq(whole_in("out.ndjson.2", 8), 4);
	cr_assert_eq(whole_in("out.ndjson.1", 12), 4);
	output_file.close(self);
}

Test(output_file, rotation_that_fails_writes_on)
{
	conf.rotate_every_kb = 1;
	conf.number_of_files = 2;
	opened();
	cr_assert_eq(mkdir(in_folder("out.ndjson.1"), 0700), 0);
	send_new(0, 9, 256);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 9);
	cr_assert_eq(whole_in("out.ndjson", 0), 9);
	cr_assert_eq(rmdir(in_folder("out.ndjson.1")), 0);
	send_new(9, 1, 256);
	cr_assert_eq(whole_in("out.ndjson.1", 0), 9);
	cr_assert_eq(whole_in("out.ndjson", 9), 1);
	output_file.close(self);
}

Test(output_file, reopen_follows_the_name)
{
	char moved[128];

	opened();
	send_new(0, 3, 100);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	cr_assert_eq(rename(in_folder(file_name), moved), 0);
	send_new(3, 3, 100);
	fault.text[0] = '\0';
	output_file.reopen(self, &fault);
	cr_assert_str_eq(fault.text, "");
	send_new(6, 3, 100);
	cr_assert_eq(whole_in("moved", 0), 6);
	cr_assert_eq(whole_in(file_name, 6), 3);
	output_file.close(self);
}

Test(output_file, reopen_that_fails_keeps_the_old_file)
{
	char moved[128];

	opened();
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	cr_assert_eq(rename(in_folder(file_name), moved), 0);
	cr_assert_eq(mkdir(in_folder(file_name), 0700), 0);
	output_file.reopen(self, &fault);
	cr_assert(strstr(fault.text, "Is a directory"), "%s", fault.text);
	send_new(0, 3, 100);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 3);
	cr_assert_eq(whole_in("moved", 0), 3);
	output_file.close(self);
}

/* logrotate moved the file away, made a new one, and told nobody: that one is not ours to move. */
Test(output_file, rotation_leaves_a_name_that_is_not_ours)
{
	char moved[128];
	struct batch theirs = {0};

	conf.rotate_every_kb = 1;
	opened();
	send_new(0, 4, 256);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	cr_assert_eq(rename(in_folder(file_name), moved), 0);
	int fd = open(in_folder(file_name), O_WRONLY | O_CREAT, 0600);

	rig_fill(&theirs, 4, 1, 256);
	cr_assert_eq(write(fd, theirs.text.at, 256), 256);
	close(fd);
	rig_fini(&theirs);
	send_new(5, 3, 256);
	cr_assert_eq(whole_in("moved", 0), 4);
	cr_assert_eq(whole_in(file_name, 4), 4);
	cr_assert_not(exists("out.ndjson.1"));
	/* Moved away, and nothing in its place. */
	cr_assert_eq(rename(in_folder(file_name), moved), 0);
	send_new(8, 1, 256);
	cr_assert_eq(whole_in(file_name, 8), 1);
	cr_assert_not(exists("out.ndjson.1"));
	output_file.close(self);
}

Test(output_file, half_a_line_from_a_crash_is_ended)
{
	struct buf got;
	int fd = open(in_folder(file_name), O_WRONLY | O_CREAT, 0600);

	cr_assert_eq(write(fd, "{\"n\":0,\"x", 9), 9);
	close(fd);
	opened();
	send_new(7, 2, 100);
	output_file.close(self);
	got = rig_read(in_folder(file_name));
	cr_assert(memcmp(got.at, "{\"n\":0,\"x\n", 10) == 0);
	buf_drop(&got, 10);
	cr_assert_eq(rig_whole(&got, 7), 2);
	buf_fini(&got);
}

Test(output_file, a_full_device_is_tried_again)
{
	char full[] = "/dev/full";

	conf.path = empty;
	conf.filename = full;
	conf.rotate_every_kb = 1;
	opened();
	send_new(0, 20, 100);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_AGAIN), 20);
	cr_assert(strstr(fault.text, "/dev/full: No space left on device"), "%s", fault.text);
	output_file.close(self);
}

/* The file may not grow past this: a write stops within a document, as on a full disk. */
static void limit_size(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(output_file, a_torn_document_is_taken_up_where_it_stopped)
{
	opened();
	limit_size(1234);
	send_new(0, 20, 100);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 12);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_AGAIN), 8);
	output_file.send(self, &batch, &fault);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 12);
	limit_size(1250);
	output_file.send(self, &batch, &fault);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 12);
	limit_size(RLIM_INFINITY);
	output_file.send(self, &batch, &fault);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 20);
	cr_assert_eq(whole_in(file_name, 0), 20);
	output_file.close(self);
}

Test(output_file, a_torn_document_does_not_stay_at_the_end)
{
	opened();
	limit_size(1234);
	send_new(0, 20, 100);
	output_file.close(self);
	cr_assert_eq(whole_in(file_name, 0), 12);
}

Test(output_file, a_torn_document_is_not_split_over_two_files)
{
	char moved[128];

	opened();
	limit_size(1234);
	send_new(0, 20, 100);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	cr_assert_eq(rename(in_folder(file_name), moved), 0);
	output_file.reopen(self, &fault);
	output_file.send(self, &batch, &fault);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 20);
	cr_assert_eq(whole_in("moved", 0), 12);
	cr_assert_eq(whole_in(file_name, 12), 8);
	output_file.close(self);
}

Test(output_file, rotation_waits_for_a_torn_document)
{
	conf.rotate_every_kb = 1;
	opened();
	limit_size(950);
	send_new(0, 20, 100);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 9);
	limit_size(RLIM_INFINITY);
	output_file.send(self, &batch, &fault);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 20);
	cr_assert_eq(whole_in("out.ndjson.1", 0), 10);
	cr_assert_eq(whole_in("out.ndjson", 10), 10);
	output_file.close(self);
}

Test(output_file, a_reader_that_closed_its_pipe_is_gone)
{
	pid_t pid = -1;

	conf.path = empty;
	conf.filename = strdup(in_folder("pipe"));
	cr_assert_eq(mkfifo(conf.filename, 0600), 0);
	pid = fork();
	if (pid == 0) {
		char byte = 0;
		int fd = open(conf.filename, O_RDONLY);

		_exit(read(fd, &byte, 1) == 1 ? 0 : 1);
	}
	signal(SIGPIPE, SIG_IGN);
	opened();
	do
		send_new(0, 100, 1000);
	while (rig_verdicts(&batch, VERDICT_DELIVERED) == 100);
	cr_assert(rig_verdicts(&batch, VERDICT_GONE) > 0);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_AGAIN), 0);
	output_file.close(self);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	free(conf.filename);
}

/* ---- the whole way: funnel, publisher, file ---- */

static void hand_in(struct publisher *p, unsigned first, unsigned count, size_t len)
{
	static const char id[32] = "0123456789abcdef0123456789abcdef";
	struct funnel *f = publisher_funnel(p, 0);
	struct batch lines = {0};

	rig_fill(&lines, first, count, len);
	for (size_t i = 0; i < lines.count; i++) {
		struct buf *room = funnel_sink.room(f);
		size_t at = room->len;

		buf_add(room, bytes_of(lines.text.at + lines.entries[i].at, len));
		funnel_sink.wrote(f, at, 0, id);
	}
	rig_fini(&lines);
}

static const struct publish_conf publish = {
	.wait = true,
	.batch_bytes = 4096,
	.batches = 8,
	.flush_interval = NS_PER_S,
	.retry_wait = NS_PER_MS,
	.retry_wait_limit = NS_PER_MS,
};

/* In mount points of this process alone, so that nothing is left behind. */
static bool mount_small(void)
{
	return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", folder, "tmpfs", 0, "size=256k") == 0;
}

/* A disk of 256 KiB that is full, until somebody makes room. Needs the right to mount. */
Test(output_file, a_full_disk_delays_and_loses_nothing)
{
	struct publish_stats stats;
	struct publisher *p = NULL;
	int fd = -1;

	if (!mount_small())
		cr_skip_test("may not mount a file system here");
	fd = open(in_folder("ballast"), O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(posix_fallocate(fd, 0, 200 << 10), 0);
	p = publisher_open(&publish, &output_file, &conf, 1, &fault);
	cr_assert_not_null(p, "%s", fault.text);
	hand_in(p, 0, 80, 1000);
	do
		publisher_stats(p, &stats);
	while (stats.retries < 3);
	cr_assert(stats.queued > 0);
	cr_assert_eq(stats.handed, 80);
	cr_assert_eq(stats.delivered + stats.queued, 80);
	cr_assert_eq(unlink(in_folder("ballast")), 0);
	cr_assert_eq(close(fd), 0);
	cr_assert(publisher_close(p, (nsec)600 * NS_PER_S, &stats, &fault), "%s", fault.text);
	cr_assert_eq(stats.delivered, 80);
	cr_assert_eq(whole_in(file_name, 0), 80);
	cr_assert_eq(umount(folder), 0);
}

/* Somebody moves the file away and asks to reopen, again and again, while documents flow. */
Test(output_file, rotation_and_reopening_while_documents_flow)
{
	enum { ROUNDS = 200, EACH = 50 };
	struct publish_stats stats;
	unsigned found = 0;
	struct publisher *p = NULL;

	conf.rotate_every_kb = 16;
	conf.number_of_files = 1000;
	p = publisher_open(&publish, &output_file, &conf, 1, &fault);
	cr_assert_not_null(p, "%s", fault.text);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char moved[128];

		hand_in(p, i * EACH, EACH, 200);
		snprintf(moved, sizeof(moved), "%s/moved-%04u", folder, i);
		if (i % 3 == 0)
			rename(in_folder(file_name), moved);
		if (i % 2 == 0)
			publisher_reopen(p);
	}
	cr_assert(publisher_close(p, INT64_MAX, &stats, &fault));
	cr_assert_eq(stats.delivered, ROUNDS * EACH);
	/* Each document in one of the files, once: counted by its number. */
	static unsigned char seen[ROUNDS * EACH];
	char command[256];

	snprintf(command, sizeof(command), "cat %s/*", folder);
	FILE *all = popen(command, "r");
	char line[256];

	while (fgets(line, sizeof(line), all) != NULL) {
		unsigned n = ROUNDS * EACH;

		cr_assert_eq(strlen(line), 200);
		cr_assert_eq(sscanf(line, "{\"n\":%u,", &n), 1);
		cr_assert(n < ROUNDS * EACH && seen[n] == 0);
		seen[n] = 1;
		found++;
	}
	pclose(all);
	cr_assert_eq(found, ROUNDS * EACH);
}
