#include "protos/redis/redis.h"
#include "shipper/base/hash.h"
#include "shipper/txn/digits.h"

enum { LINE_END = 2 };

/* ---- On the wire ---- */

bool string_take(struct string *s, struct cursor *c, struct bytes *piece)
{
	uint64_t text = s->left > LINE_END ? s->left - LINE_END : 0;
	struct bytes b = cursor_upto(c, s->left);

	*piece = bytes_head(b, text);
	s->left -= b.len;
	for (size_t i = piece->len; i < b.len; i++)
		if (b.at[i] != (s->left + (b.len - i) == LINE_END ? '\r' : '\n'))
			return false;
	return true;
}

bool string_lose(struct string *s, uint64_t n)
{
	if (!s->open || n > s->left)
		return false;
	s->left -= n;
	return true;
}

/* ---- In documents ---- */

void value_forget(struct exchange *x, struct clip *clip, uint32_t len)
{
	if (clip->at + clip->len == x->kept.len)
		x->kept.len = clip->at + len;
	clip->len = len;
}

/* A text that grows while another one does moves each time and leaves what it was: that goes when
 * it is more than what counts. */
void texts_tidy(struct exchange *x)
{
	enum { TIDY_FROM = 64 << 10, TEXTS = 6 };

	struct clip *texts[TEXTS] = {&x->said[CLIENT], &x->said[SERVER], &x->raw[CLIENT],
				     &x->raw[SERVER],  &x->error,	 &redis_of(x)->user};
	struct buf old = x->kept;
	size_t live = 0;

	if (old.len < TIDY_FROM)
		return;
	for (size_t i = 0; i < TEXTS; i++)
		live += texts[i]->len;
	if (old.len - live < live + TIDY_FROM)
		return;
	buf_init(&x->kept, old.quota);
	for (size_t i = 0; i < TEXTS; i++) {
		struct bytes text = clip_bytes(texts[i], &old);

		texts[i]->at = (uint32_t)x->kept.len;
		buf_add(&x->kept, text);
	}
	buf_fini(&old);
}

void value_begin(struct value *v, const struct clip *clip)
{
	*v = (struct value){.at = clip->len};
}

void value_more(struct value *v, struct exchange *x, struct clip *clip, struct bytes more)
{
	const struct redis_conf *conf = conn_conf(x->conn);
	uint64_t room = (uint64_t)conf->max_value_length - v->kept;

	if (v->hidden || v->closed || clip->cut)
		return;
	if (more.len > room) {
		v->cut = true;
		more.len = (size_t)room;
	}
	v->kept += (uint32_t)more.len;
	exchange_keep(x, clip, more);
}

static bool is_control(uint8_t c)
{
	return c < ' ' && c != '\n' && c != '\t' && c != '\r';
}

/* Control characters do not stand in what people store as text. Looked at by eights: only where one
 * of eight is below a space, which the subtraction shows, each by itself. */
static bool is_binary(struct bytes text)
{
	enum { WORD = 8 };
	const uint64_t each = UINT64_C(0x0101010101010101);

	for (size_t i = 0; i < text.len; i += WORD) {
		size_t n = text.len - i < WORD ? text.len - i : WORD;
		uint64_t word;

		if (n == WORD) {
			memcpy(&word, text.at + i, WORD);
			if (((word - each * ' ') & ~word & each * 0x80) == 0)
				continue;
		}
		for (size_t k = 0; k < n; k++)
			if (is_control(text.at[i + k]))
				return true;
	}
	return false;
}

/* How many bytes at the end begin a character that is cut off there. */
static uint32_t broken_tail(struct bytes text)
{
	for (uint32_t n = 1; n <= 3 && n <= text.len; n++) {
		uint8_t c = text.at[text.len - n];

		if (c >= 0xc0)
			return (c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2) > n ? n : 0;
		if (c < 0x80)
			return 0;
	}
	return 0;
}

static void keep_size(struct exchange *x, struct clip *clip, uint64_t len)
{
	uint8_t text[DECIMAL_MAX + 16] = "<";
	uint8_t *at = digits_u64(text + 1, len);

	memcpy(at, " bytes>", 7);
	exchange_keep(x, clip, bytes_of(text, (size_t)(at + 7 - text)));
}

void value_end(struct value *v, struct exchange *x, struct clip *clip, uint64_t len)
{
	struct bytes text = bytes_skip(exchange_text(x, clip), v->at);

	if (v->hidden) {
		exchange_keep(x, clip, BYTES("xxxxx"));
	} else if (is_binary(text)) {
		value_forget(x, clip, v->at);
		keep_size(x, clip, len);
	} else if (v->cut || clip->cut) {
		value_forget(x, clip, clip->len - broken_tail(text));
		x->notes |= NOTE_TRIMMED;
	}
}

void value_hash(struct value *v, struct exchange *x, struct clip *clip)
{
	struct bytes text = bytes_skip(exchange_text(x, clip), v->at);
	uint8_t hex[HEX16];

	digits_hex16(hex, hash_bytes(text));
	value_forget(x, clip, v->at);
	exchange_keep(x, clip, bytes_of(hex, HEX16));
	v->cut = false;
}
