/*
 * Documents of any kind on their way to a page: the page is never too large, holds no mark of the
 * template and no script but its own, and no exchange is lost from its counts.
 *
 * Input: lines; each is offered as a document.
 */
#include "outputs/report/page.h"
#include "shipper/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static unsigned scripts(struct bytes page)
{
	unsigned n = 0;

	for (size_t i = 0; i + 7 <= page.len; i++)
		n += memcmp(page.at + i, "<script", 7) == 0;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct bytes rest = bytes_of(at, len);
	struct ledger ledger;
	struct buf page;
	uint64_t lines = 0, counted;

	ledger_init(&ledger);
	while (rest.len > 0) {
		size_t n = bytes_find(rest, '\n');

		ledger_add(&ledger, bytes_head(rest, n));
		rest = bytes_skip(rest, n + 1);
		/* As if there had been too many, now and then. */
		if (++lines % 8 == 0)
			ledger_coarsen(&ledger);
	}
	counted = ledger.rows.exchanges + ledger.calls.seen + ledger.others + ledger.untimed +
		  ledger.not_json;
	must(counted == lines);
	buf_init(&page, NULL);
	page_make(&page, &ledger);
	must(page.len <= PAGE_BYTES_MAX);
	must(scripts(buf_bytes(&page)) == 2);
	must(memmem(page.at, page.len, "{{", 2) == NULL);
	buf_fini(&page);
	ledger_fini(&ledger);
	return 0;
}
