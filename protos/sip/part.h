/*
 * Parts of documents that transactions, calls and registrations share.
 */
#ifndef WIRESPAN_SIP_PART_H
#define WIRESPAN_SIP_PART_H

#include "protos/sip/sdp.h"
#include "protos/sip/sip.h"

/* `field` is the first of a group, as FIELD_OWN: original, scheme, username, host, port. */
void part_uri(struct doc *d, unsigned field, const struct sip_uri *uri);
/* display_info, tag, and the URI's. */
void part_address(struct doc *d, unsigned field, struct bytes name, struct bytes tag,
		  const struct sip_uri *uri);
/* address, port, media, codec, direction. */
void part_media(struct doc *d, unsigned field, const struct sdp *sdp);
void part_number(struct doc *d, unsigned field, struct bytes digits);
/* A URI without its password. */
void part_plain_uri(struct doc *d, unsigned field, struct bytes uri);
/* The user of a URI, escapes undone. */
void part_user(struct doc *d, unsigned field, struct bytes user);

#endif
