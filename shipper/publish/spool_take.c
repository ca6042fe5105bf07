#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/publish/spool_state.h"

enum {
	CHUNK = 1 << 20,
	/* What cannot be read is passed over in steps of this. */
	BLOCK = 4096,
	ENTRIES_FIRST = 64,
};

/* The segment to read from, as it was a moment ago. */
struct span {
	uint64_t number;
	uint64_t from, bytes;
	uint64_t next, end; /* records: the one to be read, and to before */
};

/* What one go through it brought. */
struct catch
{
	uint64_t next; /* record to be read then */
	uint64_t aged, damaged;
};

struct limits {
	size_t bytes, documents;
	nsec oldest;
};

static bool find_span(struct spool *s, struct span *span)
{
	bool found = false;

	spool_lock(s);
	for (size_t i = 0; i < s->count && !found; i++) {
		const struct segment *g = &s->segments[i];

		found = spool_unread(s, g) > 0;
		if (found)
			*span = (struct span){g->number, g->from, g->bytes,
					      s->read > g->first ? s->read : g->first, g->end};
	}
	spool_unlock(s);
	return found;
}

bool spool_has(struct spool *s)
{
	struct span span;

	return find_span(s, &span);
}

/* ---- Reading a segment ---- */

static void say_damage(struct spool *s)
{
	struct spool_reader *r = &s->reader;
	char name[SPOOL_NAME];

	if (r->damaged == 0 && r->lost == 0)
		return;
	spool_name(r->number, name);
	log_warning("queue: %s/%s is damaged: %" PRIu64 " bytes passed over, %" PRIu64
		    " documents lost",
		    s->folder.path, name, r->damaged, r->lost);
	r->damaged = r->lost = 0;
}

/* False: it cannot be opened, errno says why. */
static bool reader_turn(struct spool *s, const struct span *span)
{
	struct spool_reader *r = &s->reader;

	if (r->fd >= 0 && r->number == span->number)
		return true;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = spool_folder_open(&s->folder, span->number, O_RDONLY);
	r->number = span->number;
	r->at = span->from;
	r->chunk.len = r->used = 0;
	r->damaged = r->lost = 0;
	return r->fd >= 0;
}

/* So that `want` bytes are there, or the file is at its end, which may come early. */
static void read_more(struct spool_reader *r, struct span *span, uint64_t want)
{
	buf_drop(&r->chunk, r->used);
	r->used = 0;
	uint64_t left = span->bytes - r->at, lacking = want - r->chunk.len;
	uint64_t more = lacking > CHUNK ? lacking : CHUNK;
	size_t n = (size_t)(more < left ? more : left);
	ssize_t got = spool_read(r->fd, buf_room(&r->chunk, n), n, r->at);

	if (got < 0) {
		uint64_t skip = BLOCK - r->at % BLOCK;

		skip = skip < left ? skip : left;
		r->damaged += r->chunk.len + skip;
		r->chunk.len = 0;
		r->at += skip;
		return;
	}
	r->chunk.len += (size_t)got;
	r->at += (uint64_t)got;
	if ((size_t)got < n && got == 0)
		span->bytes = r->at;
}

static void add_document(struct batch *b, const struct spool_record *record)
{
	if (b->count == b->room) {
		b->room = b->room > 0 ? b->room * 2 : ENTRIES_FIRST;
		b->entries = must_realloc(b->entries, b->room * sizeof(b->entries[0]));
	}
	struct entry *e = &b->entries[b->count++];

	*e = (struct entry){.at = (uint32_t)b->text.len, .len = (uint32_t)record->text.len};
	memcpy(e->id, record->id, sizeof(e->id));
	buf_add(&b->text, record->text);
}

static bool fits(const struct batch *b, const struct spool_record *record,
		 const struct limits *limits)
{
	return b->count == 0 || (b->text.len + record->text.len <= limits->bytes &&
				 (limits->documents == 0 || b->count < limits->documents));
}

/* What is missing before a record was damaged. One that was read before is passed over, as is one
 * that cannot be from here. */
static void keep_record(struct catch *got, const struct span *span, struct batch *b,
			const struct spool_record *record, const struct limits *limits)
{
	if (record->number < got->next || record->number >= span->end)
		return;
	got->damaged += record->number - got->next;
	got->next = record->number + 1;
	if (record->when < limits->oldest)
		got->aged++;
	else
		add_document(b, record);
}

static struct catch fill(struct spool_reader *r, struct span *span, struct batch *b,
			 const struct limits *limits)
{
	struct catch got = {.next = span->next};

	for (;;) {
		struct cursor c = cursor_of(bytes_skip(buf_bytes(&r->chunk), r->used));
		struct spool_record record;
		uint64_t want = 0;

		switch (spool_record_next(&c, span->bytes - r->at, &record, &want, &r->damaged)) {
		case SPOOL_RECORD:
			r->used += cursor_used(&c);
			if (!fits(b, &record, limits)) {
				r->used -= SPOOL_RECORD_HEADER + record.text.len;
				return got;
			}
			keep_record(&got, span, b, &record, limits);
			break;
		case SPOOL_MORE:
			r->used += cursor_used(&c);
			read_more(r, span, want);
			break;
		case SPOOL_END:
			r->used += cursor_used(&c);
			got.damaged += span->end - got.next;
			got.next = span->end;
			return got;
		}
	}
}

/* ---- Taking ---- */

static void empty(struct batch *b, size_t bytes)
{
	if (b->text.cap > 2 * bytes + CHUNK)
		buf_fini(&b->text);
	b->text.len = b->reasons.len = 0;
	b->count = 0;
}

/* The segment may have been dropped meanwhile: false, and nothing of it was read. */
static bool book(struct spool *s, unsigned courier, const struct span *span,
		 const struct catch *got, size_t documents)
{
	spool_lock(s);
	struct segment *g = spool_segment(s, span->number);

	if (g != NULL) {
		s->read = got->next;
		s->stats.lost[SPOOL_LOST_AGE] += got->aged;
		s->stats.lost[SPOOL_LOST_DAMAGED] += got->damaged;
		s->reader.lost += got->damaged;
		if (documents > 0) {
			s->tickets[courier] = (struct ticket){true, span->next, got->next,
							      documents, span->number};
			g->taken++;
		}
	}
	spool_unlock(s);
	return g != NULL;
}

bool spool_take(struct spool *s, unsigned courier, struct batch *b, size_t bytes, size_t documents)
{
	struct limits limits = {bytes, documents, INT64_MIN};
	struct span span;

	must(courier < s->couriers && !s->tickets[courier].open);
	if (s->conf.max_age > 0)
		limits.oldest = spool_now() - s->conf.max_age;
	empty(b, bytes);
	while (find_span(s, &span)) {
		struct catch got = {.next = span.end, .damaged = span.end - span.next};

		if (reader_turn(s, &span))
			got = fill(&s->reader, &span, b, &limits);
		bool booked = book(s, courier, &span, &got, b->count);

		if (got.next == span.end)
			say_damage(s);
		if (!booked)
			empty(b, bytes);
		else if (b->count > 0)
			return true;
	}
	return false;
}

void spool_settle(struct spool *s, unsigned courier)
{
	struct ticket *t = &s->tickets[courier];

	spool_lock(s);
	must(t->open);
	struct segment *g = spool_segment(s, t->segment);

	must(g != NULL && g->taken > 0);
	g->taken--;
	t->open = false;
	s->stats.settled += t->documents;
	bool over = g->sealed && spool_settled(s, g);

	spool_unlock(s);
	if (over)
		spool_wake_keeper(s);
}
