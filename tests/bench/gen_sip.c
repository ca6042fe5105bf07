/*
 * SIP over UDP as a tap beside a registrar and proxy sees it: many calls at once, telephones that
 * register, and OPTIONS as keep-alives. The same seed gives the same file.
 *
 *   call           INVITE 100 180 200 ACK, talk, BYE 200; one in three is challenged first (407)
 *   registration   REGISTER 401 REGISTER 200
 *   keep-alive     OPTIONS 200
 *
 * What is said is planned first, as moments with their times, then put in order and written. A
 * call in twenty lasts so long that it has a document in between.
 */
#include "shipper/base/must.h"
#include "tests/bench/wire.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERVERS = 8, PHONES = 16000, TEXT_MAX = 1400, HEADERS = 42 };
enum kind { CALL, CHALLENGED_CALL, REGISTRATION, KEEP_ALIVE };
enum { SHARE_REGISTRATIONS = 20, SHARE_KEEP_ALIVES = 20, SHARE_CHALLENGED = 33, SHARE_LONG = 5 };

/* One message of an exchange to come. */
struct moment {
	nsec when;
	uint64_t talk; /* whose message */
	uint32_t caller, callee;
	uint8_t kind, step;
};

struct plan {
	struct moment *at;
	size_t count, room;
	struct random random;
	uint64_t documents, talks;
	uint64_t progress; /* documents of calls that go on: sent faster, none is due */
	nsec now;
};

/* ---- When ---- */

static void add(struct plan *p, struct moment *m, nsec wait)
{
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 4096;
		p->at = must_realloc(p->at, p->room * sizeof(p->at[0]));
	}
	m->when += wait;
	p->at[p->count++] = *m;
	m->step++;
}

static nsec between(struct plan *p, unsigned least_ms, unsigned most_ms)
{
	uint64_t span = (uint64_t)(most_ms - least_ms) * NS_PER_MS;

	return (nsec)least_ms * NS_PER_MS + (nsec)random_below(&p->random, span);
}

static void plan_call(struct plan *p, struct moment *m)
{
	bool lasts = random_percent(&p->random, SHARE_LONG);

	p->documents += 3 + lasts;
	p->progress += lasts;
	if (m->kind == CHALLENGED_CALL) {
		p->documents++;
		add(p, m, 0);
		add(p, m, between(p, 1, 3));
		add(p, m, between(p, 1, 9));
	} else {
		m->step = 3;
	}
	add(p, m, between(p, 1, 9));
	add(p, m, between(p, 1, 3));
	add(p, m, between(p, 80, 900));
	add(p, m, between(p, 1000, 9000));
	add(p, m, between(p, 1, 40));
	add(p, m, lasts ? between(p, 70000, 100000) : between(p, 15000, 45000));
	add(p, m, between(p, 1, 40));
}

static void plan_talk(struct plan *p)
{
	struct moment m = {.when = p->now, .talk = p->talks++};
	uint64_t chance = random_below(&p->random, 100);

	m.caller = (uint32_t)random_below(&p->random, PHONES);
	m.callee = (uint32_t)random_below(&p->random, PHONES);
	if (chance < SHARE_REGISTRATIONS) {
		m.kind = REGISTRATION;
		p->documents += 3;
		for (int i = 0; i < 4; i++)
			add(p, &m, between(p, 1, 9));
	} else if (chance < SHARE_REGISTRATIONS + SHARE_KEEP_ALIVES) {
		m.kind = KEEP_ALIVE;
		p->documents++;
		add(p, &m, 0);
		add(p, &m, between(p, 1, 9));
	} else {
		m.kind = random_percent(&p->random, SHARE_CHALLENGED) ? CHALLENGED_CALL : CALL;
		plan_call(p, &m);
	}
}

static int by_time(const void *x, const void *y)
{
	const struct moment *a = x, *b = y;

	if (a->when != b->when)
		return a->when < b->when ? -1 : 1;
	return a->talk != b->talk ? (a->talk < b->talk ? -1 : 1) : a->step - b->step;
}

/* ---- What ---- */

static const char *const agents[] = {"Linphone/3.12.0 (belle-sip/1.6.3)",
				     "Yealink SIP-T46S 66.84.0.15", "Grandstream GXP2170 1.0.9.135",
				     "MicroSIP/3.20.3", "Z 5.4.12 rv2.10.11"};

/* Who sends a step: the caller (CLIENT), or who is called. */
static bool is_request(const struct moment *m)
{
	if (m->kind == REGISTRATION || m->kind == KEEP_ALIVE)
		return m->step % 2 == 0;
	return m->step == 0 || m->step == 2 || m->step == 3 || m->step == 7 || m->step == 8;
}

struct said {
	const char *method; /* of the request, or that is answered */
	const char *answer; /* NULL: a request */
	unsigned cseq, branch;
	bool session, authorized, challenge, tagged;
};

static struct said said_in(const struct moment *m)
{
	static const struct said call[] = {
		{"INVITE", NULL, 1, 1, true, false, false, false},
		{"INVITE", "407 Proxy Authentication Required", 1, 1, false, false, true, true},
		{"ACK", NULL, 1, 1, false, false, false, true},
		{"INVITE", NULL, 2, 2, true, true, false, false},
		{"INVITE", "100 Trying", 2, 2, false, false, false, false},
		{"INVITE", "180 Ringing", 2, 2, false, false, false, true},
		{"INVITE", "200 OK", 2, 2, true, false, false, true},
		{"ACK", NULL, 2, 3, false, false, false, true},
		{"BYE", NULL, 3, 4, false, true, false, true},
		{"BYE", "200 OK", 3, 4, false, false, false, true},
	};
	static const struct said registration[] = {
		{"REGISTER", NULL, 1, 1, false, false, false, false},
		{"REGISTER", "401 Unauthorized", 1, 1, false, false, true, true},
		{"REGISTER", NULL, 2, 2, false, true, false, false},
		{"REGISTER", "200 OK", 2, 2, false, false, false, true},
	};
	static const struct said keep_alive[] = {
		{"OPTIONS", NULL, 1, 1, false, false, false, false},
		{"OPTIONS", "200 OK", 1, 1, false, false, false, true},
	};

	if (m->kind == REGISTRATION)
		return registration[m->step];
	struct said s = m->kind == KEEP_ALIVE ? keep_alive[m->step] : call[m->step];

	if (m->kind == CALL)
		s.authorized = false;
	return s;
}

static void put(struct buf *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct buf *to, const char *format, ...)
{
	va_list args;
	uint8_t *at = buf_room(to, TEXT_MAX);

	va_start(args, format);
	to->len += (size_t)vsnprintf((char *)at, TEXT_MAX, format, args);
	va_end(args);
}

static void put_body(struct buf *to, const struct moment *m, bool answer)
{
	char body[512];
	unsigned port = 10000 + 2 * (unsigned)(m->talk % 20000);
	int n = snprintf(
		body, sizeof(body),
		"v=0\r\no=- %u 1 IN IP4 10.9.%u.%u\r\ns=-\r\nc=IN IP4 10.9.%u.%u\r\nt=0 0\r\n"
		"m=audio %u RTP/AVP %s\r\na=rtpmap:8 PCMA/8000\r\n%s"
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
		"a=sendrecv\r\n",
		(unsigned)(m->talk * 7919 % 1000000007), m->caller >> 8, m->caller & 255,
		m->caller >> 8, m->caller & 255, port, answer ? "8 101" : "8 0 18 101",
		answer ? "" : "a=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\n");

	put(to, "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", n, body);
}

static void put_auth(struct buf *to, const struct moment *m, const struct said *s)
{
	bool proxy = m->kind == CHALLENGED_CALL;

	if (s->challenge)
		put(to,
		    "%s: Digest realm=\"example.com\", nonce=\"%016llx%016llx\", algorithm=MD5, "
		    "qop=\"auth\"\r\n",
		    proxy ? "Proxy-Authenticate" : "WWW-Authenticate",
		    (unsigned long long)m->talk * 0x9e3779b97f4a7c15, (unsigned long long)m->talk);
	if (s->authorized)
		put(to,
		    "%s: Digest username=\"%u\", realm=\"example.com\", nonce=\"%016llx%016llx\", "
		    "uri=\"sip:example.com\", response=\"%016llx%016llx\", algorithm=MD5, "
		    "cnonce=\"0a4f113b\", qop=auth, nc=00000001\r\n",
		    proxy ? "Proxy-Authorization" : "Authorization", 100000 + m->caller,
		    (unsigned long long)m->talk * 0x9e3779b97f4a7c15, (unsigned long long)m->talk,
		    (unsigned long long)m->talk * 77777, (unsigned long long)m->talk * 99991);
}

static void say(const struct moment *m, struct buf *to)
{
	struct said s = said_in(m);
	unsigned host = m->caller,
		 agent = (unsigned)(m->caller % (sizeof(agents) / sizeof(agents[0])));
	unsigned whom = m->kind == CALL || m->kind == CHALLENGED_CALL ? m->callee : m->caller;
	unsigned long long id = (unsigned long long)(m->talk + 1) * 0x9e3779b97f4a7c15;

	to->len = 0;
	if (s.answer)
		put(to, "SIP/2.0 %s\r\n", s.answer);
	else if (m->kind == REGISTRATION || m->kind == KEEP_ALIVE)
		put(to, "%s sip:example.com SIP/2.0\r\n", s.method);
	else
		put(to, "%s sip:%u@example.com SIP/2.0\r\n", s.method, 100000 + whom);
	put(to, "Via: SIP/2.0/UDP 10.9.%u.%u:5060;branch=z9hG4bK%llx%u;rport%s\r\n", host >> 8,
	    host & 255, id, s.branch, s.answer ? "=5060" : "");
	if (!s.answer)
		put(to, "Max-Forwards: 70\r\n");
	put(to, "From: \"Phone %u\" <sip:%u@example.com>;tag=%x\r\n", m->caller, 100000 + m->caller,
	    (unsigned)(id >> 32));
	put(to, "To: <sip:%u@example.com>", 100000 + whom);
	if (s.tagged)
		put(to, ";tag=as%x", (unsigned)(id >> 24) ^ s.branch * (m->step == 1));
	put(to, "\r\nCall-ID: %llx-%u@10.9.%u.%u\r\nCSeq: %u %s\r\n", id, m->caller, host >> 8,
	    host & 255, s.cseq, s.method);
	put_auth(to, m, &s);
	if (s.session || m->kind == REGISTRATION)
		put(to, "Contact: <sip:%u@10.9.%u.%u:5060>%s\r\n", 100000 + m->caller, host >> 8,
		    host & 255, m->kind == REGISTRATION && s.answer ? ";expires=3600" : "");
	if (m->kind == REGISTRATION && !s.answer)
		put(to, "Expires: 3600\r\n");
	put(to, s.answer ? "Server: Asterisk PBX 18.10.0\r\n" : "User-Agent: %s\r\n",
	    agents[agent]);
	if (s.session || m->kind == KEEP_ALIVE)
		put(to,
		    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO\r\n"
		    "Supported: replaces, timer\r\n");
	if (s.session)
		put_body(to, m, s.answer != NULL);
	else
		put(to, "Content-Length: 0\r\n\r\n");
	must(to->len <= TEXT_MAX);
}

/* ---- Frames ---- */

static uint8_t *put16(uint8_t *to, unsigned n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
	return to + 2;
}

static uint16_t checksum(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Ethernet, IPv4 and UDP without its checksum, which IPv4 allows. */
static size_t write_frame(FILE *to, const struct moment *m, struct bytes text, uint16_t id)
{
	uint8_t head[HEADERS] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	uint8_t phone[4] = {10, 9, (uint8_t)(m->caller >> 8), (uint8_t)m->caller};
	uint8_t server[4] = {10, 1, 0, (uint8_t)(1 + m->caller % SERVERS)};
	bool asks = is_request(m);
	uint32_t times[4] = {(uint32_t)(m->when / NS_PER_S),
			     (uint32_t)(m->when % NS_PER_S / NS_PER_US),
			     (uint32_t)(HEADERS + text.len), (uint32_t)(HEADERS + text.len)};
	uint8_t *ip = head + 14, *udp = ip + 20;

	put16(ip, 0x4500);
	put16(ip + 2, (unsigned)(28 + text.len));
	put16(ip + 4, id);
	put16(ip + 6, 0x4000);
	put16(ip + 8, 0x4011);
	memcpy(ip + 12, asks ? phone : server, 4);
	memcpy(ip + 16, asks ? server : phone, 4);
	put16(ip + 10, checksum(ip, 20));
	put16(put16(udp, 5060), 5060);
	put16(udp + 4, (unsigned)(8 + text.len));
	fwrite(times, sizeof(times), 1, to);
	fwrite(head, sizeof(head), 1, to);
	fwrite(text.at, text.len, 1, to);
	return sizeof(head) + text.len;
}

static uint64_t write_all(struct plan *p, FILE *to)
{
	const uint32_t begin[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 1};
	struct buf text = {0};
	uint64_t bytes = 0;

	fwrite(begin, sizeof(begin), 1, to);
	for (size_t i = 0; i < p->count; i++) {
		say(&p->at[i], &text);
		bytes += write_frame(to, &p->at[i], buf_bytes(&text), (uint16_t)i);
	}
	buf_fini(&text);
	return bytes;
}

int main(int argc, char **argv)
{
	struct plan p = {.random = {1}, .now = INT64_C(1767323045) * NS_PER_S};
	uint64_t messages = 400000, calls = 10000, bytes;
	int option;

	while ((option = getopt(argc, argv, "n:c:r:")) != -1) {
		uint64_t *to = option == 'n' ? &messages : option == 'c' ? &calls : &p.random.state;

		if (option == '?')
			break;
		*to = strtoull(optarg, NULL, 10);
	}
	if (option != -1 || optind + 1 != argc || calls == 0) {
		fprintf(stderr, "usage: %s [-n messages] [-c calls at once] [-r seed] FILE\n",
			argv[0]);
		return 2;
	}
	FILE *to = fopen(argv[optind], "wb");

	if (to == NULL) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[optind], strerror(errno));
		return 1;
	}
	/* Six talks in ten are calls, of 38 seconds on the average. */
	nsec step = (nsec)38 * NS_PER_S * 6 / 10 / (nsec)calls;

	for (; p.count < messages; p.now += step)
		plan_talk(&p);
	qsort(p.at, p.count, sizeof(p.at[0]), by_time);
	bytes = write_all(&p, to);
	free(p.at);
	if (fclose(to) != 0) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[optind], strerror(errno));
		return 1;
	}
	printf("{\"exchanges\":%llu,\"packets\":%llu,\"bytes\":%llu,\"connections\":%llu,"
	       "\"progress\":%llu}\n",
	       (unsigned long long)p.documents, (unsigned long long)p.count,
	       (unsigned long long)bytes, (unsigned long long)p.talks,
	       (unsigned long long)p.progress);
	return 0;
}
