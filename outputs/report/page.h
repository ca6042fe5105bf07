/*
 * The report as one page: what dashboards/report/ builds, with a ledger's content in it. The page
 * is never larger than PAGE_BYTES_MAX: what does not fit is told coarser, and says so.
 *
 * The content stands in base64, so that no byte of a document is read as HTML, and the page's
 * policy allows its own script and style alone, by their hashes.
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_PAGE_H
#define WIRESPAN_OUTPUTS_REPORT_PAGE_H

#include "outputs/report/ledger.h"
#include "shipper/base/buf.h"
#include "shipper/base/fault.h"

enum { PAGE_BYTES_MAX = 1950000 };

/* Nothing is to be added to the ledger any more. */
void page_make(struct buf *out, struct ledger *ledger);

/* A path of - is standard output; a reader of it that has gone is no fault. */
bool page_write(const char *path, struct ledger *ledger, size_t *bytes, struct fault *fault);
bool page_is_printed(const char *path);
/* For messages. */
const char *page_name(const char *path);

#endif
