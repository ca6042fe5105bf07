/*
 * All outputs, in one array that ends with NULL. To add one: its folder, and a line in outputs.c.
 */
#ifndef WIRESPAN_OUTPUTS_OUTPUTS_H
#define WIRESPAN_OUTPUTS_OUTPUTS_H

#include "outputs/output.h"

extern const struct output *const outputs[];

#endif
