#include "protos/protos.h"
#include "shipper/base/log.h"
#include "shipper/cmd/command.h"

#include <string.h>

enum format { TEXT, MARKDOWN, JSON };

static const struct flag flags[] = {
	{'f', "format", "text|md|json", "For a terminal, for a manual, or for a program."},
	{0},
};

static const char *const type_names[] = {
	[FIELD_KEYWORD] = "keyword", [FIELD_TEXT] = "text",	   [FIELD_LONG] = "long",
	[FIELD_DOUBLE] = "double",   [FIELD_BOOL] = "boolean",	   [FIELD_DATE] = "date_nanos",
	[FIELD_IP] = "ip",	     [FIELD_OBJECT] = "flattened",
};

static void text_print(const char *text, FILE *to)
{
	fputc('"', to);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static void json_print(const struct field *field, const char *proto, bool first)
{
	printf("%s\n  {\"name\":\"%s\",\"type\":\"%s\"", first ? "" : ",", field->name,
	       type_names[field->type]);
	if (proto != NULL)
		printf(",\"protocol\":\"%s\"", proto);
	if (field->unit != NULL)
		printf(",\"unit\":\"%s\"", field->unit);
	fputs(",\"description\":", stdout);
	text_print(field->help, stdout);
	if (field->example != NULL)
		printf(",\"example\":%s", field->example);
	putchar('}');
}

/* A vertical bar would end the cell. */
static void cell_print(const char *text)
{
	for (; *text != '\0'; text++)
		printf(*text == '|' ? "\\|" : "%c", *text);
}

static void markdown_print(const struct field *field)
{
	printf("| `%s` | %s | ", field->name, type_names[field->type]);
	cell_print(field->help);
	if (field->unit != NULL)
		printf(" In %s.", field->unit);
	if (field->example != NULL) {
		fputs(" E.g. `", stdout);
		cell_print(field->example);
		putchar('`');
	}
	puts(" |");
}

static void line_print(const struct field *field)
{
	printf("%-34s %-11s%s%s%s%s\n", field->name, type_names[field->type], field->help,
	       field->unit != NULL ? " (" : "", field->unit != NULL ? field->unit : "",
	       field->unit != NULL ? ")" : "");
}

static void table_print(const struct field *fields, const char *proto, enum format format)
{
	const char *title = proto != NULL ? proto : "all types";

	if (format == MARKDOWN)
		printf("\n## %s\n\n| field | type | meaning |\n| --- | --- | --- |\n", title);
	else if (format == TEXT)
		printf("%s%s\n", proto != NULL ? "\n" : "", title);
	for (const struct field *field = fields; field->name != NULL; field++) {
		if (format == MARKDOWN)
			markdown_print(field);
		else if (format == JSON)
			json_print(field, proto, proto == NULL && field == fields);
		else
			line_print(field);
	}
}

static bool format_parse(const char *text, enum format *format)
{
	static const char *const names[] = {"text", "md", "json"};

	for (int i = 0; i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*format = (enum format)i;
			return true;
		}
	log_error("export fields --format: expected text, md or json, got \"%s\"", text);
	return false;
}

static enum exit_code run(struct arguments *a)
{
	enum format format = TEXT;
	int got;

	while ((got = arguments_next(a)) >= 0)
		if (!format_parse(a->value, &format))
			return EXIT_USAGE;
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes options only");
	if (format == JSON)
		putchar('[');
	else if (format == MARKDOWN)
		puts("# Fields of documents");
	table_print(fields_common, NULL, format);
	for (size_t i = 0; protos[i] != NULL; i++)
		if (protos[i]->fields != NULL)
			table_print(protos[i]->fields, protos[i]->name, format);
	if (format == JSON)
		puts("\n]");
	return EXIT_WELL;
}

const struct command command_export_fields = {
	.name = "export fields",
	.arguments = "",
	.help = "Print every field that a document can have, with type and meaning.",
	.flags = flags,
	.run = run,
};
