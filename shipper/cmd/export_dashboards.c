#include "shipper/base/log.h"
#include "shipper/cmd/command.h"
#include "shipper/kibana/bundle.h"

#include <errno.h>
#include <string.h>

enum { FLAG_FOR = FLAG_LONG };

static const struct flag flags[] = {
	{FLAG_FOR, "for", "LINE", "kibana7, kibana8, kibana9, or osd: OpenSearch Dashboards."},
	{0},
};

static int bundle_of(const char *name)
{
	for (int i = 0; bundle_names[i] != NULL; i++)
		if (strcmp(bundle_names[i], name) == 0)
			return i;
	return -1;
}

static enum exit_code print(struct bytes text)
{
	bool well = fwrite(text.at, 1, text.len, stdout) == text.len && fflush(stdout) == 0;

	/* A reader that has gone is nothing to report. */
	if (well || errno == EPIPE)
		return EXIT_WELL;
	log_error("standard output: %s", strerror(errno));
	return EXIT_FAILED;
}

static enum exit_code run(struct arguments *a)
{
	const char *name = NULL;
	int got, which;

	while ((got = arguments_next(a)) >= 0)
		name = a->value;
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes options only");
	if (name == NULL)
		return arguments_usage(a, "needs --for kibana7, kibana8, kibana9 or osd");
	which = bundle_of(name);
	if (which < 0) {
		log_error("export dashboards --for: expected kibana7, kibana8, kibana9 or osd, got "
			  "\"%s\"",
			  name);
		return EXIT_USAGE;
	}
	return print(bundle_text((enum bundle)which));
}

const struct command command_export_dashboards = {
	.name = "export dashboards",
	.arguments = "",
	.help = "Print the dashboards, for loading them by hand.",
	.more = "In Kibana: Stack Management, Saved Objects, Import. With them comes a data view "
		"over\n"
		"wirespan-transactions*.\n",
	.flags = flags,
	.run = run,
};
