/*
 * Configurations against each other, and workers that change from one to another between packets.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipper/base/must.h"
#include "shipper/capture/file.h"
#include "shipper/conf/change.h"
#include "shipper/worker.h"

#define CAPTURES "tests/captures"

enum { SETTINGS_MAX = 8, FRAMES_MAX = 4000 };

/* What is in force without a file but for these, each NAME=VALUE. */
static struct settings *load(const char *const *overrides, size_t count)
{
	struct settings *settings = must_alloc(sizeof(*settings));
	struct faults faults = {0};

	cr_assert(settings_load(settings, NULL, overrides, count, &faults), "%s",
		  faults.at[0].text);
	faults_free(&faults);
	return settings;
}

static void unload(struct settings *settings)
{
	settings_free(settings);
	free(settings);
}

#define LOAD(...)                                \
	load((const char *const[]){__VA_ARGS__}, \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const char *taken_of(struct settings *start, struct settings *now, struct settings *next,
			    const char *kept)
{
	static char text[512], rest[512];
	struct changes changes;

	changes_find(&changes, start, now, next, false);
	changes_text(&changes.taken, text, sizeof(text));
	changes_text(&changes.kept, rest, sizeof(rest));
	cr_assert_str_eq(rest, kept);
	changes_free(&changes);
	return text;
}

Test(change, nothing_differs_from_itself)
{
	struct settings *a = LOAD("name=a", "protocols.http.ports=[80, 81]", "fields={x: y}"),
			*b = LOAD("name=a", "protocols.http.ports=[80, 81]", "fields={x: y}");

	cr_assert_str_eq(taken_of(a, a, b, ""), "");
	unload(a);
	unload(b);
}

Test(change, every_kind_of_value_is_compared)
{
	struct settings *a = LOAD("name=a"),
			*b = LOAD("name=b", "tags=[x]", "labels={k: v}", "engine.exchanges_max=7",
				  "protocols.http.enabled=false", "protocols.redis.ports=[1, 2]",
				  "protocols.mysql.transaction_timeout=3s", "logging.level=debug",
				  "protocols.sip.max_message_size=9KiB");

	cr_assert_str_eq(taken_of(a, a, b, ""),
			 "name, tags, labels, engine.exchanges_max, logging.level, "
			 "protocols.http.enabled, protocols.redis.ports, "
			 "protocols.mysql.transaction_timeout, protocols.sip.max_message_size");
	unload(a);
	unload(b);
}

Test(change, what_takes_a_restart_is_named)
{
	struct settings *start = LOAD("flow.flows_max=100"), *now = LOAD("flow.flows_max=200"),
			*next = LOAD("flow.flows_max=100", "capture.devices=[eth7]",
				     "queue.path=/elsewhere", "flow.tcp_timeout=7s",
				     "queue.shutdown_timeout=1s");

	/* Against the start, since nothing else is in force: for this as for any later change. */
	cr_assert_str_eq(
		taken_of(start, now, next, "capture.devices, flow.tcp_timeout, queue.path"),
		"flow.flows_max, queue.shutdown_timeout");
	cr_assert_str_eq(
		taken_of(start, next, next, "capture.devices, flow.tcp_timeout, queue.path"), "");
	unload(start);
	unload(now);
	unload(next);
}

Test(change, of_the_output)
{
	struct settings *a = LOAD("output.elasticsearch.hosts=[a]",
				  "output.elasticsearch.password=x",
				  "output.elasticsearch.username=u"),
			*b = LOAD("output.elasticsearch.hosts=[a, b]",
				  "output.elasticsearch.workers=2",
				  "output.elasticsearch.password=y",
				  "output.elasticsearch.username=u"),
			*c = LOAD("output.file.path=/tmp");
	struct changes changes;

	changes_find(&changes, a, a, b, false);
	cr_assert(changes.output);
	cr_assert_not(changes.ports);
	changes_free(&changes);
	cr_assert_str_eq(taken_of(a, a, b, "output.elasticsearch.workers"),
			 "output.elasticsearch.hosts, output.elasticsearch.password");
	cr_assert_str_eq(taken_of(a, a, c, "output"), "");
	changes_find(&changes, a, a, c, true);
	cr_assert(changes.kept.count == 0 && changes.taken.count == 0 && !changes.output);
	changes_free(&changes);
	unload(a);
	unload(b);
	unload(c);
}

Test(change, many_names_are_cut)
{
	struct texts names = {.at = (char *[]){"a.long.name", "another.name", "c", "d"},
			      .count = 4};
	char text[60];

	changes_text(&names, text, sizeof(text));
	cr_assert_str_eq(text, "a.long.name, another.name, c and 1 more");
}

Test(change, where_ports_matter)
{
	struct settings *a = LOAD("name=a"), *b = LOAD("name=a", "protocols.redis.detect=true");
	struct changes changes;

	changes_find(&changes, a, a, b, false);
	cr_assert(changes.ports && !changes.output);
	changes_free(&changes);
	unload(a);
	unload(b);
}

/* ---- Workers ---- */

struct sink {
	struct buf text;
	size_t documents;
};

static struct buf *room(void *self)
{
	return &((struct sink *)self)->text;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct sink *sink = self;

	(void)at, (void)proto, (void)id;
	sink->documents++;
}

static const struct document_sink sink_calls = {.room = room, .wrote = wrote};

/* The documents of a capture, where before each `every`th frame the next of the settings is taken
 * up. */
static struct sink run(const char *path, struct settings *const *settings, size_t count,
		       unsigned every)
{
	struct file_conf conf = {0};
	struct sink sink = {0};
	struct fault fault;
	struct tap tap;

	cr_assert(file_open(&tap, &path, 1, &conf, &fault), "%s", fault.text);
	buf_init(&sink.text, NULL);
	struct worker *worker = worker_new(settings[0], tap, &sink_calls, &sink, 64 << 20);
	struct frame frame = {0};

	for (unsigned n = 0; n < FRAMES_MAX; n++) {
		if (tap.source->next(tap.self, &frame, &fault) != NEXT_FRAME)
			break;
		if (n % every == every - 1) {
			worker_adopt(worker, settings[n / every % count]);
			cr_assert_eq(worker_settings(worker), settings[n / every % count]);
		}
		worker_frame(worker, &frame);
	}
	worker_finish(worker);
	worker_free(worker);
	return sink;
}

static void each_capture(void (*test)(const char *path, const char *protocol))
{
	static const char *const names[] = {"http", "mysql", "pgsql", "redis", "sip", "thrift"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char folder[64], path[400];
		struct dirent *entry;
		DIR *dir;

		snprintf(folder, sizeof(folder), CAPTURES "/%s", names[i]);
		dir = opendir(folder);
		cr_assert_not_null(dir, "%s", folder);
		while ((entry = readdir(dir)) != NULL) {
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			if (strstr(path, ".pcap") != NULL)
				test(path, names[i]);
		}
		closedir(dir);
	}
}

static struct settings *same[2], *other[4];

static void stays_the_same(const char *path, const char *protocol)
{
	struct sink plain = run(path, same, 1, FRAMES_MAX + 1), changing = run(path, same, 2, 1);

	(void)protocol;
	cr_assert_eq(plain.documents, changing.documents, "%s", path);
	cr_assert(bytes_eq(buf_bytes(&plain.text), buf_bytes(&changing.text)), "%s", path);
	buf_fini(&plain.text);
	buf_fini(&changing.text);
}

Test(change, to_the_same_changes_nothing, .timeout = 120)
{
	same[0] = LOAD("name=same");
	same[1] = LOAD("name=same");
	each_capture(stays_the_same);
	unload(same[0]);
	unload(same[1]);
}

/* How many documents there are is not a matter of these settings, in whatever order they come. */
static void keeps_count(const char *path, const char *protocol)
{
	struct sink plain = run(path, other, 1, FRAMES_MAX + 1);

	for (unsigned every = 1; every < 6; every += 2) {
		struct sink changing = run(path, other, 4, every);

		cr_assert_eq(plain.documents, changing.documents, "%s, %s, every %u: %zu %zu", path,
			     protocol, every, plain.documents, changing.documents);
		buf_fini(&changing.text);
	}
	buf_fini(&plain.text);
}

Test(change, in_the_middle_of_everything, .timeout = 240)
{
	const char *const wide[] = {
		"protocols.http.send_request=true",
		"protocols.http.send_response=true",
		"protocols.http.send_all_headers=true",
		"protocols.http.split_cookie=true",
		"protocols.mysql.send_request=true",
		"protocols.mysql.send_response=true",
		"protocols.pgsql.send_request=true",
		"protocols.pgsql.send_response=true",
		"protocols.redis.send_request=true",
		"protocols.redis.send_response=true",
		"protocols.sip.send_request=true",
		"protocols.sip.send_response=true",
		"protocols.thrift.send_request=true",
		"protocols.thrift.send_response=true",
		"tags=[a, b]",
		"name=wide",
	};
	const char *const narrow[] = {
		"protocols.http.max_message_size=64B",
		"protocols.http.decode_body=false",
		"protocols.http.redact_authorization=true",
		"protocols.http.hide_keywords=[a, e, i, o, u]",
		"protocols.mysql.max_message_size=64B",
		"protocols.pgsql.max_message_size=64B",
		"protocols.redis.max_message_size=64B",
		"protocols.thrift.max_message_size=64B",
		"protocols.sip.parse_body=false",
		"protocols.sip.parse_authorization=false",
		"protocols.thrift.capture_reply=false",
		"protocols.thrift.obfuscate_strings=true",
	};

	other[0] = LOAD("name=plain");
	other[1] = load(wide, sizeof(wide) / sizeof(wide[0]));
	other[2] = load(narrow, sizeof(narrow) / sizeof(narrow[0]));
	other[3] = load(wide, sizeof(wide) / sizeof(wide[0]));
	each_capture(keeps_count);
	for (size_t i = 0; i < 4; i++)
		unload(other[i]);
}

/* A protocol that is switched on is read from the next conversation on; one that is switched off
 * is not. */
Test(change, protocols_on_and_off)
{
	struct settings *off = LOAD("protocols.sip.enabled=false", "protocols.http.enabled=false"),
			*on = LOAD("name=on");
	struct settings *const to_on[] = {off, on}, *const to_off[] = {on, off};
	struct sink sink = run(CAPTURES "/http/nginx.pcap", &to_on[0], 1, FRAMES_MAX + 1);

	cr_assert_eq(sink.documents, 0);
	buf_fini(&sink.text);
	struct settings *const late[] = {off, on, on, on};

	sink = run(CAPTURES "/http/nginx.pcap", late + 1, 1, 1);
	cr_assert_gt(sink.documents, 0);
	buf_fini(&sink.text);
	sink = run(CAPTURES "/sip/calls.pcap", to_on, 2, 1);
	buf_fini(&sink.text);
	sink = run(CAPTURES "/sip/calls.pcap", to_off, 2, 7);
	buf_fini(&sink.text);
	unload(off);
	unload(on);
}
