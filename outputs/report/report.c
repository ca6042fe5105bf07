#include "outputs/report/report.h"

#include <stddef.h>

#include "outputs/lines.h"
#include "outputs/report/page.h"

struct report_output {
	const struct report_conf *conf;
	struct ledger own;
};

static const struct option report_options[] = {
	{.name = "path",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct report_conf, path),
	 .preset = "report.html",
	 .help = "Of the page, which is written at the end."},
	{0},
};

static bool report_open(void *self, const void *conf, struct fault *fault)
{
	struct report_output *o = self;

	(void)fault;
	o->conf = conf;
	ledger_init(&o->own);
	return true;
}

static void report_send(void *self, struct batch *b, struct fault *fault)
{
	struct report_output *o = self;
	struct ledger *ledger = o->conf->into != NULL ? o->conf->into : &o->own;

	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];

		if (!entry_pending(e))
			continue;
		e->verdict = VERDICT_DELIVERED;
		if (!ledger_add(ledger, bytes_of(b->text.at + e->at, e->len))) {
			e->verdict = VERDICT_REFUSED;
			fault_set(fault, "not JSON");
		}
	}
}

static bool report_finish(void *self, struct fault *fault)
{
	struct report_output *o = self;
	size_t bytes;

	return o->conf->into != NULL || page_write(o->conf->path, &o->own, &bytes, fault);
}

static void report_close(void *self)
{
	struct report_output *o = self;

	ledger_fini(&o->own);
}

const struct output output_report = {
	.name = "report",
	.options = report_options,
	.conf_size = sizeof(struct report_conf),
	.self_size = sizeof(struct report_output),
	.open = report_open,
	.send = report_send,
	.finish = report_finish,
	.close = report_close,
};
