/*
 * Each role of threads tries what it must not do, in a process of its own, and has to end by it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shipper/guard/calls.h"
#include "shipper/guard/guard.h"

/* With sanitizers, which make calls of their own, there are no filters. */
#ifndef GUARD_LOOSE

enum { WELL = 7 };

struct trial {
	enum guard_role role;
	void (*act)(void);
};

static void nothing(void)
{
}

static void run_program(void)
{
	char *const words[] = {NULL};

	execve("/bin/true", words, words);
}

static void new_process(void)
{
	if (fork() == 0)
		_exit(0);
}

static void trace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void become_root(void)
{
	if (setuid(0) != 0)
		return;
}

static void open_network(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void open_packets(void)
{
	socket(AF_PACKET, SOCK_RAW, 0);
}

static void open_for_writing(void)
{
	open("/dev/null", O_WRONLY);
}

static void open_for_reading(void)
{
	open("/dev/null", O_RDONLY);
}

static void make_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void signal_others(void)
{
	kill(getppid(), 0);
}

static void *as_thread(void *self)
{
	const struct trial *trial = self;

	guard_enter(trial->role);
	trial->act();
	return NULL;
}

/* How a process ends in which a thread of that role does that: a signal, or WELL. */
static int outcome(enum guard_role role, void (*act)(void))
{
	struct trial trial = {role, act};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		close(STDERR_FILENO);
		guard_plain();
		if (pthread_create(&thread, NULL, as_thread, &trial) != 0)
			_exit(1);
		pthread_join(thread, NULL);
		_exit(WELL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

#define ENDS(role, act)	 cr_expect_eq(outcome(role, act), SIGSYS, #role " " #act)
#define LIVES(role, act) cr_expect_eq(outcome(role, act), -WELL, #role " " #act)

Test(guard, no_thread_runs_programs_traces_or_becomes_root)
{
	for (int role = GUARD_MAIN; role < GUARD_FINDER; role++) {
		enum guard_role one = (enum guard_role)role;

		LIVES(one, nothing);
		ENDS(one, run_program);
		ENDS(one, new_process);
		ENDS(one, trace);
		ENDS(one, become_root);
		ENDS(one, signal_others);
	}
}

Test(guard, who_reads_packets_reaches_no_network_and_no_file_to_write)
{
	LIVES(GUARD_WORKER, open_for_reading);
	ENDS(GUARD_WORKER, open_network);
	ENDS(GUARD_WORKER, open_packets);
	ENDS(GUARD_WORKER, open_for_writing);
	ENDS(GUARD_WORKER, make_code);
}

Test(guard, others_have_what_their_work_takes_and_no_more)
{
	LIVES(GUARD_SPOOL, open_for_writing);
	ENDS(GUARD_SPOOL, open_network);
	ENDS(GUARD_SPOOL, make_code);
	LIVES(GUARD_COURIER, open_for_writing);
	LIVES(GUARD_COURIER, open_network);
	ENDS(GUARD_COURIER, open_packets);
	ENDS(GUARD_HOME, open_for_reading);
	ENDS(GUARD_HOME, open_network);
	ENDS(GUARD_HOME, make_code);
	LIVES(GUARD_MAIN, open_for_writing);
	LIVES(GUARD_MAIN, open_network);
}

Test(guard, a_line_names_thread_and_call)
{
	struct trial trial = {GUARD_WORKER, trace};
	char line[256] = "", want[64];
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	if (fork() == 0) {
		pthread_t thread;

		dup2(ends[1], STDERR_FILENO);
		guard_plain();
		pthread_create(&thread, NULL, as_thread, &trial);
		pthread_join(thread, NULL);
		_exit(0);
	}
	close(ends[1]);
	cr_assert_gt(read(ends[0], line, sizeof(line) - 1), 0);
	snprintf(want, sizeof(want), "thread worker made system call %d,", 101);
#ifdef __x86_64__
	cr_assert_not_null(strstr(line, want), "%s", line);
#endif
	cr_assert_not_null(strstr(line, "thread worker made system call "), "%s", line);
}

#endif
