#include "shipper/monitor/monitor.h"

#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/txn/doc.h"
#include "shipper/txn/doc_keys.h"

#define XXH_INLINE_ALL
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { CONNECTIONS_MAX = 16, CONNECTION_SECONDS = 10, BACKLOG = 16, HEALTH_SECONDS = 60 };
enum { BY_SOCKET, BY_ADDRESS, WAYS };

struct monitor {
	const struct monitor_conf *conf;
	report_fn take;
	void *take_self;
	int poll; /* epoll of the daemons' own */
	struct MHD_Daemon *daemons[WAYS];
	struct doc_keys *keys;
	struct report written; /* as of the last document */
	struct report before;  /* some time ago, for /health */
	struct mono written_at, before_at;
	uint64_t documents;
};

#define MONITOR(member) offsetof(struct monitor_conf, member)
const struct option monitor_options[] = {
	{"socket", OPTION_TEXT, MONITOR(socket), "/run/wirespan/wirespan.sock", 0, 0, NULL, NULL,
	 "Where `wirespan stats` finds the running program; empty for nowhere."},
	{"listen", OPTION_TEXT, MONITOR(listen), "", 0, 0, NULL, NULL,
	 "ADDRESS:PORT, such as 127.0.0.1:5066, of an HTTP endpoint with /metrics (Prometheus), "
	 "/stats (JSON) and /health; empty for none."},
	{"interval", OPTION_DURATION, MONITOR(interval), "60s", 0, 24LL * 3600 * NS_PER_S, NULL,
	 NULL,
	 "How often a document of `type: shipper` says what the program itself has done; 0 for "
	 "never."},
	{0},
};

/* ---- Answers ---- */

static void index_text(const struct report *report, struct buf *out)
{
	(void)report;
	buf_add(out, BYTES("wirespan " WIRESPAN_VERSION "\n/stats /stats.txt /metrics /health\n"));
}

static const struct page {
	const char *path, *type;
	void (*write)(const struct report *report, struct buf *out);
} pages[] = {
	{"/", "text/plain; charset=utf-8", index_text},
	{"/stats", "application/json", report_json},
	{"/stats.txt", "text/plain; charset=utf-8", report_text},
	{"/metrics", "text/plain; version=0.0.4; charset=utf-8", report_prometheus},
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code, const char *type,
			      struct buf *body)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body->len, body->len ? body->at : (void *)"", MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (response != NULL) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
		result = MHD_queue_response(connection, code, response);
		MHD_destroy_response(response);
	}
	buf_fini(body);
	return result;
}

static enum MHD_Result answer_health(struct monitor *m, struct MHD_Connection *connection,
				     const struct report *now)
{
	bool compared = m->before_at.ns != 0;
	struct buf body;
	char why[256];

	buf_init(&body, NULL);
	bool well = report_is_well(compared ? &m->before : NULL, now, why, sizeof(why));

	buf_add(&body, bytes_str(why));
	buf_add(&body, BYTES("\n"));
	return answer(connection, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
		      "text/plain; charset=utf-8", &body);
}

static enum MHD_Result handle(void *self, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct monitor *m = self;
	struct report now;
	struct buf body;

	(void)version, (void)upload, (void)state;
	*upload_size = 0;
	buf_init(&body, NULL);
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		buf_add(&body, BYTES("GET only\n"));
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", &body);
	}
	m->take(m->take_self, &now);
	if (strcmp(url, "/health") == 0)
		return answer_health(m, connection, &now);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(url, pages[i].path) == 0) {
			pages[i].write(&now, &body);
			return answer(connection, MHD_HTTP_OK, pages[i].type, &body);
		}
	buf_add(&body, BYTES("no such page; see /\n"));
	return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", &body);
}

/* ---- Where it listens ---- */

/* Takes over the listening socket. */
static bool listen_on(struct monitor *m, int way, int listening, struct fault *fault)
{
	m->daemons[way] = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, handle, m, MHD_OPTION_LISTEN_SOCKET, listening,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS, MHD_OPTION_END);
	if (m->daemons[way] == NULL) {
		close(listening);
		return fault_set(fault, "monitor: libmicrohttpd does not start");
	}
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(m->daemons[way], MHD_DAEMON_INFO_EPOLL_FD);
	struct epoll_event event = {.events = EPOLLIN};

	must(info != NULL && epoll_ctl(m->poll, EPOLL_CTL_ADD, info->epoll_fd, &event) == 0);
	return true;
}

static bool listen_failed(int listening, const char *option, const char *where, struct fault *fault)
{
	int error = errno;

	if (listening >= 0)
		close(listening);
	return fault_set(fault, "%s: %s: %s", option, where, strerror(error));
}

/* A socket file that nobody answers at is what a killed process left. */
static bool is_served(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

	if (fd >= 0)
		close(fd);
	return served;
}

/* Its folder, where only that is missing (/run/wirespan). */
static void make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	(void)mkdir(folder, 0755);
}

static bool open_socket(struct monitor *m, struct fault *fault)
{
	static const char option[] = "monitor.socket";
	const char *path = m->conf->socket;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	mode_t mask;

	if (strlen(path) >= sizeof(at.sun_path))
		return fault_set(fault, "%s: %s: a socket's path has at most %zu characters",
				 option, path, sizeof(at.sun_path) - 1);
	strcpy(at.sun_path, path);
	make_folder(path);
	if (is_served(&at))
		return fault_set(fault, "%s: %s: another process answers there", option, path);
	(void)unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	mask = umask(0117); /* for the group, too: who may see counts is the folder's matter */
	bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;

	umask(mask);
	if (!bound || listen(fd, BACKLOG) != 0)
		return listen_failed(fd, option, path, fault);
	return listen_on(m, BY_SOCKET, fd, fault);
}

/* "127.0.0.1:5066", "[::1]:5066" */
static bool address_parse(const char *text, struct sockaddr_storage *at, socklen_t *len)
{
	struct sockaddr_in *four = (struct sockaddr_in *)at;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)at;
	const char *colon = strrchr(text, ':');
	char host[64], *end;

	if (colon == NULL || colon[1] == 0 || (size_t)(colon - text) >= sizeof(host))
		return false;
	unsigned long port = strtoul(colon + 1, &end, 10);

	if (*end != 0 || port == 0 || port > 65535)
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	size_t n = strlen(host);

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = 0;
		*six = (struct sockaddr_in6){.sin6_family = AF_INET6,
					     .sin6_port = htons((uint16_t)port)};
		*len = sizeof(*six);
		return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1;
	}
	*four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	*len = sizeof(*four);
	return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
			 &four->sin_addr) == 1;
}

static bool open_address(struct monitor *m, struct fault *fault)
{
	static const char option[] = "monitor.listen";
	struct sockaddr_storage at = {0};
	socklen_t len = 0;
	int one = 1;

	if (!address_parse(m->conf->listen, &at, &len))
		return fault_set(fault, "%s: %s: expected ADDRESS:PORT, such as 127.0.0.1:5066",
				 option, m->conf->listen);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, (const struct sockaddr *)&at, len) != 0 || listen(fd, BACKLOG) != 0)
		return listen_failed(fd, option, m->conf->listen, fault);
	return listen_on(m, BY_ADDRESS, fd, fault);
}

struct monitor *monitor_open(const struct monitor_conf *conf, report_fn take, void *take_self,
			     struct fault *fault)
{
	struct monitor *m = must_alloc(sizeof(*m));

	*m = (struct monitor){.conf = conf, .take = take, .take_self = take_self};
	m->poll = epoll_create1(EPOLL_CLOEXEC);
	must(m->poll >= 0);
	m->keys = doc_keys_new(shipper_fields);
	m->written_at = mono_now();
	if ((conf->listen[0] == 0 || open_address(m, fault)) &&
	    (conf->socket[0] == 0 || open_socket(m, fault)))
		return m;
	monitor_close(m);
	return NULL;
}

void monitor_close(struct monitor *m)
{
	if (m == NULL)
		return;
	if (m->daemons[BY_SOCKET] != NULL)
		(void)unlink(m->conf->socket);
	for (int way = 0; way < WAYS; way++)
		if (m->daemons[way] != NULL)
			MHD_stop_daemon(m->daemons[way]);
	doc_keys_free(m->keys);
	close(m->poll);
	free(m);
}

int monitor_descriptor(const struct monitor *m)
{
	return m->poll;
}

void monitor_serve(struct monitor *m)
{
	for (int way = 0; way < WAYS; way++)
		if (m->daemons[way] != NULL)
			MHD_run(m->daemons[way]);
	if (mono_now().ns - m->before_at.ns >= (nsec)HEALTH_SECONDS * NS_PER_S) {
		m->take(m->take_self, &m->before);
		m->before_at = mono_now();
	}
}

/* ---- Documents ---- */

static nsec wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (nsec)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void write_document(const struct monitor *m, const struct report *now, nsec when,
			   const char id[RECORD_ID_LEN], const char *tail, struct buf *out)
{
	struct doc d;

	doc_begin(&d, out, m->keys);
	doc_time(&d, F_TIMESTAMP, when);
	doc_word(&d, F_TYPE, "shipper");
	doc_word(&d, F_STATUS, status_words[STATUS_OK]);
	doc_text(&d, F_EVENT_ID, bytes_of(id, RECORD_ID_LEN));
	doc_word(&d, F_EVENT_KIND, "metric");
	doc_word(&d, F_EVENT_DATASET, "shipper");
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		bool gauge = metric_infos[i].kind == METRIC_GAUGE;
		uint64_t n = now->at[i] - (gauge ? 0 : m->written.at[i]);

		if (gauge || n > 0)
			doc_int(&d, FIELD_OWN(i), (int64_t)n);
	}
	doc_members(&d, bytes_str(tail));
	doc_end(&d);
}

void monitor_document(struct monitor *m, const struct document_sink *sink, void *sink_self,
		      const char *tail, bool last)
{
	struct mono at = mono_now();
	char id[RECORD_ID_LEN];
	struct report now;

	/* The last one ends a series: a short run has none. */
	bool due = last ? m->documents > 0 : at.ns - m->written_at.ns >= m->conf->interval;

	if (m->conf->interval == 0 || !due)
		return;
	struct buf *out = sink->room(sink_self);

	m->written_at = at;
	if (out == NULL)
		return;
	size_t from = out->len;
	nsec when = wall_now();
	uint64_t hash = XXH3_64bits_withSeed(tail, strlen(tail),
					     ++m->documents + ((uint64_t)getpid() << 32));

	record_id(when, hash, id);
	m->take(m->take_self, &now);
	write_document(m, &now, when, id, tail, out);
	m->written = now;
	sink->wrote(sink_self, from, 0, id);
	if (sink->flush)
		sink->flush(sink_self, true);
}
