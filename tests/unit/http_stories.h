/*
 * Who says what, and what documents come of it: read by the tests of framing, cut and loss.
 */
#ifndef WIRESPAN_TESTS_HTTP_STORIES_H
#define WIRESPAN_TESTS_HTTP_STORIES_H

#include <stdbool.h>
#include <stddef.h>

enum step_kind {
	STORY_OVER,
	CLIENT_SAYS,
	SERVER_SAYS,
	CLIENT_LOSES,
	SERVER_LOSES,
	CLIENT_ENDS,
	SERVER_ENDS
};

struct story_step {
	enum step_kind kind;
	const char *text;
	size_t n; /* bytes lost */
};

struct story_want {
	size_t doc;
	const char *path; /* NULL ends the list */
	const char *text; /* NULL: the field is not there */
};

struct story {
	const char *name; /* NULL ends the list */
	const char *options[6];
	bool midstream;
	bool cut_matters; /* where a piece ends decides how much of it is passed over */
	size_t docs;
	struct story_step steps[12];
	struct story_want wants[16];
};

extern const struct story http_stories[];

#endif
