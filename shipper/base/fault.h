/*
 * What went wrong with the surroundings: options, files, devices, permissions.
 *
 * A function that fails fills a struct fault and returns false; whoever can act prints it, once.
 * The text is one line that says what to do, without a final newline.
 */
#ifndef WIRESPAN_BASE_FAULT_H
#define WIRESPAN_BASE_FAULT_H

#include <stdbool.h>

struct fault {
	char text[512];
	int line;   /* place in a configuration or IDL file, from 1; 0 is none */
	int column; /* as line */
};

/* Fills `fault` (which may be NULL) and returns false, so that callers can `return fault_set(…)`.
 */
bool fault_set(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What to do where a file was not opened or read: to be put behind strerror's text. "" where that
 * says enough. */
const char *fault_advice(int error);

#endif
