/*
 * Thrift IDL files: what is found in them, and how faults are told.
 */
#include "protos/thrift/idl.h"
#include "protos/thrift/thrift.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct idl_text_file {
	const char *path, *text;
};

static char *read_text(void *self, const char *path, size_t *len)
{
	for (const struct idl_text_file *file = self; file->path; file++)
		if (strcmp(file->path, path) == 0) {
			*len = strlen(file->text);
			return strdup(file->text);
		}
	return NULL;
}

/* The first file and what it includes. */
static struct idl *load(struct idl_text_file *files, struct fault *fault)
{
	struct idl_reader reader = {read_text, files};
	char path[100], *paths[] = {path};
	struct texts list = {paths, 1};

	*fault = (struct fault){0};
	strcpy(path, files[0].path);
	return idl_load(&list, &reader, fault);
}

static struct idl_text_file tutorial[] = {
	{"idl/tutorial.thrift",
	 "/* The tutorial's,\n   shortened. */\n"
	 "include \"../idl/./shared.thrift\"\n"
	 "namespace cpp tutorial # a comment\nnamespace * any.where (a = 'b')\n"
	 "php_namespace old cpp_include <none>\n"},
	{0},
};

static struct idl_text_file calculator[] = {
	{"idl/tutorial.thrift",
	 "/* The tutorial's,\n   shortened. */\n"
	 "include \"../idl/./shared.thrift\"\n"
	 "namespace cpp tutorial # a comment\nnamespace * any.where (a = 'b')\n"
	 "php_namespace old; cpp_include \"<map>\"\n"
	 "typedef i32 Number // another\n"
	 "const map<string,list<i32>> HELLO = {'a': [1, -2, 0x1F], \"b\": [],}\n"
	 "const double PI = 3.14159e0;\n"
	 "enum Operation { ADD = 1, SUBTRACT; MULTIPLY (a), DIVIDE = 0x10 }\n"
	 "struct Work { 1: i32 num1 = 0, 2: required Number num2; 3: Operation op 4: optional "
	 "string comment = 'none' (x = \"y\") 5: list<map<Operation, Work>> others 6: Work & link "
	 "}\n"
	 "exception InvalidOperation { 1: i32 whatOp, 2: string why }\n"
	 "union Either { 1: bool b; 2: uuid id }\n"
	 "service Calculator extends shared.SharedService {\n"
	 "  /** Documented. */ void ping(),\n"
	 "  i32 add(1: i32 num1, 2: Number num2) (deprecated),\n"
	 "  Number calculate(1: Number logid, 2: Work w) throws (1: InvalidOperation ouch),\n"
	 "  oneway void zip()\n"
	 "  set<binary> old(string first, i32 second)\n"
	 "} (p = 'q')\n"},
	{"idl/shared.thrift", "struct SharedStruct { 1: i32 key, 2: string value }\n"
			      "service SharedService { SharedStruct getStruct(1: i32 key) }\n"},
	{0},
};

static const char *field_name(const struct idl_type *type, int32_t id)
{
	const struct idl_field *field = idl_field(type, id);

	return field ? field->name : "none";
}

Test(thrift_idl, names_and_types)
{
	struct fault fault;
	struct idl *idl = load(calculator, &fault);

	cr_assert(idl, "%s", fault.text);
	const struct idl_function *f = idl_find(idl, NO_BYTES, BYTES("calculate"));

	cr_assert(f);
	cr_assert_str_eq(f->service, "Calculator");
	cr_assert_str_eq(field_name(&f->arguments, 1), "logid");
	cr_assert_str_eq(field_name(&f->arguments, 2), "w");
	cr_assert_str_eq(field_name(&f->result, 1), "ouch");
	cr_assert_eq(idl_field(&f->result, 0)->type->kind, T_I32);
	cr_assert_str_eq(idl_field(&f->result, 1)->type->name, "InvalidOperation");
	const struct idl_type *work = idl_field(&f->arguments, 2)->type;

	cr_assert_str_eq(field_name(work, 4), "comment");
	cr_assert_str_eq(field_name(work, 7), "none");
	const struct idl_type *op = idl_field(work, 3)->type;

	cr_assert_str_eq(idl_name(op, 2), "SUBTRACT");
	cr_assert_str_eq(idl_name(op, 16), "DIVIDE");
	cr_assert_null(idl_name(op, 4));
	const struct idl_type *map = idl_field(work, 5)->type->value;

	cr_assert_str_eq(idl_name(map->key, 1), "ADD");
	cr_assert_str_eq(field_name(map->value, 1), "num1");
	f = idl_find(idl, BYTES("Calculator"), BYTES("getStruct"));
	cr_assert(f);
	cr_assert_str_eq(f->service, "SharedService");
	cr_assert_str_eq(field_name(idl_field(&f->result, 0)->type, 2), "value");
	cr_assert(idl_find(idl, NO_BYTES, BYTES("zip"))->oneway);
	cr_assert_null(idl_field(&idl_find(idl, NO_BYTES, BYTES("ping"))->result, 0));
	cr_assert_str_eq(field_name(&idl_find(idl, NO_BYTES, BYTES("old"))->arguments, -2),
			 "second");
	cr_assert_null(idl_find(idl, NO_BYTES, BYTES("nothing")));
	idl_free(idl);
}

/* Of two services with one method, the one that the call names. */
Test(thrift_idl, methods_of_one_name)
{
	struct idl_text_file files[] = {
		{"a.thrift", "service A { void f(1: i32 a) } service B { void f(1: i32 b) } "
			     "service C extends B {}"},
		{0},
	};
	struct fault fault;
	struct idl *idl = load(files, &fault);

	cr_assert(idl, "%s", fault.text);
	cr_assert_str_eq(idl_find(idl, NO_BYTES, BYTES("f"))->service, "A");
	cr_assert_str_eq(idl_find(idl, BYTES("B"), BYTES("f"))->service, "B");
	cr_assert_str_eq(idl_find(idl, BYTES("C"), BYTES("f"))->service, "B");
	cr_assert_str_eq(idl_find(idl, BYTES("other"), BYTES("f"))->service, "A");
	idl_free(idl);
}

Test(thrift_idl, faults_say_where)
{
	static const struct {
		const char *text;
		int line, column;
		const char *says;
	} cases[] = {
		{"struct S {\n  1: i32 a\n  2 i32 b }", 3, 5, "expected ':'"},
		{"struct S {\n  1: i32 a,\n  1: i32 b }", 3, 3, "field 1 is there twice"},
		{"struct S { 1: Nothing a }", 1, 15, "no such type: Nothing"},
		{"struct S { 1: other.Thing a }", 1, 15, "no such type: other.Thing"},
		{"typedef A B\ntypedef B A", 2, 9, "made of itself"},
		{"service A extends B {}\nservice B extends A {}", 1, 19, "extends itself"},
		{"service A extends B {}", 1, 19, "no such service"},
		{"struct S {} enum S {}", 1, 18, "defined twice"},
		{"service A { void f() void f() }", 1, 27, "defined twice"},
		{"struct S { 1: i32 a", 1, 20, "the file ends"},
		{"/* no end", 1, 1, "does not end"},
		{"const string S = 'no end", 1, 18, "does not end"},
		{"enum E { A = 99999999999 }", 1, 14, "32 bits"},
		{"struct S { 70000: i32 a }", 1, 12, "16 bits"},
		{"rubbish", 1, 1, "expected a definition, found 'rubbish'"},
		{"\n\n  include \"none.thrift\"", 3, 11, "cannot read none.thrift"},
		{"include \"a.thrift\"", 1, 9, "includes itself"},
		{"struct S { 1: list<i32 a }", 1, 24, "expected '>'"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct idl_text_file files[] = {{"a.thrift", cases[i].text}, {0}};
		struct fault fault;
		char place[40];

		cr_assert_null(load(files, &fault), "%s", cases[i].text);
		snprintf(place, sizeof(place), "a.thrift:%d:%d: ", cases[i].line, cases[i].column);
		cr_assert(strncmp(fault.text, place, strlen(place)) == 0, "%s: %s", cases[i].text,
			  fault.text);
		cr_assert(strstr(fault.text, cases[i].says), "%s: %s", cases[i].text, fault.text);
		cr_assert_eq(fault.line, cases[i].line);
		cr_assert_eq(fault.column, cases[i].column);
	}
}

/* What nests without end is refused before it costs a stack. */
Test(thrift_idl, nests_without_end)
{
	char text[8000] = "struct S { 1: ";
	struct idl_text_file files[] = {{"a.thrift", text}, {0}};
	struct fault fault;

	for (int i = 0; i < 1000; i++)
		strcat(text, "list<");
	cr_assert_null(load(files, &fault));
	cr_assert(strstr(fault.text, "nested too deep"), "%s", fault.text);
	cr_assert_null(load(tutorial, &fault));
	cr_assert_eq(fault.line, 3);
}
