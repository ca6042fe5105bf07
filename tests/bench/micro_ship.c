/*
 * What shipping costs: documents of a file go through the Elasticsearch output to an engine that
 * takes everything at once, on loopback, in a process of its own whose time is not counted; or to
 * the hosts that are named.
 *
 *   micro_ship DOCUMENTS.ndjson [option=value…]            one batch, again and again
 *   micro_ship DOCUMENTS.ndjson spool=COUNT [option=value…]   so many, each with an id of its own,
 *                                              that wait in a spool; their way there is not counted
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "outputs/outputs.h"
#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/publisher.h"

enum {
	BATCH_DOCUMENTS = 1600,
	BATCH_BYTES = 5 << 20,
	ROUNDS = 40,
	BODY_MAX = 16 << 20,
	LOOK_US = 10000
};

/* ---- The engine ---- */

/* A request's end is told by its Content-Length. */
static size_t content_length(const char *head)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *at = strcasestr(head, name);

	return at != NULL ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/* Each has a line in front of its own. */
static size_t documents_in(const char *head, struct bytes body)
{
	static _Thread_local struct libdeflate_decompressor *gzip;
	static _Thread_local char *plain;
	size_t lines = 0, len = body.len;

	if (plain == NULL) {
		plain = must_alloc(BODY_MAX);
		gzip = libdeflate_alloc_decompressor();
	}
	if (strstr(head, "Content-Encoding: gzip") != NULL)
		must(libdeflate_gzip_decompress(gzip, body.at, body.len, plain, BODY_MAX, &len) ==
		     LIBDEFLATE_SUCCESS);
	else if (strstr(head, "Content-Encoding: zstd") != NULL)
		len = ZSTD_decompress(plain, BODY_MAX, body.at, body.len);
	else
		memcpy(plain, body.at, body.len);
	for (const char *at = plain; at < plain + len; lines++)
		at = (const char *)memchr(at, '\n', (size_t)(plain + len - at)) + 1;
	return lines / 2;
}

static void answer(int fd, size_t documents)
{
	static const char item[] = "{\"create\":{\"status\":201}}";
	size_t room = documents * (sizeof(item) + 1) + 256;
	char *body = must_alloc(room), *text = must_alloc(room + 256);
	size_t len = (size_t)snprintf(body, room, "{\"errors\":false,\"items\":[");

	for (size_t i = 0; i < documents; i++)
		len += (size_t)snprintf(body + len, room - len, "%s%s", i > 0 ? "," : "", item);
	len += (size_t)snprintf(body + len, room - len, "]}");
	int all = snprintf(text, room + 256,
			   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "Content-Length: %zu\r\n\r\n%s",
			   len, body);

	must(write(fd, text, (size_t)all) == all);
	free(body);
	free(text);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char *in = must_alloc(BODY_MAX + 1);
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, in + have, BODY_MAX - have)) > 0) {
		have += (size_t)n;
		in[have] = '\0';
		char *end = memmem(in, have, "\r\n\r\n", 4);

		if (end == NULL)
			continue;
		end[2] = '\0';
		size_t head = (size_t)(end + 4 - in), whole = head + content_length(in);

		must(whole <= BODY_MAX);
		for (; have < whole; have += (size_t)n) {
			n = read(fd, in + have, whole - have);
			must(n > 0);
		}
		answer(fd, documents_in(in, bytes_of(in + head, whole - head)));
		have = 0;
	}
	free(in);
	close(fd);
	return NULL;
}

static _Noreturn void engine(int listener)
{
	int one = 1;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		must(fd >= 0);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		must(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0);
		pthread_detach(thread);
	}
}

static unsigned start_engine(pid_t *pid)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 8) == 0);
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*pid = fork();
	must(*pid >= 0);
	if (*pid == 0)
		engine(fd);
	close(fd);
	return ntohs(at.sin_port);
}

/* ---- The shipper ---- */

/* The first documents of the file, as many as a batch holds. */
static void fill(struct batch *b, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	b->entries = must_alloc(BATCH_DOCUMENTS * sizeof(b->entries[0]));
	while (b->count < BATCH_DOCUMENTS && (len = getline(&line, &room, file)) > 0 &&
	       b->text.len + (size_t)len <= BATCH_BYTES) {
		struct entry *e = &b->entries[b->count];
		const char *id = strstr(line, "\"id\":\"");

		*e = (struct entry){.at = (uint32_t)b->text.len, .len = (uint32_t)len};
		must(id != NULL);
		memcpy(e->id, id + 6, sizeof(e->id));
		buf_add(&b->text, bytes_of(line, (size_t)len));
		b->count++;
	}
	free(line);
	fclose(file);
}

static void set(const struct output *output, void *conf, const char *name, const char *value)
{
	const struct option *row = output->options;
	struct fault fault;

	while (row->name != NULL && strcmp(row->name, name) != 0)
		row++;
	if (row->name != NULL && option_parse(row, conf, value, &fault))
		return;
	fprintf(stderr, "%s: not an option, or not a value of it\n", name);
	exit(1);
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void ship(const struct output *output, void *self, struct batch *b)
{
	struct fault fault = {0};
	double begin = cpu_seconds();
	size_t documents = 0;

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < b->count; i++)
			b->entries[i].verdict = VERDICT_NONE;
		output->send(self, b, &fault);
		for (size_t i = 0; i < b->count; i++)
			documents += b->entries[i].verdict == VERDICT_DELIVERED;
	}
	double seconds = cpu_seconds() - begin, bytes = (double)b->text.len * ROUNDS;

	if (documents != b->count * ROUNDS) {
		fprintf(stderr, "%zu documents were not delivered: %s\n",
			b->count * ROUNDS - documents, fault.text);
		exit(1);
	}
	printf("{\"documents\":%zu,\"bytes\":%.0f,\"seconds\":%.6f}\n", documents, bytes, seconds);
}

/* ---- Out of a spool ---- */

static void funnel_write(struct funnel *f, const struct batch *b, uint64_t n)
{
	const struct entry *e = &b->entries[n % b->count];
	struct buf *room;
	char id[33];

	while ((room = funnel_sink.room(f)) == NULL)
		usleep(100);
	size_t at = room->len;

	buf_add(room, bytes_of(b->text.at + e->at, e->len));
	snprintf(id, sizeof(id), "%016" PRIx64 "%016" PRIx64, (uint64_t)getppid(), n);
	funnel_sink.wrote(f, at, 0, id);
}

/* In a process of its own, to an output that is not there. */
static void spool_fill(const struct publish_conf *publish, const struct output *output,
		       const void *conf, const struct batch *b, uint64_t documents)
{
	struct publish_stats stats;
	struct fault fault = {0};
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0) {
		struct publisher *p = publisher_open(publish, output, conf, 1, &fault);

		must(p != NULL);
		for (uint64_t n = 0; n < documents; n++)
			funnel_write(publisher_funnel(p, 0), b, n);
		funnel_sink.flush(publisher_funnel(p, 0), true);
		publisher_close(p, 0, &stats, &fault);
		_exit(stats.queued == documents ? 0 : 1);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0);
}

static void drain(const struct publish_conf *publish, const struct output *output, const void *conf,
		  double bytes_each)
{
	struct publish_stats stats = {0};
	struct fault fault = {0};
	double begin = cpu_seconds();
	struct mono began = mono_now();
	struct publisher *p = publisher_open(publish, output, conf, 1, &fault);

	if (p == NULL) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	do {
		usleep(LOOK_US);
		publisher_stats(p, &stats);
	} while (stats.queued > 0);
	double wall = (double)(mono_now().ns - began.ns) / NS_PER_S;

	must(publisher_close(p, INT64_MAX, &stats, &fault) && stats.delivered == stats.recovered);
	double seconds = cpu_seconds() - begin;

	printf("{\"documents\":%" PRIu64 ",\"bytes\":%.0f,\"seconds\":%.6f,\"wall\":%.6f}\n",
	       stats.delivered, bytes_each * (double)stats.delivered, seconds, wall);
}

static void ship_spool(const struct output *output, void *conf, const char *hosts,
		       const struct batch *b, uint64_t documents)
{
	struct publish_conf publish = {0};
	char folder[] = "/tmp/wirespan-bench-XXXXXX", command[64];

	must(mkdtemp(folder) != NULL);
	option_default(publish_options, &publish);
	free(publish.spool.path);
	publish.spool.path = folder;
	publish.queue = QUEUE_SPOOL;
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_PLAIN);
	set(output, conf, "hosts", "127.0.0.1:9");
	spool_fill(&publish, output, conf, b, documents);
	set(output, conf, "hosts", hosts);
	drain(&publish, output, conf, (double)b->text.len / (double)b->count);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	must(system(command) == 0);
	publish.spool.path = NULL;
	option_free(publish_options, &publish);
}

static void ship_batches(const struct output *output, const void *conf, struct batch *b)
{
	void *self = must_alloc(output->self_size);
	struct fault fault = {0};

	if (!output->open(self, conf, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	ship(output, self, b);
	output->close(self);
	free(self);
}

int main(int argc, char **argv)
{
	const struct output *output = outputs[0];
	struct batch batch = {0};
	uint64_t spooled = 0;
	char text[64], *hosts = text;
	pid_t pid = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s DOCUMENTS.ndjson [spool=COUNT] [option=value...]\n",
			argv[0]);
		return 2;
	}
	for (int i = 0; strcmp(output->name, "elasticsearch") != 0; i++)
		output = outputs[i];
	void *conf = must_alloc(output->conf_size);

	fill(&batch, argv[1]);
	option_default(output->options, conf);
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		must(value != NULL);
		*value++ = '\0';
		if (strcmp(argv[i], "spool") == 0)
			spooled = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "hosts") == 0)
			hosts = value;
		else
			set(output, conf, argv[i], value);
	}
	if (hosts == text)
		snprintf(text, sizeof(text), "http://127.0.0.1:%u", start_engine(&pid));
	set(output, conf, "hosts", hosts);
	if (spooled > 0)
		ship_spool(output, conf, hosts, &batch, spooled);
	else
		ship_batches(output, conf, &batch);
	if (pid > 0)
		kill(pid, SIGKILL);
	return 0;
}
