/*
 * Prepares an engine for documents (`wirespan setup`), and finds out whether it would take them
 * (`wirespan test output`).
 *
 * Safe to run twice: what is there already as it would be loaded stays untouched. What this engine
 * has no means for is said, and left out or done more plainly.
 *
 * Errors   each step prints a line; false when one failed
 */
#ifndef WIRESPAN_SETUP_SETUP_H
#define WIRESPAN_SETUP_SETUP_H

#include <stdio.h>

#include "shipper/setup/conf.h"
#include "shipper/setup/session.h"

/* dry: nothing is changed, only said. */
bool setup_run(const struct setup_conf *conf, const struct elastic_conf *elastic, bool dry,
	       FILE *to);

/* Each host: does it answer, who is it, may we do what shipping needs, how far is its clock. */
bool setup_test(const struct elastic_conf *elastic, FILE *to);

#endif
