#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/publish/spool_scan.h"
#include "shipper/publish/spool_state.h"

/* What a segment holds, as its header says or a scan finds. */
struct found {
	uint64_t first, end, records;
	nsec newest;
};

static void found_add(void *self, const struct spool_record *r)
{
	struct found *f = self;

	if (f->records > 0 && r->number < f->end)
		return;
	if (f->records == 0)
		f->first = r->number;
	f->records++;
	f->end = r->number + 1;
	f->newest = r->when;
}

static void say_damage(const struct spool *s, uint64_t number, const struct spool_scan *scan,
		       bool header)
{
	char name[SPOOL_NAME];

	if (scan->damaged == 0 && header)
		return;
	spool_name(number, name);
	log_warning("queue: %s/%s is not whole%s: %" PRIu64 " documents kept, %" PRIu64
		    " bytes cut",
		    s->folder.path, name, header ? "" : " (its header is damaged)", scan->records,
		    scan->damaged);
}

/* A sealed segment is taken at its header's word; what is damaged in it is found when it is read.
 */
static bool read_segment(const struct spool *s, int fd, const struct spool_file *file,
			 struct found *found, uint64_t *from, struct fault *fault)
{
	uint8_t text[SPOOL_HEADER];
	struct spool_header h = {0};
	struct spool_scan scan = {0};
	ssize_t n = fd >= 0 ? spool_read(fd, text, sizeof(text), 0) : -1;
	enum spool_state state = spool_header_read(bytes_of(text, n > 0 ? (size_t)n : 0), &h);

	*from = state == SPOOL_WELL ? SPOOL_HEADER : 0;
	if (state == SPOOL_OTHER)
		return spool_other_version(&s->folder, h.version, fault);
	if (state == SPOOL_WELL && h.sealed && spool_header_fits(&h, file)) {
		*found = (struct found){h.first, h.end, h.end - h.first, h.newest};
		return true;
	}
	if (n < 0 || !spool_scan(fd, *from, file->bytes, found_add, found, &scan))
		return fault_set(fault, "cannot read the spool in %s: %s", s->folder.path,
				 strerror(errno));
	say_damage(s, file->number, &scan, state == SPOOL_WELL || n == 0);
	if (found->records > 0 && state == SPOOL_WELL && h.first < found->first)
		found->first = h.first;
	if (found->records == 0 && scan.damaged > 0)
		spool_folder_set_aside(&s->folder, file->number);
	return true;
}

static bool recover_segment(struct spool *s, const struct spool_file *file, struct fault *fault)
{
	struct found found = {0};
	uint64_t from = 0;
	int fd = spool_folder_open(&s->folder, file->number, O_RDONLY);
	bool well = read_segment(s, fd, file, &found, &from, fault);

	if (fd >= 0)
		close(fd);
	if (well && found.records > 0)
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
	else if (well)
		/* With nothing in it, it would be there for ever. */
		spool_folder_remove(&s->folder, file->number);
	return well;
}

static bool recover_cursor(struct spool *s, struct fault *fault)
{
	enum spool_state state;
	uint32_t version = 0;

	if (!spool_folder_cursor(&s->folder, &s->cursor, &state, &version, fault))
		return false;
	if (state == SPOOL_OTHER)
		return spool_other_version(&s->folder, version, fault);
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
