#include "shipper/cmd/command.h"
#include "shipper/guard/calls.h"

static const struct flag flags[] = {{0}};

static enum exit_code run(struct arguments *a)
{
	int got;

	while ((got = arguments_next(a)) >= 0)
		;
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes no arguments");
	calls_print(stdout);
	return EXIT_WELL;
}

const struct command command_export_calls = {
	.name = "export calls",
	.arguments = "",
	.help = "Print which system calls each thread of `run` may make.",
	.flags = flags,
	.run = run,
};
