/*
 * One conversation of one protocol through the real engine, played from a fuzzer's input: both
 * sides, cuts, losses, ends, under one of several sets of options.
 *
 * Input: the place in `presets` (from 200 on, of a conversation first seen in its middle), a size
 * at which pieces are cut, then steps: what happens (1 byte), how many bytes (2), the bytes, where
 * there are any.
 *
 * Asserts that every document is JSON, that no memory stays charged, that counters balance, and
 * that cutting the pieces smaller changes no document.
 */
#ifndef WIRESPAN_TESTS_LIB_CONVERSE_H
#define WIRESPAN_TESTS_LIB_CONVERSE_H

#include "protos/proto.h"

enum { CONVERSE_PRESETS_MAX = 8, CONVERSE_OPTIONS_MAX = 9 };

/* NAME=VALUE, the last one NULL. */
typedef const char *const converse_preset[CONVERSE_OPTIONS_MAX];

/* What LLVMFuzzerTestOneInput returns. Engines are kept from one input to the next, so a program
 * plays one protocol. The server's port is the first of the protocol's own. */
int converse(const struct proto *proto, const converse_preset *presets, unsigned preset_count,
	     const uint8_t *at, size_t len);

#endif
