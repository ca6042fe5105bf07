/*
 * The command line's first word, and the end of standard output.
 */
#include "shipper/base/log.h"
#include "shipper/cmd/command.h"
#include "shipper/guard/crash.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static enum exit_code dispatch(int argc, char **argv)
{
	static char help[] = "help", version[] = "version";
	const struct command *command;
	struct arguments arguments = {0};
	int words;

	if (argc > 0 && is_one_of(argv[0], "-h", "--help"))
		argv[0] = help;
	if (argc > 0 && is_one_of(argv[0], "-V", "--version"))
		argv[0] = version;
	if (argc == 0) {
		commands_print(stderr);
		return EXIT_USAGE;
	}
	command = command_find(argc, argv, &words);
	if (command == NULL)
		return command_unknown(argc, argv);
	arguments.command = command;
	arguments.argc = argc - words + 1;
	arguments.argv = argv + words - 1;
	return command->run(&arguments);
}

/* Standard output is a pipe that nobody reads any more: not a failure. */
static bool reader_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	int saved = errno;
	bool gone = poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;

	errno = saved;
	return gone;
}

int main(int argc, char **argv)
{
	enum exit_code code;

	/* A reader that has gone (| head) shows as EPIPE. */
	signal(SIGPIPE, SIG_IGN);
	crash_watch();
	code = dispatch(argc - 1, argv + 1);
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_WELL && !reader_gone()) {
		log_error("standard output cannot be written%s%s", errno != 0 ? ": " : "",
			  errno != 0 ? strerror(errno) : "");
		code = EXIT_FAILED;
	}
	return (int)code;
}
