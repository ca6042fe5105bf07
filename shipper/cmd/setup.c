#include "shipper/setup/setup.h"
#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"

#include <string.h>
#include <unistd.h>

enum { FLAG_DRY = FLAG_LONG };

static const struct flag setup_flags[] = {
	CONFIGURE_FLAGS,
	{FLAG_DRY, "dry-run", NULL, "Change nothing; say what would be done."},
	{0},
};

static const struct flag test_flags[] = {CONFIGURE_FLAGS, {0}};

/* What `output` says; NULL, and reported, when that is no engine. */
static const struct elastic_conf *engine_of(const struct settings *settings)
{
	const char *name = settings->output->name;

	if (strcmp(name, "elasticsearch") == 0 || strcmp(name, "opensearch") == 0)
		return settings->output_conf;
	log_error("output.%s is in use; this is about output.elasticsearch and output.opensearch",
		  name);
	return NULL;
}

static bool settings_of(struct arguments *a, struct settings *settings, bool *dry,
			enum exit_code *code)
{
	struct configure configure = {0};
	int got;

	*code = EXIT_USAGE;
	while ((got = arguments_next(a)) >= 0) {
		if (got == FLAG_DRY)
			*dry = true;
		else if (!configure_flag(&configure, got, a->value))
			return false;
	}
	if (got != ARGUMENTS_END) {
		*code = arguments_exit(got);
		return false;
	}
	if (a->rest_count > 0) {
		*code = arguments_usage(a, "takes options only");
		return false;
	}
	if (configure.path == NULL && access(CONFIGURE_PATH, R_OK) == 0)
		configure.path = CONFIGURE_PATH;
	return configure_load(&configure, settings);
}

static enum exit_code run_either(struct arguments *a, bool test)
{
	const struct elastic_conf *elastic;
	struct settings settings;
	enum exit_code code;
	bool dry = false, well;

	if (!settings_of(a, &settings, &dry, &code))
		return code;
	elastic = engine_of(&settings);
	code = EXIT_USAGE;
	if (elastic != NULL) {
		well = test ? setup_test(elastic, stdout)
			    : setup_run(&settings.setup, elastic, dry, stdout);
		code = well ? EXIT_WELL : EXIT_FAILED;
	}
	settings_free(&settings);
	return code;
}

static enum exit_code run_setup(struct arguments *a)
{
	return run_either(a, false);
}

static enum exit_code run_test(struct arguments *a)
{
	return run_either(a, true);
}

const struct command command_setup = {
	.name = "setup",
	.arguments = "",
	.help = "Prepare Elasticsearch or OpenSearch: templates, a lifecycle policy, a pipeline.",
	.more = "It can be run again at any time: what is as it should be stays.\n",
	.flags = setup_flags,
	.run = run_setup,
};

const struct command command_test_output = {
	.name = "test output",
	.arguments = "",
	.help = "Find out whether the engine would take documents, and if not, why.",
	.more = "It leaves no document there.\n",
	.flags = test_flags,
	.run = run_test,
};
