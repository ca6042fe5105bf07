#include "tests/mutate/roll.h"

#include <pcap/pcap.h>
#include <stdlib.h>

#include "shipper/base/cursor.h"
#include "shipper/base/must.h"
#include "shipper/decode/packet.h"

enum {
	ETHER = 14,
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	IPV6_HEAD = 40,
	UDP_HEAD = 8,
	IP_TCP = 6,
	IP_UDP = 17
};

/* Gives a frame a copy of its first `len` bytes, with room for `more`, to be changed. */
static uint8_t *own_copy(struct roll *roll, struct frame *frame, size_t len, size_t more)
{
	uint8_t *own = must_alloc(len + more);

	memcpy(own, frame->bytes.at, len);
	if (roll->made_count == roll->made_room) {
		roll->made_room = roll->made_room ? 2 * roll->made_room : 256;
		roll->made = must_realloc(roll->made, roll->made_room * sizeof *roll->made);
	}
	roll->made[roll->made_count++] = own;
	frame->bytes = bytes_of(own, len + more);
	return own;
}

bool roll_load(struct roll *roll, const char *path, struct fault *fault)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *file =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	struct pcap_pkthdr *head;
	const u_char *data;

	*roll = (struct roll){0};
	if (!file)
		return fault_set(fault, "%s", why);
	while (pcap_next_ex(file, &head, &data) == 1) {
		struct frame frame = {
			.when = (nsec)head->ts.tv_sec * NS_PER_S + head->ts.tv_usec,
			.bytes = bytes_of(data, head->caplen),
			.wire_bytes = head->len,
			.link = pcap_datalink(file),
		};

		own_copy(roll, &frame, head->caplen, 0);
		roll_add(roll, &frame);
	}
	pcap_close(file);
	return true;
}

void roll_fini(struct roll *roll)
{
	for (size_t i = 0; i < roll->made_count; i++)
		free(roll->made[i]);
	free(roll->made);
	free(roll->at);
	*roll = (struct roll){0};
}

void roll_add(struct roll *roll, const struct frame *frame)
{
	if (roll->count == roll->room) {
		roll->room = roll->room ? 2 * roll->room : 256;
		roll->at = must_realloc(roll->at, roll->room * sizeof *roll->at);
	}
	roll->at[roll->count++] = *frame;
}

struct roll roll_copy(const struct roll *from, size_t begin, size_t end)
{
	struct roll roll = {0};

	for (size_t i = begin; i < end; i++)
		roll_add(&roll, &from->at[i]);
	return roll;
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* As far as both transports are alike; the cursor is left behind the ports. */
static bool transport_find(const struct frame *frame, struct segment *s, uint8_t transport,
			   struct cursor *rest, size_t *ip_end)
{
	struct cursor c = cursor_of(frame->bytes);

	*s = (struct segment){.ip = ETHER};
	cursor_take(&c, 12);
	uint16_t type = cursor_be16(&c);
	uint8_t first = cursor_u8(&c);

	if (type == ETHER_IPV4) {
		s->version = 4;
		s->tcp = s->ip + 4 * (size_t)(first & 15);
		cursor_take(&c, 1);
		*ip_end = s->ip + cursor_be16(&c);
		cursor_take(&c, 5);
	} else if (type == ETHER_IPV6) {
		s->version = 6;
		s->tcp = s->ip + IPV6_HEAD;
		cursor_take(&c, 3);
		*ip_end = s->tcp + cursor_be16(&c);
	} else {
		return false;
	}
	if (cursor_u8(&c) != transport)
		return false;
	*rest = cursor_of(bytes_skip(frame->bytes, s->tcp));
	s->src_port = cursor_be16(rest);
	s->dst_port = cursor_be16(rest);
	return true;
}

bool segment_find(const struct frame *frame, struct segment *s)
{
	struct cursor c;
	size_t ip_end;

	if (!transport_find(frame, s, IP_TCP, &c, &ip_end))
		return false;
	s->seq = cursor_be32(&c);
	s->ack = cursor_be32(&c);
	s->payload = s->tcp + 4 * (size_t)(cursor_u8(&c) >> 4);
	s->flags = cursor_u8(&c);
	if (c.dry || s->payload > ip_end || frame->bytes.len < ip_end)
		return false;
	s->payload_bytes = (uint32_t)(ip_end - s->payload);
	return true;
}

bool datagram_find(const struct frame *frame, struct segment *s)
{
	struct cursor c;
	size_t ip_end;

	if (!transport_find(frame, s, IP_UDP, &c, &ip_end))
		return false;
	s->payload = s->tcp + UDP_HEAD;
	if (c.dry || s->payload > ip_end || frame->bytes.len < ip_end)
		return false;
	s->payload_bytes = (uint32_t)(ip_end - s->payload);
	return true;
}

static bool overlap(const struct segment *a, const struct segment *b)
{
	return a->src_port == b->src_port && a->dst_port == b->dst_port &&
	       (int32_t)(a->seq + a->payload_bytes - b->seq) > 0 &&
	       (int32_t)(b->seq + b->payload_bytes - a->seq) > 0;
}

bool roll_resent(const struct roll *roll)
{
	struct segment a, b;

	for (size_t i = 0; i < roll->count; i++) {
		if (!segment_find(&roll->at[i], &a) || a.payload_bytes == 0)
			continue;
		for (size_t k = 0; k < i; k++)
			if (segment_find(&roll->at[k], &b) && b.payload_bytes > 0 &&
			    overlap(&a, &b))
				return true;
	}
	return false;
}

uint32_t roll_longest(const struct roll *roll)
{
	uint32_t longest = 0;
	struct segment s;

	for (size_t i = 0; i < roll->count; i++)
		if (segment_find(&roll->at[i], &s) && s.payload_bytes > longest)
			longest = s.payload_bytes;
	return longest;
}

/* Bytes [begin, end) of a segment's payload, as a segment of their own. */
static void add_part(struct roll *roll, const struct frame *whole, const struct segment *s,
		     uint32_t begin, uint32_t end)
{
	struct frame frame = *whole;
	uint8_t *own = own_copy(roll, &frame, s->payload, end - begin);

	memcpy(own + s->payload, whole->bytes.at + s->payload + begin, end - begin);
	put32(own + s->tcp + 4, s->seq + begin);
	if (s->version == 4)
		put16(own + s->ip + 2, frame.bytes.len - s->ip);
	else
		put16(own + s->ip + 4, frame.bytes.len - s->tcp);
	if (end < s->payload_bytes)
		own[s->tcp + 13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	frame.wire_bytes = (uint32_t)frame.bytes.len;
	roll_add(roll, &frame);
}

struct roll roll_split(const struct roll *from, uint32_t piece, uint32_t overlap)
{
	struct roll roll = {0};
	struct segment s;

	for (size_t i = 0; i < from->count; i++) {
		if (!segment_find(&from->at[i], &s) || s.payload_bytes <= piece) {
			roll_add(&roll, &from->at[i]);
			continue;
		}
		for (uint32_t at = 0; at < s.payload_bytes; at += piece) {
			uint32_t begin = at > overlap ? at - overlap : 0;
			uint32_t end = at + piece;

			add_part(&roll, &from->at[i], &s, begin,
				 end < s.payload_bytes ? end : s.payload_bytes);
		}
	}
	return roll;
}

struct roll roll_without(const struct roll *from, size_t which)
{
	struct roll roll = roll_copy(from, 0, which);

	for (size_t i = which + 1; i < from->count; i++)
		roll_add(&roll, &from->at[i]);
	return roll;
}

struct roll roll_one_side(const struct roll *from, uint16_t port, bool above)
{
	struct roll roll = {0};
	struct segment s;

	for (size_t i = 0; i < from->count; i++)
		if ((segment_find(&from->at[i], &s) || datagram_find(&from->at[i], &s)) &&
		    (s.src_port > port) == above)
			roll_add(&roll, &from->at[i]);
	return roll;
}

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

struct roll roll_thin(const struct roll *from, uint32_t percent, uint32_t seed)
{
	struct roll roll = {0};

	for (size_t i = 0; i < from->count; i++)
		if (draw(&seed) % 100 >= percent)
			roll_add(&roll, &from->at[i]);
	return roll;
}

/* Whether frame i is the ACK that ends a handshake. */
static bool ends_handshake(const struct roll *roll, size_t i, const struct segment *ack)
{
	struct segment s;

	while (ack->flags == TCP_ACK && ack->payload_bytes == 0 && i-- > 0)
		if (segment_find(&roll->at[i], &s) && s.flags == (TCP_SYN | TCP_ACK) &&
		    s.src_port == ack->dst_port && s.dst_port == ack->src_port)
			return s.seq + 1 == ack->ack;
	return false;
}

/* Whether a frame must stay where it is. */
static bool is_fixed(const struct roll *roll, size_t i)
{
	struct segment s;

	return !segment_find(&roll->at[i], &s) || (s.flags & (TCP_SYN | TCP_RST)) != 0 ||
	       ends_handshake(roll, i, &s);
}

#define SHUFFLE_WITHIN (50 * NS_PER_MS)

struct roll roll_shuffle(const struct roll *from, size_t window, uint32_t seed)
{
	struct roll roll = {0};

	for (size_t i = 0; i < from->count;) {
		size_t begin = roll.count, n = 0;

		while (i < from->count && n < window && !is_fixed(from, i) &&
		       (n == 0 || from->at[i].when - from->at[i - 1].when < SHUFFLE_WITHIN)) {
			roll_add(&roll, &from->at[i]);
			if (draw(&seed) % 4 == 0)
				roll_add(&roll, &from->at[i]);
			i++;
			n++;
		}
		for (size_t k = roll.count; k > begin + 1; k--) {
			size_t other = begin + draw(&seed) % (k - begin);
			struct frame hold = roll.at[k - 1];

			roll.at[k - 1] = roll.at[other];
			roll.at[other] = hold;
		}
		while (i < from->count && is_fixed(from, i))
			roll_add(&roll, &from->at[i++]);
	}
	return roll;
}

struct roll roll_snap(const struct roll *from, uint32_t snap)
{
	struct roll roll = roll_copy(from, 0, from->count);

	for (size_t i = 0; i < roll.count; i++)
		roll.at[i].bytes = bytes_head(roll.at[i].bytes, snap);
	return roll;
}

struct roll roll_move_seq(const struct roll *from, uint32_t by)
{
	struct roll roll = {0};
	struct segment s;

	for (size_t i = 0; i < from->count; i++) {
		struct frame frame = from->at[i];

		if (segment_find(&frame, &s)) {
			uint8_t *own = own_copy(&roll, &frame, frame.bytes.len, 0);

			put32(own + s.tcp + 4, s.seq + by);
			if (s.flags & TCP_ACK)
				put32(own + s.tcp + 8, s.ack + by);
		}
		roll_add(&roll, &frame);
	}
	return roll;
}
