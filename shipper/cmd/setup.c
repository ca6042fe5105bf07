#include "shipper/setup/setup.h"
#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"
#include "shipper/kibana/load.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

enum { SPACE_MAX = 100 };

enum { FLAG_DRY = FLAG_LONG, FLAG_KIBANA, FLAG_SPACE };

static const struct flag setup_flags[] = {
	CONFIGURE_FLAGS,
	{FLAG_KIBANA, "kibana", "URL", "Load the dashboards there; OpenSearch Dashboards will do."},
	{FLAG_SPACE, "space", "NAME", "Of Kibana, or a tenant, when not the default."},
	{FLAG_DRY, "dry-run", NULL, "Change nothing; say what would be done."},
	{0},
};

static const struct flag test_flags[] = {CONFIGURE_FLAGS, {0}};

/* What was asked for beside the configuration. */
struct wish {
	struct kibana_target kibana; /* without a url: none */
	struct settings settings;
};

static bool is_engine(const struct settings *settings)
{
	const char *name = settings->output->name;

	return strcmp(name, "elasticsearch") == 0 || strcmp(name, "opensearch") == 0;
}

static bool wish_flag(struct wish *w, struct configure *configure, int got, const char *value)
{
	switch (got) {
	case FLAG_DRY:
		w->kibana.dry = true;
		return true;
	case FLAG_KIBANA:
		w->kibana.url = value;
		return true;
	case FLAG_SPACE:
		w->kibana.space = value;
		return true;
	default:
		return configure_flag(configure, got, value);
	}
}

/* A space's name becomes a part of a path, a tenant's a header's value. */
static bool check_space(const struct wish *w)
{
	const char *name = w->kibana.space;

	if (name == NULL)
		return true;
	if (w->kibana.url == NULL) {
		log_error("--space goes with --kibana URL");
		return false;
	}
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL)
			name = "";
	if (name[0] != '\0' && strlen(name) < SPACE_MAX)
		return true;
	log_error("--space: expected a name of letters, digits, - and _, got \"%s\"",
		  w->kibana.space);
	return false;
}

/* False: `code` is what to return with, and there is nothing to free. */
static bool wish_read(struct arguments *a, struct wish *w, enum exit_code *code)
{
	struct configure configure = {0};
	int got;

	*code = EXIT_USAGE;
	while ((got = arguments_next(a)) >= 0)
		if (!wish_flag(w, &configure, got, a->value))
			return false;
	if (got != ARGUMENTS_END) {
		*code = arguments_exit(got);
		return false;
	}
	if (a->rest_count > 0) {
		*code = arguments_usage(a, "takes options only");
		return false;
	}
	if (!check_space(w))
		return false;
	if (configure.path == NULL && access(CONFIGURE_PATH, R_OK) == 0)
		configure.path = CONFIGURE_PATH;
	return configure_load(&configure, &w->settings);
}

static enum exit_code no_engine(const struct settings *settings)
{
	log_error("output.%s is in use; this is about output.elasticsearch and output.opensearch",
		  settings->output->name);
	return EXIT_USAGE;
}

/* With the output's credentials; where it is no engine, as a stranger. */
static bool load_dashboards(const struct wish *w)
{
	struct elastic_conf stranger;

	if (is_engine(&w->settings))
		return kibana_load(&w->kibana, w->settings.output_conf, stdout);
	memset(&stranger, 0, sizeof(stranger));
	option_default(elastic_options, &stranger);
	bool well = kibana_load(&w->kibana, &stranger, stdout);

	option_free(elastic_options, &stranger);
	return well;
}

static enum exit_code run_setup(struct arguments *a)
{
	struct wish w = {0};
	enum exit_code code;
	bool well = true;

	if (!wish_read(a, &w, &code))
		return code;
	if (!is_engine(&w.settings) && w.kibana.url == NULL) {
		code = no_engine(&w.settings);
	} else {
		if (is_engine(&w.settings))
			well = setup_run(&w.settings.setup, w.settings.output_conf, w.kibana.dry,
					 stdout);
		if (w.kibana.url != NULL)
			well = load_dashboards(&w) && well;
		code = well ? EXIT_WELL : EXIT_FAILED;
	}
	settings_free(&w.settings);
	return code;
}

static enum exit_code run_test(struct arguments *a)
{
	struct wish w = {0};
	enum exit_code code;

	if (!wish_read(a, &w, &code))
		return code;
	if (!is_engine(&w.settings))
		code = no_engine(&w.settings);
	else
		code = setup_test(w.settings.output_conf, stdout) ? EXIT_WELL : EXIT_FAILED;
	settings_free(&w.settings);
	return code;
}

const struct command command_setup = {
	.name = "setup",
	.arguments = "",
	.help = "Prepare Elasticsearch or OpenSearch, and load the dashboards.",
	.more = "Templates, a lifecycle policy and a pipeline go to the engine of the output; "
		"dashboards\n"
		"to --kibana URL, with the credentials of the output. It can be run again at any\n"
		"time: what is as it should be stays, and dashboards are replaced, never "
		"doubled.\n",
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
