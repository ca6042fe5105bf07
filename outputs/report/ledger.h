/*
 * Documents on their way to a report: rows for charts and tables, the most telling documents whole,
 * SIP calls.
 *
 * Owns     all of it, in bounded memory however many documents there are
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_LEDGER_H
#define WIRESPAN_OUTPUTS_REPORT_LEDGER_H

#include "outputs/report/kept.h"
#include "outputs/report/words.h"
#include "outputs/seen.h"

enum { TYPES_MAX = 24, SOURCES_MAX = 100 };

struct ledger {
	struct seen seen;
	struct rows rows;
	struct kept documents;
	struct kept calls;  /* of type sip_call and sip_registration */
	struct words types; /* at most TYPES_MAX */
	struct words by[BY_COUNT];
	unsigned level;
	char *sources[SOURCES_MAX]; /* names of files */
	size_t sources_count;	    /* those beyond the maximum included */
	/* What neither charts nor tables show. */
	uint64_t others;   /* documents that are no exchanges: connections, the shipper's own */
	uint64_t untimed;  /* without a time or a type */
	uint64_t not_json; /* lines */
};

void ledger_init(struct ledger *ledger);
void ledger_fini(struct ledger *ledger);

void ledger_source(struct ledger *ledger, const char *name);
/* False: it is not a JSON object, and counted. */
bool ledger_add(struct ledger *ledger, struct bytes json);

/* One level coarser than before, in rows and in words; false when there is none. */
bool ledger_coarsen(struct ledger *ledger);

#endif
