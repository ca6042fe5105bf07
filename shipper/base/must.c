#include "shipper/base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void must_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "wirespan: %s:%d: must hold: %s\n", file, line, what);
	abort();
}

void *must_alloc(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);

	must(p != NULL);
	return p;
}

void *must_realloc(void *old, size_t bytes)
{
	void *p = realloc(old, bytes ? bytes : 1);

	must(p != NULL);
	return p;
}

char *must_strdup(const char *text)
{
	char *p = strdup(text);

	must(p != NULL);
	return p;
}
