/*
 * All protocols, in one array that ends with NULL. To add one: its folder, and a line in protos.c.
 */
#ifndef WIRESPAN_PROTOS_PROTOS_H
#define WIRESPAN_PROTOS_PROTOS_H

#include "protos/proto.h"

enum { PROTOS_MAX = 32 };

extern const struct proto *const protos[];

#endif
