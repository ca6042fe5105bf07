#include "shipper/base/must.h"
#include "shipper/conf/sections.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 98 };

/* A comment, broken between words. */
static void comment(const char *text, int indent, FILE *to)
{
	int column = 0;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column > 0 && column + 1 + (int)word > COLUMNS) {
			fputc('\n', to);
			column = 0;
		}
		if (column == 0)
			column = fprintf(to, "%*s# %.*s", indent, "", (int)word, text);
		else
			column += fprintf(to, " %.*s", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

/* Types whose preset shows what a value looks like need no words. */
static bool is_plain(const struct option *row)
{
	return row->type == OPTION_BOOL || row->type == OPTION_TEXT || row->type == OPTION_SECRET ||
	       option_is_list(row);
}

static void row_print(const struct section *section, const struct option *row, int indent, FILE *to)
{
	char expected[256], words[320];

	comment(row->help, indent, to);
	if (!is_plain(row)) {
		option_expected(row, expected, sizeof(expected));
		snprintf(words, sizeof(words), "Expected: %s%s%s.", expected,
			 row->unit != NULL ? "; in " : "", row->unit != NULL ? row->unit : "");
		comment(words, indent, to);
	}
	fprintf(to, "%*s%s: ", indent, "", row->name);
	sections_preset(section, row, to);
	fputs("\n\n", to);
}

/* The parts of a path that the section before did not have, the help above the last of them;
 * returns the depth. */
static int headings(const char *path, const char *before, const char *help, FILE *to)
{
	int depth = 0;
	bool same = true;

	if (*path == '\0' && help != NULL)
		comment(help, 0, to);
	while (*path != '\0') {
		size_t len = strcspn(path, "."), len_before = strcspn(before, ".");

		same = same && len == len_before && strncmp(path, before, len) == 0;
		if (!same && path[len] == '\0' && help != NULL)
			comment(help, 2 * depth, to);
		if (!same)
			fprintf(to, "%*s%.*s:\n", 2 * depth, "", (int)len, path);
		path += len + (path[len] == '.');
		before += len_before + (before[len_before] == '.');
		depth++;
	}
	return depth;
}

void settings_print_reference(FILE *to)
{
	struct sections *sections = must_alloc(sizeof(*sections));
	struct settings settings;
	const char *before = "";

	sections_open(sections, &settings);
	fputs("# Every option of wirespan with its preset: what is in force where nothing else is "
	      "said.\n# Printed by `wirespan export config --reference`. A value may hold "
	      "${VARIABLE} or\n# ${VARIABLE:preset}. `a.b: 1` is the same as b: 1 below a.\n\n",
	      to);
	for (size_t i = 0; i < sections->count; i++) {
		const struct section *section = &sections->at[i];
		int depth = headings(section->path, before, section->help, to);

		before = section->path;
		for (const struct option *row = section->rows; row->name != NULL; row++)
			row_print(section, row, 2 * depth, to);
	}
	settings_free(&settings);
	sections_close(sections);
	free(sections);
}

void settings_print(const struct settings *settings, FILE *to)
{
	struct sections *sections = must_alloc(sizeof(*sections));
	struct settings copy = *settings;
	const char *before = "";

	for (size_t i = 0; outputs[i] != NULL; i++)
		if (outputs[i] == settings->output) {
			sections->output_conf[i] = settings->output_conf;
			sections->output_enabled[i] = true;
		}
	sections_list(sections, &copy);
	for (size_t i = 0; i < sections->count; i++) {
		const struct section *section = &sections->at[i];
		int depth = headings(section->path, before, NULL, to);

		before = section->path;
		for (const struct option *row = section->rows; row->name != NULL; row++) {
			fprintf(to, "%*s%s: ", 2 * depth, "", row->name);
			option_print(row, section->conf, to);
			fputc('\n', to);
		}
	}
	free(sections);
}
