#include "tests/bench/wire.h"
#include "shipper/base/must.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ETHERNET_LEN = 14,
	TCP_LEN = 20,
	TIMESTAMPS_LEN = 12,
	SYN_OPTIONS_LEN = 20,
	FRAME_MAX = 1514,
	CLIENTS = 500,
	SERVERS = 12,	      /* one in four over IPv6 */
	WINDOW_SEGMENTS = 10, /* sent without waiting for an acknowledgement */
};

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

static const nsec SEGMENT_GAP = 12 * NS_PER_US; /* a full frame at 1 Gbit/s */
static const nsec DELAYED_ACK = 40 * NS_PER_MS;

struct packet_out {
	nsec when;
	uint64_t serial; /* packets of one instant keep their order */
	size_t len;
	uint8_t frame[FRAME_MAX];
};

struct peer {
	uint8_t addr[16];
	uint16_t port;
	uint32_t seq;	  /* next to send */
	uint32_t clock;	  /* of the timestamps option, milliseconds, at time 0 */
	uint32_t echo;	  /* the other's last timestamp */
	uint16_t id;	  /* of IPv4 */
	uint32_t unacked; /* segments received and not acknowledged yet */
};

/* One of the connections that are open at a time. */
struct slot {
	nsec when; /* of its next step */
	uint64_t connection;
	unsigned left; /* exchanges */
	bool open, six;
	nsec rtt;
	struct peer peer[2];
};

struct wire {
	const struct speaker *speaker;
	struct random random;
	uint64_t exchanges; /* still to be begun */
	uint64_t said, written, bytes, connections;
	size_t size, slots_count;
	double loss, reorder;
	FILE *to;
	struct slot **slots;	     /* a heap by `when` */
	struct packet_out **pending; /* a heap by `when`: made, but not written yet */
	size_t pending_count, pending_room;
	uint64_t serial;
	struct packet_out *spare[4096];
	size_t spare_count;
	struct turns turns;
};

/* ---- chance ---- */

uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t random_below(struct random *r, uint64_t limit)
{
	return random_next(r) % limit;
}

bool random_percent(struct random *r, double percent)
{
	return percent > 0 && (double)random_below(r, 1000000) < percent * 10000;
}

void turns_begin(struct turns *turns, enum side from, nsec wait)
{
	must(turns->count < TURNS_MAX);
	turns->at[turns->count++] =
		(struct turn){.from = from, .wait = wait, .at = turns->text.len};
}

static size_t turn_len(const struct turns *turns, size_t i)
{
	size_t end = i + 1 < turns->count ? turns->at[i + 1].at : turns->text.len;

	return end - turns->at[i].at;
}

/* ---- two heaps ---- */

static bool packet_before(const void *a, const void *b)
{
	const struct packet_out *x = a, *y = b;

	return x->when != y->when ? x->when < y->when : x->serial < y->serial;
}

static bool slot_before(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->when != y->when ? x->when < y->when : x->connection < y->connection;
}

typedef bool before_fn(const void *a, const void *b);

static void heap_down(void **heap, size_t count, before_fn *before)
{
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		void *held = heap[i];

		if (child + 1 < count && before(heap[child + 1], heap[child]))
			child++;
		if (!before(heap[child], held))
			return;
		heap[i] = heap[child];
		heap[child] = held;
	}
}

static void heap_up(void **heap, size_t i, before_fn *before)
{
	while (i > 0 && before(heap[i], heap[(i - 1) / 2])) {
		void *held = heap[i];

		heap[i] = heap[(i - 1) / 2];
		heap[(i - 1) / 2] = held;
		i = (i - 1) / 2;
	}
}

/* ---- frames ---- */

static uint8_t *put16(uint8_t *to, unsigned n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
	return to + 2;
}

static uint8_t *put32(uint8_t *to, uint32_t n)
{
	return put16(put16(to, n >> 16), n & 0xffff);
}

static uint32_t sum_of(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return len % 2 ? sum + ((uint32_t)at[len - 1] << 8) : sum;
}

static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Ethernet and IP; returns where TCP goes. */
static uint8_t *put_network(uint8_t *at, struct slot *s, enum side from, size_t tcp_len)
{
	struct peer *src = &s->peer[from], *dst = &s->peer[side_other(from)];
	size_t addr_len = s->six ? 16 : 4;
	uint8_t *ip = at + ETHERNET_LEN;

	memset(at, 2, ETHERNET_LEN);
	at[5] = dst->addr[addr_len - 1];
	at[11] = src->addr[addr_len - 1];
	put16(at + 12, s->six ? 0x86dd : 0x0800);
	if (s->six) {
		put32(ip, 0x60000000);
		put16(ip + 4, (unsigned)tcp_len);
		put16(ip + 6, 0x0640);
		memcpy(ip + 8, src->addr, 16);
		memcpy(ip + 24, dst->addr, 16);
		return ip + 40;
	}
	put16(ip, 0x4500);
	put16(ip + 2, (unsigned)tcp_len + 20);
	put16(ip + 4, src->id++);
	put16(ip + 6, 0x4000);
	put16(ip + 8, 0x4006);
	put16(ip + 10, 0);
	memcpy(ip + 12, src->addr, 4);
	memcpy(ip + 16, dst->addr, 4);
	put16(ip + 10, checksum(sum_of(ip, 20)));
	return ip + 20;
}

static uint8_t *put_options(uint8_t *at, unsigned flags, uint32_t value, uint32_t echo)
{
	if (flags & SYN) {
		at = put32(at, 0x020405b4); /* segment size 1460 */
		at = put16(at, 0x0402);	    /* SACK permitted */
	} else {
		at = put16(at, 0x0101);
	}
	at = put16(at, 0x080a);
	at = put32(put32(at, value), echo);
	return flags & SYN ? put32(at, 0x01030307) : at; /* window scale 7 */
}

static void packet_fill(struct packet_out *p, struct slot *s, enum side from, unsigned flags,
			uint32_t seq, struct bytes payload)
{
	struct peer *src = &s->peer[from], *dst = &s->peer[side_other(from)];
	size_t options = flags & SYN ? SYN_OPTIONS_LEN : TIMESTAMPS_LEN;
	size_t tcp_len = TCP_LEN + options + payload.len, addr_len = s->six ? 16 : 4;
	uint8_t *tcp = put_network(p->frame, s, from, tcp_len), *at;
	uint32_t value = src->clock + (uint32_t)(p->when / NS_PER_MS);

	put16(put16(tcp, src->port), dst->port);
	put32(tcp + 4, seq);
	put32(tcp + 8, flags & ACK ? dst->seq : 0);
	put16(tcp + 12, (unsigned)((TCP_LEN + options) / 4 << 12) | flags);
	put16(tcp + 14, flags & SYN ? 64240 : 501);
	put32(tcp + 16, 0);
	at = put_options(tcp + TCP_LEN, flags, value, src->echo);
	if (payload.len > 0)
		memcpy(at, payload.at, payload.len);
	put16(tcp + 16, checksum(sum_of(src->addr, addr_len) + sum_of(dst->addr, addr_len) + 6 +
				 (uint32_t)tcp_len + sum_of(tcp, tcp_len)));
	dst->echo = value;
	p->len = (size_t)(tcp - p->frame) + tcp_len;
}

/* ---- what is made, and when it is written ---- */

static void pending_add(struct wire *w, struct slot *s, enum side from, unsigned flags,
			uint32_t seq, struct bytes payload, nsec when)
{
	struct packet_out *p =
		w->spare_count > 0 ? w->spare[--w->spare_count] : must_alloc(sizeof *p);

	if (w->pending_count == w->pending_room) {
		w->pending_room = w->pending_room ? 2 * w->pending_room : 1024;
		w->pending = must_realloc(w->pending, w->pending_room * sizeof(void *));
	}
	p->when = when;
	p->serial = w->serial++;
	packet_fill(p, s, from, flags, seq, payload);
	w->pending[w->pending_count] = p;
	heap_up((void **)w->pending, w->pending_count++, packet_before);
}

static void put_native32(FILE *to, uint32_t n)
{
	fwrite(&n, sizeof n, 1, to);
}

static void pending_write(struct wire *w, nsec until)
{
	while (w->pending_count > 0 && w->pending[0]->when <= until) {
		struct packet_out *p = w->pending[0];

		put_native32(w->to, (uint32_t)(p->when / NS_PER_S));
		put_native32(w->to, (uint32_t)(p->when % NS_PER_S / NS_PER_US));
		put_native32(w->to, (uint32_t)p->len);
		put_native32(w->to, (uint32_t)p->len);
		fwrite(p->frame, 1, p->len, w->to);
		w->written++;
		w->bytes += p->len;
		w->pending[0] = w->pending[--w->pending_count];
		heap_down((void **)w->pending, w->pending_count, packet_before);
		if (w->spare_count < sizeof w->spare / sizeof *w->spare)
			w->spare[w->spare_count++] = p;
		else
			free(p);
	}
}

/* ---- a connection ---- */

static void bare(struct wire *w, struct slot *s, enum side from, unsigned flags, nsec when)
{
	struct peer *src = &s->peer[from];

	pending_add(w, s, from, flags, src->seq, NO_BYTES, when);
	src->unacked = 0;
	if (flags & (SYN | FIN))
		src->seq++;
}

static void slot_open(struct wire *w, struct slot *s)
{
	struct peer *client = &s->peer[CLIENT], *server = &s->peer[SERVER];
	uint64_t who = random_below(&w->random, CLIENTS), whom = random_below(&w->random, SERVERS);

	s->connection = w->connections++;
	s->six = whom % 4 == 3;
	s->rtt = (nsec)(150 + random_below(&w->random, 2000)) * NS_PER_US;
	s->left = 1 + (unsigned)random_below(&w->random, w->speaker->exchanges_most);
	memset(s->peer, 0, sizeof s->peer);
	if (s->six)
		client->addr[0] = server->addr[0] = 0xfd;
	put16(client->addr + (s->six ? 14 : 2), (unsigned)who);
	put16(server->addr + (s->six ? 14 : 2), 0x6400 + (unsigned)whom);
	if (!s->six)
		client->addr[0] = server->addr[0] = 10;
	/* Each (client, port) once, as long as ports last. */
	client->port = (uint16_t)(10240 + s->connection % 55000);
	server->port = w->speaker->port;
	for (int side = 0; side < 2; side++) {
		s->peer[side].seq = (uint32_t)random_next(&w->random);
		s->peer[side].clock = (uint32_t)random_next(&w->random);
		s->peer[side].id = (uint16_t)random_next(&w->random);
	}
	bare(w, s, CLIENT, SYN, s->when);
	bare(w, s, SERVER, SYN | ACK, s->when + 20 * NS_PER_US);
	bare(w, s, CLIENT, ACK, s->when + s->rtt);
	s->when += s->rtt + 30 * NS_PER_US;
	s->open = true;
}

static void slot_close(struct wire *w, struct slot *s)
{
	bare(w, s, CLIENT, FIN | ACK, s->when);
	bare(w, s, SERVER, FIN | ACK, s->when + 30 * NS_PER_US);
	bare(w, s, CLIENT, ACK, s->when + s->rtt);
	s->open = false;
	s->when += s->rtt + (nsec)random_below(&w->random, 20 * NS_PER_MS);
}

/* What a side says, in segments; returns when the tap saw the last of them. A lost segment was
 * lost before the tap (it comes late) or behind it (it comes twice); acknowledgements then wait
 * until it has come. */
static nsec say(struct wire *w, struct slot *s, enum side from, struct bytes text, nsec when)
{
	const size_t segment =
		FRAME_MAX - ETHERNET_LEN - TCP_LEN - TIMESTAMPS_LEN - (s->six ? 40 : 20);
	struct peer *src = &s->peer[from], *dst = &s->peer[side_other(from)];
	nsec away = from == SERVER ? s->rtt : 20 * NS_PER_US; /* until the tap sees the answer */
	nsec last = when;
	bool lost = false;

	src->unacked = 0;
	for (unsigned i = 0; text.len > 0; i++) {
		struct bytes part = bytes_head(text, segment);
		unsigned flags = part.len == text.len ? ACK | PSH : ACK;
		nsec at = when + i * SEGMENT_GAP + i / WINDOW_SEGMENTS * s->rtt;
		bool late = false;

		text = bytes_skip(text, part.len);
		if (random_percent(&w->random, w->loss)) {
			late = random_below(&w->random, 2) == 0;
			lost = true;
			pending_add(w, s, from, flags, src->seq, part, at + 3 * s->rtt / 2);
			last = at + 3 * s->rtt / 2;
		} else if (text.len > 0 && random_percent(&w->random, w->reorder)) {
			at += 3 * SEGMENT_GAP / 2;
		}
		if (!late)
			pending_add(w, s, from, flags, src->seq, part, at);
		src->seq += (uint32_t)part.len;
		last = at > last ? at : last;
		if (++dst->unacked >= 2 && !lost)
			bare(w, s, side_other(from), ACK, last + away);
	}
	if (lost)
		bare(w, s, side_other(from), ACK, last + away);
	return last;
}

static void slot_say_all(struct wire *w, struct slot *s)
{
	struct turns *turns = &w->turns;
	enum side before = CLIENT;

	for (size_t i = 0; i < turns->count; i++) {
		const struct turn *turn = &turns->at[i];
		bool turned = turn->from != before;
		nsec way = turned && turn->from == CLIENT ? s->rtt : turned ? 30 * NS_PER_US : 0;

		if (turned && turn->wait > DELAYED_ACK && s->peer[turn->from].unacked > 0)
			bare(w, s, turn->from, ACK, s->when + way + DELAYED_ACK);
		s->when += way + turn->wait;
		s->when = say(w, s, turn->from,
			      bytes_of(turns->text.at + turn->at, turn_len(turns, i)), s->when);
		before = turn->from;
	}
	s->when += before == SERVER ? s->rtt : 0;
}

static void slot_step(struct wire *w, struct slot *s)
{
	struct turns *turns = &w->turns;

	turns->count = 0;
	turns->text.len = 0;
	if (!s->open) {
		slot_open(w, s);
		turns->exchanges = 0;
		if (w->speaker->greet)
			w->speaker->greet(&w->random, s->connection, turns);
		w->said += turns->exchanges;
	} else if (s->left == 0 || w->exchanges == 0) {
		slot_close(w, s);
		return;
	} else {
		s->left--;
		turns->exchanges = 1;
		w->speaker->exchange(&w->random, s->connection, w->size, turns);
		w->exchanges -= turns->exchanges < w->exchanges ? turns->exchanges : w->exchanges;
		w->said += turns->exchanges;
	}
	slot_say_all(w, s);
}

static void wire_run(struct wire *w)
{
	struct slot *slots = must_alloc(w->slots_count * sizeof *slots);
	const nsec begin = INT64_C(1767323045) * NS_PER_S;

	w->slots = must_alloc(w->slots_count * sizeof *w->slots);
	for (size_t i = 0; i < w->slots_count; i++) {
		w->slots[i] = &slots[i];
		slots[i].when = begin + (nsec)i * 50 * NS_PER_US;
	}
	while (w->slots_count > 0) {
		struct slot *s = w->slots[0];

		pending_write(w, s->when - 1);
		if (s->open || w->exchanges > 0)
			slot_step(w, s);
		else
			w->slots[0] = w->slots[--w->slots_count];
		heap_down((void **)w->slots, w->slots_count, slot_before);
	}
	pending_write(w, INT64_MAX);
	free(w->slots);
	free(slots);
}

static void wire_fini(struct wire *w)
{
	while (w->spare_count > 0)
		free(w->spare[--w->spare_count]);
	free(w->pending);
	buf_fini(&w->turns.text);
}

/* ---- the program ---- */

static int usage(const char *name)
{
	fprintf(stderr,
		"usage: %s [-n exchanges] [-s bytes] [-c connections] [-r seed] [-l loss%%] "
		"[-o reorder%%] FILE\n",
		name);
	return 2;
}

static void file_begin(FILE *to)
{
	put_native32(to, 0xa1b2c3d4); /* microseconds, this machine's byte order */
	put_native32(to, 4 << 16 | 2);
	put_native32(to, 0);
	put_native32(to, 0);
	put_native32(to, 262144);
	put_native32(to, 1); /* Ethernet */
}

int wire_main(int argc, char **argv, const struct speaker *speaker)
{
	struct wire w = {.speaker = speaker, .exchanges = 65000, .size = 6144, .slots_count = 400};
	int option;

	w.random.state = 1;
	while ((option = getopt(argc, argv, "n:s:c:r:l:o:")) != -1) {
		switch (option) {
		case 'n':
			w.exchanges = strtoull(optarg, NULL, 10);
			break;
		case 's':
			w.size = strtoull(optarg, NULL, 10);
			break;
		case 'c':
			w.slots_count = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			w.random.state = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			w.loss = strtod(optarg, NULL);
			break;
		case 'o':
			w.reorder = strtod(optarg, NULL);
			break;
		default:
			return usage(argv[0]);
		}
	}
	if (optind + 1 != argc || w.slots_count == 0)
		return usage(argv[0]);

	w.to = fopen(argv[optind], "wb");
	if (!w.to) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[optind], strerror(errno));
		return 1;
	}
	file_begin(w.to);
	wire_run(&w);
	wire_fini(&w);
	if (fclose(w.to) != 0) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[optind], strerror(errno));
		return 1;
	}
	printf("{\"exchanges\":%llu,\"packets\":%llu,\"bytes\":%llu,\"connections\":%llu}\n",
	       (unsigned long long)w.said, (unsigned long long)w.written,
	       (unsigned long long)w.bytes, (unsigned long long)w.connections);
	return 0;
}
