/*
 * Runs a command and prints what it cost, as the kernel counted it. A small program does this,
 * since a process's peak memory includes that of the one which it was forked from.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t child;

	if (argc < 2)
		return 2;
	child = fork();
	if (child == 0) {
		/* Standard output is for the figures. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		perror(argv[0]);
		return 1;
	}
	printf("{\"status\":%d,\"user\":%.6f,\"system\":%.6f,\"peak_kib\":%ld}\n",
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	       seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss);
	return 0;
}
