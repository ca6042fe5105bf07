/*
 * Community ID: a name for a conversation that other tools give it too.
 *
 * Made once for each conversation, of TCP or UDP.
 *
 * Source   Community ID Flow Hashing, version 1, with seed 0; FIPS 180-4 (SHA-1); RFC 4648 (base64)
 */
#ifndef WIRESPAN_TXN_COMMUNITY_H
#define WIRESPAN_TXN_COMMUNITY_H

#include "shipper/flow/flow.h"

enum { COMMUNITY_ID_LEN = 30 }; /* "1:" and the base64 of 20 bytes */

/* The same for both directions. Not terminated. */
void community_id(const struct endpoints *ends, char to[COMMUNITY_ID_LEN]);

#endif
