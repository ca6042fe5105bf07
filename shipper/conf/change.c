#include "shipper/conf/change.h"

#include "shipper/base/must.h"
#include "shipper/conf/sections.h"

#include <stdlib.h>
#include <string.h>

/* A name with a dot at its end stands for all below it. */
static const char *const taken_up[] = {
	"name",
	"tags",
	"fields",
	"labels",
	"engine.",
	"memory.max",
	"flow.flows_max",
	"flow.held_bytes_max",
	"flow.gap_timeout",
	"protocols.",
	"output.",
	"logging.",
	"monitor.interval",
	"queue.shutdown_timeout",
	/* Used by commands only. */
	"indices.",
};

/* Of those above: what the queue was made for, and what open conversations point into. */
static const char *const not_taken_up[] = {
	"enabled",	"bulk_max_size", "bulk_max_bytes", "workers",
	"backoff.init", "backoff.max",	 "idl_files",
};

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcmp(name + len - n, end) == 0 && name[len - n - 1] == '.';
}

bool change_is_taken(const char *name)
{
	bool output = strncmp(name, "output.", 7) == 0;
	bool taken = false;

	for (size_t i = 0; i < sizeof(taken_up) / sizeof(taken_up[0]); i++) {
		size_t len = strlen(taken_up[i]);

		taken |= strncmp(name, taken_up[i], len) == 0 &&
			 (taken_up[i][len - 1] == '.' || name[len] == '\0');
	}
	for (size_t i = 0; i < sizeof(not_taken_up) / sizeof(not_taken_up[0]); i++)
		taken &= !(ends_with(name, not_taken_up[i]) &&
			   (output || strcmp(not_taken_up[i], "idl_files") == 0));
	return taken;
}

/* The sections with the outputs that these settings have, whose own `enabled` is in no conf. */
static void list(struct sections *sections, struct settings *settings)
{
	*sections = (struct sections){0};
	for (size_t i = 0; outputs[i] != NULL; i++)
		if (outputs[i] == settings->output)
			sections->output_conf[i] = settings->output_conf;
	sections_list(sections, settings);
}

static bool is_ports(const char *name)
{
	return strncmp(name, "protocols.", 10) == 0 &&
	       (ends_with(name, "ports") || ends_with(name, "enabled") ||
		ends_with(name, "detect"));
}

static void compare(struct changes *changes, const struct section *start, const struct section *now,
		    const struct section *next)
{
	char name[2 * NAME_MAX_BYTES];

	for (const struct option *row = next->rows; row->name != NULL; row++) {
		snprintf(name, sizeof(name), "%s%s%s", next->path, next->path[0] != '\0' ? "." : "",
			 row->name);
		bool taken = change_is_taken(name);

		if (option_equal(row, taken ? now->conf : start->conf, next->conf))
			continue;
		texts_add(taken ? &changes->taken : &changes->kept, name);
		changes->output |= taken && strncmp(name, "output.", 7) == 0;
		changes->ports |= taken && is_ports(name);
	}
}

void changes_find(struct changes *changes, struct settings *start, struct settings *now,
		  struct settings *next, bool output_stays)
{
	struct sections *all = must_alloc(3 * sizeof(*all));

	*changes = (struct changes){0};
	list(&all[0], start);
	list(&all[1], now);
	list(&all[2], next);
	if (start->output != next->output && !output_stays)
		texts_add(&changes->kept, "output");
	for (size_t i = 0; i < all[2].count; i++)
		/* Another output has other sections from there on. */
		if ((start->output == next->output && !output_stays) ||
		    strncmp(all[2].at[i].path, "output.", 7) != 0)
			compare(changes, &all[0].at[i], &all[1].at[i], &all[2].at[i]);
	free(all);
}

void changes_free(struct changes *changes)
{
	struct texts *both[] = {&changes->taken, &changes->kept};

	for (size_t b = 0; b < 2; b++) {
		for (size_t i = 0; i < both[b]->count; i++)
			free(both[b]->at[i]);
		free(both[b]->at);
	}
	*changes = (struct changes){0};
}

void changes_text(const struct texts *names, char *to, size_t size)
{
	enum { MORE = 32 };
	size_t len = 0;

	to[0] = '\0';
	for (size_t i = 0; i < names->count; i++) {
		if (len + strlen(names->at[i]) + MORE > size) {
			snprintf(to + len, size - len, " and %zu more", names->count - i);
			return;
		}
		len += (size_t)snprintf(to + len, size - len, "%s%s", i > 0 ? ", " : "",
					names->at[i]);
	}
}
