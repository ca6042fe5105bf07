/*
 * A 64-bit hash of bytes, for grouping (query_hash) and for what must not be shown but told apart.
 * The same bytes have the same hash on every machine and in every version.
 */
#ifndef WIRESPAN_BASE_HASH_H
#define WIRESPAN_BASE_HASH_H

#include "shipper/base/bytes.h"

uint64_t hash_bytes(struct bytes b);

#endif
