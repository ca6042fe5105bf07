/*
 * Which characters may stand where, as bits of a table.
 *
 * Source   RFC 3261 section 25.1 (token), RFC 3986 section 3.1 (scheme)
 */
#ifndef WIRESPAN_SIP_CHARS_H
#define WIRESPAN_SIP_CHARS_H

#include <stdint.h>

enum sip_char {
	CHAR_TOKEN = 1 << 0,
	CHAR_SCHEME = 1 << 1, /* of a URI; it begins with a letter */
	CHAR_QUOTE = 1 << 2,
	CHAR_ANGLE = 1 << 3, /* < */
	CHAR_SEMICOLON = 1 << 4,
	CHAR_COMMA = 1 << 5,
	CHAR_QUESTION = 1 << 6,
};

extern const uint8_t sip_chars[256];

#endif
