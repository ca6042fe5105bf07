#include "shipper/cmd/target.h"

#include "outputs/calls/calls.h"
#include "outputs/console/console.h"
#include "outputs/file/file.h"
#include "outputs/report/report.h"
#include "shipper/base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The output with its presets, in place of what the settings have; returns its conf struct. */
static void *choose(struct settings *settings, const struct output *output)
{
	if (settings->output == output)
		return settings->output_conf;
	option_free(settings->output->options, settings->output_conf);
	free(settings->output_conf);
	settings->output = output;
	settings->output_conf = must_alloc(output->conf_size);
	option_default(output->options, settings->output_conf);
	return settings->output_conf;
}

static void text_set(char **to, const char *text)
{
	free(*to);
	*to = must_strdup(text);
}

static const struct output *output_named(const char *name)
{
	size_t i = 0;

	while (outputs[i] != NULL && strcmp(outputs[i]->name, name) != 0)
		i++;
	must(outputs[i] != NULL);
	return outputs[i];
}

static bool set_top(const struct target *target, struct settings *settings)
{
	void *conf = choose(settings, output_named("top"));
	const struct option *row = settings->output->options;
	struct fault fault;

	while (strcmp(row->name, "rows") != 0)
		row++;
	if (target->top_rows == NULL || option_parse(row, conf, target->top_rows, &fault))
		return true;
	log_error("--top: %s", fault.text);
	return false;
}

static void set_calls(const struct target *target, struct settings *settings)
{
	struct calls_conf *conf = choose(settings, output_named("calls"));

	text_set(&conf->flow, target->flow != NULL ? target->flow : "");
}

static void set_file(const struct target *target, struct settings *settings)
{
	struct file_conf *conf = choose(settings, output_named("file"));

	text_set(&conf->path, "");
	text_set(&conf->filename, target_file(target));
	conf->rotate_every_kb = 0;
	conf->truncate = true;
}

/* For outputs that write to standard output. */
static bool redirect(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) {
		log_error("%s cannot be written: %s", path, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

/* What they print excludes each other: false when more than one was asked for, and reported. */
static bool is_one(const struct target *target)
{
	const struct {
		bool given;
		const char *name;
	} all[] = {
		{target->pretty, "--pretty"},
		{target->top, "--top"},
		{target->calls, "--calls"},
		{target->flow != NULL, "--flow"},
	};
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!all[i].given)
			continue;
		if (first != NULL) {
			log_error("%s and %s exclude each other", first, all[i].name);
			return false;
		}
		first = all[i].name;
	}
	return true;
}

void target_ledger(struct settings *settings, struct ledger *ledger)
{
	struct report_conf *conf = choose(settings, output_named("report"));

	conf->into = ledger;
}

bool target_waits(const struct target *target)
{
	return target->top || target->calls || target->flow != NULL;
}

const char *target_file(const struct target *target)
{
	bool none = target->path == NULL || strcmp(target->path, "-") == 0;

	return none ? NULL : target->path;
}

bool target_given(const struct target *target)
{
	return target->path != NULL || target->pretty || target_waits(target);
}

bool target_set(const struct target *target, struct settings *settings)
{
	struct console_conf *console;

	if (!is_one(target))
		return false;
	if (target->flow != NULL && target->flow[0] == '\0') {
		log_error("--flow expects a Call-ID");
		return false;
	}
	if (target_file(target) != NULL && !target->pretty && !target_waits(target)) {
		set_file(target, settings);
		return true;
	}
	if (target_file(target) != NULL && !redirect(target_file(target)))
		return false;
	if (target->top)
		return set_top(target, settings);
	if (target->calls || target->flow != NULL)
		set_calls(target, settings);
	if (target->pretty || (target->path != NULL && !target_waits(target))) {
		console = choose(settings, output_named("console"));
		console->pretty |= target->pretty;
	}
	return true;
}
