/* The configuration: what is understood, what is refused, where, and with which words. */
#include "tests/unit/settings_rig.h"

TestSuite(settings, .init = begin, .fini = end);

/* ---- What is understood ---- */

Test(settings, presets_alone)
{
	cr_assert(settings_load(&settings, NULL, NULL, 0, &faults));
	cr_assert(http()->enabled);
	cr_assert_eq(http()->ports.at[0], 80);
	cr_assert_str_eq(settings.output->name, "console");
	cr_assert_not(settings.output_given);
	cr_assert_eq(settings.log.level, LOG_LEVEL_INFO);
	settings_free(&settings);
}

Test(settings, empty_files_are_presets)
{
	static const char *const cases[] = {"",	  "\n",		"# nothing\n", "---\n",
					    "{}", "capture:\n", "output:\n"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		takes(cases[i]);
		settings_free(&settings);
	}
}

Test(settings, nested_and_dotted_are_the_same)
{
	static const char *const cases[] = {
		"flow:\n  tcp_timeout: 2m\nprotocols:\n  http:\n    ports: [81, 82]\n",
		"flow.tcp_timeout: 2m\nprotocols.http.ports: [81, 82]\n",
		"flow.tcp_timeout: 120\nprotocols:\n  http.ports:\n    - 81\n    - 82\n",
		"protocols.http:\n  ports: [\"81\", 82]\nflow: {tcp_timeout: 120s}\n",
		"flow:\n  tcp_timeout: 2m\nflow.udp_timeout: 60s\nprotocols.http.ports: [81, 82]\n",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		takes(cases[i]);
		cr_assert_eq(settings.flow.tcp_timeout, 120LL * NS_PER_S);
		cr_assert_eq(http()->ports.count, 2);
		cr_assert_eq(http()->ports.at[1], 82);
		settings_free(&settings);
	}
}

Test(settings, fields_of_any_depth)
{
	takes("fields:\n  team: shop\n  env: {name: test, \"n.o\": 1}\n");
	cr_assert_eq(settings.agent.fields.count, 3);
	cr_assert_str_eq(settings.agent.fields.at[0], "team=shop");
	cr_assert_str_eq(settings.agent.fields.at[1], "env.name=test");
	cr_assert_str_eq(settings.agent.fields.at[2], "env.n.o=1");
	settings_free(&settings);
}

Test(settings, quoted_texts_are_no_lists)
{
	takes("tags: \"[a\"\n");
	cr_assert_eq(settings.agent.tags.count, 1);
	cr_assert_str_eq(settings.agent.tags.at[0], "[a");
	settings_free(&settings);
}

Test(settings, aliases)
{
	takes("tags: &t [a, b]\nprotocols:\n  http:\n    tags: *t\n    redact_headers: *t\n");
	cr_assert_eq(http()->tags.count, 2);
	settings_free(&settings);
}

Test(settings, an_output_is_chosen_by_being_there)
{
	takes("output.file.filename: x.json\n");
	cr_assert_str_eq(settings.output->name, "file");
	cr_assert_str_eq(((struct file_conf *)settings.output_conf)->filename, "x.json");
	cr_assert(settings.output_given);
	settings_free(&settings);
	takes("output:\n  console: {pretty: true, enabled: false}\n  file:\n    path: /x\n");
	cr_assert_str_eq(settings.output->name, "file");
	settings_free(&settings);
}

Test(settings, the_tail_ends_every_document)
{
	static const char *const members[][3] = {
		{"agent", "name", NULL},  {"agent", "version", NULL}, {"host", "name", NULL},
		{"ecs", "version", NULL}, {"fields", "team", NULL},   {"labels", "tier", NULL},
	};
	const char *list[] = {"fields", "on", NULL};
	char text[1000], error[100];
	yajl_val tree;

	takes("name: \"w\\\"1\"\ntags: [a, \"b\\\\\"]\nfields: {team: shop, on: [a, b]}\n"
	      "labels: {tier: front}\n");
	cr_assert_eq(settings.engine.tail.len, strlen(settings.tail));
	snprintf(text, sizeof(text), "{%s}", settings.tail);
	tree = yajl_tree_parse(text, error, sizeof(error));
	cr_assert_not_null(tree, "%s: %s", text, error);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *way[3];

		memcpy(way, members[i], sizeof(way));
		cr_assert_not_null(yajl_tree_get(tree, way, yajl_t_string), "%s", way[1]);
	}
	cr_assert_eq(YAJL_GET_ARRAY(yajl_tree_get(tree, list, yajl_t_array))->len, 2);
	yajl_tree_free(tree);
	settings_free(&settings);
}

/* ---- What is refused ---- */

Test(settings, unknown_names)
{
	refuses("capture:\n  snap_byte: 5KiB\n",
		"2:3: capture.snap_byte: unknown option; did you mean capture.snap_bytes?");
	refuses("protcols:\n  http:\n    ports: 80\n",
		"1:1: protcols: unknown option; did you mean protocols?");
	refuses("protocols.htpp.ports: 80\n",
		"1:1: protocols.htpp: unknown option; did you mean protocols.http?");
	refuses("snap_bytes: 5KiB\n",
		"1:1: snap_bytes: unknown option; did you mean capture.snap_bytes?");
	refuses("flow.xyzzy: 1\n",
		"1:1: flow.xyzzy: unknown option; `wirespan export config` prints them all");
}

Test(settings, wrong_types)
{
	refuses("flow:\n  tcp_timeout: soon\n",
		"2:3: flow.tcp_timeout: expected a duration such as 10s, from 1s to 30d, got "
		"\"soon\"");
	refuses("flow:\n  tcp_timeout: [1s]\n",
		"2:3: flow.tcp_timeout: expected a duration such as 10s, from 1s to 30d, got a "
		"list");
	refuses("flow:\n  tcp_timeout: {a: 1s}\n",
		"2:3: flow.tcp_timeout: expected a duration such as 10s, from 1s to 30d, got "
		"names with values");
	refuses("protocols.http.ports: [80, http]\n",
		"1:1: protocols.http.ports: expected ports from 1 to 65535 such as [80, 8080], "
		"got \"http\"");
	refuses("protocols.http.ports: [[80]]\n",
		"1:1: protocols.http.ports: expected a list of single values, got a list in it");
	refuses("flow: 5\n", "1:1: flow: expected options with values below it, got a value");
	refuses("fields: {a: }\n",
		"1:1: fields: expected names with values such as {a: b}, got no value");
	refuses("- a\n- b\n", "1:1: expected names with values, such as `name: web-1`");
	refuses("just words\n", "1:1: expected names with values, such as `name: web-1`");
	refuses("? [a]\n: b\n", "1:3: a key is a name, not a list or map");
}

Test(settings, values_given_twice)
{
	refuses("name: a\nname: b\n", "2:1: name is set twice, first in line 1");
	refuses("flow:\n  tcp_timeout: 1m\nflow.tcp_timeout: 2m\n",
		"3:1: flow.tcp_timeout is set twice, first in line 2");
	refuses("flow: {}\nmemory.max: 1MiB\nflow: {}\n",
		"3:1: flow is set twice, first in line 1");
	refuses("name: a\nname.b: c\n",
		"2:1: name.b: an empty or too long name, or a part of it is a value already");
	refuses("flow.tcp_timeout: 1m\nflow: 1\n",
		"2:7: flow is one value here, and has members elsewhere");
	refuses("flow..tcp_timeout: 1m\n",
		"1:1: flow..tcp_timeout: an empty or too long name, or a part of it is a value "
		"already");
}

Test(settings, two_outputs)
{
	refuses("output:\n  console:\n    pretty: true\n  file:\n    path: /x\n",
		"4:3: output.file: output.console is enabled too; documents go to one");
}

Test(settings, all_faults_at_once)
{
	cr_assert_not(load("nmae: a\nflow:\n  tcp_timeout: x\nname: ${WIRESPAN_UNSET}\n"
			   "protocols.http.ports: 0\n"));
	cr_assert_eq(faults.count, 4);
	for (size_t i = 0; i < faults.count; i++)
		cr_assert_neq(faults.at[i].line, 0);
}

Test(settings, faults_beyond_the_list_are_counted)
{
	char yaml[4000];
	size_t at = 0;

	for (int i = 0; i < 100; i++)
		at += (size_t)snprintf(yaml + at, sizeof(yaml) - at, "x%d: 1\n", i);
	cr_assert_not(load(yaml));
	cr_assert_eq(faults.count, 100);
}

/* ---- What is not YAML ---- */

Test(settings, broken_yaml)
{
	refuses("name: a\n\tflow: b\n",
		"2:1: found a tab character that violates indentation while scanning a plain "
		"scalar; indent with spaces, not with tabs");
	refuses("flow:\n\ttcp_timeout: 1s\n",
		"2:1: found character that cannot start any token while scanning for the next "
		"token; indent with spaces, not with tabs");
	refuses("tags: [a, b\n",
		"2:1: did not find expected ',' or ']' while parsing a flow sequence");
	refuses("name: 'x\n", "2:1: found unexpected end of stream while scanning a quoted scalar");
	refuses("a: *b\n", "1:4: *b: nothing above it was given the name &b");
	refuses("name: a\n---\nname: b\n", "2:1: a second document begins here; only one is read");
	refuses("name: a\nbad: \xff\xfe\n", "2:6: invalid leading UTF-8 octet");
	refuses("name: \x01\n", "1:7: control characters are not allowed");
}

Test(settings, bombs)
{
	static char deep[200], wide[2 << 20];
	char bomb[2000];
	size_t at = 0;

	memset(deep, '[', sizeof(deep) - 1);
	memcpy(deep, "tags: ", 6);
	refuses(deep, "1:38: nested deeper than 32 levels");

	at += (size_t)snprintf(bomb, sizeof(bomb), "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++) {
		at += (size_t)snprintf(bomb + at, sizeof(bomb) - at, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			at += (size_t)snprintf(bomb + at, sizeof(bomb) - at, "%s*a%d",
					       j > 0 ? ", " : "", i - 1);
		at += (size_t)snprintf(bomb + at, sizeof(bomb) - at, "]\n");
	}
	faults_free(&faults);
	cr_assert_not(load(bomb));
	cr_assert(strstr(faults.at[0].text, "more than 20000 values") != NULL, "%s",
		  faults.at[0].text);

	memset(wide, '#', sizeof(wide));
	faults_free(&faults);
	cr_assert_not(load_bytes(wide, sizeof(wide)));
	cr_assert(strstr(faults.at[0].text, "larger than 1 MiB") != NULL, "%s", faults.at[0].text);
}

Test(settings, long_texts_are_not_copied_without_end)
{
	static char yaml[1 << 20];
	size_t at = (size_t)snprintf(yaml, sizeof(yaml), "tags: [&a \"");

	memset(yaml + at, 'x', 500000);
	at += 500000;
	at += (size_t)snprintf(yaml + at, sizeof(yaml) - at, "\"");
	for (int i = 0; i < 10000; i++)
		at += (size_t)snprintf(yaml + at, sizeof(yaml) - at, ", *a");
	snprintf(yaml + at, sizeof(yaml) - at, "]\n");
	cr_assert_not(load(yaml));
	cr_assert(strstr(faults.at[0].text, "aliases included") != NULL, "%s", faults.at[0].text);
}

Test(settings, files_that_are_none)
{
	cr_assert_not(settings_load(&settings, "/nowhere/x.yml", NULL, 0, &faults));
	cr_assert_str_eq(faults.at[0].text,
			 "/nowhere/x.yml cannot be opened: No such file or directory");
	faults_free(&faults);
	cr_assert_not(settings_load(&settings, "/tmp", NULL, 0, &faults));
	cr_assert_str_eq(faults.at[0].text, "/tmp is a folder, not a configuration file");
}

/* ---- Variables and overrides ---- */

/* A file in a folder of its own, and the folder's name. */
static const char *folder_with(const char *name, const char *text)
{
	static char folder[] = "/tmp/wirespan-test-XXXXXX";
	char at[100];

	cr_assert_not_null(mkdtemp(folder));
	snprintf(at, sizeof(at), "%s/%s", folder, name);
	FILE *file = fopen(at, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return folder;
}

Test(settings, files_are_put_in)
{
	const char *folder = folder_with("word", "se: {c} \"ret\"\n\n");
	char text[200];

	snprintf(text, sizeof(text), "name: <${file:%s/word}>\n", folder);
	takes(text);
	cr_assert_str_eq(settings.agent.name, "<se: {c} \"ret\">");
	settings_free(&settings);
	refuses("name: ${file:word}\n",
		"1:1: ${file:word}: systemd has given no credentials (CREDENTIALS_DIRECTORY is not "
		"set); the name of a file begins with / or ./");
	faults_free(&faults);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	takes("name: ${file:word}\n");
	cr_assert_str_eq(settings.agent.name, "se: {c} \"ret\"");
	settings_free(&settings);
	refuses("name: ${file:other}\n",
		"1:1: ${file:other} cannot be read: No such file or directory");
	refuses("name: ${file:/}\n", "1:1: ${file:/} cannot be read: Is a directory");
	refuses("name: ${file:/dev/zero}\n",
		"1:1: ${file:/dev/zero}: it holds no text, or too much of it");
	refuses("name: ${file:}\n", "1:1: ${file:} names no file");
	unsetenv("CREDENTIALS_DIRECTORY");
	snprintf(text, sizeof(text), "%s/word", folder);
	remove(text);
	remove(folder);
}

Test(settings, variables)
{
	setenv("WIRESPAN_A", "alpha", 1);
	setenv("WIRESPAN_PORTS", "[90, 91]", 1);
	setenv("WIRESPAN_YAML", "x\nflow.tcp_timeout: 5m", 1);
	takes("name: a-${WIRESPAN_A}-${WIRESPAN_B:be:ta}-$${x}-$5\n"
	      "protocols.http.ports: ${WIRESPAN_PORTS}\n"
	      "tags: [\"${WIRESPAN_B:}\", \"${WIRESPAN_YAML}\"]\n");
	cr_assert_str_eq(settings.agent.name, "a-alpha-be:ta-${x}-$5");
	cr_assert_eq(http()->ports.at[1], 91);
	cr_assert_str_eq(settings.agent.tags.at[0], "");
	cr_assert_str_eq(settings.agent.tags.at[1], "x\nflow.tcp_timeout: 5m");
	settings_free(&settings);
	refuses("flow:\n  tcp_timeout: ${WIRESPAN_UNSET:later}\n",
		"2:3: flow.tcp_timeout: expected a duration such as 10s, from 1s to 30d, got "
		"\"later\"");
	refuses("name: ${WIRESPAN_UNSET}\n",
		"1:1: the variable WIRESPAN_UNSET is not set, and no default is given: "
		"${NAME:default}");
	refuses("name: ${WIRESPAN_A\n", "1:1: ${WIRESPAN_A has no closing }");
	refuses("name: ${:x}\n", "1:1: ${:x} names no variable");
}

static bool override(const char *yaml, const char *first, const char *second)
{
	const char *const overrides[] = {first, second};
	FILE *file = fopen(path, "w");

	fputs(yaml, file);
	fclose(file);
	faults_free(&faults);
	return settings_load(&settings, path, overrides, second != NULL ? 2 : 1, &faults);
}

Test(settings, overrides)
{
	cr_assert(override("name: a\nprotocols.http.ports: [1]\n", "protocols.http.ports=[2, 3]",
			   "name="));
	cr_assert_eq(http()->ports.at[0], 2);
	cr_assert_str_eq(settings.agent.name, "");
	settings_free(&settings);
	cr_assert(override("", "fields={a: b}", "logging.level=debug"));
	cr_assert_str_eq(settings.agent.fields.at[0], "a=b");
	cr_assert_eq(settings.log.level, LOG_LEVEL_DEBUG);
	settings_free(&settings);
	cr_assert_not(override("", "flow.tcp_timeuot=1s", NULL));
	cr_assert_str_eq(faults.at[0].text, "-E flow.tcp_timeuot: unknown option; did you mean "
					    "flow.tcp_timeout?");
	cr_assert_not(override("", "flow", NULL));
	cr_assert_str_eq(faults.at[0].text,
			 "-E flow: expected a setting such as flow.tcp_timeout=2m");
	cr_assert_not(override("", "tags=[a", NULL));
	cr_assert_eq(faults.count, 1);
}

/* ---- Printing ---- */

Test(settings, what_is_printed_reads_back_the_same)
{
	char *first, *second;

	takes("name: \"a: #b\\n\\u2029$${x}\\uffff\"\ntags: [x, \"y, z\"]\nfields: {a.b: 'c=d', e: "
	      "[f, g], h: i}\n"
	      "output.file: {path: /x, rotate_every_kb: 0}\nflow.tcp_timeout: 90s\n");
	first = printed();
	settings_free(&settings);
	takes(first);
	second = printed();
	cr_assert_str_eq(first, second);
	cr_assert(strstr(first, "\n  tcp_timeout: 90s\n") != NULL);
	settings_free(&settings);
	free(first);
	free(second);
}

Test(settings, the_reference_is_the_presets)
{
	char *reference = NULL, *from_reference, *presets;
	size_t len;
	FILE *to = open_memstream(&reference, &len);

	settings_print_reference(to);
	fclose(to);
	takes(reference);
	from_reference = printed();
	settings_free(&settings);
	cr_assert(settings_load(&settings, NULL, NULL, 0, &faults));
	presets = printed();
	cr_assert_str_eq(from_reference, presets);
	settings_free(&settings);
	free(reference);
	free(from_reference);
	free(presets);
}
