/*
 * Text for JSON: escaped and made valid UTF-8 in one pass.
 *
 * Bytes that are not UTF-8 become U+FFFD, one for each maximal subpart of a sequence that breaks
 * off, as Unicode recommends. Of what is valid only quotes, backslashes and control characters are
 * escaped.
 *
 * Source   RFC 8259 section 7, RFC 3629, Unicode 15 section 3.9 ("U+FFFD Substitution of Maximal
 *          Subparts")
 */
#ifndef WIRESPAN_TXN_JSON_TEXT_H
#define WIRESPAN_TXN_JSON_TEXT_H

#include "shipper/base/buf.h"

enum {
	JSON_SHORT = 256,		       /* bytes of text for which room is made at once */
	JSON_SHORT_ROOM = 6 * JSON_SHORT + 48, /* what these may become, and steps stored whole */
};

/* Appends `text` without quotes around it. */
void json_text(struct buf *out, struct bytes text);

/* Text of JSON_SHORT bytes at most, to where there is JSON_SHORT_ROOM; returns the end. */
uint8_t *json_short(uint8_t *to, struct bytes text);

#endif
