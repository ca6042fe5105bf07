/*
 * The top output: no documents, but tables as in a dashboard, on standard output at the end.
 */
#ifndef WIRESPAN_OUTPUTS_TOP_H
#define WIRESPAN_OUTPUTS_TOP_H

#include "outputs/output.h"

struct top_conf {
	int64_t rows;	/* of each table */
	int64_t width;	/* columns; 0 for the terminal's, or 120 */
	int64_t groups; /* held at once, at most; the others are added up in one */
};

extern const struct output output_top;

#endif
