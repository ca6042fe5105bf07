#include "shipper/txn/field.h"

#include <stddef.h>

#define COMMON_FIELD_ROW(id, name, type, unit, text, example) \
	[F_##id] = {name, type, unit, text, example},

const struct field fields_common[FIELD_COMMON_COUNT + 1] = {
	FIELDS_COMMON_HEAD(COMMON_FIELD_ROW) FIELDS_COMMON_TAIL(COMMON_FIELD_ROW)};
