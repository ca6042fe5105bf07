/*
 * Commands: one row each is the dispatch, the help and what the manual is checked against.
 *
 * Errors   a command reports what is wrong, in one line on standard error, and returns its exit
 *          code
 */
#ifndef WIRESPAN_CMD_COMMAND_H
#define WIRESPAN_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum exit_code {
	EXIT_WELL = 0,
	EXIT_FAILED = 1, /* of the surroundings: a file, a device, an output */
	EXIT_USAGE = 2,	 /* the command line or the configuration */
};

struct flag {
	int id;		      /* its letter; from FLAG_LONG on for those without one */
	const char *name;     /* without the dashes */
	const char *argument; /* "FILE"; "[N]" when it may be left out; NULL for none */
	const char *help;     /* a sentence */
};

enum { FLAG_LONG = 256 };

struct arguments;

struct command {
	const char *name;	  /* "replay", "test config" */
	const char *arguments;	  /* "FILE…", "" */
	const char *help;	  /* a sentence */
	const char *more;	  /* examples, for --help; may be NULL */
	const struct flag *flags; /* ends with a row without a name; may be NULL */
	enum exit_code (*run)(struct arguments *arguments);
};

extern const struct command *const commands[]; /* ends with NULL */

/* ---- Reading a command line ---- */

struct arguments {
	const struct command *command;
	int argc;
	char **argv;	   /* [0] is the command's last word */
	const char *value; /* of the flag in hand; NULL when it was left out */
	char **rest;	   /* what is not a flag, once ARGUMENTS_END was returned */
	size_t rest_count;
};

enum {
	ARGUMENTS_END = -1,
	ARGUMENTS_HELP = -2,  /* --help: printed; nothing more to do */
	ARGUMENTS_WRONG = -3, /* reported */
};

/* The id of the next flag, or one of the above. */
int arguments_next(struct arguments *arguments);
/* For what is not an id: the exit code to return with. */
enum exit_code arguments_exit(int got);
/* Reports an argument too many or too few, by the command's usage line. */
enum exit_code arguments_usage(const struct arguments *arguments, const char *what);

void command_print_help(const struct command *command, FILE *to);
void commands_print(FILE *to);
/* "test config" for {"test", "config", …}: how many words were its name; NULL when there is none.
 */
const struct command *command_find(int argc, char **argv, int *words);
enum exit_code command_unknown(int argc, char **argv);

#endif
