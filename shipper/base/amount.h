/*
 * Durations and sizes as people write them.
 */
#ifndef WIRESPAN_BASE_AMOUNT_H
#define WIRESPAN_BASE_AMOUNT_H

#include "shipper/base/time.h"

#include <stdbool.h>
#include <stddef.h>

/* 500ms, 1m30s, 1.5h, 10 (seconds), with a sign; false when it is no duration or overflows. */
bool duration_parse(const char *text, nsec *to);

/* 4096, 64KiB, 10MB, 1.5GiB; false when it is no size or overflows. */
bool size_parse(const char *text, int64_t *to);

/* With the largest unit that leaves no fraction: 90s, 64KiB. */
void duration_write(nsec ns, char *to, size_t size);
void size_write(int64_t bytes, char *to, size_t size);

#endif
