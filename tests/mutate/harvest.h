/*
 * The documents that the whole pipeline makes of a roll, and what a test wants to know of them.
 *
 * A document is parsed by yajl when somebody asks what it says (harvest_read).
 *
 * Owns     a harvest owns its text and its documents' trees
 */
#ifndef WIRESPAN_TESTS_HARVEST_H
#define WIRESPAN_TESTS_HARVEST_H

#include "shipper/conf/settings.h"
#include "tests/mutate/roll.h"

struct crop {
	char *line;  /* as written, without the newline */
	char *plain; /* without what the transport alone decides */
	/* From harvest_read on. */
	bool parsed; /* by yajl; false is a mistake of the program */
	bool noted;  /* has notes or an error.message */
	uint16_t client_port;
	int64_t asked, answered; /* x-id of the request and of the answer; -1 where it has none */
	uint64_t call;		 /* hash of the Call-ID of SIP, 0 where there is none */
};

struct harvest {
	struct crop *at;
	size_t count;
	char *text;	   /* all documents, as written */
	uint64_t unbooked; /* frames that no counter accounts for */
};

/* The value of a SIP message's header, to its line's end; NULL where it has none. `name` with the
 * colon. */
const char *header_value(const char *text, size_t len, const char *name, size_t *value_len);

/* What plain texts leave out. */
enum plain {
	PLAIN_PACKETS, /* packet counts, tcp.*: what happened on the way */
	PLAIN_PLACE,   /* and timing.connect, which a lost packet of the handshake leaves unknown
			*/
	PLAIN_TIMES,   /* and all times: of bytes that were sent twice, either packet may be lost
			*/
	PLAIN_KINDS
};

struct harvest harvest_of(const struct settings *settings, const struct roll *roll,
			  enum plain plain);
void harvest_fini(struct harvest *harvest);
void harvest_read(struct crop *crop);
/* In the order of their plain text. */
void harvest_sort(struct harvest *harvest);
/* In a sorted one: whether a document with this plain text is there. */
bool harvest_has(const struct harvest *sorted, const char *plain);
/* The first document, of those read, whose request has this x-id; NULL when there is none. */
const struct crop *harvest_find(const struct harvest *harvest, int64_t asked);

#endif
