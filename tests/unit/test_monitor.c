/* What the program tells of itself: its figures in all forms, and whether it is well. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#include "shipper/monitor/monitor.h"
#include "shipper/txn/reference.h"
#include "shipper/worker.h"
#include "tests/lib/declared.h"

static struct report report_of(uint64_t received, const struct publish_stats *published)
{
	struct mono begun = {mono_now().ns - 90 * (nsec)NS_PER_S};
	struct glimpse *seen = calloc(1, sizeof(*seen));
	struct report report;

	seen->counters.at[COUNT_FRAMES_RECEIVED] = received;
	seen->source.dropped_kernel = 3;
	seen->exchanges[0][STATUS_ERROR] = 7;
	report_take(&report, seen, published, begun);
	free(seen);
	return report;
}

static const char *text_of(void (*write)(const struct report *report, struct buf *out),
			   const struct report *report, struct buf *out)
{
	buf_init(out, NULL);
	write(report, out);
	*buf_room(out, 1) = 0;
	return (const char *)out->at;
}

Test(monitor, the_figures_are_told_apart_in_every_form)
{
	struct publish_stats published = {.handed = 10, .delivered = 4, .queued = 6, .failing = 1};
	struct report report = report_of(123, &published);
	struct buf out;
	const char *text = text_of(report_text, &report, &out);

	cr_expect(strstr(text, "frames.received") && strstr(text, " 123 frames"), "%s", text);
	cr_expect(strstr(text, "7 Error"), "%s", text);
	cr_expect(!strstr(text, "documents.refused"), "what is zero is left out: %s", text);
	buf_fini(&out);
	text = text_of(report_prometheus, &report, &out);
	cr_expect(strstr(text, "# TYPE wirespan_frames_received_total counter\n"
			       "wirespan_frames_received_total 123\n"),
		  "%s", text);
	cr_expect(
		strstr(text, "# TYPE wirespan_queue_documents gauge\nwirespan_queue_documents 6\n"),
		"%s", text);
	cr_expect(strstr(text, "status=\"Error\"} 7\n"), "%s", text);
	cr_expect(strstr(text, "wirespan_runtime_uptime 90\n"), "%s", text);
	buf_fini(&out);
}

Test(monitor, json_has_every_figure_once)
{
	struct publish_stats published = {.handed = 10, .delivered = 10};
	struct report report = report_of(123, &published);
	const char *path[] = {NULL, NULL, NULL};
	struct buf out;
	char why[200], name[64];
	yajl_val tree = yajl_tree_parse(text_of(report_json, &report, &out), why, sizeof(why));

	cr_assert(tree != NULL, "%s", why);
	for (int i = 0; i < METRIC_COUNT; i++) {
		snprintf(name, sizeof(name), "%s", metric_infos[i].name);
		char *dot = strchr(name, '.');

		cr_assert(dot != NULL && strchr(dot + 1, '.') == NULL, "%s", name);
		*dot = 0;
		path[0] = name;
		path[1] = dot + 1;
		yajl_val n = yajl_tree_get(tree, path, yajl_t_number);

		cr_assert(n != NULL, "%s", metric_infos[i].name);
		cr_expect_eq((uint64_t)YAJL_GET_INTEGER(n), report.at[i], "%s",
			     metric_infos[i].name);
	}
	yajl_tree_free(tree);
	buf_fini(&out);
}

Test(monitor, what_is_not_well_is_named)
{
	struct publish_stats published = {.handed = 10, .delivered = 10};
	struct report before = report_of(100, &published), now;
	char why[200];

	now = report_of(200, &published);
	cr_expect(report_is_well(&before, &now, why, sizeof(why)));
	cr_expect(report_is_well(NULL, &now, why, sizeof(why)));
	published.dropped = 5;
	now = report_of(200, &published);
	cr_expect_not(report_is_well(&before, &now, why, sizeof(why)));
	cr_expect(strstr(why, "5 documents dropped"), "%s", why);
	cr_expect(report_is_well(&now, &now, why, sizeof(why)), "what is long ago: %s", why);
	published = (struct publish_stats){.handed = 10, .queued = 10, .failing = 1};
	now = report_of(200, &published);
	cr_expect_not(report_is_well(&before, &now, why, sizeof(why)));
	cr_expect(strstr(why, "10 wait"), "%s", why);
}

/* ---- Documents ---- */

static struct report present;

static void take(void *self, struct report *report)
{
	(void)self;
	*report = present;
}

static struct buf *room(void *self)
{
	return self;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	const struct buf *out = self;

	(void)proto;
	cr_assert(at < out->len && id[0]);
}

Test(monitor, documents_tell_what_was_added)
{
	static const struct document_sink sink = {.room = room, .wrote = wrote};
	struct monitor_conf conf = {.socket = "", .listen = "", .interval = 1};
	struct publish_stats published = {0};
	struct fault fault = {0};
	struct buf out;
	struct monitor *m = monitor_open(&conf, take, NULL, &fault);

	cr_assert(m != NULL, "%s", fault.text);
	buf_init(&out, NULL);
	monitor_document(m, &sink, &out, "", true);
	cr_assert_eq(out.len, 0, "a last one without a first");
	present = report_of(100, &published);
	monitor_document(m, &sink, &out, "\"tags\":[\"x\"]", false);
	cr_assert(declared_check(buf_bytes(&out), shipper_fields, &fault), "%s", fault.text);
	*buf_room(&out, 1) = 0;
	cr_expect(strstr((char *)out.at, "\"frames\":{\"received\":100}"), "%s", (char *)out.at);
	out.len = 0;
	present = report_of(130, &published);
	monitor_document(m, &sink, &out, "", true);
	*buf_room(&out, 1) = 0;
	cr_expect(strstr((char *)out.at, "\"frames\":{\"received\":30}"), "%s", (char *)out.at);
	cr_expect(!strstr((char *)out.at, "dropped_kernel"), "it has not grown: %s",
		  (char *)out.at);
	buf_fini(&out);
	monitor_close(m);
}

Test(monitor, the_fields_are_declared)
{
	struct fault fault = {0};

	cr_expect(fields_check(shipper_fields, &fault), "%s", fault.text);
	for (size_t i = 0; protos[i]; i++)
		cr_expect(fields_agree(protos[i]->fields, shipper_fields, &fault), "%s",
			  fault.text);
}
