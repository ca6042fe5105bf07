#include "shipper/txn/reference.h"
#include "protos/protos.h"
#include "shipper/monitor/metric.h"
#include "shipper/txn/json_text.h"

#include <errno.h>

enum { COMMON_HEAD_COUNT = F_CLIENT_IP };

const char *field_type_name(enum field_type type)
{
	static const char *const names[] = {
		[FIELD_KEYWORD] = "keyword",
		[FIELD_TEXT] = "text",
		[FIELD_LONG] = "long",
		[FIELD_DOUBLE] = "double",
		[FIELD_BOOL] = "boolean",
		[FIELD_DATE] = "date_nanos",
		[FIELD_IP] = "ip",
		[FIELD_OBJECT] = "flattened",
		[FIELD_WILDCARD] = "wildcard",
		[FIELD_POINT] = "geo_point",
	};

	return names[type];
}

/* ---- printing ---- */

/* One table's heading, its rows, and what separates them. */
struct form {
	const char *name;
	void (*begin)(FILE *to);
	void (*section)(FILE *to, const char *section);
	void (*row)(FILE *to, const char *section, const struct field *f, bool first);
	void (*end)(FILE *to);
};

static void nothing(FILE *to)
{
	(void)to;
}

static void text_begin(FILE *to)
{
	fprintf(to, "Fields of documents\n");
}

static void text_section(FILE *to, const char *section)
{
	fprintf(to, "\n%s\n", section);
}

static void text_row(FILE *to, const char *section, const struct field *f, bool first)
{
	(void)section;
	(void)first;
	fprintf(to, "%-34s %-10s %s", f->name, field_type_name(f->type), f->help);
	if (f->unit)
		fprintf(to, " In %s.", f->unit);
	if (f->example)
		fprintf(to, " Example: %s", f->example);
	fputc('\n', to);
}

static void markdown_begin(FILE *to)
{
	fprintf(to, "# Fields of documents\n");
}

static void markdown_section(FILE *to, const char *section)
{
	fprintf(to, "\n## %s\n\n| field | type | unit | meaning | example |\n", section);
	fprintf(to, "| --- | --- | --- | --- | --- |\n");
}

/* A vertical bar would end the cell. */
static void cell(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void markdown_row(FILE *to, const char *section, const struct field *f, bool first)
{
	const char *tick = f->example ? "`" : "";

	(void)section;
	(void)first;
	fprintf(to, "| `%s` | %s | %s | ", f->name, field_type_name(f->type),
		f->unit ? f->unit : "");
	cell(to, f->help);
	fprintf(to, " | %s", tick);
	cell(to, f->example ? f->example : "");
	fprintf(to, "%s |\n", tick);
}

static void json_member(FILE *to, const char *name, const char *value)
{
	struct buf text;

	if (!value)
		return;
	buf_init(&text, NULL);
	json_text(&text, bytes_str(value));
	fprintf(to, "%s\"%s\":\"%.*s\"", strcmp(name, "name") == 0 ? "" : ",", name, (int)text.len,
		(const char *)text.at);
	buf_fini(&text);
}

static void json_begin(FILE *to)
{
	fputs("[", to);
}

static void json_section(FILE *to, const char *section)
{
	(void)to;
	(void)section;
}

static void json_row(FILE *to, const char *section, const struct field *f, bool first)
{
	fputs(first ? "\n{" : ",\n{", to);
	json_member(to, "name", f->name);
	json_member(to, "type", field_type_name(f->type));
	json_member(to, "unit", f->unit);
	json_member(to, "section", section);
	json_member(to, "description", f->help);
	if (f->example)
		fprintf(to, ",\"example\":%s", f->example);
	fputs("}", to);
}

static void json_end(FILE *to)
{
	fputs("\n]\n", to);
}

static const struct form forms[] = {
	{"text", text_begin, text_section, text_row, nothing},
	{"md", markdown_begin, markdown_section, markdown_row, nothing},
	{"json", json_begin, json_section, json_row, json_end},
};

static void print_table(FILE *to, const struct form *form, const char *section,
			const struct field *fields, bool first)
{
	form->section(to, section);
	for (const struct field *f = fields; f && f->name; f++)
		form->row(to, section, f, first && f == fields);
}

static const struct form *form_of(const char *format)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strcmp(forms[i].name, format) == 0)
			return &forms[i];
	return NULL;
}

bool fields_format_known(const char *format)
{
	return form_of(format) != NULL;
}

bool fields_print(FILE *to, const char *format, struct fault *fault)
{
	const struct form *form = form_of(format);

	if (!form)
		return fault_set(fault, "fields are printed as text, md or json, not as %s",
				 format);
	form->begin(to);
	print_table(to, form, "all types", fields_common, true);
	for (size_t i = 0; protos[i]; i++)
		print_table(to, form, protos[i]->name, protos[i]->fields, false);
	print_table(to, form, "shipper", shipper_fields, false);
	form->end(to);
	/* A reader that leaves early has seen what it wanted. */
	if ((fflush(to) != 0 || ferror(to)) && errno != EPIPE)
		return fault_set(fault, "cannot write the field reference: %s", strerror(errno));
	return true;
}

/* ---- checking ---- */

/* The common fields with a protocol's own in between, as documents carry them. */
struct rows {
	const struct field *own;
	size_t own_count, count;
};

static struct rows rows_of(const struct field *own)
{
	struct rows rows = {.own = own};

	while (own && own[rows.own_count].name)
		rows.own_count++;
	rows.count = FIELD_COMMON_COUNT + rows.own_count;
	return rows;
}

static const struct field *row(const struct rows *rows, size_t i)
{
	if (i < COMMON_HEAD_COUNT)
		return &fields_common[i];
	i -= COMMON_HEAD_COUNT;
	return i < rows->own_count ? &rows->own[i]
				   : &fields_common[COMMON_HEAD_COUNT + i - rows->own_count];
}

/* Is `name` in the object of which the first `len` bytes of `of` are the name? */
static bool lies_in(const char *name, const char *of, size_t len)
{
	return strncmp(name, of, len) == 0 && name[len] == '.';
}

/* Of the objects that row i lies in, was one left before it? */
static bool object_split(const struct rows *rows, size_t i, const char **other)
{
	const char *name = row(rows, i)->name;

	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		size_t len = (size_t)(dot - name);

		if (lies_in(row(rows, i - 1)->name, name, len))
			continue;
		for (size_t j = 0; j + 1 < i; j++)
			if (lies_in(row(rows, j)->name, name, len)) {
				*other = row(rows, j)->name;
				return true;
			}
	}
	return false;
}

static bool row_check(const struct field *f, struct fault *fault)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.@-";
	size_t len = strlen(f->name);

	if (strspn(f->name, letters) != len || f->name[0] == '.' || f->name[len - 1] == '.' ||
	    strstr(f->name, ".."))
		return fault_set(fault, "%s: not a field's name", f->name);
	if (!f->help || f->help[0] == 0 || f->help[strlen(f->help) - 1] != '.')
		return fault_set(fault, "%s: lacks a sentence", f->name);
	return true;
}

bool fields_check(const struct field *own, struct fault *fault)
{
	struct rows rows = rows_of(own);
	const char *other;

	for (size_t i = 0; i < rows.count; i++) {
		const char *name = row(&rows, i)->name;

		if (!row_check(row(&rows, i), fault))
			return false;
		for (size_t j = 0; j < rows.count; j++) {
			const char *that = row(&rows, j)->name;

			if (j < i && strcmp(name, that) == 0)
				return fault_set(fault, "%s: declared twice", name);
			if (lies_in(that, name, strlen(name)))
				return fault_set(fault, "%s: is also the object that %s lies in",
						 name, that);
		}
		if (i > 0 && object_split(&rows, i, &other))
			return fault_set(fault, "%s: apart from %s, which is of the same object",
					 name, other);
	}
	return true;
}

static bool same_unit(const struct field *a, const struct field *b)
{
	return a->unit == b->unit || (a->unit && b->unit && strcmp(a->unit, b->unit) == 0);
}

bool fields_agree(const struct field *one, const struct field *other, struct fault *fault)
{
	for (const struct field *a = one; a && a->name; a++)
		for (const struct field *b = other; b && b->name; b++) {
			if (strcmp(a->name, b->name) == 0 &&
			    (a->type != b->type || !same_unit(a, b)))
				return fault_set(fault, "%s: declared with two types or units",
						 a->name);
			if (lies_in(a->name, b->name, strlen(b->name)) ||
			    lies_in(b->name, a->name, strlen(a->name)))
				return fault_set(fault, "%s: field or object? See %s", a->name,
						 b->name);
		}
	return true;
}
