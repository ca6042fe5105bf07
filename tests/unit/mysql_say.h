/*
 * A made-up MySQL conversation, packet by packet, through the real engine.
 *
 * Owns     its engine and documents, until mysql_talk_end
 */
#ifndef WIRESPAN_TESTS_MYSQL_SAY_H
#define WIRESPAN_TESTS_MYSQL_SAY_H

#include <criterion/criterion.h>

#include "protos/mysql/mysql.h"
#include "shipper/txn/conn.h"

struct mysql_talk {
	struct mysql_conf conf;
	void *confs[1];
	struct engine_conf engine_conf;
	struct quota quota;
	struct counters counters;
	struct engine *engine;
	struct endpoints ends;
	struct flow flow;
	struct conn *conn;
	struct buf out;
	nsec now;
	size_t cut, read;
	uint64_t said[2];
	uint8_t seq;
};

/* Pieces are cut at this size. Rows are asked for (send_response). */
struct mysql_talk *mysql_talk_begin(size_t cut, bool midstream);
/* No document is left unread, and no memory charged. */
void mysql_talk_end(struct mysql_talk *t);

void mysql_say(struct mysql_talk *t, enum side from, struct bytes b);
/* A packet of the next sequence number. */
void mysql_packet(struct mysql_talk *t, enum side from, struct bytes body);
/* The next document; "" when there is none. Good until the next call. */
const char *mysql_next(struct mysql_talk *t);
/* Greeting and login; what both sides can do: `low`, `high` of the capabilities. */
void mysql_login(struct mysql_talk *t, const char *low, const char *high);

#define ASKS(t, body)	 ((t)->seq = 0, mysql_packet(t, CLIENT, BYTES(body)))
#define GOES_ON(t, body) mysql_packet(t, CLIENT, BYTES(body))
#define SAYS(t, body)	 mysql_packet(t, SERVER, BYTES(body))
#define HAS(doc, part)	 cr_assert(strstr(doc, part), "no %s in %s", part, doc)
#define LACKS(doc, part) cr_assert(!strstr(doc, part), "%s in %s", part, doc)
#define ZEROS_10	 "\0\0\0\0\0\0\0\0\0\0"
#define OK		 "\0\0\0\2\0\0\0"
#define EOF_OLD		 "\xfe\0\0\2\0"
#define COLUMN(name)	 "\3def\1s\1t\1t" name name "\x0c\x21\0\4\0\0\0\xfd\0\0\0\0\0"
#define LOW		 "\x09\xa2" /* with schema, protocol 41, secure connection */
#define HIGH		 "\x08\x00" /* plugins */
#define HIGH_D		 "\x08\x01" /* and no EOF packets */

#endif
