/*
 * A document laid out for people: two spaces for each level, numbers as they were written.
 *
 * Owns     the text it returns, until the next call
 */
#ifndef WIRESPAN_OUTPUTS_PRETTY_H
#define WIRESPAN_OUTPUTS_PRETTY_H

#include "shipper/base/bytes.h"

struct pretty;

struct pretty *pretty_new(void);
void pretty_free(struct pretty *pretty); /* NULL is well */

/* Ends with a newline. What is not JSON comes back as it is. */
struct bytes pretty_text(struct pretty *pretty, struct bytes json);

#endif
