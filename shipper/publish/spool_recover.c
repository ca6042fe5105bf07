#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/publish/spool_state.h"

enum { SCAN_BYTES = 1 << 20 };

/* What a scan finds in a segment that was not sealed. */
struct found {
	uint64_t first, end, records, damaged;
	nsec newest;
};

static void found_add(struct found *f, const struct spool_record *r)
{
	if (f->records > 0 && r->number < f->end)
		return;
	if (f->records == 0)
		f->first = r->number;
	f->records++;
	f->end = r->number + 1;
	f->newest = r->when;
}

static bool scan(int fd, uint64_t at, uint64_t bytes, struct found *f)
{
	struct buf chunk = {0};
	uint64_t want = SCAN_BYTES;
	enum spool_step step = SPOOL_MORE;
	bool well = true;

	while (step == SPOOL_MORE && well) {
		struct spool_record record;
		uint64_t left = bytes > at ? bytes - at : 0;
		size_t more = (size_t)(want < left ? want : left);
		ssize_t n = spool_read(fd, buf_room(&chunk, more), more, at);

		well = n >= 0;
		chunk.len += n > 0 ? (size_t)n : 0;
		at += n > 0 ? (uint64_t)n : 0;
		if (n < (ssize_t)more)
			bytes = at;
		struct cursor c = cursor_of(buf_bytes(&chunk));

		while ((step = spool_record_next(&c, bytes - at, &record, &want, &f->damaged)) ==
		       SPOOL_RECORD)
			found_add(f, &record);
		buf_drop(&chunk, cursor_used(&c));
		want = want > SCAN_BYTES ? want : SCAN_BYTES;
	}
	buf_fini(&chunk);
	return well;
}

static bool believable(const struct spool_header *h, const struct spool_file *file)
{
	return h->number == file->number && h->first <= h->end &&
	       h->end - h->first <= file->bytes / SPOOL_RECORD_HEADER;
}

static void say_found(const struct spool *s, const struct spool_file *file, const struct found *f,
		      bool header)
{
	char name[SPOOL_NAME];

	spool_name(file->number, name);
	if (f->damaged > 0 || !header)
		log_warning("queue: %s/%s is not whole%s: %" PRIu64 " documents kept, %" PRIu64
			    " bytes cut",
			    s->folder.path, name, header ? "" : " (its header is damaged)",
			    f->records, f->damaged);
}

static bool recover_segment(struct spool *s, const struct spool_file *file, struct fault *fault)
{
	uint8_t text[SPOOL_HEADER];
	struct spool_header header = {0};
	struct found found = {0};
	int fd = spool_folder_open(&s->folder, file->number, O_RDONLY);
	ssize_t n = fd >= 0 ? spool_read(fd, text, sizeof(text), 0) : -1;
	enum spool_state state = spool_header_read(bytes_of(text, n > 0 ? (size_t)n : 0), &header);
	uint64_t from = state == SPOOL_WELL ? SPOOL_HEADER : 0;
	bool well = n >= 0;

	if (well && state == SPOOL_WELL && header.sealed && believable(&header, file))
		found = (struct found){header.first, header.end, header.end - header.first, 0,
				       header.newest};
	else if (well && state != SPOOL_OTHER)
		well = scan(fd, from, file->bytes, &found);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (!well)
		return fault_set(fault, "cannot read the spool in %s: %s", s->folder.path,
				 strerror(error));
	if (state == SPOOL_OTHER)
		return fault_set(
			fault,
			"the spool in %s was written by another version of wirespan "
			"(format %u, this one has %u): let that one deliver it, or `wirespan "
			"spool drop` it",
			s->folder.path, header.version, SPOOL_VERSION);
	if (!header.sealed)
		say_found(s, file, &found, state == SPOOL_WELL || n == 0);
	if (found.records == 0) {
		if (found.damaged > 0)
			spool_folder_set_aside(&s->folder, file->number);
		else
			spool_folder_remove(&s->folder, file->number);
		return true;
	}
	if (state == SPOOL_WELL && header.first < found.first)
		found.first = header.first;
	spool_add(s, &(struct segment){
			     .number = file->number,
			     .first = found.first,
			     .end = found.end,
			     .from = from,
			     .bytes = file->bytes,
			     .newest = found.newest,
			     .fd = -1,
			     .sealed = true,
		     });
	return true;
}

static bool recover_cursor(struct spool *s, struct fault *fault)
{
	enum spool_state state;
	uint32_t version = 0;

	if (!spool_folder_cursor(&s->folder, &s->cursor, &state, &version, fault))
		return false;
	if (state == SPOOL_OTHER)
		return fault_set(
			fault,
			"the spool in %s was written by another version of wirespan "
			"(format %u, this one has %u): let that one deliver it, or `wirespan "
			"spool drop` it",
			s->folder.path, version, SPOOL_VERSION);
	if (state == SPOOL_DAMAGED)
		log_warning("queue: %s/cursor is damaged: all that is there is sent again, under "
			    "the same ids",
			    s->folder.path);
	s->read = s->next = s->cursor;
	return true;
}

bool spool_recover(struct spool *s, struct fault *fault)
{
	struct spool_list list;
	bool well = recover_cursor(s, fault) && spool_folder_list(&s->folder, &list, fault);

	if (!well)
		return false;
	s->next_segment = 1;
	for (size_t i = 0; i < list.count && well; i++) {
		s->next_segment = list.at[i].number + 1;
		well = recover_segment(s, &list.at[i], fault);
	}
	spool_list_free(&list);
	for (size_t i = 0; i < s->count; i++) {
		const struct segment *g = &s->segments[i];

		s->next = g->end > s->next ? g->end : s->next;
		s->stats.recovered += spool_unread(s, g);
	}
	if (well)
		spool_remove_settled(s);
	if (well && s->stats.recovered > 0)
		log_info("queue: %" PRIu64 " documents wait from before in %s", s->stats.recovered,
			 s->folder.path);
	return well;
}
