#include "protos/sip/sdp.h"

#include <stdint.h>

const char *const sdp_direction_names[5] = {
	[SDP_NOT_SAID] = "",	     [SDP_SENDRECV] = "sendrecv", [SDP_SENDONLY] = "sendonly",
	[SDP_RECVONLY] = "recvonly", [SDP_INACTIVE] = "inactive",
};

/* RFC 3551 table 4 and 5: what needs no rtpmap. */
static const struct {
	uint8_t type;
	const char *name;
} static_types[] = {
	{0, "PCMU/8000"},   {3, "GSM/8000"},	{4, "G723/8000"},   {5, "DVI4/8000"},
	{6, "DVI4/16000"},  {7, "LPC/8000"},	{8, "PCMA/8000"},   {9, "G722/8000"},
	{10, "L16/44100"},  {11, "L16/44100"},	{12, "QCELP/8000"}, {13, "CN/8000"},
	{14, "MPA/90000"},  {15, "G728/8000"},	{16, "DVI4/11025"}, {17, "DVI4/22050"},
	{18, "G729/8000"},  {25, "CelB/90000"}, {26, "JPEG/90000"}, {28, "nv/90000"},
	{31, "H261/90000"}, {32, "MPV/90000"},	{33, "MP2T/90000"}, {34, "H263/90000"},
};

static struct bytes word(struct bytes *rest)
{
	const uint8_t *at = rest->at, *end = at + rest->len, *stop;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	for (stop = at; stop < end && *stop != ' '; stop++)
		;
	*rest = bytes_of(stop, (size_t)(end - stop));
	while (stop > at && stop[-1] == '\t')
		stop--;
	return bytes_of(at, (size_t)(stop - at));
}

bool sdp_is_type(struct bytes type)
{
	return bytes_eq_case(bytes_trim(bytes_head(type, bytes_find(type, ';'))),
			     BYTES("application/sdp"));
}

static struct bytes address_of(struct bytes connection)
{
	struct bytes rest = connection, a;

	word(&rest);
	word(&rest);
	a = word(&rest);
	return bytes_head(a, bytes_find(a, '/')); /* without the TTL of multicast */
}

static bool is_nowhere(struct bytes address)
{
	return bytes_eq(address, BYTES("0.0.0.0")) || bytes_eq(address, BYTES("::"));
}

static void add_codec(struct sdp *s, struct bytes name)
{
	for (unsigned i = 0; i < s->codecs_count; i++)
		if (bytes_eq_case(s->codecs[i], name))
			return;
	if (name.len > 0 && s->codecs_count < SDP_CODECS_MAX)
		s->codecs[s->codecs_count++] = name;
}

static struct bytes static_codec(struct bytes type)
{
	int64_t number = -1;

	if (!bytes_int(type, 0, 127, &number))
		return NO_BYTES;
	for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++)
		if (static_types[i].type == number)
			return bytes_str(static_types[i].name);
	return NO_BYTES;
}

/* The payload types of a stream, and what they are once its rtpmap lines were read. */
struct section {
	struct bytes type[SDP_CODECS_MAX], codec[SDP_CODECS_MAX];
	unsigned count;
};

static void end_section(struct sdp *s, struct section *section)
{
	for (unsigned i = 0; i < section->count; i++)
		add_codec(s, section->codec[i].len > 0 ? section->codec[i]
						       : static_codec(section->type[i]));
	section->count = 0;
}

static void read_media(struct sdp *s, struct section *section, struct bytes value)
{
	struct sdp_stream stream = {.kind = word(&value)};
	struct bytes port = word(&value), proto = word(&value);
	int64_t n = 0;

	end_section(s, section);
	bytes_int(bytes_head(port, bytes_find(port, '/')), 0, UINT16_MAX, &n);
	stream.port = (int32_t)n;
	stream.address = s->address;
	if (s->streams_count == SDP_STREAMS_MAX)
		return;
	s->streams[s->streams_count++] = stream;
	if (bytes_find(proto, 'R') == proto.len)
		return; /* not RTP */
	while (section->count < SDP_CODECS_MAX && value.len > 0) {
		section->codec[section->count] = NO_BYTES;
		section->type[section->count++] = word(&value);
	}
}

static void read_rtpmap(struct section *section, struct bytes value)
{
	struct bytes type = word(&value);

	for (unsigned i = 0; i < section->count; i++)
		if (section->codec[i].len == 0 && bytes_eq(section->type[i], type))
			section->codec[i] = word(&value);
}

static void read_attribute(struct sdp *s, struct section *section, struct bytes value)
{
	if (value.len > 7 && memcmp(value.at, "rtpmap:", 7) == 0) {
		read_rtpmap(section, bytes_skip(value, 7));
		return;
	}
	if (value.len != 8)
		return; /* as all four have, and most other attributes do not */
	for (int i = SDP_SENDRECV; i <= SDP_INACTIVE; i++)
		if (bytes_eq(value, bytes_str(sdp_direction_names[i])) &&
		    (s->direction == SDP_NOT_SAID || s->streams_count == 1))
			s->direction = (enum sdp_direction)i;
}

static void read_line(struct sdp *s, struct section *section, struct bytes line)
{
	struct bytes value = bytes_skip(line, 2);

	switch (line.at[0]) {
	case 'v':
		s->version = value;
		break;
	case 'o':
		for (int i = 0; i < 6; i++)
			s->owner[i] = word(&value);
		break;
	case 's':
		s->session = value;
		break;
	case 'c':
		if (s->streams_count == 0) {
			s->connection = value;
			s->address = address_of(value);
		} else {
			s->streams[s->streams_count - 1].address = address_of(value);
		}
		break;
	case 'm':
		read_media(s, section, value);
		break;
	case 'a':
		read_attribute(s, section, value);
		break;
	default:
		break;
	}
}

bool sdp_read(struct sdp *s, struct bytes body)
{
	enum { LINES_MAX = 500 };
	struct section section;

	memset(s, 0, sizeof(*s));
	section.count = 0;
	for (int i = 0; i < LINES_MAX && body.len > 0; i++) {
		struct bytes line = bytes_line(&body);

		if (line.len >= 2 && line.at[1] == '=')
			read_line(s, &section, line);
		else if (line.len > 0 && i == 0)
			return false;
	}
	end_section(s, &section);
	s->held = s->direction == SDP_SENDONLY || s->direction == SDP_INACTIVE;
	if (s->streams_count > 0)
		s->held |= is_nowhere(s->streams[0].address);
	return s->version.len > 0;
}

/* ---- Kept ---- */

/* Of a codec that needs no rtpmap, its place among those; nothing is that long that far behind. */
enum { STATIC_AT = UINT16_MAX, STATIC_MARK = 1 << 15 };

static inline struct span place_of(struct bytes part, struct bytes body)
{
	if (part.len == 0)
		return (struct span){0, 0};
	return (struct span){(uint16_t)(part.at - body.at), (uint16_t)part.len};
}

static struct span codec_place(struct bytes codec, struct bytes body)
{
	if (codec.at >= body.at && codec.at < body.at + body.len)
		return place_of(codec, body);
	for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++)
		if (codec.at == (const uint8_t *)static_types[i].name)
			return (struct span){STATIC_AT, (uint16_t)(STATIC_MARK | i)};
	return (struct span){0, 0};
}

static struct bytes codec_of(struct span place, struct bytes body)
{
	if (place.at == STATIC_AT && place.len & STATIC_MARK)
		return bytes_str(static_types[place.len & ~STATIC_MARK].name);
	return sip_part(body, place);
}

void sdp_pack(const struct sdp *s, struct bytes body, struct sdp_kept *k)
{
	*k = (struct sdp_kept){.version = place_of(s->version, body),
			       .session = place_of(s->session, body),
			       .connection = place_of(s->connection, body),
			       .address = place_of(s->address, body),
			       .streams_count = (uint8_t)s->streams_count,
			       .codecs_count = (uint8_t)s->codecs_count,
			       .direction = (uint8_t)s->direction,
			       .held = s->held};
	for (int i = 0; i < 6; i++)
		k->owner[i] = place_of(s->owner[i], body);
	for (unsigned i = 0; i < s->streams_count; i++) {
		k->streams[i].kind = place_of(s->streams[i].kind, body);
		k->streams[i].address = place_of(s->streams[i].address, body);
		k->streams[i].port = s->streams[i].port;
	}
	for (unsigned i = 0; i < s->codecs_count; i++)
		k->codecs[i] = codec_place(s->codecs[i], body);
}

void sdp_unpack(const struct sdp_kept *k, struct bytes body, struct sdp *s)
{
	s->version = sip_part(body, k->version);
	s->session = sip_part(body, k->session);
	s->connection = sip_part(body, k->connection);
	s->address = sip_part(body, k->address);
	s->streams_count = k->streams_count;
	s->codecs_count = k->codecs_count;
	s->direction = (enum sdp_direction)k->direction;
	s->held = k->held;
	for (int i = 0; i < 6; i++)
		s->owner[i] = sip_part(body, k->owner[i]);
	for (unsigned i = 0; i < k->streams_count; i++) {
		s->streams[i].kind = sip_part(body, k->streams[i].kind);
		s->streams[i].address = sip_part(body, k->streams[i].address);
		s->streams[i].port = k->streams[i].port;
	}
	for (unsigned i = 0; i < k->codecs_count; i++)
		s->codecs[i] = codec_of(k->codecs[i], body);
}
