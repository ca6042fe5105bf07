/*
 * An exchange as a document: what all types share. The protocol's own part comes between the head
 * (times, status) and the tail (endpoints, network, notes).
 */
#include "shipper/txn/community.h"
#include "shipper/txn/digits.h"
#include "shipper/txn/engine.h"

#define XXH_INLINE_ALL
#include <stdio.h>
#include <xxhash.h>

const char *const status_words[STATUS_COUNT] = {
	[STATUS_OK] = "OK",
	[STATUS_ERROR] = "Error",
	[STATUS_CLIENT_ERROR] = "Client Error",
	[STATUS_SERVER_ERROR] = "Server Error",
};

/* By bit of enum note. */
static const char *const note_words[] = {
	"trimmed",	 "gap",	      "one-sided",	  "out of order",
	"resync",	 "midstream", "timeout",	  "connection closed",
	"capture ended", "limit",     "not the protocol", "tls",
};

static bool is_whole(const struct exchange *x)
{
	return (x->whole[CLIENT] || !x->begun[CLIENT]) &&
	       (x->whole[SERVER] || (!x->begun[SERVER] && x->expects == 0)) &&
	       (x->begun[CLIENT] || x->pushed);
}

/* Why an exchange that is not whole is not. */
static const char *trouble(const struct exchange *x)
{
	if (!x->begun[CLIENT] && !x->pushed)
		return "Unmatched response";
	if (!x->begun[SERVER] && x->expects != 0)
		return x->notes & NOTE_GAP ? "Packet loss" : "Unmatched request";
	if (x->notes & NOTE_GAP)
		return "Packet loss";
	if (x->notes & NOTE_ALIEN)
		return "Not the protocol";
	return x->whole[SERVER] || !x->begun[SERVER] ? "Incomplete request" : "Incomplete response";
}

static const char *const direction_words[] = {
	[DIRECTION_UNKNOWN] = "unknown",
	[DIRECTION_INGRESS] = "ingress",
	[DIRECTION_EGRESS] = "egress",
	[DIRECTION_INTERNAL] = "internal",
};

static uint64_t address_hash(const struct exchange *x)
{
	const struct endpoints *ends = x->conn->flow->ends;
	struct {
		struct addr addr[2];
		uint16_t port[2];
		uint16_t vlan[VLAN_DEPTH_MAX];
		uint32_t transport;
		uint32_t place;
		uint64_t number;
	} key;

	memset(&key, 0, sizeof(key));
	memcpy(key.addr, ends->addr, sizeof(key.addr));
	memcpy(key.port, ends->port, sizeof(key.port));
	memcpy(key.vlan, ends->vlan, ends->vlans * sizeof(ends->vlan[0]));
	key.transport = ends->transport;
	key.place = x->asker | x->part << 1;
	key.number = x->number;
	return XXH3_64bits(&key, sizeof(key));
}

/* Time first, so that ids made near each other sort near each other. */
void record_id(nsec start, uint64_t hash, char id[RECORD_ID_LEN])
{
	digits_hex16(digits_hex16((uint8_t *)id, (uint64_t)start), hash);
}

static nsec start_of(const struct exchange *x)
{
	return x->begin[x->begun[CLIENT] ? CLIENT : SERVER];
}

/* The question's packet is later than the answer's: it was sent again, and the capture lacks the
 * first. How long the answer took cannot be told. */
static bool is_asked_late(const struct exchange *x)
{
	return x->begun[CLIENT] && x->begun[SERVER] && x->begin[SERVER] < x->begin[CLIENT];
}

static void write_timing(struct doc *d, const struct exchange *x)
{
	const struct flow_stats *stats = &x->conn->flow->stats;
	bool asked = x->begun[CLIENT], answered = x->begun[SERVER];

	if (asked && answered && !is_asked_late(x))
		doc_int(d, F_TIMING_FIRST_BYTE, x->begin[SERVER] - x->begin[CLIENT]);
	if (asked)
		doc_int(d, F_TIMING_REQUEST, x->end[CLIENT] - x->begin[CLIENT]);
	if (asked && answered && x->begin[SERVER] >= x->end[CLIENT])
		doc_int(d, F_TIMING_WAIT, x->begin[SERVER] - x->end[CLIENT]);
	if (answered)
		doc_int(d, F_TIMING_RESPONSE, x->end[SERVER] - x->begin[SERVER]);
	if (x->number == 0 && stats->connect > 0)
		doc_int(d, F_TIMING_CONNECT, stats->connect);
}

void record_category(struct doc *d, const char *category)
{
	char text[64] = "[\"network\",\"";
	size_t len = strlen(text), more = category ? strlen(category) : 0;

	if (more == 0 || len + more + 3 > sizeof(text)) {
		doc_json(d, F_EVENT_CATEGORY, BYTES("[\"network\"]"));
		return;
	}
	memcpy(text + len, category, more);
	memcpy(text + len + more, "\"]", 2);
	doc_json(d, F_EVENT_CATEGORY, bytes_of(text, len + more + 2));
}

static const char *const outcomes[PIECE_OUTCOMES] = {"success", "failure", "unknown"};

/* What does not change from document to document of a protocol. */
void record_pieces(struct record_pieces *p, const struct doc_keys *keys, const struct proto *proto)
{
	struct doc d;

	for (int i = 0; i < STATUS_COUNT; i++) {
		doc_piece_begin(&d, &p->status[i], keys, F_TYPE);
		doc_word(&d, F_TYPE, proto->name);
		doc_word(&d, F_STATUS, status_words[i]);
		doc_piece_end(&d, &p->status[i]);
	}
	for (int i = 0; i < PIECE_OUTCOMES; i++) {
		doc_piece_begin(&d, &p->event[i], keys, F_EVENT_ID);
		doc_word(&d, F_EVENT_KIND, "event");
		record_category(&d, proto->category);
		doc_json(&d, F_EVENT_TYPE, BYTES("[\"connection\",\"protocol\"]"));
		doc_word(&d, F_EVENT_DATASET, proto->name);
		doc_word(&d, F_EVENT_OUTCOME, outcomes[i]);
		doc_piece_end(&d, &p->event[i]);
	}
	for (int i = 0; i < PIECE_NETWORKS; i++) {
		doc_piece_begin(&d, &p->network[i], keys, F_DESTINATION_IP);
		doc_word(&d, F_NETWORK_TYPE, i & 1 ? "ipv6" : "ipv4");
		doc_word(&d, F_NETWORK_TRANSPORT, i & 2 ? "udp" : "tcp");
		doc_word(&d, F_NETWORK_PROTOCOL, proto->name);
		doc_piece_end(&d, &p->network[i]);
	}
}

void record_pieces_free(struct record_pieces *p)
{
	for (int i = 0; i < STATUS_COUNT; i++)
		buf_fini(&p->status[i].text);
	for (int i = 0; i < PIECE_OUTCOMES; i++)
		buf_fini(&p->event[i].text);
	for (int i = 0; i < PIECE_NETWORKS; i++)
		buf_fini(&p->network[i].text);
}

static void write_head(struct doc *d, const struct exchange *x, const char *id, bool whole)
{
	const struct record_pieces *pieces = &x->conn->class->pieces;
	nsec start = start_of(x);
	nsec end = x->begun[SERVER] ? x->end[SERVER] : x->end[CLIENT];
	bool late = is_asked_late(x);

	doc_time(d, F_TIMESTAMP, start);
	doc_piece_put(d, &pieces->status[x->status]);
	doc_plain(d, F_EVENT_ID, bytes_of(id, RECORD_ID_LEN));
	doc_piece_put(d, &pieces->event[!whole ? 2 : x->status != STATUS_OK]);
	doc_time(d, F_EVENT_START, start);
	doc_time(d, F_EVENT_END, late && end < start ? start : end);
	if (x->begun[CLIENT] && x->begun[SERVER] && !late)
		doc_int(d, F_EVENT_DURATION, end - start);
	write_timing(d, x);
}

static struct bytes address_text(const struct conn *conn, unsigned side)
{
	return bytes_of(conn->address[side], conn->address_len[side]);
}

static void write_ends(struct doc *d, const struct exchange *x)
{
	static const struct {
		unsigned ip, port, bytes, packets, again;
	} fields[2] = {
		{F_CLIENT_IP, F_CLIENT_PORT, F_CLIENT_BYTES, F_CLIENT_PACKETS, F_SOURCE_IP},
		{F_SERVER_IP, F_SERVER_PORT, F_SERVER_BYTES, F_SERVER_PACKETS, F_DESTINATION_IP},
	};
	struct doc_inside inside[2];

	for (int role = CLIENT; role <= SERVER; role++) {
		unsigned side = (unsigned)role ^ x->asker;

		doc_plain(d, fields[role].ip, address_text(x->conn, side));
		doc_int(d, fields[role].port, x->conn->flow->ends->port[side]);
		if (role == SERVER)
			doc_text(d, F_SERVER_DOMAIN, exchange_text(x, &x->server_domain));
		if (x->begun[role]) {
			doc_int(d, fields[role].bytes, (int64_t)x->bytes[role]);
			doc_int(d, fields[role].packets, x->packets[role]);
		}
		inside[role] = doc_inside(d);
	}
	for (int role = CLIENT; role <= SERVER; role++)
		doc_inside_again(d, fields[role].again, inside[role]);
}

static void doc_small(struct doc *d, unsigned field, unsigned n)
{
	char text[12];

	snprintf(text, sizeof(text), "%u", n);
	doc_word(d, field, text);
}

static void write_tunnels(struct doc *d, const struct endpoints *ends)
{
	static const char *const words[] = {
		[TUNNEL_NONE] = "none",	  [TUNNEL_GRE] = "gre",	      [TUNNEL_ERSPAN] = "erspan",
		[TUNNEL_VXLAN] = "vxlan", [TUNNEL_GENEVE] = "geneve", [TUNNEL_IPIP] = "ipip",
		[TUNNEL_GTPU] = "gtpu",
	};
	bool ids = false;

	doc_list_begin(d, F_TUNNEL_TYPE);
	for (unsigned i = 0; i < ends->tunnels; i++) {
		doc_list_text(d, bytes_str(words[ends->tunnel[i].kind]));
		ids |= ends->tunnel[i].has_id;
	}
	doc_list_end(d);
	if (ids) {
		doc_list_begin(d, F_TUNNEL_ID);
		for (unsigned i = 0; i < ends->tunnels; i++) {
			char text[12];
			int n = snprintf(text, sizeof(text), "%u", ends->tunnel[i].id);

			if (ends->tunnel[i].has_id)
				doc_list_text(d, bytes_of(text, (size_t)n));
		}
		doc_list_end(d);
	}
	doc_list_begin(d, F_TUNNEL_SOURCE_IP);
	for (unsigned i = 0; i < ends->tunnels; i++)
		doc_list_ip(d, &ends->tunnel[i].src, ends->tunnel[i].version);
	doc_list_end(d);
	doc_list_begin(d, F_TUNNEL_DESTINATION_IP);
	for (unsigned i = 0; i < ends->tunnels; i++)
		doc_list_ip(d, &ends->tunnel[i].dst, ends->tunnel[i].version);
	doc_list_end(d);
}

static void write_network(struct doc *d, const struct exchange *x)
{
	const struct conn *conn = x->conn;
	const struct endpoints *ends = conn->flow->ends;

	doc_piece_put(d, &conn->class->pieces.network[(ends->version != 4) |
						      (ends->transport != TRANSPORT_TCP) << 1]);
	if (conn->engine->conf->home)
		doc_word(d, F_NETWORK_DIRECTION, direction_words[conn->direction]);
	doc_int(d, F_NETWORK_BYTES, (int64_t)(x->bytes[CLIENT] + x->bytes[SERVER]));
	doc_int(d, F_NETWORK_PACKETS, (int64_t)x->packets[CLIENT] + x->packets[SERVER]);
	doc_plain(d, F_NETWORK_COMMUNITY_ID, bytes_of(conn->community, COMMUNITY_ID_LEN));
	if (ends->vlans > 0)
		doc_small(d, F_NETWORK_VLAN_ID, ends->vlan[0]);
	if (ends->vlans > 1)
		doc_small(d, F_NETWORK_INNER_VLAN_ID, ends->vlan[1]);
	if (x->forwarded_version)
		doc_ip(d, F_NETWORK_FORWARDED_IP, &x->forwarded_ip, x->forwarded_version);
	if (ends->tunnels > 0)
		write_tunnels(d, ends);
}

static void write_tcp(struct doc *d, const struct exchange *x)
{
	const struct flow_stats *s = &x->conn->flow->stats;
	uint32_t again = s->retransmits[CLIENT] + s->retransmits[SERVER] - x->begin_retransmits;
	uint32_t order = s->out_of_order[CLIENT] + s->out_of_order[SERVER] - x->begin_out_of_order;
	uint64_t gap = s->gap_bytes[CLIENT] + s->gap_bytes[SERVER] - x->begin_gap_bytes;

	if (s->rtt > 0)
		doc_int(d, F_TCP_RTT, s->rtt);
	if (again > 0)
		doc_int(d, F_TCP_RETRANSMITS, again);
	if (order > 0)
		doc_int(d, F_TCP_OUT_OF_ORDER, order);
	if (gap > 0)
		doc_int(d, F_TCP_GAP_BYTES, (int64_t)gap);
}

static void write_process(struct doc *d, const struct holder *holder)
{
	const struct process *process = holder ? holder_process(holder) : NULL;

	if (process == NULL)
		return;
	doc_int(d, F_PROCESS_PID, process->pid);
	doc_text(d, F_PROCESS_NAME, bytes_str(process->name));
	doc_text(d, F_PROCESS_EXECUTABLE, bytes_str(process->executable));
	doc_text(d, F_CONTAINER_ID, bytes_str(process->container));
}

void record_notes(struct doc *d, const struct proto *proto, uint32_t notes)
{
	const char *const *own = proto->notes;

	if (notes == 0)
		return;
	doc_list_begin(d, F_NOTES);
	for (size_t i = 0; i < sizeof(note_words) / sizeof(note_words[0]); i++)
		if (notes >> i & 1)
			doc_list_text(d, bytes_str(note_words[i]));
	for (uint32_t bit = NOTE_OWN; own && *own && bit; bit <<= 1, own++)
		if (notes & bit)
			doc_list_text(d, bytes_str(*own));
	doc_list_end(d);
}

/* What all of a conversation's documents repeat. */
static void make_texts(struct conn *conn)
{
	const struct endpoints *ends = conn->flow->ends;

	community_id(ends, conn->community);
	for (int side = CLIENT; side <= SERVER; side++)
		conn->address_len[side] =
			(uint8_t)addr_text(&ends->addr[side], ends->version, conn->address[side]);
	conn->has_texts = true;
}

static void write_related(struct doc *d, const struct exchange *x)
{
	char text[2 * ADDR_TEXT_MAX + sizeof("[\"\",\"\"]")], *to = text;

	for (int role = CLIENT; role <= SERVER; role++) {
		struct bytes address = address_text(x->conn, (unsigned)role ^ x->asker);

		memcpy(to, role == CLIENT ? "[\"" : ",\"", 2);
		memcpy(to + 2, address.at, address.len);
		to += 2 + address.len;
		*to++ = '"';
	}
	*to++ = ']';
	doc_json(d, F_RELATED_IP, bytes_of(text, (size_t)(to - text)));
}

static void write_tail(struct doc *d, const struct exchange *x, bool whole)
{
	const struct endpoints *ends = x->conn->flow->ends;

	if (!x->conn->has_texts)
		make_texts(x->conn);
	write_ends(d, x);
	write_network(d, x);
	if (ends->transport == TRANSPORT_TCP)
		write_tcp(d, x);
	write_process(d, x->conn->holder);
	write_related(d, x);
	if (x->error.len > 0)
		doc_text(d, F_ERROR_MESSAGE, exchange_text(x, &x->error));
	else if (!whole)
		doc_word(d, F_ERROR_MESSAGE, trouble(x));
	record_notes(d, x->conn->class->proto, x->notes);
	doc_text(d, F_REQUEST, exchange_text(x, &x->raw[CLIENT]));
	doc_text(d, F_RESPONSE, exchange_text(x, &x->raw[SERVER]));
	doc_members(d, buf_bytes(&x->conn->class->tail));
}

static void count_outcome(struct counters *c, const struct exchange *x, bool whole)
{
	if (whole)
		count(c, COUNT_EXCHANGES_COMPLETE);
	else if (!x->begun[CLIENT])
		count(c, COUNT_EXCHANGES_UNASKED);
	else if (!x->begun[SERVER])
		count(c, COUNT_EXCHANGES_UNANSWERED);
	else
		count(c, COUNT_EXCHANGES_INCOMPLETE);
	if (x->notes & NOTE_TRIMMED)
		count(c, COUNT_DOCUMENTS_CUT);
}

void record_write(struct conn *conn, struct exchange *x)
{
	struct engine *e = conn->engine;
	bool whole = is_whole(x);
	struct buf *out;
	struct doc d;
	char id[RECORD_ID_LEN];

	if (x->written) {
		if (x->begun[SERVER])
			count(e->counters, COUNT_EXCHANGES_LATE);
		return;
	}
	if (is_asked_late(x))
		x->notes |= NOTE_OUT_OF_ORDER;
	if (conn->class->proto->settle)
		conn->class->proto->settle(x);
	if (!whole && x->status == STATUS_OK)
		x->status = STATUS_ERROR;
	count_outcome(e->counters, x, whole);
	conn->class->tally[x->status]++;
	out = e->sink->room(e->sink_self);
	if (out == NULL) {
		count(e->counters, COUNT_DOCUMENTS_DROPPED);
		return;
	}
	size_t at = out->len;

	record_id(start_of(x), address_hash(x), id);
	doc_begin(&d, out, conn->class->keys);
	write_head(&d, x, id, whole);
	conn->class->proto->write(x, &d);
	write_tail(&d, x, whole);
	doc_end(&d);
	count(e->counters, COUNT_DOCUMENTS_MADE);
	count_n(e->counters, COUNT_DOCUMENTS_BYTES, out->len - at);
	e->sink->wrote(e->sink_self, at, conn->class->place, id);
}
