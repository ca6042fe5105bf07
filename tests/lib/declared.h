/*
 * Does a document carry only what its protocol's table declares? yajl reads it.
 *
 * Found: JSON that yajl refuses, a key twice, a field that is not declared, a value of another
 * type than declared, null, an empty text or list.
 */
#ifndef WIRESPAN_TESTS_LIB_DECLARED_H
#define WIRESPAN_TESTS_LIB_DECLARED_H

#include "shipper/base/bytes.h"
#include "shipper/base/fault.h"
#include "shipper/txn/field.h"

/* own: the protocol's fields beside the common ones, may be NULL. False names the first fault. */
bool declared_check(struct bytes document, const struct field *own, struct fault *fault);

#endif
