/*
 * The reader of spool segments: any bytes, whole and in pieces. Each byte is a record's or passed
 * over, both ways find the same records, and each record is found again where it is written anew.
 * The first byte is the size of the pieces; if it is odd, sums are mended first.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shipper/base/hash.h"
#include "shipper/base/must.h"
#include "shipper/publish/spool_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 512 };

struct found {
	size_t at[RECORDS_MAX], len[RECORDS_MAX]; /* texts, in the input */
	uint64_t number[RECORDS_MAX];
	size_t count;
	uint64_t damaged, taken;
};

static void note(struct found *f, const uint8_t *data, const struct spool_record *r)
{
	f->taken += SPOOL_RECORD_HEADER + r->text.len;
	if (f->count == RECORDS_MAX)
		return;
	f->at[f->count] = (size_t)(r->text.at - data);
	f->len[f->count] = r->text.len;
	f->number[f->count++] = r->number;
}

/* Shows `step` bytes more each time that more are asked for, or what is asked for. */
static void read_all(struct bytes b, size_t step, struct found *f)
{
	size_t from = 0, to = 0;

	for (;;) {
		struct cursor c = cursor_of(bytes_of(b.at + from, to - from));
		struct spool_record record;
		uint64_t want = 0;
		enum spool_step got =
			spool_record_next(&c, b.len - to, &record, &want, &f->damaged);

		from += cursor_used(&c);
		if (got == SPOOL_END)
			break;
		if (got == SPOOL_RECORD) {
			note(f, b.at, &record);
			continue;
		}
		must(want > to - from && want - (to - from) <= SPOOL_RECORD_HEADER + b.len);
		to = step > 0 ? to + step : from + (size_t)want;
		to = to < b.len ? to : b.len;
	}
	must(from == b.len);
	must(f->damaged + f->taken == b.len);
}

static void write_anew(const uint8_t *data, const struct found *f)
{
	static const uint8_t id[SPOOL_ID];
	struct buf log = {0};

	for (size_t i = 0; i < f->count; i++) {
		struct spool_record r = {f->number[i], 0, id, {data + f->at[i], f->len[i]}};

		spool_record_write(&log, &r);
	}
	struct cursor c = cursor_of(buf_bytes(&log));
	uint64_t damaged = 0, want = 0;

	for (size_t i = 0; i < f->count; i++) {
		struct spool_record r;

		must(spool_record_next(&c, 0, &r, &want, &damaged) == SPOOL_RECORD);
		must(r.number == f->number[i] &&
		     bytes_eq(r.text, bytes_of(data + f->at[i], f->len[i])));
	}
	must(damaged == 0 && cursor_left(&c) == 0);
	buf_fini(&log);
}

static void put_sum(uint8_t *to, struct bytes of)
{
	uint64_t sum = hash_bytes(of);

	for (unsigned i = 0; i < 8; i++)
		to[i] = (uint8_t)(sum >> 8 * i);
}

/* No input would have a right sum by chance: those of what begins like a record are set right. */
static void mend(struct buf *b)
{
	static const uint8_t magic[] = {0x1e, 'W', 's', SPOOL_VERSION};

	for (size_t i = 0; i + SPOOL_RECORD_HEADER <= b->len; i++) {
		uint8_t *at = b->at + i;
		struct cursor c = cursor_of(bytes_of(at + sizeof(magic), 4));
		size_t len = cursor_le32(&c);

		if (memcmp(at, magic, sizeof(magic)) != 0)
			continue;
		if (len <= b->len - i - SPOOL_RECORD_HEADER)
			put_sum(at + SPOOL_RECORD_HEADER - 16,
				bytes_of(at + SPOOL_RECORD_HEADER, len));
		put_sum(at + SPOOL_RECORD_HEADER - 8, bytes_of(at, SPOOL_RECORD_HEADER - 8));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct found whole, pieces;
	struct spool_header header;
	uint64_t next;
	uint32_t version;

	if (size < 2)
		return 0;
	struct buf copy = {0};

	buf_add(&copy, bytes_of(data + 1, size - 1));
	if (data[0] % 2 == 1)
		mend(&copy);
	struct bytes b = buf_bytes(&copy);

	spool_header_read(b, &header);
	spool_cursor_read(b, &next, &version);
	memset(&whole, 0, sizeof(whole));
	memset(&pieces, 0, sizeof(pieces));
	read_all(b, b.len + 1, &whole);
	read_all(b, data[0], &pieces);
	must(whole.count == pieces.count && whole.damaged == pieces.damaged);
	must(memcmp(whole.at, pieces.at, sizeof(whole.at)) == 0);
	write_anew(b.at, &whole);
	buf_fini(&copy);
	return 0;
}
