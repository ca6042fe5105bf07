/*
 * PostgreSQL messages as a person can write them:
 *
 *   "Qselect 1~|S"   two messages, a Query and a Sync; lengths are put in
 *   "~"              a NUL
 *   "#0003ff."       bytes in hex
 *   "=..."           no type: a startup message      "!N"   a bare byte
 */
#ifndef WIRESPAN_TESTS_PGSQL_SAY_H
#define WIRESPAN_TESTS_PGSQL_SAY_H

#include "tests/unit/talk.h"

/* The bytes of these messages; good until the next call. */
struct bytes pgsql_bytes(const char *text);
void pgsql_say(struct talk *t, enum side from, const char *text);

#define PG_SSL	 "=#04d2162f."
#define PG_LOGIN "=#00030000.user~blog~database~shop~application_name~probe~~"
#define PG_READY "R#00000000.|Sserver_version~15.4~|K#0000002a01020304.|ZI"

#endif
