#include "shipper/base/log.h"
#include "shipper/cmd/command.h"
#include "shipper/txn/reference.h"

#include <errno.h>

static const struct flag flags[] = {
	{'f', "format", "text|md|json", "For a terminal, for a manual, or for a program."},
	{0},
};

static enum exit_code run(struct arguments *a)
{
	const char *format = "text";
	struct fault fault;
	int got;

	while ((got = arguments_next(a)) >= 0) {
		format = a->value;
		if (!fields_format_known(format)) {
			log_error("export fields --format: expected text, md or json, got \"%s\"",
				  format);
			return EXIT_USAGE;
		}
	}
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes options only");
	/* A reader that has gone is nothing to report. */
	if (fields_print(stdout, format, &fault) || errno == EPIPE)
		return EXIT_WELL;
	log_error("%s", fault.text);
	return EXIT_FAILED;
}

const struct command command_export_fields = {
	.name = "export fields",
	.arguments = "",
	.help = "Print every field that a document can have, with type and meaning.",
	.flags = flags,
	.run = run,
};
