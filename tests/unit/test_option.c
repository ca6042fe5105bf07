/* Options: what is read, what is refused and with which words, what is printed. */
#include "shipper/base/amount.h"
#include "shipper/base/option.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum colour { RED, GREEN };

struct paint {
	bool wet;
	int64_t coats, bytes;
	nsec dries;
	char *name, *recipe;
	int colour;
	struct texts makers, labels, mixes;
	struct ports ports;
};

static const char *const colours[] = {"red", "green", NULL};

#define AT(member) offsetof(struct paint, member)
static const struct option paints[] = {
	{"wet", OPTION_BOOL, AT(wet), "true", 0, 0, NULL, NULL, "."},
	{"coats", OPTION_INT, AT(coats), "2", 1, 9, NULL, NULL, "."},
	{"bytes", OPTION_SIZE, AT(bytes), "64KiB", 1024, 1 << 20, NULL, NULL, "."},
	{"dries", OPTION_DURATION, AT(dries), "90m", NS_PER_MS, INT64_MAX, NULL, NULL, "."},
	{"name", OPTION_TEXT, AT(name), "", 0, 0, NULL, NULL, "."},
	{"recipe", OPTION_SECRET, AT(recipe), "", 0, 0, NULL, NULL, "."},
	{"colour", OPTION_CHOICE, AT(colour), "green", 0, 0, colours, NULL, "."},
	{"makers", OPTION_TEXTS, AT(makers), "[a, \"b, c\"]", 0, 0, NULL, NULL, "."},
	{"labels", OPTION_PAIRS, AT(labels), "{team: shop}", 0, 0, NULL, NULL, "."},
	{"mixes", OPTION_SECRETS, AT(mixes), "", 0, 0, NULL, NULL, "."},
	{"ports", OPTION_PORTS, AT(ports), "[80, 8080]", 0, 0, NULL, NULL, "."},
	{0},
};

static const struct option *row(const char *name)
{
	const struct option *at = paints;

	while (strcmp(at->name, name) != 0)
		at++;
	return at;
}

static struct paint paint;
static struct fault fault;

static void begin(void)
{
	option_default(paints, &paint);
}

static void end(void)
{
	option_free(paints, &paint);
}

TestSuite(option, .init = begin, .fini = end);

static void takes(const char *name, const char *text)
{
	cr_assert(option_parse(row(name), &paint, text, &fault), "%s: %s", name, fault.text);
}

static void refuses(const char *name, const char *text, const char *words)
{
	cr_assert_not(option_parse(row(name), &paint, text, &fault), "%s took %s", name, text);
	cr_assert_str_eq(fault.text, words);
}

static char *printed(const char *name)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	option_print(row(name), &paint, to);
	fclose(to);
	return text;
}

static void prints(const char *name, const char *text)
{
	char *got = printed(name);

	cr_assert_str_eq(got, text);
	free(got);
}

Test(option, presets_are_read)
{
	cr_assert(paint.wet);
	cr_assert_eq(paint.coats, 2);
	cr_assert_eq(paint.bytes, 65536);
	cr_assert_eq(paint.dries, 5400LL * NS_PER_S);
	cr_assert_str_eq(paint.name, "");
	cr_assert_eq(paint.colour, GREEN);
	cr_assert_eq(paint.makers.count, 2);
	cr_assert_str_eq(paint.makers.at[1], "b, c");
	cr_assert_eq(paint.labels.count, 1);
	cr_assert_str_eq(paint.labels.at[0], "team=shop");
	cr_assert_eq(paint.ports.count, 2);
	cr_assert_eq(paint.ports.at[1], 8080);
}

Test(option, durations)
{
	static const struct {
		const char *text;
		nsec ns;
	} cases[] = {
		{"10", 10LL * NS_PER_S},
		{"0", 0},
		{"500ms", 500LL * NS_PER_MS},
		{"1m30s", 90LL * NS_PER_S},
		{"1.5h", 5400LL * NS_PER_S},
		{"0.000000001s", 1},
		{"250us", 250LL * NS_PER_US},
		{"250µs", 250LL * NS_PER_US},
		{"7ns", 7},
		{"2d", 172800LL * NS_PER_S},
		{"-1h", -3600LL * NS_PER_S},
		{"+1h", 3600LL * NS_PER_S},
	};
	static const char *const bad[] = {"",
					  "s",
					  "-",
					  "1x",
					  "1 s",
					  "1s2",
					  "0s5",
					  "1.",
					  "1..s",
					  "--1s",
					  "1s-1s",
					  "300000d",
					  "99999999999999999999s"};
	nsec ns;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert(duration_parse(cases[i].text, &ns), "%s", cases[i].text);
		cr_assert_eq(ns, cases[i].ns, "%s", cases[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(duration_parse(bad[i], &ns), "%s", bad[i]);
}

Test(option, sizes)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} cases[] = {
		{"4096", 4096},	      {"64KiB", 65536}, {"64kib", 65536}, {"10kB", 10000},
		{"0.5 MiB", 1 << 19}, {"1MB", 1000000}, {"2048B", 2048},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		takes("bytes", cases[i].text);
		cr_assert_eq(paint.bytes, cases[i].bytes, "%s", cases[i].text);
	}
}

Test(option, faults_say_what_is_expected)
{
	refuses("wet", "maybe", "expected true or false, got \"maybe\"");
	refuses("coats", "10", "expected a whole number, from 1 to 9, got \"10\"");
	refuses("coats", "2.5", "expected a whole number, from 1 to 9, got \"2.5\"");
	refuses("coats", "", "expected a whole number, from 1 to 9, got \"\"");
	refuses("bytes", "12",
		"expected a size such as 64KiB or 10MB, from 1KiB to 1MiB, got \"12\"");
	refuses("bytes", "64K",
		"expected a size such as 64KiB or 10MB, from 1KiB to 1MiB, got \"64K\"");
	refuses("bytes", "99999999999999TB",
		"expected a size such as 64KiB or 10MB, from 1KiB to 1MiB, got "
		"\"99999999999999TB\"");
	refuses("dries", "x", "expected a duration such as 10s, at least 1ms, got \"x\"");
	refuses("dries", "-1s", "expected a duration such as 10s, at least 1ms, got \"-1s\"");
	refuses("colour", "blue", "expected one of red, green, got \"blue\"");
	refuses("ports", "[80, 0]", "expected ports from 1 to 65535 such as [80, 8080], got \"0\"");
	refuses("ports", "65536",
		"expected ports from 1 to 65535 such as [80, 8080], got \"65536\"");
	refuses("ports", "[80", "expected ports from 1 to 65535 such as [80, 8080], got \"[80\"");
	refuses("labels", "alone", "expected names with values such as {a: b}, got \"alone\"");
	refuses("makers", "[a] b", "expected a list of texts such as [a, b], got \"[a] b\"");
}

Test(option, a_refused_value_changes_nothing)
{
	option_parse(row("coats"), &paint, "100", &fault);
	option_parse(row("ports"), &paint, "[1, 2, x]", &fault);
	option_parse(row("makers"), &paint, "[a", &fault);
	cr_assert_eq(paint.coats, 2);
	cr_assert_eq(paint.ports.count, 2);
	cr_assert_eq(paint.makers.count, 2);
}

Test(option, lists)
{
	const char *const two[] = {"x", "[y"};

	takes("makers", "alone");
	cr_assert_eq(paint.makers.count, 1);
	cr_assert_str_eq(paint.makers.at[0], "alone");
	takes("makers", "[]");
	cr_assert_eq(paint.makers.count, 0);
	takes("makers", "[ 'it, is' , \"\" ]");
	cr_assert_eq(paint.makers.count, 2);
	cr_assert_str_eq(paint.makers.at[0], "it, is");
	cr_assert_str_eq(paint.makers.at[1], "");
	takes("labels", "{a: b, c: \"\", d:  'e'}");
	cr_assert_eq(paint.labels.count, 3);
	cr_assert_str_eq(paint.labels.at[1], "c=");
	cr_assert_str_eq(paint.labels.at[2], "d=e");
	takes("ports", "8000");
	cr_assert_eq(paint.ports.count, 1);
	takes("ports", "[443, 443, 1]");
	cr_assert_eq(paint.ports.count, 2);
	cr_assert(option_parse_items(row("makers"), &paint, two, 2, &fault));
	cr_assert_str_eq(paint.makers.at[1], "[y");
	cr_assert_not(option_parse_items(row("coats"), &paint, two, 2, &fault));
	cr_assert_str_eq(fault.text, "expected a whole number, from 1 to 9, got a list");
}

Test(option, too_many_ports)
{
	char text[8 * (PORTS_MAX + 1) + 3] = "[";
	size_t at = 1;

	for (int i = 0; i <= PORTS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%d,", 1000 + i);
	text[at - 1] = ']';
	refuses("ports", text, "more than 64 ports");
}

Test(option, values_are_printed_as_yaml)
{
	takes("name", "a \"b\"\n");
	takes("recipe", "linseed");
	takes("dries", "90s");
	prints("wet", "true");
	prints("coats", "2");
	prints("bytes", "64KiB");
	prints("dries", "90s");
	prints("name", "\"a \\\"b\\\"\\u000a\"");
	takes("name", "$${x} $$ \x7f\xc2\x85\xe2\x80\xa8\xef\xbb\xbf\xef\xbf\xbf é");
	prints("name", "\"$$${x} $$ \\u007f\\u0085\\u2028\\ufeff\\uffff é\"");
	prints("recipe", "\"\" # set, not shown");
	prints("mixes", "{}");
	takes("mixes", "{a: pin}");
	prints("mixes", "{} # set, not shown");
	prints("colour", "green");
	prints("makers", "[\"a\", \"b, c\"]");
	prints("labels", "{\"team\": \"shop\"}");
	prints("ports", "[80, 8080]");
}

Test(option, a_secret_is_not_in_a_fault)
{
	static const struct option secret = {"pin", OPTION_SECRET, AT(recipe), "", 0,
					     0,	    NULL,	   NULL,       "."};
	const char *const items[] = {"1234"};

	cr_assert_not(option_parse_items(&secret, &paint, items, 1, &fault));
	cr_assert_str_eq(fault.text, "expected a text, got a list");
}
