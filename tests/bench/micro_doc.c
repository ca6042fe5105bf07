/* What writing a document costs: a typical HTTP exchange, 45 fields and about 1.1 KB. */
#include "shipper/txn/doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	REQUEST_METHOD,
	REQUEST_BYTES,
	REQUEST_REFERRER,
	RESPONSE_STATUS,
	RESPONSE_PHRASE,
	RESPONSE_BYTES,
	RESPONSE_BODY_BYTES,
	RESPONSE_MIME,
	VERSION,
	URL_SCHEME,
	URL_DOMAIN,
	URL_PATH,
	URL_QUERY,
	URL_FULL,
	USER_AGENT,
};

static const struct field own[] = {
	[REQUEST_METHOD] = {"http.request.method", FIELD_KEYWORD, NULL, "", NULL},
	[REQUEST_BYTES] = {"http.request.bytes", FIELD_LONG, NULL, "", NULL},
	[REQUEST_REFERRER] = {"http.request.referrer", FIELD_KEYWORD, NULL, "", NULL},
	[RESPONSE_STATUS] = {"http.response.status_code", FIELD_LONG, NULL, "", NULL},
	[RESPONSE_PHRASE] = {"http.response.status_phrase", FIELD_KEYWORD, NULL, "", NULL},
	[RESPONSE_BYTES] = {"http.response.bytes", FIELD_LONG, NULL, "", NULL},
	[RESPONSE_BODY_BYTES] = {"http.response.body.bytes", FIELD_LONG, NULL, "", NULL},
	[RESPONSE_MIME] = {"http.response.mime_type", FIELD_KEYWORD, NULL, "", NULL},
	[VERSION] = {"http.version", FIELD_KEYWORD, NULL, "", NULL},
	[URL_SCHEME] = {"url.scheme", FIELD_KEYWORD, NULL, "", NULL},
	[URL_DOMAIN] = {"url.domain", FIELD_KEYWORD, NULL, "", NULL},
	[URL_PATH] = {"url.path", FIELD_KEYWORD, NULL, "", NULL},
	[URL_QUERY] = {"url.query", FIELD_KEYWORD, NULL, "", NULL},
	[URL_FULL] = {"url.full", FIELD_KEYWORD, NULL, "", NULL},
	[USER_AGENT] = {"user_agent.original", FIELD_KEYWORD, NULL, "", NULL},
	{0},
};

static void head(struct doc *d, nsec when)
{
	doc_time(d, F_TIMESTAMP, when);
	doc_word(d, F_TYPE, "http");
	doc_word(d, F_STATUS, "OK");
	doc_word(d, F_EVENT_ID, "18f0a1b2c3d4e5f60011223344556677");
	doc_word(d, F_EVENT_KIND, "event");
	doc_json(d, F_EVENT_CATEGORY, BYTES("[\"network\",\"web\"]"));
	doc_json(d, F_EVENT_TYPE, BYTES("[\"connection\",\"protocol\"]"));
	doc_word(d, F_EVENT_DATASET, "http");
	doc_word(d, F_EVENT_OUTCOME, "success");
	doc_time(d, F_EVENT_START, when);
	doc_time(d, F_EVENT_END, when + 1545000);
	doc_int(d, F_EVENT_DURATION, 1545000);
	doc_int(d, F_TIMING_FIRST_BYTE, 1498000);
	doc_int(d, F_TIMING_REQUEST, 0);
	doc_int(d, F_TIMING_WAIT, 1498000);
	doc_int(d, F_TIMING_RESPONSE, 47000);
	doc_word(d, F_METHOD, "GET");
	doc_text(d, F_QUERY, BYTES("GET /api/v1/users/1234567/orders"));
}

static void http(struct doc *d)
{
	doc_text(d, FIELD_OWN(REQUEST_METHOD), BYTES("GET"));
	doc_int(d, FIELD_OWN(REQUEST_BYTES), 412);
	doc_text(d, FIELD_OWN(REQUEST_REFERRER), BYTES("https://shop.example.com/account"));
	doc_int(d, FIELD_OWN(RESPONSE_STATUS), 200);
	doc_text(d, FIELD_OWN(RESPONSE_PHRASE), BYTES("OK"));
	doc_int(d, FIELD_OWN(RESPONSE_BYTES), 6144);
	doc_int(d, FIELD_OWN(RESPONSE_BODY_BYTES), 5900);
	doc_text(d, FIELD_OWN(RESPONSE_MIME), BYTES("application/json"));
	doc_word(d, FIELD_OWN(VERSION), "1.1");
	doc_word(d, FIELD_OWN(URL_SCHEME), "http");
	doc_text(d, FIELD_OWN(URL_DOMAIN), BYTES("api.example.com"));
	doc_text(d, FIELD_OWN(URL_PATH), BYTES("/api/v1/users/1234567/orders"));
	doc_text(d, FIELD_OWN(URL_QUERY), BYTES("page=2&sort=-created"));
	doc_text(d, FIELD_OWN(URL_FULL),
		 BYTES("http://api.example.com/api/v1/users/1234567/orders?page=2&sort=-created"));
	doc_text(d, FIELD_OWN(USER_AGENT),
		 BYTES("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"));
}

static void tail(struct doc *d)
{
	struct addr client = {{192, 0, 2, 10}}, server = {{198, 51, 100, 120}};

	doc_ip(d, F_CLIENT_IP, &client, 4);
	doc_int(d, F_CLIENT_PORT, 51340);
	doc_int(d, F_CLIENT_BYTES, 412);
	doc_ip(d, F_SERVER_IP, &server, 4);
	doc_int(d, F_SERVER_PORT, 80);
	doc_int(d, F_SERVER_BYTES, 6144);
	doc_word(d, F_NETWORK_TYPE, "ipv4");
	doc_word(d, F_NETWORK_TRANSPORT, "tcp");
	doc_word(d, F_NETWORK_PROTOCOL, "http");
	doc_int(d, F_NETWORK_BYTES, 6556);
	doc_word(d, F_NETWORK_COMMUNITY_ID, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=");
	doc_list_begin(d, F_RELATED_IP);
	doc_list_ip(d, &client, 4);
	doc_list_ip(d, &server, 4);
	doc_list_end(d);
}

int main(int argc, char **argv)
{
	enum { ROUNDS = 2000000 };
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
	struct doc_keys *keys = doc_keys_new(own);
	struct buf out;
	struct timespec from, to;
	struct doc d;

	buf_init(&out, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (long i = 0; i < rounds; i++) {
		if (out.len > 1 << 18)
			out.len = 0;
		doc_begin(&d, &out, keys);
		head(&d, 1767323045123456789 + i * 15000);
		http(&d);
		tail(&d);
		doc_end(&d);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	printf("%.0f ns a document of %zu bytes\n",
	       ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
		       (double)rounds,
	       out.len - d.begin);
	buf_fini(&out);
	doc_keys_free(keys);
	return 0;
}
