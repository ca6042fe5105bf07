#include "shipper/cmd/command.h"

#include <string.h>

static enum exit_code run(struct arguments *a)
{
	const struct command *command;
	int words, got = arguments_next(a);

	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count == 0) {
		commands_print(stdout);
		return EXIT_WELL;
	}
	command = command_find((int)a->rest_count, a->rest, &words);
	if (command == NULL)
		return command_unknown((int)a->rest_count, a->rest);
	command_print_help(command, stdout);
	return EXIT_WELL;
}

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.help = "Say what the commands are, or more about one.",
	.run = run,
};
