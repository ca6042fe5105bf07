#include "outputs/console/console.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "outputs/console/pretty.h"
#include "outputs/lines.h"

struct console {
	struct lines lines;
	struct pretty *pretty; /* NULL: as they are */
};

static const struct option console_options[] = {
	{.name = "pretty",
	 .type = OPTION_BOOL,
	 .offset = offsetof(struct console_conf, pretty),
	 .preset = "false",
	 .help = "Documents over many lines, indented, for people."},
	{0},
};

static bool console_open(void *self, const void *conf, struct fault *fault)
{
	const struct console_conf *c = conf;
	struct console *console = self;

	(void)fault;
	console->lines.fd = STDOUT_FILENO;
	console->pretty = c->pretty ? pretty_new() : NULL;
	return true;
}

static bool send_pretty(struct console *console, struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];
		struct bytes text = {b->text.at + e->at, e->len};

		if (!entry_pending(e))
			continue;
		if (!lines_write_one(&console->lines, pretty_text(console->pretty, text)))
			return false;
		e->verdict = VERDICT_DELIVERED;
	}
	return true;
}

static void console_send(void *self, struct batch *b, struct fault *fault)
{
	struct console *console = self;
	bool well = console->pretty ? send_pretty(console, b)
				    : lines_write(&console->lines, b, 0, b->count);

	if (!well)
		lines_failed(b, errno, "standard output", fault);
}

static void console_close(void *self)
{
	struct console *console = self;

	pretty_free(console->pretty);
}

const struct output output_console = {
	.name = "console",
	.options = console_options,
	.conf_size = sizeof(struct console_conf),
	.self_size = sizeof(struct console),
	.open = console_open,
	.send = console_send,
	.close = console_close,
};
