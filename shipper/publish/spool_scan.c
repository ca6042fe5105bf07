#include "shipper/publish/spool_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

bool spool_scan(int fd, uint64_t at, uint64_t to, spool_visit_fn visit, void *self,
		struct spool_scan *scan)
{
	struct buf chunk = {0};
	uint64_t want = CHUNK, damaged = 0;
	enum spool_step step = SPOOL_MORE;
	bool well = true;

	*scan = (struct spool_scan){0};
	while (step == SPOOL_MORE && well) {
		struct spool_record record;
		uint64_t left = to > at ? to - at : 0;
		size_t more = (size_t)(want < left ? want : left);
		ssize_t n = spool_read(fd, buf_room(&chunk, more), more, at);

		well = n >= 0;
		chunk.len += n > 0 ? (size_t)n : 0;
		at += n > 0 ? (uint64_t)n : 0;
		if (n < (ssize_t)more)
			to = at;
		struct cursor c = cursor_of(buf_bytes(&chunk));

		while ((step = spool_record_next(&c, to > at ? to - at : 0, &record, &want,
						 &damaged)) == SPOOL_RECORD) {
			scan->records++;
			scan->damaged = damaged;
			if (visit != NULL)
				visit(self, &record);
		}
		buf_drop(&chunk, cursor_used(&c));
		want = want > CHUNK ? want : CHUNK;
	}
	scan->tail = damaged - scan->damaged;
	scan->damaged = damaged;
	buf_fini(&chunk);
	return well;
}

/* ---- A whole spool ---- */

struct walk {
	struct spool_view *view;
	bool thorough; /* reads what a header would tell, too */
	spool_visit_fn waits;
	void *self;
};

static void visit(void *self, const struct spool_record *record)
{
	const struct walk *walk = self;
	struct spool_view *view = walk->view;

	view->records++;
	if (record->number < view->cursor)
		return;
	if (view->waiting == 0 || record->when < view->oldest)
		view->oldest = record->when;
	view->waiting++;
	view->waiting_bytes += record->text.len;
	if (walk->waits != NULL)
		walk->waits(walk->self, record);
}

/* A sealed segment's header says how much waits in it; but when the oldest began to, is read. */
static bool view_header(struct walk *walk, const struct spool_file *file,
			const struct spool_header *h)
{
	struct spool_view *view = walk->view;
	uint64_t first = view->cursor > h->first ? view->cursor : h->first;
	uint64_t waiting = first < h->end ? h->end - first : 0;

	if (walk->thorough || !h->sealed || !spool_header_fits(h, file) ||
	    (waiting > 0 && view->waiting == 0))
		return false;
	view->records += h->end - h->first;
	view->waiting += waiting;
	if (waiting > 0) {
		uint64_t size = (file->bytes - SPOOL_HEADER) / (h->end - h->first);

		view->waiting_bytes +=
			waiting * (size > SPOOL_RECORD_HEADER ? size - SPOOL_RECORD_HEADER : 0);
	}
	return true;
}

static bool view_segment(const struct spool_folder *folder, const struct spool_file *file,
			 struct walk *walk, struct spool_scan *scan, bool *whole_header,
			 struct fault *fault)
{
	uint8_t text[SPOOL_HEADER];
	struct spool_header header;
	int fd = spool_folder_open(folder, file->number, O_RDONLY);

	*scan = (struct spool_scan){0};
	*whole_header = true;
	if (fd < 0 && errno == ENOENT)
		return true;
	ssize_t n = fd >= 0 ? spool_read(fd, text, sizeof(text), 0) : -1;
	bool well = n >= 0;
	enum spool_state state = spool_header_read(bytes_of(text, n > 0 ? (size_t)n : 0), &header);

	*whole_header = state == SPOOL_WELL || n == 0;
	walk->view->segments++;
	walk->view->bytes += file->bytes;
	if (well && state != SPOOL_OTHER &&
	    !(state == SPOOL_WELL && view_header(walk, file, &header)))
		well = spool_scan(fd, state == SPOOL_WELL ? SPOOL_HEADER : 0, file->bytes, visit,
				  walk, scan);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (!well)
		return fault_set(fault, "cannot read the spool in %s: %s", folder->path,
				 strerror(error));
	return state != SPOOL_OTHER || spool_other_version(folder, header.version, fault);
}

static bool view_all(const struct spool_folder *folder, struct walk *walk, spool_damage_fn damage,
		     struct fault *fault)
{
	struct spool_view *view = walk->view;
	enum spool_state state;
	struct spool_list list;
	uint32_t version = 0;
	bool well = true;

	*view = (struct spool_view){.user = spool_folder_user(folder)};
	if (!spool_folder_cursor(folder, &view->cursor, &state, &version, fault))
		return false;
	if (state == SPOOL_OTHER)
		return spool_other_version(folder, version, fault);
	view->cursor_damaged = state == SPOOL_DAMAGED;
	if (!spool_folder_list(folder, &list, fault))
		return false;
	for (size_t i = 0; i < list.count && well; i++) {
		struct spool_scan scan;
		char name[SPOOL_NAME];
		bool header;

		well = view_segment(folder, &list.at[i], walk, &scan, &header, fault);
		if (i + 1 == list.count && view->user != 0)
			scan.damaged -= scan.tail;
		if (scan.damaged == 0 && header)
			continue;
		view->damaged += scan.damaged;
		view->damaged_segments++;
		spool_name(list.at[i].number, name);
		if (damage != NULL && well)
			damage(walk->self, name, &scan, header);
	}
	spool_list_free(&list);
	return well;
}

bool spool_view(const struct spool_folder *folder, spool_visit_fn waits, spool_damage_fn damage,
		void *self, struct spool_view *view, struct fault *fault)
{
	struct walk walk = {view, true, waits, self};

	return view_all(folder, &walk, damage, fault);
}

bool spool_glance(const struct spool_folder *folder, struct spool_view *view, struct fault *fault)
{
	struct walk walk = {view, false, NULL, NULL};

	return view_all(folder, &walk, NULL, fault);
}
