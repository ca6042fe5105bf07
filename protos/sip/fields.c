#include "protos/sip/fields.h"

#include <stddef.h>

#define SIP_FIELD_ROW(id, name, type, unit, text, example) {name, type, unit, text, example},

const struct field sip_fields[SIP_FIELD_COUNT + 1] = {SIP_FIELDS(SIP_FIELD_ROW){0}};
