#include "outputs/elasticsearch/client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipper/base/must.h"

enum {
	CONNECT_SHARE = 10, /* of the timeout, for the connection */
	CONNECT_MAX_MS = 10000,
	UPLOAD_BYTES = 256 << 10,
	IDLE_MAX_S = 60,
};

struct receiver {
	const struct client_request *request;
	bool stopped;
};

/* ---- What holds for every request ---- */

static void header_line(struct client *c, const char *line)
{
	struct curl_slist *longer = curl_slist_append(c->headers, line);

	must(longer != NULL);
	c->headers = longer;
}

static void header_add(struct client *c, const char *name, const char *value)
{
	char *line;

	/* libcurl sends a header without a value only when it ends with a semicolon. */
	must(asprintf(&line, value[0] ? "%s: %s" : "%s;", name, value) > 0);
	header_line(c, line);
	explicit_bzero(line, strlen(line));
	free(line);
}

static char *base64(const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text);
	char *to = must_alloc((len + 2) / 3 * 4 + 1), *at = to;

	for (size_t i = 0; i < len; i += 3) {
		unsigned long word = 0;

		for (size_t k = 0; k < 3; k++)
			word = word << 8 | (i + k < len ? (unsigned char)text[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			*at++ = i + k > len ? '=' : digits[word >> (18 - 6 * k) & 63];
	}
	return to;
}

static void authorization_add(struct client *c, const char *kind, const char *value)
{
	char *text;

	must(asprintf(&text, "%s %s", kind, value) > 0);
	header_add(c, "Authorization", text);
	explicit_bzero(text, strlen(text));
	free(text);
}

/* As the engine shows a key: base64 of "id:key". Both forms are understood. */
static void api_key_add(struct client *c, const char *key)
{
	char *encoded = strchr(key, ':') != NULL ? base64(key) : must_strdup(key);

	authorization_add(c, "ApiKey", encoded);
	explicit_bzero(encoded, strlen(encoded));
	free(encoded);
}

static void add_headers(struct client *c)
{
	const struct elastic_conf *conf = c->conf;

	header_add(c, "Accept", "application/json");
	/* No asking first whether a large body may come: the answer would cost a round. Where
	 * requests are signed, libcurl signs this line too, though it is not sent. */
	if (conf->aws_region[0] == '\0')
		header_line(c, "Expect:");
	for (size_t i = 0; i < conf->headers.count; i++) {
		char *name = must_strdup(conf->headers.at[i]);
		char *value = strchr(name, '=');

		*value++ = '\0';
		header_add(c, name, value);
		explicit_bzero(value, strlen(value));
		free(name);
	}
	if (conf->api_key[0] != '\0')
		api_key_add(c, conf->api_key);
	if (conf->bearer_token[0] != '\0')
		authorization_add(c, "Bearer", conf->bearer_token);
	if (conf->aws_token[0] != '\0')
		header_add(c, "X-Amz-Security-Token", conf->aws_token);
}

static bool set_login(struct client *c)
{
	const struct elastic_conf *conf = c->conf;
	char *provider;
	bool well = true;

	if (conf->aws_region[0] != '\0') {
		must(asprintf(&provider, "aws:amz:%s:%s", conf->aws_region, conf->aws_service) > 0);
		well = curl_easy_setopt(c->easy, CURLOPT_AWS_SIGV4, provider) == CURLE_OK &&
		       curl_easy_setopt(c->easy, CURLOPT_USERNAME, conf->aws_key_id) == CURLE_OK &&
		       curl_easy_setopt(c->easy, CURLOPT_PASSWORD, conf->aws_key) == CURLE_OK;
		free(provider);
	} else if (conf->username[0] != '\0') {
		well = curl_easy_setopt(c->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
		       curl_easy_setopt(c->easy, CURLOPT_USERNAME, conf->username) == CURLE_OK &&
		       curl_easy_setopt(c->easy, CURLOPT_PASSWORD, conf->password) == CURLE_OK;
	}
	return well;
}

static void set_proxy(struct client *c)
{
	const struct elastic_conf *conf = c->conf;

	if (conf->proxy_disable) {
		curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*");
		return;
	}
	if (conf->proxy_url[0] != '\0')
		curl_easy_setopt(c->easy, CURLOPT_PROXY, conf->proxy_url);
	if (conf->proxy_username[0] != '\0') {
		curl_easy_setopt(c->easy, CURLOPT_PROXYUSERNAME, conf->proxy_username);
		curl_easy_setopt(c->easy, CURLOPT_PROXYPASSWORD, conf->proxy_password);
	}
}

static size_t on_body(char *at, size_t size, size_t count, void *self)
{
	struct receiver *r = self;
	const struct client_request *q = r->request;

	if (q->sink != NULL && !q->sink(q->sink_self, bytes_of(at, size * count))) {
		r->stopped = true;
		return 0;
	}
	return size * count;
}

/* libcurl asks now and then whether to go on. */
static int on_progress(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct receiver *r = self;

	(void)a, (void)b, (void)c, (void)d;
	return r->request->deadline != NULL && mono_now().ns >= atomic_load(r->request->deadline);
}

static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

bool client_init(struct client *c, const struct elastic_conf *conf, const struct trust *trust,
		 struct fault *fault)
{
	*c = (struct client){.conf = conf};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fault_set(fault, "libcurl does not start");
	c->easy = curl_easy_init();
	must(c->easy != NULL);
	add_headers(c);
	curl_easy_setopt(c->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "wirespan/" WIRESPAN_VERSION);
	curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c->easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S);
	curl_easy_setopt(c->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c->easy, CURLOPT_NOPROGRESS, 0L);
	set_protocols(c->easy);
	set_proxy(c);
	if (set_login(c) && trust_apply(trust, c->easy))
		return true;
	client_fini(c);
	return fault_set(fault,
			 "libcurl lacks what is asked for: TLS by OpenSSL, or AWS signatures");
}

static void headers_free(struct client *c)
{
	for (struct curl_slist *one = c->headers; one != NULL; one = one->next)
		explicit_bzero(one->data, strlen(one->data));
	curl_slist_free_all(c->headers);
	c->headers = NULL;
}

void client_fini(struct client *c)
{
	if (c->easy == NULL)
		return;
	curl_easy_cleanup(c->easy);
	headers_free(c);
	curl_global_cleanup();
	c->easy = NULL;
}

/* ---- One request ---- */

static struct curl_slist *own_header(struct curl_slist *list, const char *name, const char *value)
{
	struct curl_slist *longer;
	char line[128];

	if (value == NULL)
		return list;
	snprintf(line, sizeof(line), "%s: %s", name, value);
	longer = curl_slist_append(list, line);
	must(longer != NULL);
	return longer;
}

/* The request's own headers, in front of those of every request; the last of its own, or NULL. */
static struct curl_slist *headers_of(const struct client *c, const struct client_request *q,
				     struct curl_slist **last)
{
	struct curl_slist *own = own_header(NULL, "Content-Type", q->type);

	own = own_header(own, "Content-Encoding", q->encoding);
	*last = own;
	while (*last != NULL && (*last)->next != NULL)
		*last = (*last)->next;
	if (*last == NULL)
		return c->headers;
	(*last)->next = c->headers;
	return own;
}

static void set_timeouts(CURL *easy, nsec timeout)
{
	long ms = (long)(timeout / NS_PER_MS), connect = ms / CONNECT_SHARE;

	if (connect > CONNECT_MAX_MS)
		connect = CONNECT_MAX_MS;
	if (connect < 1000)
		connect = ms < 1000 ? ms : 1000;
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms > 0 ? ms : 1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect > 0 ? connect : 1);
}

static void explain(struct client *c, CURLcode code, struct client_outcome *to)
{
	const char *text = c->error[0] != '\0' ? c->error : curl_easy_strerror(code);
	const char *hint = "";
	long error = 0;

	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		text = "no answer before the end";
	if (code == CURLE_COULDNT_CONNECT && error > 0) {
		snprintf(to->why, sizeof(to->why), "cannot connect: %s", strerror((int)error));
		return;
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		hint = " (whom to trust is said in ssl.certificate_authorities or "
		       "ssl.ca_trusted_fingerprint)";
	int len = (int)strcspn(text, "\n");

	snprintf(to->why, sizeof(to->why), "%.*s%s", len < 100 ? len : 100, text, hint);
}

void client_do(struct client *c, const struct client_request *q, struct client_outcome *outcome)
{
	struct receiver receiver = {.request = q};
	struct curl_slist *last, *headers = headers_of(c, q, &last);
	curl_off_t after = 0;
	CURLcode code;

	*outcome = (struct client_outcome){0};
	c->error[0] = '\0';
	curl_easy_setopt(c->easy, CURLOPT_URL, q->url);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, headers);
	if (q->body.len > 0) {
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, q->body.at);
	} else {
		curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, &receiver);
	curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, &receiver);
	set_timeouts(c->easy, q->timeout);
	code = curl_easy_perform(c->easy);
	outcome->stopped = receiver.stopped;
	if (code == CURLE_OK || receiver.stopped)
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &outcome->status);
	else
		explain(c, code, outcome);
	if (curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &after) == CURLE_OK && after > 0)
		outcome->retry_in = (after < 3600 ? after : 3600) * (nsec)NS_PER_S;
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
	if (last != NULL) {
		last->next = NULL;
		curl_slist_free_all(headers);
	}
}
