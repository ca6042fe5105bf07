/*
 * The console output: documents on standard output, one a line, or laid out for people.
 */
#ifndef WIRESPAN_OUTPUTS_CONSOLE_H
#define WIRESPAN_OUTPUTS_CONSOLE_H

#include "outputs/output.h"

struct console_conf {
	bool pretty;
};

extern const struct output output_console;

#endif
