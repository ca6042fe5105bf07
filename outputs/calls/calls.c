#include "outputs/calls/calls.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "outputs/calls/ladder.h"
#include "outputs/calls/list.h"
#include "outputs/cells.h"
#include "outputs/lines.h"
#include "shipper/base/fd.h"

enum { LINE_MAX_BYTES = 256 };

struct calls_output {
	const struct calls_conf *conf;
	struct call_reader reader;
	struct calls calls;
};

static const struct option calls_options[] = {
	{.name = "flow",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct calls_conf, flow),
	 .preset = "",
	 .help = "A Call-ID: its call alone is shown, with its messages."},
	{.name = "width",
	 .type = OPTION_INT,
	 .offset = offsetof(struct calls_conf, width),
	 .preset = "0",
	 .min = 0,
	 .max = 1000,
	 .unit = "columns",
	 .help = "Of a line; 0 is the terminal's width, or 120. At least 80 are used."},
	{.name = "calls",
	 .type = OPTION_INT,
	 .offset = offsetof(struct calls_conf, calls),
	 .preset = "100000",
	 .min = 1,
	 .max = 10000000,
	 .help = "Calls that are listed at most, the first ones; how many more documents there "
		 "were is said."},
	{0},
};

static bool calls_open(void *self, const void *conf, struct fault *fault)
{
	struct calls_output *o = self;

	(void)fault;
	o->conf = conf;
	call_reader_init(&o->reader);
	calls_init(&o->calls, (size_t)o->conf->calls);
	return true;
}

static void calls_send(void *self, struct batch *b, struct fault *fault)
{
	struct calls_output *o = self;
	struct bytes flow = bytes_str(o->conf->flow);

	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];

		if (!entry_pending(e))
			continue;
		switch (call_reader_read(&o->reader, bytes_of(b->text.at + e->at, e->len))) {
		case CALL_READ:
			if (flow.len == 0 || bytes_eq(flow, call_text(&o->reader, CALL_ID)))
				calls_add(&o->calls, &o->reader, flow.len > 0);
			break;
		case CALL_OTHER:
			break;
		case CALL_NOT_JSON:
			e->verdict = VERDICT_REFUSED;
			fault_set(fault, "not JSON");
			continue;
		}
		e->verdict = VERDICT_DELIVERED;
	}
}

/* ---- What is written at the end ---- */

static void write_list(const struct calls_output *o, struct buf *out, size_t width)
{
	char line[LINE_MAX_BYTES];

	if (o->calls.count == 0) {
		buf_add(out, BYTES("No calls.\n"));
		return;
	}
	calls_table(out, &o->calls, 0, o->calls.count, width);
	if (o->calls.left_out == 0)
		return;
	snprintf(line, sizeof(line),
		 "\n%" PRIu64 " documents of further calls: more than the %" PRId64
		 " that are listed at most.\n",
		 o->calls.left_out, o->conf->calls);
	buf_add(out, bytes_str(line));
}

static size_t lines_of(struct bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.at[i] == '\n';
	return n;
}

/* A Call-ID that was used again names several calls. */
static void write_flows(const struct calls_output *o, struct buf *out, size_t width)
{
	char line[LINE_MAX_BYTES];

	for (size_t i = 0; i < o->calls.count; i++) {
		const struct listed *call = &o->calls.at[i];
		struct bytes flow = listed_text(call, CALL_FLOW);
		int64_t more = call->numbers[CALL_MESSAGES] - (int64_t)lines_of(flow);

		if (i > 0)
			buf_add(out, BYTES("\n"));
		calls_table(out, &o->calls, i, i + 1, width);
		buf_add(out, BYTES("\n"));
		ladder_write(out, flow, width);
		if (more <= 0)
			continue;
		snprintf(line, sizeof(line), "%" PRId64 " more messages, which are not kept.\n",
			 more);
		buf_add(out, bytes_str(line));
	}
}

static bool calls_finish(void *self, struct fault *fault)
{
	struct calls_output *o = self;
	size_t width = cells_line_width(o->conf->width);
	struct buf out;
	bool well;

	if (o->conf->flow[0] && o->calls.count == 0)
		return fault_set(fault, "no call has the Call-ID %s; --calls lists those there are",
				 o->conf->flow);
	buf_init(&out, NULL);
	calls_sort(&o->calls);
	width = width < TABLE_WIDTH_MIN ? TABLE_WIDTH_MIN : width;
	if (o->conf->flow[0])
		write_flows(o, &out, width);
	else
		write_list(o, &out, width);
	well = fd_write(STDOUT_FILENO, buf_bytes(&out)) == out.len || errno == EPIPE;
	buf_fini(&out);
	return well ||
	       fault_set(fault, "cannot write the calls to standard output: %s", strerror(errno));
}

static void calls_close(void *self)
{
	struct calls_output *o = self;

	call_reader_fini(&o->reader);
	calls_fini(&o->calls);
}

const struct output output_calls = {
	.name = "calls",
	.options = calls_options,
	.conf_size = sizeof(struct calls_conf),
	.self_size = sizeof(struct calls_output),
	.open = calls_open,
	.send = calls_send,
	.finish = calls_finish,
	.close = calls_close,
};
