/* The field tables agree with themselves and each other, and print. */
#include "protos/protos.h"
#include "shipper/monitor/metric.h"
#include "shipper/txn/reference.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#define ROW(name)                                              \
	{                                                      \
		name, FIELD_KEYWORD, NULL, "A sentence.", NULL \
	}

static void expect_fault(const struct field *own, const char *text)
{
	struct fault fault = {0};

	cr_expect_not(fields_check(own, &fault));
	cr_expect_str_eq(fault.text, text);
}

Test(reference, every_table_is_consistent)
{
	struct fault fault = {0};

	cr_expect(fields_check(NULL, &fault), "common: %s", fault.text);
	for (size_t i = 0; protos[i]; i++) {
		cr_expect(fields_check(protos[i]->fields, &fault), "%s: %s", protos[i]->name,
			  fault.text);
		for (size_t j = 0; j < i; j++)
			cr_expect(fields_agree(protos[i]->fields, protos[j]->fields, &fault),
				  "%s and %s: %s", protos[i]->name, protos[j]->name, fault.text);
	}
}

Test(reference, faults_of_a_table_are_found)
{
	expect_fault((struct field[]){ROW("a.b"), ROW("c"), ROW("a.d"), {0}},
		     "a.d: apart from a.b, which is of the same object");
	expect_fault((struct field[]){ROW("a.b.c"), ROW("a.d"), ROW("a.b.e"), {0}},
		     "a.b.e: apart from a.b.c, which is of the same object");
	expect_fault((struct field[]){ROW("a.b"), ROW("a.b"), {0}}, "a.b: declared twice");
	expect_fault((struct field[]){ROW("a"), ROW("a.b"), {0}},
		     "a: is also the object that a.b lies in");
	expect_fault((struct field[]){ROW("event.x"), {0}},
		     "event.x: apart from event.id, which is of the same object");
	expect_fault((struct field[]){ROW("method"), {0}}, "method: declared twice");
	expect_fault((struct field[]){{"a", FIELD_LONG, NULL, "Not a sentence", NULL}, {0}},
		     "a: lacks a sentence");
	expect_fault((struct field[]){ROW("a..b"), {0}}, "a..b: not a field's name");
}

Test(reference, faults_between_tables_are_found)
{
	const struct field one[] = {ROW("a.b"), {0}};
	const struct field same[] = {ROW("a.b"), ROW("a.c"), {0}};
	const struct field type[] = {{"a.b", FIELD_LONG, NULL, "A sentence.", NULL}, {0}};
	const struct field unit[] = {{"a.b", FIELD_KEYWORD, "bytes", "A sentence.", NULL}, {0}};
	const struct field object[] = {ROW("a.b.c"), {0}};
	struct fault fault;

	cr_expect(fields_agree(one, same, &fault));
	cr_expect_not(fields_agree(one, type, &fault));
	cr_expect_not(fields_agree(one, unit, &fault));
	cr_expect_not(fields_agree(one, object, &fault));
	cr_expect_not(fields_agree(object, one, &fault));
}

static char *printed(const char *format)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	struct fault fault = {0};

	cr_assert(fields_print(to, format, &fault), "%s", fault.text);
	fclose(to);
	return text;
}

/* Examples in the tables are JSON too: they stand in it as they are. */
Test(reference, prints_json)
{
	char why[256], *text = printed("json");
	yajl_val tree = yajl_tree_parse(text, why, sizeof why);
	size_t count = FIELD_COMMON_COUNT;

	cr_assert_not_null(tree, "%s", why);
	for (size_t i = 0; protos[i]; i++)
		for (const struct field *f = protos[i]->fields; f->name; f++)
			count++;
	for (const struct field *f = shipper_fields; f->name; f++)
		count++;
	cr_assert(YAJL_IS_ARRAY(tree));
	cr_expect_eq(tree->u.array.len, count);
	for (size_t i = 0; i < tree->u.array.len; i++)
		for (const char **member =
			     (const char *[]){"name", "type", "section", "description", NULL};
		     *member; member++) {
			const char *path[] = {*member, NULL};

			cr_expect_not_null(
				yajl_tree_get(tree->u.array.values[i], path, yajl_t_string));
		}
	yajl_tree_free(tree);
	free(text);
}

Test(reference, prints_text_and_markdown)
{
	char *text = printed("text"), *markdown = printed("md");

	cr_expect_not_null(strstr(text, "\nevent.duration                     long       The "
					"response time"));
	cr_expect_not_null(strstr(markdown, "\n| `event.duration` | long | nanoseconds | The "
					    "response time"));
	for (size_t i = 0; protos[i]; i++) {
		cr_expect_not_null(strstr(text, protos[i]->fields[0].name));
		cr_expect_not_null(strstr(markdown, protos[i]->fields[0].name));
	}
	free(text);
	free(markdown);
}

Test(reference, knows_no_other_format)
{
	struct fault fault = {0};

	cr_expect_not(fields_print(stdout, "html", &fault));
	cr_expect_str_eq(fault.text, "fields are printed as text, md or json, not as html");
}
