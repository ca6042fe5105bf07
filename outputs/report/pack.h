/*
 * Numbers and texts made small for a page: deflated (zlib's form), then in base64.
 *
 * A column of numbers lies in planes, all lowest bytes, all next ones and so on, which deflates
 * better and is as quickly read.
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_PACK_H
#define WIRESPAN_OUTPUTS_REPORT_PACK_H

#include "shipper/base/buf.h"

#include "outputs/report/rows.h"

/* Appends `count` numbers of `width` bytes each. */
void pack_column(struct buf *out, const uint64_t *numbers, size_t count, unsigned width);

/*
 * All columns of rows, in the order of their times: the time since the row before (since `origin`
 * for the first) in ticks, the time taken as 24 bits of a float of nanoseconds behind its sign (all
 * ones: none), the words' numbers, the bytes as the upper 16 bits of such a float, and the count
 * where `counts` is set.
 */
void pack_rows(struct buf *out, const struct rows *rows, nsec origin, nsec tick, bool counts);

void pack_base64(struct buf *out, struct bytes raw);
void pack_deflated(struct buf *out, struct bytes raw);

#endif
