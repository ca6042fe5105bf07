#include "protos/sip/part.h"

enum { USER_MAX = 256 };

static void plain(struct doc *d, unsigned field, const struct sip_uri *u)
{
	size_t before;

	if (u->password.len == 0) {
		doc_text(d, field, u->whole);
		return;
	}
	before = (size_t)(u->password.at - u->whole.at);
	doc_text_begin(d, field);
	doc_text_more(d, bytes_head(u->whole, before));
	doc_text_more(d, BYTES("*"));
	doc_text_more(d, bytes_skip(u->whole, before + u->password.len));
	doc_text_end(d);
}

void part_plain_uri(struct doc *d, unsigned field, struct bytes uri)
{
	struct sip_uri u = sip_uri_of(uri);

	plain(d, field, &u);
}

void part_user(struct doc *d, unsigned field, struct bytes user)
{
	uint8_t text[USER_MAX];

	if (bytes_find(user, '%') == user.len)
		doc_text(d, field, user);
	else
		doc_text(d, field, bytes_of(text, sip_unescape(user, text, sizeof(text))));
}

void part_uri(struct doc *d, unsigned field, const struct sip_uri *u)
{
	plain(d, field, u);
	doc_text(d, field + 1, u->scheme);
	part_user(d, field + 2, u->user);
	doc_text(d, field + 3, u->host);
	if (u->port > 0)
		doc_int(d, field + 4, u->port);
}

void part_address(struct doc *d, unsigned field, struct bytes name, struct bytes tag,
		  const struct sip_uri *uri)
{
	doc_text(d, field, name);
	doc_text(d, field + 1, tag);
	part_uri(d, field + 2, uri);
}

void part_media(struct doc *d, unsigned field, const struct sdp *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->streams_count; i++)
		any |= s->streams[i].address.len > 0;
	if (any) {
		doc_list_begin(d, field);
		for (unsigned i = 0; i < s->streams_count; i++)
			if (s->streams[i].address.len > 0)
				doc_list_text(d, s->streams[i].address);
		doc_list_end(d);
	}
	if (s->streams_count > 0) {
		doc_list_begin(d, field + 1);
		for (unsigned i = 0; i < s->streams_count; i++)
			doc_list_int(d, s->streams[i].port);
		doc_list_end(d);
		doc_list_begin(d, field + 2);
		for (unsigned i = 0; i < s->streams_count; i++)
			doc_list_text(d, s->streams[i].kind);
		doc_list_end(d);
	}
	if (s->codecs_count > 0) {
		doc_list_begin(d, field + 3);
		for (unsigned i = 0; i < s->codecs_count; i++)
			doc_list_text(d, s->codecs[i]);
		doc_list_end(d);
	}
	doc_word(d, field + 4, sdp_direction_names[s->direction]);
}

void part_number(struct doc *d, unsigned field, struct bytes digits)
{
	int64_t n;

	if (bytes_int(digits, 0, UINT32_MAX, &n))
		doc_int(d, field, n);
}
