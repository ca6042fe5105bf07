/*
 * The calls output: no documents, but on standard output at the end a list of the calls that they
 * tell of, or one of them with its messages drawn.
 */
#ifndef WIRESPAN_OUTPUTS_CALLS_H
#define WIRESPAN_OUTPUTS_CALLS_H

#include "outputs/output.h"

struct calls_conf {
	char *flow;    /* Call-ID of the one; "" for the list */
	int64_t width; /* columns; 0 for the terminal's, or 120 */
	int64_t calls; /* listed at most */
};

extern const struct output output_calls;

#endif
