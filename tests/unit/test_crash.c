/*
 * Crashes of each kind, in processes of their own, and what they leave.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shipper/guard/crash.h"
#include "shipper/guard/guard.h"

/* Sanitizers have reports of their own. */
#ifndef GUARD_LOOSE

enum { TEXT_MAX = 64 << 10 };

struct trial {
	enum guard_role role;
	void (*act)(void);
	bool packets;
	const struct bytes *packet; /* NULL: no worker */
};

static volatile int sink;

static void read_nothing(void)
{
	sink = *(volatile int *)(uintptr_t)(sink + 16);
}

static int deeper(volatile char *above)
{
	volatile char room[4096];

	room[0] = above[0];
	return above[0] == 'x' ? deeper(room) + room[0] : 0;
}

/* Of a file that was cut since. */
static const volatile uint8_t *mapped;

static void map_and_cut(void)
{
	int fd = memfd_create("cut", MFD_CLOEXEC);

	cr_assert_eq(ftruncate(fd, 4096), 0);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	cr_assert_neq(mapped, MAP_FAILED);
	cr_assert_eq(ftruncate(fd, 0), 0);
	close(fd);
}

static void read_what_was_cut(void)
{
	sink = mapped[0];
}

static void use_up_the_stack(void)
{
	char first[] = "x";

	sink = deeper(first);
}

static void divide(void)
{
#ifdef __x86_64__
	sink = 1000 / sink;
#else
	raise(SIGFPE);
#endif
}

static void no_instruction(void)
{
	__builtin_trap();
}

static void give_up(void)
{
	abort();
}

static void *as_thread(void *self)
{
	const struct trial *trial = self;
	struct counters counters = {{[COUNT_FRAMES_RECEIVED] = 12, [COUNT_STREAM_GAPS] = 3}};
	int link = 1;
	struct crash_worker worker = {&counters, trial->packet, &link};

	guard_enter(trial->role);
	if (trial->packet != NULL)
		crash_add(&worker);
	trial->act();
	crash_remove(&worker);
	return NULL;
}

static void crash_here(const struct trial *trial)
{
	struct crash_conf conf = {"", trial->packets};
	struct fault fault;
	pthread_t thread;

	crash_watch();
	guard_plain();
	if (!crash_open(&conf, &fault) ||
	    pthread_create(&thread, NULL, as_thread, (void *)(uintptr_t)trial) != 0)
		_exit(1);
	pthread_join(thread, NULL);
	_exit(0);
}

/* The signal that it ended by, and what it left. */
static int outcome(const struct trial *trial, char text[TEXT_MAX])
{
	char path[] = "/tmp/wirespan-crash-XXXXXX";
	int fd = mkstemp(path), status = 0;
	pid_t pid;
	ssize_t len;

	cr_assert_geq(fd, 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDERR_FILENO);
		crash_here(trial);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	len = pread(fd, text, TEXT_MAX - 1, 0);
	close(fd);
	unlink(path);
	text[len > 0 ? len : 0] = '\0';
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void expect(const char *text, const char *wanted)
{
	cr_expect_not_null(strstr(text, wanted), "lacks %s: %s", wanted, text);
}

Test(crash, every_role_leaves_a_report_and_ends_by_that_signal)
{
	static const char *const names[] = {"wirespan", "worker", "spool", "output", "home"};
	char text[TEXT_MAX], wanted[64];

	for (int role = GUARD_MAIN; role < GUARD_FINDER; role++) {
		struct trial trial = {.role = (enum guard_role)role, .act = read_nothing};

		cr_expect_eq(outcome(&trial, text), SIGSEGV, "%s", text);
		snprintf(wanted, sizeof(wanted), "crash: SIGSEGV in thread %s (", names[role]);
		expect(text, wanted);
		expect(text, ", code 1, address 0x10\n");
		expect(text, "crash: version " WIRESPAN_VERSION ", build ");
		expect(text, "crash: at wirespan+0x");
		expect(text, "crash: called from wirespan+0x");
		expect(text, "crash: end of the report\n");
	}
}

Test(crash, every_signal_is_told_by_its_name)
{
	static const struct {
		void (*act)(void);
		int signal;
		const char *name;
	} all[] = {{use_up_the_stack, SIGSEGV, "SIGSEGV"},
		   {read_what_was_cut, SIGBUS, "SIGBUS"},
		   {divide, SIGFPE, "SIGFPE"},
		   {no_instruction, SIGILL, "SIGILL"},
		   {give_up, SIGABRT, "SIGABRT"}};
	char text[TEXT_MAX], wanted[64];

	map_and_cut();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct trial trial = {.role = GUARD_WORKER, .act = all[i].act};

		cr_expect_eq(outcome(&trial, text), all[i].signal, "%s: %s", all[i].name, text);
		snprintf(wanted, sizeof(wanted), "crash: %s in thread worker (", all[i].name);
		expect(text, wanted);
		expect(text, "crash: end of the report\n");
	}
}

Test(crash, counters_are_in_it_and_packets_only_when_allowed)
{
	struct bytes packet = bytes_of("\x01\x02secret", 8);
	struct trial trial = {.role = GUARD_WORKER, .act = give_up, .packet = &packet};
	char text[TEXT_MAX];

	cr_expect_eq(outcome(&trial, text), SIGABRT);
	expect(text, "crash: worker 0 (this one) frames.received 12\n");
	expect(text, "crash: worker 0 (this one) stream.gaps 3\n");
	cr_expect_null(strstr(text, "packet of"), "%s", text);
	cr_expect_null(strstr(text, "73 65 63 72 65 74"), "%s", text);
	trial.packets = true;
	cr_expect_eq(outcome(&trial, text), SIGABRT);
	expect(text, "crash: worker 0 (this one): packet of 8 bytes, link type 1\n");
	expect(text, "crash: 000000 01 02 73 65 63 72 65 74\n");
}

Test(crash, a_step_that_crashes_is_left_out)
{
	struct bytes nowhere = {(const uint8_t *)8, 4};
	struct trial trial = {
		.role = GUARD_WORKER, .act = give_up, .packets = true, .packet = &nowhere};
	char text[TEXT_MAX];
	int signal = outcome(&trial, text);

	/* Which of the two is the last to happen again is no matter. */
	cr_expect(signal == SIGABRT || signal == SIGSEGV, "%d", signal);
	expect(text, "crash: SIGABRT in thread worker (");
	expect(text, "packet of 4 bytes");
	expect(text, "crash: end of the report\n");
}

Test(crash, a_file_takes_reports_behind_each_other_and_is_put_aside_when_it_is_large)
{
	char folder[] = "/tmp/wirespan-crash-XXXXXX", path[64], old[80];
	struct crash_conf conf = {path, false};
	struct fault fault;
	struct stat st;
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/report", folder);
	snprintf(old, sizeof(old), "%s.old", path);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			close(STDERR_FILENO);
			crash_watch();
			if (crash_open(&conf, &fault))
				abort();
			_exit(0);
		}
		cr_assert_eq(waitpid(pid, NULL, 0), pid);
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_gt(st.st_size, i == 0 ? 0 : 300);
		cr_expect_eq(st.st_mode & 0777, 0600);
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert_eq(ftruncate(fd, 2 << 20), 0);
	close(fd);
	cr_expect(crash_open(&conf, &fault));
	cr_expect(stat(old, &st) == 0 && st.st_size == 2 << 20);
	cr_expect(stat(path, &st) == 0 && st.st_size == 0);
	unlink(old);
	unlink(path);
	cr_assert_eq(symlink("/dev/null", path), 0);
	cr_expect_not(crash_open(&conf, &fault));
	unlink(path);
	rmdir(folder);
}

#endif
