/* Thrift messages as hexadecimal digits, and text in single quotes. */
#ifndef WIRESPAN_TESTS_THRIFT_SAY_H
#define WIRESPAN_TESTS_THRIFT_SAY_H

#include "tests/unit/talk.h"

enum { THRIFT_SAY_MAX = 8192 };

extern const struct proto proto_thrift;

struct bytes thrift_bytes(const char *script, uint8_t to[THRIFT_SAY_MAX]);
void thrift_say(struct talk *t, enum side from, const char *script);
/* Fails when the field is not what is wanted; NULL: when it is there. */
void thrift_is(struct talk *t, size_t doc, const char *path, const char *wanted);

#endif
