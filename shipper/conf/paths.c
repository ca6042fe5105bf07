#include "shipper/base/must.h"
#include "shipper/conf/sections.h"

#include <stdlib.h>
#include <string.h>

static void one(const char *text, settings_path_fn *found, void *self)
{
	if (text != NULL && strchr(text, '/') != NULL)
		found(self, text);
}

static void values(const struct option *row, const void *conf, settings_path_fn *found, void *self)
{
	const void *member = (const char *)conf + row->offset;
	const struct texts *texts = member;

	if (row->type == OPTION_TEXT)
		one(*(char *const *)member, found, self);
	for (size_t i = 0; row->type == OPTION_TEXTS && i < texts->count; i++)
		one(texts->at[i], found, self);
}

void settings_paths(const struct settings *settings, settings_path_fn *found, void *self)
{
	struct sections *sections = must_alloc(sizeof(*sections));
	struct settings copy = *settings;
	size_t chosen = 0;

	while (outputs[chosen] != settings->output)
		chosen++;
	sections->output_conf[chosen] = settings->output_conf;
	sections_list(sections, &copy);
	for (size_t i = 0; i < sections->count; i++)
		for (const struct option *row = sections->at[i].rows; row->name != NULL; row++)
			values(row, sections->at[i].conf, found, self);
	free(sections);
	for (size_t i = 0; i < settings->files.count; i++)
		one(settings->files.at[i], found, self);
}
