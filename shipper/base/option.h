/*
 * Options: one row each is the check, the default and the manual.
 *
 * A table ends with a row without a name. Modules export their table and the struct it fills;
 * config/ reads YAML against the tables, and prints the reference configuration from them.
 *
 * Owns     option_free releases what option_default and the reader put into a conf struct
 * Units    durations in nanoseconds (nsec), sizes in bytes
 */
#ifndef WIRESPAN_BASE_OPTION_H
#define WIRESPAN_BASE_OPTION_H

#include "shipper/base/fault.h"
#include "shipper/base/time.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_BOOL,	 /* bool */
	OPTION_INT,	 /* int64_t, within [min, max]; or 0, if its first choice is said */
	OPTION_SIZE,	 /* int64_t bytes, within [min, max]: 4096, 64KiB, 10MB */
	OPTION_DURATION, /* nsec, within [min, max]: 500ms, 10s, 5m, 1h; a bare number is seconds */
	OPTION_TEXT,	 /* char *, "" when not set */
	OPTION_SECRET,	 /* as TEXT, but never printed */
	OPTION_CHOICE,	 /* int: index into choices */
	OPTION_TEXTS,	 /* struct texts: a YAML list, or one text */
	OPTION_PAIRS,	 /* struct texts, each "key=value": a YAML map; a list of values is
			    several, one behind the other */
	OPTION_SECRETS,	 /* as PAIRS, but their values are never printed */
	OPTION_PORTS,	 /* struct ports: a YAML list of 1–65535, or one */
};

enum { PORTS_MAX = 64 };

struct texts {
	char **at;
	size_t count;
};

void texts_add(struct texts *texts, const char *text);
void texts_fini(struct texts *texts);

struct ports {
	uint16_t at[PORTS_MAX];
	size_t count;
};

struct option {
	const char *name; /* the YAML key, within its section; may have dots: "ssl.key" */
	enum option_type type;
	size_t offset;	    /* of the member in the conf struct */
	const char *preset; /* default, as YAML would have it: "10s", "[80, 8080]", "" for none */
	int64_t min, max;   /* of INT, SIZE, DURATION; both 0 for no limit */
	const char *const *choices; /* of CHOICE, ends with NULL; of INT the word for 0, or NULL */
	const char *unit;	    /* for the manual, where the type does not say */
	const char *help;	    /* a sentence */
};

/* Fills a conf struct (zeroed by the caller) with the presets; a bad preset is our own mistake. */
void option_default(const struct option *table, void *conf);

/* One value from its text (lists and maps in YAML flow form). False fills fault with what is
 * expected; the value is then what it was. */
bool option_parse(const struct option *row, void *conf, const char *text, struct fault *fault);

/* As option_parse, from the items of a list ("key=value" for PAIRS). */
bool option_parse_items(const struct option *row, void *conf, const char *const *items,
			size_t count, struct fault *fault);

/* How many pairs from `at` on have its key. */
size_t option_pair_run(const struct texts *pairs, size_t at);

/* TEXTS, PAIRS, SECRETS or PORTS. */
bool option_is_list(const struct option *row);
/* PAIRS or SECRETS. */
bool option_is_map(const struct option *row);

void option_free(const struct option *table, void *conf);

/* The value in force, as YAML; a secret that is set as a remark in its place. */
void option_print(const struct option *row, const void *conf, FILE *to);

/* Whether two conf structs have the same value there. */
bool option_equal(const struct option *row, const void *a, const void *b);

/* What a value looks like, in words: "a duration such as 10s, from 1ms to 1h". */
void option_expected(const struct option *row, char *to, size_t size);

#endif
