/*
 * Documents that are kept whole: the slowest of each kind of request and some that failed, then the
 * slowest of all.
 *
 * Owns     its documents, KEPT_BYTES_MAX of them
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_KEPT_H
#define WIRESPAN_OUTPUTS_REPORT_KEPT_H

#include "outputs/report/rows.h"
#include "shipper/base/bytes.h"

enum {
	KEPT_MAX = 5000,
	KEPT_BYTES_MAX = 64 << 20,
	DOCUMENT_BYTES_MAX = 64 << 10,
	KEPT_OF_KIND = 5,	 /* of each kind of request, whatever the others take */
	KEPT_FAILED_OF_KIND = 3, /* and these besides */
};

struct document {
	struct row row;
	char *text; /* a line of JSON without its newline */
	uint32_t len;
	uint64_t order; /* in which it came */
	bool first;	/* among the first of its kind */
};

struct kept {
	struct document *at;
	size_t count, room, bytes;
	uint64_t seen;	    /* that were offered */
	uint64_t too_large; /* of these, that could not be kept */
};

void kept_fini(struct kept *kept);
void kept_add(struct kept *kept, const struct row *row, struct bytes json);
/* The most telling first, at most `limit`. */
void kept_prune(struct kept *kept, size_t limit);

#endif
