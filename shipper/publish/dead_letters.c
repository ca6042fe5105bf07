#include "shipper/publish/dead_letters.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shipper/base/fd.h"
#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/publish/spool_folder.h"
#include "shipper/txn/json_text.h"

enum { FILE_MODE = 0600, LINE_HEAD = 256 };

struct dead_letters {
	char *path;
	const char *output;
	uint64_t size;
	unsigned files;
	pthread_mutex_t lock;
	int fd; /* -1: not made yet, or lost */
	struct buf lines;
};

struct dead_letters *dead_letters_new(const char *path, const char *output, uint64_t size,
				      unsigned files)
{
	struct dead_letters *d = must_alloc(sizeof(*d));

	d->path = must_strdup(path);
	d->output = output;
	d->size = size;
	d->files = files;
	d->fd = -1;
	must(pthread_mutex_init(&d->lock, NULL) == 0);
	return d;
}

void dead_letters_free(struct dead_letters *d)
{
	if (d == NULL)
		return;
	if (d->fd >= 0)
		close(d->fd);
	buf_fini(&d->lines);
	must(pthread_mutex_destroy(&d->lock) == 0);
	free(d->path);
	free(d);
}

const char *dead_letters_path(const struct dead_letters *d)
{
	return d->path;
}

/* ---- Lines ---- */

static void add_line(struct dead_letters *d, const char *now, const struct batch *b,
		     const struct entry *e)
{
	struct bytes text = {b->text.at + e->at, e->len};
	char head[LINE_HEAD];
	int len = snprintf(head, sizeof(head),
			   "{\"@timestamp\":\"%s\",\"output\":\"%s\",\"status\":%u,\"reason\":\"",
			   now, d->output, (unsigned)e->status);

	must(len > 0 && (size_t)len < sizeof(head));
	buf_add(&d->lines, bytes_of(head, (size_t)len));
	json_text(&d->lines, batch_reason(b, e));
	buf_add(&d->lines, BYTES("\",\"event.id\":\""));
	json_text(&d->lines, bytes_of(e->id, sizeof(e->id)));
	buf_add(&d->lines, BYTES("\",\"document\":"));
	while (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	buf_add(&d->lines, text);
	buf_add(&d->lines, BYTES("}\n"));
}

static void make_lines(struct dead_letters *d, const struct batch *b)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	must(gmtime_r(&now, &tm) != NULL);
	must(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	d->lines.len = 0;
	for (size_t i = 0; i < b->count; i++)
		if (b->entries[i].verdict == VERDICT_REFUSED)
			add_line(d, text, b, &b->entries[i]);
}

/* ---- The file ---- */

static bool make_folder_of(const char *path, struct fault *fault)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (slash == NULL || slash == path)
		return true;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	return spool_folder_make(folder, fault);
}

/* A process that died may have left the front of a line. Its document was not settled: it comes
 * again. */
static void cut_torn(int fd)
{
	struct stat st;
	char block[4096];

	if (fstat(fd, &st) != 0)
		return;
	off_t end = st.st_size;

	while (end > 0) {
		size_t n = end < (off_t)sizeof(block) ? (size_t)end : sizeof(block);

		if (pread(fd, block, n, end - (off_t)n) != (ssize_t)n)
			return;
		const char *line = memrchr(block, '\n', n);

		if (line != NULL) {
			end -= (off_t)(block + n - line) - 1;
			break;
		}
		end -= (off_t)n;
	}
	if (end < st.st_size && ftruncate(fd, end) == 0)
		log_warning("dead letters: %lld bytes of a line that was not whole are cut",
			    (long long)(st.st_size - end));
}

static bool open_file(struct dead_letters *d, struct fault *fault)
{
	if (d->fd >= 0)
		return true;
	if (!make_folder_of(d->path, fault))
		return false;
	d->fd = open(d->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
		     FILE_MODE);
	if (d->fd < 0)
		return fault_set(fault, "cannot keep refused documents in %s: %s", d->path,
				 strerror(errno));
	cut_torn(d->fd);
	return true;
}

static void name_of(const struct dead_letters *d, unsigned n, char to[PATH_MAX])
{
	if (n == 0)
		snprintf(to, PATH_MAX, "%s", d->path);
	else
		snprintf(to, PATH_MAX, "%s.%u", d->path, n);
}

/* NAME becomes NAME.1, and so on up to the first number that is free, or the last, which goes. */
static void shift(struct dead_letters *d)
{
	char from[PATH_MAX], to[PATH_MAX];
	unsigned n = 1;

	for (; n + 1 < d->files; n++) {
		name_of(d, n, to);
		if (access(to, F_OK) != 0)
			break;
	}
	name_of(d, n, to);
	if (access(to, F_OK) == 0)
		log_warning("dead letters: %s is removed for new ones (queue.dead_letters_files)",
			    to);
	for (; n > 0; n--) {
		name_of(d, n - 1, from);
		name_of(d, n, to);
		if (rename(from, to) != 0)
			log_error("dead letters: cannot rename %s to %s: %s", from, to,
				  strerror(errno));
	}
	close(d->fd);
	d->fd = -1;
}

/* A line that is there in part would be taken for none: what fails leaves the file as it was. */
static bool append(struct dead_letters *d, struct fault *fault)
{
	struct stat st = {0};
	bool well = fstat(d->fd, &st) == 0 &&
		    fd_write(d->fd, buf_bytes(&d->lines)) == d->lines.len && fsync(d->fd) == 0;

	if (well)
		return true;
	fault_set(fault, "cannot keep refused documents in %s: %s", d->path, strerror(errno));
	/* What cannot be cut now is cut when it is opened again. */
	if (ftruncate(d->fd, st.st_size) != 0)
		log_warning("dead letters: %s ends in a line that is not whole", d->path);
	close(d->fd);
	d->fd = -1;
	return false;
}

bool dead_letters_add(struct dead_letters *d, const struct batch *b, struct fault *fault)
{
	struct stat st;

	must(pthread_mutex_lock(&d->lock) == 0);
	make_lines(d, b);
	bool well = open_file(d, fault);

	if (well && fstat(d->fd, &st) == 0 && st.st_size > 0 &&
	    (uint64_t)st.st_size + d->lines.len > d->size) {
		shift(d);
		well = open_file(d, fault);
	}
	well = well && append(d, fault);
	must(pthread_mutex_unlock(&d->lock) == 0);
	return well;
}
