/*
 * The report output: no documents, but one page with charts and tables, at the end.
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_H
#define WIRESPAN_OUTPUTS_REPORT_H

#include "outputs/output.h"
#include "outputs/report/ledger.h"

struct report_conf {
	char *path;
	struct ledger *into; /* somebody else's, who writes the page; NULL: its own */
};

extern const struct output output_report;

#endif
