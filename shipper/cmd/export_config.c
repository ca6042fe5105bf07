#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"

enum { FLAG_REFERENCE = FLAG_LONG };

static const struct flag flags[] = {
	CONFIGURE_FLAGS,
	{FLAG_REFERENCE, "reference", NULL,
	 "Print every option with its meaning and preset, in place of what is in force."},
	{0},
};

static enum exit_code run(struct arguments *a)
{
	struct configure configure = {0};
	struct settings settings;
	bool reference = false;
	int got;

	while ((got = arguments_next(a)) >= 0) {
		if (got == FLAG_REFERENCE)
			reference = true;
		else if (!configure_flag(&configure, got, a->value))
			return EXIT_USAGE;
	}
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes options only");
	if (reference) {
		settings_print_reference(stdout);
		return EXIT_WELL;
	}
	if (!configure_load(&configure, &settings))
		return EXIT_USAGE;
	settings_print(&settings, stdout);
	settings_free(&settings);
	return EXIT_WELL;
}

const struct command command_export_config = {
	.name = "export config",
	.arguments = "",
	.help = "Print the settings that are in force, secrets left out.",
	.flags = flags,
	.run = run,
};
