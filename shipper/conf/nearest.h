/*
 * The nearest known name to one that is not known, by the edits that lie between them (one letter
 * more, less, other, or two exchanged).
 */
#ifndef WIRESPAN_CONF_NEAREST_H
#define WIRESPAN_CONF_NEAREST_H

#include <stddef.h>

/* NULL when none is near: more than a third of the letters would have to change. */
const char *nearest(const char *word, const char *const *names, size_t count);

#endif
