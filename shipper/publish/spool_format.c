#include "shipper/publish/spool_format.h"

#include <string.h>

#include "shipper/base/hash.h"

enum { MAGIC = 4, SUM = 8, HEADER_SUM_AT = SPOOL_HEADER - SUM, CURSOR_SUM_AT = SPOOL_CURSOR - SUM };

#define SEGMENT_MAGIC BYTES("wirespan")
#define CURSOR_MAGIC  BYTES("wirespac")
/* Its last byte is the version, so that no record of another version is whole. */
static const uint8_t record_magic[MAGIC] = {0x1e, 'W', 's', SPOOL_VERSION};

static uint8_t *put_bytes(uint8_t *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return to + n;
}

static uint8_t *put_le(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * i);
	return to + bytes;
}

/* ---- Segment header and cursor ---- */

void spool_header_write(uint8_t to[SPOOL_HEADER], const struct spool_header *h)
{
	uint8_t *at = put_bytes(to, SEGMENT_MAGIC.at, SEGMENT_MAGIC.len);

	at = put_le(at, SPOOL_VERSION, 4);
	at = put_le(at, h->sealed, 4);
	at = put_le(at, h->number, 8);
	at = put_le(at, h->first, 8);
	at = put_le(at, h->end, 8);
	at = put_le(at, (uint64_t)h->newest, 8);
	at = put_le(at, 0, 8);
	put_le(at, hash_bytes(bytes_of(to, HEADER_SUM_AT)), SUM);
}

/* Other versions keep magic, version and sum where they are. */
static enum spool_state whole(struct bytes b, struct bytes magic, size_t sum_at, uint32_t *version)
{
	struct cursor c = cursor_of(b);
	bool known = bytes_eq(cursor_take(&c, magic.len), magic);

	*version = cursor_le32(&c);
	cursor_take(&c, sum_at - cursor_used(&c));
	uint64_t sum = cursor_le(&c, SUM);

	if (c.dry || !known || sum != hash_bytes(bytes_head(b, sum_at)))
		return SPOOL_DAMAGED;
	return *version == SPOOL_VERSION ? SPOOL_WELL : SPOOL_OTHER;
}

enum spool_state spool_header_read(struct bytes b, struct spool_header *h)
{
	*h = (struct spool_header){0};
	enum spool_state state = whole(b, SEGMENT_MAGIC, HEADER_SUM_AT, &h->version);
	struct cursor c = cursor_of(bytes_skip(b, SEGMENT_MAGIC.len + 4));

	if (state != SPOOL_WELL)
		return state;
	h->sealed = cursor_le32(&c) != 0;
	h->number = cursor_le(&c, 8);
	h->first = cursor_le(&c, 8);
	h->end = cursor_le(&c, 8);
	h->newest = (nsec)cursor_le(&c, 8);
	return SPOOL_WELL;
}

void spool_cursor_write(uint8_t to[SPOOL_CURSOR], uint64_t next)
{
	uint8_t *at = put_bytes(to, CURSOR_MAGIC.at, CURSOR_MAGIC.len);

	at = put_le(at, SPOOL_VERSION, 4);
	at = put_le(at, 0, 4);
	at = put_le(at, next, 8);
	put_le(at, hash_bytes(bytes_of(to, CURSOR_SUM_AT)), SUM);
}

enum spool_state spool_cursor_read(struct bytes b, uint64_t *next, uint32_t *version)
{
	enum spool_state state = whole(b, CURSOR_MAGIC, CURSOR_SUM_AT, version);
	struct cursor c = cursor_of(bytes_skip(b, CURSOR_MAGIC.len + 8));

	*next = state == SPOOL_WELL ? cursor_le(&c, 8) : 0;
	return state;
}

/* ---- Records ---- */

void spool_record_write(struct buf *to, const struct spool_record *r)
{
	uint8_t *from = buf_room(to, SPOOL_RECORD_HEADER + r->text.len);
	uint8_t *at = put_bytes(from, record_magic, MAGIC);

	at = put_le(at, r->text.len, 4);
	at = put_le(at, r->number, 8);
	at = put_le(at, (uint64_t)r->when, 8);
	at = put_bytes(at, r->id, SPOOL_ID);
	at = put_le(at, hash_bytes(r->text), SUM);
	at = put_le(at, hash_bytes(bytes_of(from, SPOOL_RECORD_HEADER - SUM)), SUM);
	memcpy(at, r->text.at, r->text.len);
	to->len += SPOOL_RECORD_HEADER + r->text.len;
}

struct head {
	struct spool_record record; /* without its text */
	uint32_t len;
	uint64_t text_sum;
};

/* False: no whole header stands here. */
static bool head_read(struct bytes b, struct head *h)
{
	struct cursor c = cursor_of(bytes_head(b, SPOOL_RECORD_HEADER));
	struct bytes magic = cursor_take(&c, MAGIC);

	if (!bytes_eq(magic, bytes_of(record_magic, MAGIC)))
		return false;
	h->len = cursor_le32(&c);
	h->record.number = cursor_le(&c, 8);
	h->record.when = (nsec)cursor_le(&c, 8);
	h->record.id = cursor_take(&c, SPOOL_ID).at;
	h->text_sum = cursor_le(&c, SUM);
	uint64_t sum = cursor_le(&c, SUM);

	return !c.dry && sum == hash_bytes(bytes_head(b, SPOOL_RECORD_HEADER - SUM));
}

/* To where the next record may begin, past at least one byte. What may be the front of a magic at
 * the end is left there, if more comes. */
static void pass_over(struct cursor *c, uint64_t beyond, uint64_t *damaged)
{
	struct bytes rest = bytes_skip(cursor_rest(c), 1);
	const uint8_t *found = memmem(rest.at, rest.len, record_magic, MAGIC);
	size_t keep = beyond > 0 && rest.len >= MAGIC - 1 ? MAGIC - 1 : 0;
	size_t n = 1 + (found != NULL ? (size_t)(found - rest.at) : rest.len - keep);

	cursor_take(c, n);
	*damaged += n;
}

enum spool_step spool_record_next(struct cursor *c, uint64_t beyond, struct spool_record *record,
				  uint64_t *want, uint64_t *damaged)
{
	while (cursor_left(c) > 0) {
		struct bytes rest = cursor_rest(c);
		struct head head;

		if (rest.len < SPOOL_RECORD_HEADER && beyond > 0) {
			*want = SPOOL_RECORD_HEADER;
			return SPOOL_MORE;
		}
		if (head_read(rest, &head)) {
			uint64_t size = (uint64_t)SPOOL_RECORD_HEADER + head.len;
			struct bytes text = bytes_skip(bytes_head(rest, size), SPOOL_RECORD_HEADER);

			if (size > rest.len && size - rest.len <= beyond) {
				*want = size;
				return SPOOL_MORE;
			}
			if (size <= rest.len && hash_bytes(text) == head.text_sum) {
				*record = head.record;
				record->text = text;
				cursor_take(c, size);
				return SPOOL_RECORD;
			}
		}
		pass_over(c, beyond, damaged);
	}
	*want = SPOOL_RECORD_HEADER;
	return beyond > 0 ? SPOOL_MORE : SPOOL_END;
}
