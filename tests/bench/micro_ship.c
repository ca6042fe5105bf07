/*
 * What shipping costs: documents of a file go through the Elasticsearch output to an engine that
 * takes everything at once, on loopback, in a process of its own whose time is not counted.
 *
 *   micro_ship DOCUMENTS.ndjson [option=value…]
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "outputs/outputs.h"
#include "shipper/base/log.h"
#include "shipper/base/must.h"

enum { BATCH_DOCUMENTS = 1600, BATCH_BYTES = 5 << 20, ROUNDS = 40, READ_BYTES = 1 << 20 };

/* ---- The engine ---- */

/* A request's end is told by its Content-Length. How many documents are in it is not looked at: a
 * header says so. */
static size_t header_number(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at != NULL ? strtoul(at + strlen(name), NULL, 10) : 0;
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
	char *in = must_alloc(READ_BYTES + 1);
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, in + have, READ_BYTES - have)) > 0) {
		have += (size_t)n;
		in[have] = '\0';
		char *end = strstr(in, "\r\n\r\n");

		if (end == NULL)
			continue;
		size_t left = header_number(in, "\r\nContent-Length: ");
		size_t documents = header_number(in, "\r\nX-Documents: ");
		size_t here = have - (size_t)(end + 4 - in);

		for (left -= here; left > 0; left -= (size_t)n) {
			n = read(fd, in, left < READ_BYTES ? left : READ_BYTES);
			must(n > 0);
		}
		answer(fd, documents);
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

int main(int argc, char **argv)
{
	const struct output *output = outputs[0];
	struct batch batch = {0};
	struct fault fault = {0};
	char text[64];
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: %s DOCUMENTS.ndjson [option=value...]\n", argv[0]);
		return 2;
	}
	for (int i = 0; strcmp(output->name, "elasticsearch") != 0; i++)
		output = outputs[i];
	void *conf = must_alloc(output->conf_size), *self = must_alloc(output->self_size);

	fill(&batch, argv[1]);
	option_default(output->options, conf);
	snprintf(text, sizeof(text), "http://127.0.0.1:%u", start_engine(&pid));
	set(output, conf, "hosts", text);
	snprintf(text, sizeof(text), "{X-Documents: %zu}", batch.count);
	set(output, conf, "headers", text);
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		must(value != NULL);
		*value++ = '\0';
		set(output, conf, argv[i], value);
	}
	if (!output->open(self, conf, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		return 1;
	}
	ship(output, self, &batch);
	output->close(self);
	kill(pid, SIGKILL);
	return 0;
}
