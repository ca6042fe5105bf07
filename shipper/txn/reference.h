/*
 * The field reference, printed from the tables: common fields, then each protocol's own. And the
 * check that the tables agree with themselves and with each other.
 */
#ifndef WIRESPAN_TXN_REFERENCE_H
#define WIRESPAN_TXN_REFERENCE_H

#include <stdio.h>

#include "shipper/base/fault.h"
#include "shipper/txn/field.h"

/* format: "text", "md" or "json"; false for any other, and when writing fails. */
bool fields_print(FILE *to, const char *format, struct fault *fault);
bool fields_format_known(const char *format);

/* As documents and an index template name it: "keyword", "date_nanos", "flattened", … */
const char *field_type_name(enum field_type type);

/*
 * One protocol's table (NULL: the common one alone), in the order of documents: common head, own,
 * common tail. False names the first fault: a name twice, an object in two places, a name that is
 * also an object, a row without a sentence.
 */
bool fields_check(const struct field *own, struct fault *fault);

/* Two protocols' tables go into one index: a name in both must be of one type and unit, and no
 * field of one an object of the other. */
bool fields_agree(const struct field *one, const struct field *other, struct fault *fault);

#endif
