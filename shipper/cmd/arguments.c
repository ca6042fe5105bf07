/* getopt.h has a struct option of its own: neither settings nor options are included here. */
#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/cmd/command.h"
#include "shipper/conf/nearest.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS_MAX = 32, HELP_ID = 'h' };

static const struct flag help_flag = {HELP_ID, "help", NULL, "Print this and do nothing."};

static size_t flags_of(const struct command *command, const struct flag *flags[FLAGS_MAX])
{
	size_t n = 0;

	for (const struct flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
		must(n < FLAGS_MAX - 1);
		flags[n++] = flag;
	}
	flags[n++] = &help_flag;
	return n;
}

static int takes(const struct flag *flag)
{
	if (flag->argument == NULL)
		return no_argument;
	return flag->argument[0] == '[' ? optional_argument : required_argument;
}

static void letters_of(const struct flag *const *flags, size_t count, char *to)
{
	*to++ = ':';
	for (size_t i = 0; i < count; i++) {
		if (flags[i]->id >= FLAG_LONG)
			continue;
		*to++ = (char)flags[i]->id;
		for (int colons = takes(flags[i]); colons > 0; colons--)
			*to++ = ':';
	}
	*to = '\0';
}

/* ---- What is wrong ---- */

static void unknown_flag(const struct arguments *a, const char *word,
			 const struct flag *const *flags, size_t count)
{
	const char *names[FLAGS_MAX], *near = NULL;
	int shown = (int)strcspn(word, "=");
	char name[64];

	for (size_t i = 0; i < count; i++)
		names[i] = flags[i]->name;
	if (strncmp(word, "--", 2) == 0) {
		snprintf(name, sizeof(name), "%.*s", shown - 2, word + 2);
		near = nearest(name, names, count);
	}
	if (near != NULL)
		log_error("%s has no option %.*s; did you mean --%s?", a->command->name, shown,
			  word, near);
	else
		log_error("%s has no option %.*s; see wirespan %s --help", a->command->name, shown,
			  word, a->command->name);
}

static int wrong(const struct arguments *a, int got, int before, const struct flag *const *flags,
		 size_t count)
{
	char letter[3] = {'-', (char)optopt, '\0'};
	bool is_long = optopt == 0 || optopt >= FLAG_LONG || strncmp(a->argv[before], "--", 2) == 0;
	const char *word = is_long ? a->argv[optind - 1] : letter;

	if (got == ':')
		log_error("%s %s expects a value; see wirespan %s --help", a->command->name, word,
			  a->command->name);
	else if (optopt != 0 && is_long)
		log_error("%s %s takes no value", a->command->name, word);
	else
		unknown_flag(a, word, flags, count);
	return ARGUMENTS_WRONG;
}

static bool all_digits(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* `--top 20` as well as `--top=20`. */
static const char *value_of(const struct arguments *a, const struct flag *flag)
{
	if (optarg == NULL && takes(flag) == optional_argument && optind < a->argc &&
	    all_digits(a->argv[optind]))
		return a->argv[optind++];
	return optarg;
}

int arguments_next(struct arguments *a)
{
	const struct flag *flags[FLAGS_MAX];
	struct option options[FLAGS_MAX + 1] = {0};
	char letters[3 * FLAGS_MAX + 2];
	size_t count = flags_of(a->command, flags);
	int got, before = optind > 0 ? optind : 1;

	for (size_t i = 0; i < count; i++)
		options[i] = (struct option){flags[i]->name, takes(flags[i]), NULL, flags[i]->id};
	letters_of(flags, count, letters);
	opterr = 0;
	optopt = 0;
	got = getopt_long(a->argc, a->argv, letters, options, NULL);
	if (got == '?' || got == ':')
		return wrong(a, got, before < a->argc ? before : a->argc - 1, flags, count);
	if (got == HELP_ID) {
		command_print_help(a->command, stdout);
		return ARGUMENTS_HELP;
	}
	if (got == -1) {
		a->rest = a->argv + optind;
		a->rest_count = (size_t)(a->argc - optind);
		return ARGUMENTS_END;
	}
	for (size_t i = 0; i < count; i++)
		if (flags[i]->id == got)
			a->value = value_of(a, flags[i]);
	return got;
}

enum exit_code arguments_exit(int got)
{
	return got == ARGUMENTS_HELP ? EXIT_WELL : EXIT_USAGE;
}

enum exit_code arguments_usage(const struct arguments *a, const char *what)
{
	log_error("%s %s; see wirespan %s --help", a->command->name, what, a->command->name);
	return EXIT_USAGE;
}

/* ---- Help ---- */

static void flag_print(const struct flag *flag, FILE *to)
{
	bool optional = takes(flag) == optional_argument;
	char left[64];
	int n;

	if (flag->id < FLAG_LONG)
		n = snprintf(left, sizeof(left), "  -%c, --%s", flag->id, flag->name);
	else
		n = snprintf(left, sizeof(left), "      --%s", flag->name);
	if (flag->argument != NULL)
		snprintf(left + n, sizeof(left) - (size_t)n, "%s%s", optional ? " " : " ",
			 flag->argument);
	if (strlen(left) > 26)
		fprintf(to, "%s\n%28s%s\n", left, "", flag->help);
	else
		fprintf(to, "%-28s%s\n", left, flag->help);
}

void command_print_help(const struct command *command, FILE *to)
{
	const struct flag *flags[FLAGS_MAX];
	size_t count = flags_of(command, flags);

	fprintf(to, "wirespan %s [OPTION…]%s%s\n\n%s\n\n", command->name,
		command->arguments[0] != '\0' ? " " : "", command->arguments, command->help);
	for (size_t i = 0; i < count; i++)
		flag_print(flags[i], to);
	if (command->more != NULL)
		fprintf(to, "\n%s", command->more);
}

void commands_print(FILE *to)
{
	fputs("wirespan COMMAND [OPTION…]\n\nWatches network traffic and writes a JSON document "
	      "for each exchange between a\nclient and a server.\n\n",
	      to);
	for (size_t i = 0; commands[i] != NULL; i++)
		fprintf(to, "  %-19s%s\n", commands[i]->name, commands[i]->help);
	fputs("\n`wirespan help COMMAND` says more; the manual is wirespan(1).\n", to);
}

/* ---- Finding ---- */

const struct command *command_find(int argc, char **argv, int *words)
{
	for (size_t i = 0; argc > 0 && commands[i] != NULL; i++) {
		const char *name = commands[i]->name, *second = strchr(name, ' ');
		size_t len = strcspn(name, " ");

		if (strncmp(name, argv[0], len) != 0 || argv[0][len] != '\0')
			continue;
		if (second != NULL && (argc < 2 || strcmp(second + 1, argv[1]) != 0))
			continue;
		*words = second != NULL ? 2 : 1;
		return commands[i];
	}
	return NULL;
}

enum exit_code command_unknown(int argc, char **argv)
{
	const char *names[64], *near;
	char typed[128];
	size_t count = 0;
	bool first = false;

	for (; count < 64 && commands[count] != NULL; count++) {
		const char *name = commands[count]->name;
		size_t len = strcspn(name, " ");

		names[count] = name;
		first |= name[len] == ' ' && strncmp(name, argv[0], len) == 0 &&
			 argv[0][len] == '\0';
	}
	snprintf(typed, sizeof(typed), "%s%s%s", argv[0], first && argc > 1 ? " " : "",
		 first && argc > 1 ? argv[1] : "");
	/* Of "export" alone, one that begins so is meant. */
	near = first && argc == 1 ? NULL : nearest(typed, names, count);
	for (size_t i = 0; near == NULL && first && i < count; i++)
		if (strncmp(names[i], argv[0], strlen(argv[0])) == 0)
			near = names[i];
	if (near != NULL)
		log_error("there is no command %s; did you mean %s?", typed, near);
	else
		log_error("there is no command %s; `wirespan help` lists them", typed);
	return EXIT_USAGE;
}
