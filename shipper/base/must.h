/*
 * Asserts that stay on: what the code relies on, in production too.
 *
 * For our own mistakes only, never for what came from a wire, a file or a server.
 */
#ifndef WIRESPAN_BASE_MUST_H
#define WIRESPAN_BASE_MUST_H

#include <stddef.h>

#define must(condition) \
	((__builtin_expect(!!(condition), 1)) ? (void)0 : must_fail(__FILE__, __LINE__, #condition))

_Noreturn void must_fail(const char *file, int line, const char *what);

/* Allocation that aborts: limits, not malloc, keep us within memory. */
void *must_alloc(size_t bytes); /* zeroed */
void *must_realloc(void *old, size_t bytes);
char *must_strdup(const char *text);

#endif
