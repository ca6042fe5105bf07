#include "protos/sip/message.h"
#include "protos/sip/chars.h"

#include <endian.h>
#include <stdint.h>

const char *const sip_method_names[SIP_METHODS] = {
	[SIP_OTHER] = "",	   [SIP_INVITE] = "INVITE",	  [SIP_ACK] = "ACK",
	[SIP_BYE] = "BYE",	   [SIP_CANCEL] = "CANCEL",	  [SIP_REGISTER] = "REGISTER",
	[SIP_OPTIONS] = "OPTIONS", [SIP_SUBSCRIBE] = "SUBSCRIBE", [SIP_NOTIFY] = "NOTIFY",
	[SIP_PUBLISH] = "PUBLISH", [SIP_MESSAGE] = "MESSAGE",	  [SIP_INFO] = "INFO",
	[SIP_PRACK] = "PRACK",	   [SIP_UPDATE] = "UPDATE",	  [SIP_REFER] = "REFER",
};

enum { NAME_MAX_BYTES = 19, SAME_LENGTH_MAX = 5, STEP = 16 };

/* Where a header's value goes: the first LISTS places are lists. */
struct known {
	char name[NAME_MAX_BYTES + 1];
	char compact; /* its short form; 0 none */
	uint8_t place;
	bool once; /* may not be repeated */
};

#define ONE(header) (SIP_LISTS + (header))

/* By length of the name; a row without a name ends those of a length. */
static const struct known known[NAME_MAX_BYTES + 1][SAME_LENGTH_MAX + 1] = {
	[2] = {{"To", 't', ONE(SIP_TO), true}},
	[3] = {{"Via", 'v', SIP_VIA, false}},
	[4] = {{"From", 'f', ONE(SIP_FROM), true},
	       {"CSeq", 0, ONE(SIP_CSEQ), true},
	       {"RSeq", 0, ONE(SIP_RSEQ), true},
	       {"RAck", 0, ONE(SIP_RACK), true},
	       {"Date", 0, ONE(SIP_DATE), true}},
	[5] = {{"Allow", 0, SIP_ALLOW, false}, {"Event", 'o', ONE(SIP_EVENT), true}},
	[6] = {{"Accept", 0, SIP_ACCEPT, false},
	       {"Reason", 0, ONE(SIP_REASON), false},
	       {"Server", 0, ONE(SIP_SERVER), false}},
	[7] = {{"Contact", 'm', SIP_CONTACT, false},
	       {"Call-ID", 'i', ONE(SIP_CALL_ID), true},
	       {"Expires", 0, ONE(SIP_EXPIRES), true},
	       {"Warning", 0, ONE(SIP_WARNING), false}},
	[8] = {{"Refer-To", 'r', ONE(SIP_REFER_TO), true}},
	[9] = {{"Supported", 'k', SIP_SUPPORTED, false}},
	[10] = {{"User-Agent", 0, ONE(SIP_USER_AGENT), false}},
	[12] = {{"Max-Forwards", 0, ONE(SIP_MAX_FORWARDS), true},
		{"Content-Type", 'c', ONE(SIP_CONTENT_TYPE), true}},
	[13] = {{"Authorization", 0, ONE(SIP_AUTHORIZATION), false}},
	[14] = {{"Content-Length", 'l', ONE(SIP_CONTENT_LENGTH), true}},
	[16] = {{"WWW-Authenticate", 0, ONE(SIP_CHALLENGE), false},
		{"Content-Encoding", 'e', ONE(SIP_CONTENT_ENCODING), false}},
	[18] = {{"Proxy-Authenticate", 0, ONE(SIP_CHALLENGE), false},
		{"Subscription-State", 0, ONE(SIP_SUBSCRIPTION_STATE), true}},
	[19] = {{"Proxy-Authorization", 0, ONE(SIP_AUTHORIZATION), false},
		{"P-Asserted-Identity", 0, ONE(SIP_IDENTITY), false}},
};

static bool is_token(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (!(sip_chars[b.at[i]] & CHAR_TOKEN))
			return false;
	return b.len > 0;
}

static struct span span_of(struct bytes head, struct bytes part)
{
	if (part.len == 0)
		return (struct span){0, 0};
	return (struct span){(uint16_t)(part.at - head.at), (uint16_t)part.len};
}

static inline bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* What stands between these places, without the spaces at both ends. */
static inline struct span span_trim(struct bytes head, size_t from, size_t to)
{
	while (from < to && is_space(head.at[from]))
		from++;
	while (to > from && is_space(head.at[to - 1]))
		to--;
	if (from == to)
		return (struct span){0, 0};
	return (struct span){(uint16_t)from, (uint16_t)(to - from)};
}

/* ---- Heads ---- */

size_t sip_head_end(struct bytes b, size_t from)
{
	size_t at = from;

	while (at < b.len) {
		size_t n = at + bytes_find(bytes_skip(b, at), '\n');

		if (n + 1 < b.len && b.at[n + 1] == '\n')
			return n + 2;
		if (n + 2 < b.len && b.at[n + 1] == '\r' && b.at[n + 2] == '\n')
			return n + 3;
		at = n + 1;
	}
	return 0;
}

void sip_head_unfold(struct bytes head, uint8_t *to)
{
	if (head.len == 0)
		return;
	memcpy(to, head.at, head.len);
	for (size_t i = 0; i + 1 < head.len; i++) {
		if (to[i] != '\n' || (head.at[i + 1] != ' ' && head.at[i + 1] != '\t'))
			continue;
		to[i] = ' ';
		if (i > 0 && to[i - 1] == '\r')
			to[i - 1] = ' ';
	}
}

/* "SIP/2.0": whether it is one, and what stands behind the slash. */
static bool version_of(struct bytes text, struct bytes *version)
{
	if (text.len < 7)
		return false;
	*version = bytes_skip(text, 4);
	if (text.len == 7 && memcmp(text.at, "SIP/2.0", 7) == 0)
		return true;
	if (!bytes_eq_case(bytes_head(text, 4), BYTES("SIP/")))
		return false;
	for (size_t i = 0; i < version->len; i++)
		if (version->at[i] != '.' && (version->at[i] < '0' || version->at[i] > '9'))
			return false;
	return version->at[0] != '.' && bytes_find(*version, '.') < version->len - 1;
}

/* The last word of a line; the rest is shortened by it and the spaces before. */
static struct bytes last_word(struct bytes *line)
{
	struct bytes all = bytes_trim(*line);
	size_t at = all.len;

	while (at > 0 && all.at[at - 1] != ' ' && all.at[at - 1] != '\t')
		at--;
	*line = bytes_head(all, at);
	return bytes_skip(all, at);
}

static enum sip_method method_named(struct bytes name)
{
	/* All have three letters and more. */
	for (int i = 1; i < SIP_METHODS; i++)
		if (name.len > 2 && name.at[0] == (uint8_t)sip_method_names[i][0] &&
		    name.at[2] == (uint8_t)sip_method_names[i][2] &&
		    bytes_eq(name, bytes_str(sip_method_names[i])))
			return (enum sip_method)i;
	return SIP_OTHER;
}

static bool has_headers(struct bytes uri)
{
	struct sip_uri u;

	if (bytes_find(uri, '?') == uri.len)
		return false;
	u = sip_uri_of(uri);
	return u.host.len > 0 && bytes_find(u.params, '?') < u.params.len;
}

static bool read_request(struct sip_message *m, struct bytes head, struct bytes line)
{
	size_t n = bytes_find(line, ' ');
	struct bytes method = bytes_head(line, n), rest = bytes_skip(line, n), version;
	struct bytes word = last_word(&rest);

	if (!is_token(method) || !version_of(word, &version))
		return false;
	struct bytes uri = bytes_trim(rest);

	/* One space each, no more; a URI holds none, nor headers, and is not put in <>. */
	if (uri.len == 0 || uri.len + method.len + word.len + 2 != line.len ||
	    bytes_find(uri, ' ') < uri.len || uri.at[0] == '<' || has_headers(uri) ||
	    !bytes_eq(version, BYTES("2.0")))
		m->faults |= SIP_FAULT_START;
	m->request = true;
	m->method = (uint8_t)method_named(method);
	m->method_text = span_of(head, method);
	m->uri = span_of(head, uri);
	m->version = span_of(head, version);
	return true;
}

static bool read_status(struct sip_message *m, struct bytes head, struct bytes line)
{
	size_t n = bytes_find(line, ' ');
	struct bytes version, rest = bytes_skip(line, n + 1);
	int64_t code = 0;

	if (!version_of(bytes_head(line, n), &version))
		return false;
	rest = bytes_trim(rest);
	n = bytes_find(rest, ' ');
	if (!bytes_int(bytes_head(rest, n), 0, 9999, &code) || code < 100 || code > 699 ||
	    !bytes_eq(version, BYTES("2.0")))
		m->faults |= SIP_FAULT_START;
	m->code = (uint16_t)code;
	m->phrase = span_of(head, bytes_trim(bytes_skip(rest, n)));
	m->version = span_of(head, version);
	return true;
}

int sip_looks_like(struct bytes b)
{
	enum { LINE_MAX_BYTES = 4096 };
	struct sip_message m = {0};

	while (b.len > 0 && (b.at[0] == '\r' || b.at[0] == '\n'))
		b = bytes_skip(b, 1);
	size_t n = bytes_find(bytes_head(b, LINE_MAX_BYTES), '\n');

	if (n < b.len && b.at[n] == '\n') {
		struct bytes rest = b, line = bytes_line(&rest);

		return read_status(&m, b, line) || read_request(&m, b, line);
	}
	if (n >= LINE_MAX_BYTES)
		return 0;
	size_t word = bytes_find(b, ' ');

	for (size_t i = 0; i < word; i++)
		if (!(sip_chars[b.at[i]] & CHAR_TOKEN) && b.at[i] != '/')
			return 0;
	return word <= 64 ? -1 : 0;
}

/* ---- Headers ---- */

static const struct known *short_form(uint8_t c)
{
	for (size_t len = 0; len <= NAME_MAX_BYTES; len++)
		for (const struct known *k = known[len]; k->name[0]; k++)
			if (k->compact == c)
				return k;
	return NULL;
}

static const struct known *known_header(struct bytes name)
{
	if (name.len == 1)
		return short_form(ascii_lower(name.at[0]));
	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return NULL;
	for (const struct known *k = known[name.len]; k->name[0]; k++)
		if (bytes_eq_case(name, bytes_of(k->name, name.len)))
			return k;
	return NULL;
}

/* Sixteen bytes at a time: the compiler makes of it what the machine has. */
typedef int8_t lanes __attribute__((vector_size(STEP)));

/* How many come before the first whose bits are set. */
static inline size_t lanes_before(lanes set)
{
	uint64_t halves[2];

	memcpy(halves, &set, sizeof(halves));
	if (halves[0])
		return (size_t)__builtin_ctzll(le64toh(halves[0])) / 8;
	return 8 + (halves[1] ? (size_t)__builtin_ctzll(le64toh(halves[1])) / 8 : 8);
}

/* The header whose name of n bytes these lanes begin with; n is below their number. */
static inline const struct known *known_lanes(lanes front, size_t n)
{
	static const lanes places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	uint64_t differ[2];
	lanes name;

	front &= places < (int8_t)n;
	for (const struct known *k = known[n]; k->name[0]; k++) {
		memcpy(&name, k->name, sizeof(name));
		/* Letters, which are above '@', may differ in the bit of their case. */
		lanes other = (front ^ name) & ~((name > '@') & 0x20);

		memcpy(differ, &other, sizeof(differ));
		if ((differ[0] | differ[1]) == 0)
			return k;
	}
	return NULL;
}

static inline void add_value(struct sip_message *m, struct bytes head, const struct known *k,
			     struct span s)
{
	if (k->place < SIP_LISTS) {
		uint8_t *count = &m->counts[k->place];

		if (s.len > 0 && *count < SIP_LIST_MAX)
			m->list[k->place][(*count)++] = s;
		else
			m->more |= s.len > 0;
		return;
	}
	struct span *one = &m->one[k->place - SIP_LISTS];

	if (one->at == 0)
		*one = s;
	else if (k->once && (k->place != ONE(SIP_CONTENT_LENGTH) ||
			     !bytes_eq(sip_part(head, *one), sip_part(head, s))))
		m->faults |= SIP_FAULT_REPEATED;
}

static void read_odd_header(struct sip_message *m, struct bytes head, size_t from, size_t to)
{
	struct bytes line = bytes_head(bytes_skip(head, from), to - from);
	size_t colon = bytes_find(line, ':'), n = colon;

	while (n > 0 && is_space(line.at[n - 1]))
		n--;
	const struct known *k = known_header(bytes_head(line, n));

	if (k && colon < line.len)
		add_value(m, head, k, span_trim(head, from + colon + 1, to));
	else if (colon == line.len || !is_token(bytes_head(line, n)))
		m->faults |= SIP_FAULT_HEADER;
}

static inline void read_header(struct sip_message *m, struct bytes head, size_t from, size_t to)
{
	const struct known *k = NULL;
	size_t n = 0;
	lanes front;

	if (head.len - from >= sizeof(front)) {
		memcpy(&front, head.at + from, sizeof(front));
		n = lanes_before(front == ':');
		if (from + n < to && n < sizeof(front))
			k = known_lanes(front, n);
	}
	if (k)
		add_value(m, head, k, span_trim(head, from + n + 1, to));
	else
		read_odd_header(m, head, from, to);
}

/* Headers up to the blank line; returns where they end. */
static inline size_t read_headers(struct sip_message *m, struct bytes head, size_t from,
				  bool *whole)
{
	while (from < head.len) {
		const uint8_t *lf = memchr(head.at + from, '\n', head.len - from);
		size_t end = lf ? (size_t)(lf - head.at) : head.len;
		size_t to = end > from && head.at[end - 1] == '\r' ? end - 1 : end;

		if (is_space(head.at[from])) {
			m->folded = true;
			return from;
		}
		if (to == from) {
			*whole = lf != NULL;
			return lf ? end + 1 : end;
		}
		read_header(m, head, from, to);
		from = lf ? end + 1 : end;
	}
	return from;
}

static void read_via(struct sip_message *m, struct bytes head)
{
	if (m->counts[SIP_VIA] == 0) {
		m->faults |= SIP_FAULT_MISSING;
		return;
	}
	struct bytes list = sip_part(head, m->list[SIP_VIA][0]);
	bool gap = sip_has_gap(list);
	struct bytes via = sip_list_next(&list);
	size_t n = bytes_find(via, ';');
	struct bytes front = bytes_trim(bytes_head(via, n));
	size_t at = 0, slashes = 0;

	/* SIP / 2.0 / UDP sent-by: spaces may stand around the slashes. */
	if (bytes_starts(front, BYTES("SIP/2.0/")))
		at = 8, slashes = 2;
	while (at < front.len && slashes < 2)
		slashes += front.at[at++] == '/';
	while (at < front.len && front.at[at] == ' ')
		at++;
	while (at < front.len && front.at[at] != ' ')
		at++;
	struct bytes sent_by = bytes_trim(bytes_skip(front, at));

	if (slashes < 2 || sent_by.len == 0 || gap)
		m->faults |= SIP_FAULT_HEADER;
	m->sent_by = span_of(head, sent_by);
	m->branch = span_of(head, sip_branch(bytes_skip(via, n)));
}

static void read_cseq(struct sip_message *m, struct bytes head)
{
	struct bytes value = sip_part(head, m->one[SIP_CSEQ]);
	size_t n = 0;
	int64_t number = 0;

	while (n < value.len && value.at[n] != ' ' && value.at[n] != '\t')
		n++;
	struct bytes method = bytes_trim(bytes_skip(value, n));

	/* RFC 3261 8.1.1.5: less than 2^31; all of 32 bits are met with. */
	if (!bytes_int(bytes_head(value, n), 0, UINT32_MAX, &number) || !is_token(method)) {
		m->faults |= value.len > 0 ? SIP_FAULT_HEADER : 0;
		return;
	}
	if (number > INT32_MAX)
		m->faults |= SIP_FAULT_HEADER;
	m->cseq = (uint32_t)number;
	if (!m->request) {
		m->method = (uint8_t)method_named(method);
		m->method_text = span_of(head, method);
	} else if (!bytes_eq(sip_part(head, m->method_text), method)) {
		m->faults |= SIP_FAULT_METHOD;
	}
}

/* As nearly all write it: "name" <sip:…>;tag=…, the name and the tag being there or not. */
static inline bool plain_tag(struct bytes head, struct span value, struct span *tag)
{
	size_t i = value.at, to = i + value.len;
	const uint8_t *end;

	if (i < to && head.at[i] == '"') {
		for (i++; i < to && head.at[i] != '"' && head.at[i] != '\\'; i++)
			;
		for (i += i < to && head.at[i] == '"'; i < to && head.at[i] == ' '; i++)
			;
	}
	if (i + 6 > to || memcmp(head.at + i, "<sip:", 5) != 0)
		return false;
	end = memchr(head.at + i, '>', to - i);
	if (end == NULL || is_space(end[-1]))
		return false;
	i = (size_t)(end - head.at) + 1;
	*tag = (struct span){0, 0};
	if (i == to)
		return true;
	if (to - i < 6 || memcmp(head.at + i, ";tag=", 5) != 0)
		return false;
	*tag = (struct span){(uint16_t)(i + 5), (uint16_t)(to - i - 5)};
	for (i += 5; i < to && sip_chars[head.at[i]] & CHAR_TOKEN; i++)
		;
	return i == to;
}

static inline void read_tag(struct sip_message *m, struct bytes head, enum sip_header which,
			    struct span *tag)
{
	if (plain_tag(head, m->one[which], tag))
		return;
	struct sip_address a = sip_address_of(sip_part(head, m->one[which]));

	if (a.bad)
		m->faults |= SIP_FAULT_HEADER;
	*tag = span_of(head, sip_tag(a.params));
}

static void read_contact(struct sip_message *m, struct bytes head)
{
	if (m->counts[SIP_CONTACT] == 0)
		return;
	struct bytes value = sip_part(head, m->list[SIP_CONTACT][0]);
	bool open = bytes_find(value, '<') == value.len;

	/* A URI with headers has to stand in <>, RFC 3261 20.10. */
	if (sip_has_gap(value) || (open && bytes_find(value, '?') < value.len))
		m->faults |= SIP_FAULT_HEADER;
}

static void read_date(struct sip_message *m, struct bytes head)
{
	struct bytes date = sip_part(head, m->one[SIP_DATE]);

	if (date.len > 0 &&
	    (date.len < 3 || !bytes_eq(bytes_skip(date, date.len - 3), BYTES("GMT"))))
		m->faults |= SIP_FAULT_HEADER;
}

static void read_length(struct sip_message *m, struct bytes head)
{
	struct span s = m->one[SIP_CONTENT_LENGTH];

	m->length = -1;
	if (s.at == 0 && s.len == 0)
		return;
	if (!bytes_int(sip_part(head, s), 0, INT32_MAX, &m->length)) {
		m->length = -2;
		m->faults |= SIP_FAULT_LENGTH;
	}
}

bool sip_message_begin(struct sip_message *m, struct bytes head)
{
	struct bytes rest = head, line = bytes_line(&rest);
	bool whole = false;

	memset(m, 0, sizeof(*m));
	if (!read_status(m, head, line) && !read_request(m, head, line))
		return false;
	size_t end = read_headers(m, head, head.len - rest.len, &whole);

	if (m->folded)
		return true;
	m->head_len = end;
	if (!whole)
		m->faults |= SIP_FAULT_LENGTH;
	return m->head_len <= SIP_HEAD_MAX;
}

void sip_message_finish(struct sip_message *m, struct bytes head)
{
	static const uint8_t needed[] = {SIP_FROM, SIP_TO, SIP_CALL_ID, SIP_CSEQ};

	for (size_t i = 0; i < sizeof(needed); i++)
		if (m->one[needed[i]].len == 0)
			m->faults |= SIP_FAULT_MISSING;
	read_via(m, head);
	read_cseq(m, head);
	read_tag(m, head, SIP_FROM, &m->from_tag);
	read_tag(m, head, SIP_TO, &m->to_tag);
	read_contact(m, head);
	read_date(m, head);
	read_length(m, head);
}

bool sip_message_read(struct sip_message *m, struct bytes head)
{
	if (!sip_message_begin(m, head))
		return false;
	if (!m->folded)
		sip_message_finish(m, head);
	return true;
}
