/*
 * A path without what varies from call to call: segments that are identifiers become '?'.
 *
 *   /users/17/orders/9f1c2d3e-0b1a-4c5d-8e6f-001122334455  →  /users/?/orders/?
 *   /assets/app.3f2a9c1d7b.js                              →  /assets/app.?.js
 *
 * Identifiers are: numbers, also signed ones and dates; UUIDs; hexadecimal of 8 characters and
 * more with at least one of 0-9; tokens of 16 characters and more with some digits among letters,
 * but not words joined by '-'. A segment is looked at in parts that '.', ',', ';', '=', '@', ':' or
 * '~' divide, so that a file keeps its extension. Query parameters are not part of it.
 *
 * Errors   none
 */
#ifndef WIRESPAN_HTTP_FINGERPRINT_H
#define WIRESPAN_HTTP_FINGERPRINT_H

#include "shipper/base/bytes.h"

enum { FINGERPRINT_MAX = 512 };

/* Writes at most `max` bytes; returns how many. */
size_t fingerprint_path(struct bytes path, uint8_t *to, size_t max);

#endif
