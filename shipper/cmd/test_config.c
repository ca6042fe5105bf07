#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"

#include <unistd.h>

static const struct flag flags[] = {CONFIGURE_FLAGS, {0}};

static enum exit_code run(struct arguments *a)
{
	struct configure configure = {0};
	struct settings settings;
	int got;

	while ((got = arguments_next(a)) >= 0)
		if (!configure_flag(&configure, got, a->value))
			return EXIT_USAGE;
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count == 1 && configure.path == NULL)
		configure.path = a->rest[0];
	else if (a->rest_count > 0)
		return arguments_usage(a, "expects one file");
	if (configure.path == NULL && access(CONFIGURE_PATH, F_OK) == 0)
		configure.path = CONFIGURE_PATH;
	if (!configure_load(&configure, &settings))
		return EXIT_USAGE;
	settings_free(&settings);
	printf("%s: well\n", configure.path != NULL ? configure.path : "presets");
	return EXIT_WELL;
}

const struct command command_test_config = {
	.name = "test config",
	.arguments = "[FILE]",
	.help = "Check a configuration, and say what is wrong with it.",
	.flags = flags,
	.run = run,
};
