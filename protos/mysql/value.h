/*
 * Values of the binary protocol as text.
 *
 * Source   MySQL source documentation "Binary Protocol Value", "ProtocolBinary"
 * Owns     nothing
 */
#ifndef WIRESPAN_MYSQL_VALUE_H
#define WIRESPAN_MYSQL_VALUE_H

#include "shipper/base/cursor.h"

enum { VALUE_TEXT_MAX = 64 };

enum value_type { TYPE_NULL = 6 };

/* Takes a value of the type (second byte 0x80: unsigned). Numbers and times are printed to
 * `room`; strings are returned where they lie. The cursor runs dry where it is not all there. */
struct bytes value_text(struct cursor *c, uint8_t type, bool is_unsigned,
			char room[VALUE_TEXT_MAX]);

#endif
