/*
 * MySQL and MariaDB: the table, packets, recognizing, losses.
 *
 * A packet has a length, a sequence number that begins at 0 with each command and counts through
 * the answer, and a body. A body of PACKET_MAX bytes is continued by the next packet. Of each the
 * head is read in one piece; what is left is passed over, or kept as it comes where it belongs to
 * a statement's text.
 *
 * Owns     a struct mysql_self, two struct mysql_side, a struct mysql for each exchange
 * Errors   STEP_ALIEN: not MySQL, or not from a message's beginning
 */
#include "protos/mysql/mysql.h"
#include "protos/mysql/fields.h"

enum {
	ROW_PEEK = 16, /* of a row that is only counted */
	GREETING_MIN = 20,
	SSL_REQUEST = 32, /* capabilities, longest packet, character set, 23 of zero or MariaDB's */
	FRAME_HEADER = 7,
	TELLING = FRAME_HEADER + HEADER + 1, /* of a frame: enough to see that it is one */
};

/* ---- Reading ---- */

uint64_t take_lenenc(struct cursor *c, bool *null)
{
	uint8_t first = cursor_u8(c);

	if (null)
		*null = first == 0xfb;
	switch (first) {
	case 0xfb:
	case 0xff:
		return 0;
	case 0xfc:
		return cursor_le16(c);
	case 0xfd:
		return cursor_le(c, 3);
	case 0xfe:
		return cursor_le(c, 8);
	default:
		return first;
	}
}

struct bytes take_text(struct cursor *c)
{
	return cursor_take(c, take_lenenc(c, NULL));
}

struct bytes take_until_zero(struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	size_t n = bytes_find(rest, 0);

	cursor_take(c, n < rest.len ? n + 1 : n);
	return bytes_head(rest, n);
}

void set_name(uint8_t *to, uint16_t *len, size_t max, struct bytes name)
{
	name = bytes_head(name, max);
	if (name.len > 0)
		memcpy(to, name.at, name.len);
	*len = (uint16_t)name.len;
}

/* ---- Recognizing ---- */

static uint32_t length_at(struct bytes b, size_t at)
{
	return (uint32_t)b.at[at] | (uint32_t)b.at[at + 1] << 8 | (uint32_t)b.at[at + 2] << 16;
}

/* A login: capabilities that no client lacks, and the zeros that all send. */
static enum guess start_login(struct bytes b, uint32_t len)
{
	uint8_t any = 0;

	if (len < SSL_REQUEST)
		return GUESS_NO;
	if (b.len < HEADER + SSL_REQUEST)
		return GUESS_MAYBE;
	for (size_t i = HEADER + 9; i < HEADER + 28; i++)
		any |= b.at[i];
	return any == 0 && (b.at[5] & 0x02) ? GUESS_YES : GUESS_NO;
}

/* A frame of the compressed protocol: what is stored holds a packet, what is not begins as zlib's
 * or zstd's does. */
static enum guess start_frame(struct bytes b)
{
	uint32_t len = length_at(b, 0);

	if (b.len < FRAME_HEADER + 2)
		return GUESS_MAYBE;
	if (length_at(b, 4) > 0) {
		unsigned magic = (unsigned)b.at[7] << 8 | b.at[8];

		return (b.at[7] == 0x78 && magic % 31 == 0 && b.at[8] != '^') || magic == 0x28b5
			       ? GUESS_YES
			       : GUESS_NO;
	}
	if (b.len < TELLING)
		return GUESS_MAYBE;
	uint32_t inner = length_at(b, FRAME_HEADER);

	return b.at[FRAME_HEADER + 3] == 0 && inner + HEADER <= len && inner > 0 &&
			       command_plausible(bytes_of(b.at + TELLING - 1, 1), inner)
		       ? GUESS_YES
		       : GUESS_NO;
}

static enum guess start_client(struct bytes b)
{
	uint32_t len = length_at(b, 0);

	if (len == 0)
		return GUESS_NO;
	if (b.at[3] == 1)
		return start_login(b, len);
	if (b.at[3] != 0)
		return GUESS_NO;
	if (command_plausible(bytes_skip(b, HEADER), len))
		return GUESS_YES;
	return start_frame(b);
}

static enum guess start_server(struct bytes b)
{
	uint32_t len = length_at(b, 0);

	if (len == 0)
		return GUESS_NO;
	if (b.at[3] == 0) { /* a greeting, or why there is none */
		if (b.at[HEADER] == 0xff)
			return len > 3 && len < 1024 ? GUESS_YES : GUESS_NO;
		if (b.at[HEADER] != 10 || len < GREETING_MIN || len > 1024)
			return GUESS_NO;
		if (b.len < HEADER + 3)
			return GUESS_MAYBE;
		return b.at[5] >= '0' && b.at[5] <= '9' ? GUESS_YES : GUESS_NO;
	}
	return b.at[3] == 1 ? GUESS_YES : GUESS_NO;
}

static enum guess mysql_start(struct bytes b, enum side from)
{
	if (b.len < HEADER + 1)
		return GUESS_MAYBE;
	return from == CLIENT ? start_client(b) : start_server(b);
}

/* ---- Packets ---- */

/* The message ends with the packet in hand, or with what still belongs to it. */
void message_ends(struct reading *r)
{
	if (r->side->left > 0 || r->side->more) {
		r->side->ends = true;
		return;
	}
	exchange_end(r->conn, r->from);
	r->side->ends = false;
	r->side->keeps = false;
	r->stop = r->ends = true;
}

/* What is left of a packet, behind its head. */
static void pass_on(struct reading *r, struct cursor *c)
{
	struct mysql_side *s = r->side;
	struct bytes part = cursor_upto(c, s->left);
	struct exchange *x = r->hand;

	s->left -= part.len;
	if (x && s->keeps && !mysql_of(x)->text.cut) {
		struct mysql *m = mysql_of(x);
		size_t max = (size_t)r->conf->max_query_length;

		clip_add(&m->text, &x->kept, part, max);
		if (m->text.cut)
			x->notes |= NOTE_TRIMMED;
	} else if (s->infile && (x = exchange_oldest(r->conn))) {
		mysql_of(x)->infile += part.len;
	}
	if (s->left == 0 && !s->more) {
		s->infile = false;
		if (s->ends)
			message_ends(r);
	}
}

static bool is_row(const struct reading *r)
{
	const struct exchange *x = r->hand;

	return x && mysql_of(x)->state == ANSWER_ROWS && !mysql_of(x)->shows;
}

/* How much of a packet is read in one piece. */
static uint32_t head_length(const struct reading *r, const struct cursor *c, uint32_t len)
{
	if (r->from == SERVER && len > ROW_PEEK && is_row(r)) {
		struct bytes rest = cursor_rest(c);

		if (rest.len > 0 && rest.at[0] < 0xfe)
			return ROW_PEEK;
	}
	return len < HEAD_MAX ? len : HEAD_MAX;
}

/* A packet that continues the one before. */
static enum step continuation(struct reading *r, uint32_t len)
{
	struct exchange *x = r->from == CLIENT ? r->hand : NULL;

	if (x == NULL && r->side->infile)
		x = exchange_oldest(r->conn);
	if (x)
		mysql_of(x)->next++;
	r->side->left = len;
	r->side->more = len == PACKET_MAX;
	r->side->next++;
	if (len == 0 && r->side->ends)
		message_ends(r);
	return STEP_DONE;
}

static enum step packet(struct reading *r, struct cursor *c)
{
	struct mysql_side *s = r->side;
	struct packet_head p;

	if (s->left > 0) {
		pass_on(r, c);
		return STEP_DONE;
	}
	p.len = (uint32_t)cursor_le(c, 3);
	p.seq = cursor_u8(c);
	if (c->dry)
		return STEP_MORE;
	if (s->more)
		return continuation(r, p.len);
	p.body = cursor_take(c, head_length(r, c, p.len));
	if (c->dry)
		return STEP_MORE;
	s->left = p.len - p.body.len;
	s->more = p.len == PACKET_MAX;
	s->keeps = s->infile = s->ends = false;
	if (r->from == CLIENT)
		command_packet(r, &p);
	else
		answer_packet(r, &p);
	return r->alien ? STEP_ALIEN : STEP_DONE;
}

/* As many packets of one message as there are bytes for. */
static enum step packets(struct reading *r, struct cursor *c)
{
	bool taken = false;

	while (!r->stop && cursor_left(c) > 0) {
		struct cursor before = *c;
		enum step step = packet(r, c);

		if (step != STEP_DONE) {
			*c = before;
			return taken && step == STEP_MORE ? STEP_DONE : step;
		}
		taken = true;
		if (r->hand == NULL)
			break; /* it belongs to no message in hand, nor do its bytes */
	}
	return STEP_DONE;
}

/* ---- The table's functions ---- */

static struct reading reading_of(struct conn *conn, enum side from)
{
	return (struct reading){.conn = conn,
				.from = from,
				.conf = conn_conf(conn),
				.self = conn_self(conn),
				.side = conn_side(conn, from),
				.hand = exchange_of(conn, from)};
}

/* A session that is first seen in the middle may be a compressed one. False: too few bytes to tell.
 * It looks at the same bytes, however they came: of a short command at all; no client sends
 * COM_SLEEP, which the head of a frame that is stored looks like. */
static bool notice_compression(struct reading *r, struct bytes b)
{
	uint32_t len = length_at(b, 0);
	size_t need = b.at[HEADER] == 0 || HEADER + len > TELLING ? TELLING : HEADER + len;

	r->self->began = b.at[3] != 0 || b.len >= need;
	if (b.at[3] != 0 || need < TELLING || b.len < need)
		return r->self->began;
	b = bytes_head(b, need);
	if (!command_plausible(bytes_skip(b, HEADER), len) && start_frame(b) == GUESS_YES)
		r->self->compression =
			b.at[FRAME_HEADER] == 0x28 ? COMPRESSION_ZSTD : COMPRESSION_ZLIB;
	return true;
}

static enum step mysql_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct reading r = reading_of(conn, from);

	if (from == CLIENT && !r.self->began) {
		if (cursor_left(c) < HEADER + 1)
			return STEP_MORE;
		if (!notice_compression(&r, cursor_rest(c)))
			return STEP_MORE;
	}
	/* The packet that turned it on was not compressed, to its end. */
	if (r.self->compression != COMPRESSION_NONE &&
	    (r.side->frames || (r.side->left == 0 && !r.side->more)))
		return frames_unit(&r, c, packets);
	return packets(&r, c);
}

static enum step mysql_lost(struct conn *conn, enum side from, uint64_t n)
{
	struct reading r = reading_of(conn, from);
	struct exchange *x = exchange_of(conn, from);
	struct mysql_side *s = r.side;

	/* The text of a statement is what documents are for: without some of it they lie. */
	if (r.self->compression != COMPRESSION_NONE || n > s->left ||
	    (s->keeps && x && !mysql_of(x)->text.cut))
		return STEP_ALIEN;
	if (s->infile && (x = exchange_oldest(conn)))
		mysql_of(x)->infile += n;
	s->left -= n;
	if (s->left == 0 && !s->more && s->ends)
		message_ends(&r);
	return STEP_DONE;
}

static void frames_close(struct conn *conn)
{
	for (int from = CLIENT; from <= SERVER; from++) {
		struct mysql_side *s = conn_side(conn, (enum side)from);

		frames_free(s->frames, conn_quota(conn));
		s->frames = NULL;
	}
}

/* What was lost may have changed the session: it is told from before, with a note; the types of
 * parameters and what was sent of them are not. */
static void mysql_lose(struct conn *conn)
{
	struct mysql_self *self = conn_self(conn);

	frames_close(conn);
	self->lost = true;
	for (size_t i = 0; i < self->statements.count; i++) {
		self->statements.at[i]->has_types = false;
		statement_long_lose(self->statements.at[i]);
	}
}

static void mysql_close(struct conn *conn)
{
	struct mysql_self *self = conn_self(conn);

	frames_close(conn);
	statements_free(&self->statements, conn_quota(conn));
	buf_fini(&self->shape.types);
	buf_fini(&self->shape.names);
}

#define OWN(member) offsetof(struct mysql_conf, member)

static const char *const statements_choices[] = {"full", "fingerprint", NULL};

static const struct option mysql_options[] = {
	{"max_rows", OPTION_INT, OWN(max_rows), "10", .min = 0, .max = 1 << 20, .unit = "rows",
	 .help = "Rows of a result that `response` shows (send_response)."},
	{"max_row_length", OPTION_SIZE, OWN(max_row_length), "1024", .min = 1, .max = 1 << 20,
	 .help = "Longest row that `response` shows; longer ones are cut."},
	{"max_query_length", OPTION_SIZE, OWN(max_query_length), "16KiB", .min = 64,
	 .max = 16 << 20,
	 .help = "Longest statement of a document; longer ones are cut and noted as trimmed."},
	{"statements", OPTION_CHOICE, OWN(statements), "full", .choices = statements_choices,
	 .help = "With fingerprint, no literal, parameter or row leaves in any field: statements "
		 "are shown without them."},
	{0},
};

/* By enum mysql_note. */
static const char *const mysql_notes[] = {
	"statement not seen",
	"login not seen",
	"parameters not read",
	"statement with a secret withheld",
	"user and schema from before a loss",
	"replication stream passed over",
	NULL,
};

const struct proto proto_mysql = {
	.name = "mysql",
	.category = "database",
	.ports = {3306, 3307},
	.transports = PROTO_TCP,
	.match = MATCH_ORDER,
	.self_size = sizeof(struct mysql_self),
	.side_size = sizeof(struct mysql_side),
	.exchange_size = sizeof(struct mysql),
	.conf_size = sizeof(struct mysql_conf),
	.options = mysql_options,
	.fields = mysql_fields,
	.notes = mysql_notes,
	.start = mysql_start,
	.unit = mysql_unit,
	.lost = mysql_lost,
	.settle = mysql_settle,
	.write = mysql_write,
	.lose = mysql_lose,
	.close = mysql_close,
};
