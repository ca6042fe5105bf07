/*
 * The Internet checksum.
 *
 * The sum is taken over words as they lie in memory: it comes out right in either byte order, as
 * long as all that goes into it lies in network order (RFC 1071, section 2).
 *
 * Source   RFC 1071
 */
#ifndef WIRESPAN_DECODE_CHECKSUM_H
#define WIRESPAN_DECODE_CHECKSUM_H

#include "shipper/base/bytes.h"

/* Adds bytes to a sum that began with 0. Only the last call may have an odd number of bytes. */
uint64_t checksum_add(uint64_t sum, struct bytes b);

/* Whether the sum over everything, the checksum included, is what it must be. */
bool checksum_right(uint64_t sum);

#endif
