#include "outputs/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "outputs/lines.h"
#include "shipper/base/fd.h"
#include "shipper/base/log.h"

enum {
	NUMBER_ROOM = 8,
	FOLDER_MODE = 0750,
	RESERVE_FROM = 1 << 20, /* smaller files take the blocks that they fill, and no more */
	RESERVE_MAX = 16 << 20,
};

struct file {
	const struct file_conf *conf;
	struct lines lines;
	char name[PATH_MAX];
	mode_t mode;
	bool regular;
	uint64_t size;	   /* of the file when it was opened */
	uint64_t limit;	   /* rotate before it grows past this; 0 never */
	bool reserves;	   /* see reserve() */
	uint64_t reserved; /* up to where the file has its blocks already */
	bool rotate_fails; /* said once, until it works again */
};

static const struct option file_options[] = {
	{.name = "path",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct file_conf, path),
	 .preset = "",
	 .help = "The folder that documents are written to; made when it is not there."},
	{.name = "filename",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct file_conf, filename),
	 .preset = "wirespan.ndjson",
	 .help = "The file that is being written; older ones are called NAME.1, NAME.2, and so "
		 "on."},
	{.name = "rotate_every_kb",
	 .type = OPTION_INT,
	 .offset = offsetof(struct file_conf, rotate_every_kb),
	 .preset = "10240",
	 .min = 0,
	 .max = INT64_C(1) << 40,
	 .unit = "KiB",
	 .help = "A file that reaches this is put aside and a new one begun; 0 never does."},
	{.name = "number_of_files",
	 .type = OPTION_INT,
	 .offset = offsetof(struct file_conf, number_of_files),
	 .preset = "7",
	 .min = 2,
	 .max = 1024,
	 .help = "How many are kept, the one being written included; the oldest goes."},
	{.name = "permissions",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct file_conf, permissions),
	 .preset = "0600",
	 .help = "Of the files that are made, octal."},
	{0},
};

static bool read_mode(const char *text, mode_t *mode, struct fault *fault)
{
	unsigned value = 0;
	size_t len = strspn(text, "01234567");

	if (len == 0 || len > 4 || text[len] != '\0')
		return fault_set(fault, "permissions %s: expected octal digits, as in 0600", text);
	for (size_t i = 0; i < len; i++)
		value = value * 8 + (unsigned)(text[i] - '0');
	*mode = (mode_t)value;
	return true;
}

/* NAME, or NAME.n; false when it is too long. */
static bool file_name(const struct file *f, unsigned n, char to[PATH_MAX])
{
	int len = n == 0 ? snprintf(to, PATH_MAX, "%s", f->name)
			 : snprintf(to, PATH_MAX, "%s.%u", f->name, n);

	return len > 0 && len < PATH_MAX;
}

static bool make_name(struct file *f, const struct file_conf *conf, struct fault *fault)
{
	const char *slash = conf->path[0] ? "/" : "";
	int len = snprintf(f->name, sizeof(f->name), "%s%s%s", conf->path, slash, conf->filename);

	if (conf->filename[0] == '\0')
		return fault_set(fault, "no filename to write to");
	if (len < 0 || (size_t)len + NUMBER_ROOM > sizeof(f->name))
		return fault_set(fault, "the name of the file is too long: %.64s...", f->name);
	if (conf->path[0] && mkdir(conf->path, FOLDER_MODE) != 0 && errno != EEXIST)
		return fault_set(fault, "cannot make the folder %s: %s", conf->path,
				 strerror(errno));
	return true;
}

/* A crash may have left half a line behind: the next document gets a line of its own. */
static void end_last_line(struct file *f)
{
	char last = '\n';
	int fd = open(f->name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (pread(fd, &last, 1, (off_t)f->size - 1) == 1 && last != '\n') {
		log_warning("%s: the last line is not whole; documents go behind it", f->name);
		f->lines.bytes += fd_write(f->lines.fd, BYTES("\n"));
	}
	close(fd);
}

static uint64_t file_size(const struct file *f)
{
	return f->size + f->lines.bytes;
}

/* ext4 sets blocks aside for one page after the other, which takes as long as filling them. */
static bool is_slow_to_grow(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC;
}

/* Blocks for the next `more` bytes and as much behind them as the file holds, within bounds, all at
 * one go. The file's size stays what was written. */
static void reserve(struct file *f, size_t more)
{
	uint64_t size = file_size(f), end = size + more;

	if (!f->reserves || size < RESERVE_FROM || end <= f->reserved)
		return;
	end += size < RESERVE_MAX ? size : RESERVE_MAX;
	if (f->limit > 0 && end > f->limit)
		end = f->limit;
	if (end > size &&
	    fallocate(f->lines.fd, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)(end - size)) == 0)
		f->reserved = end;
	else
		f->reserves = false;
}

/* Gives back the blocks behind the end. Where others have written to it too, the end is theirs. */
static void give_back(struct file *f)
{
	struct stat st;
	uint64_t size = file_size(f);

	if (f->reserved > size && fstat(f->lines.fd, &st) == 0 && (uint64_t)st.st_size == size &&
	    ftruncate(f->lines.fd, st.st_size) != 0)
		log_warning("%s: the room reserved behind its end: %s", f->name, strerror(errno));
	f->reserved = 0;
}

/* The front of a document that could not be finished is taken back, so that it is not torn
 * between two files, or left there at the end. */
static void cut_torn(struct file *f)
{
	struct stat st;
	uint64_t size = file_size(f);

	if (f->lines.torn == 0)
		return;
	/* If others write to it too, the end is theirs. */
	bool ours = fstat(f->lines.fd, &st) == 0 && (uint64_t)st.st_size == size;

	if (!ours || ftruncate(f->lines.fd, (off_t)(size - f->lines.torn)) != 0)
		fd_write(f->lines.fd, BYTES("\n"));
	f->lines.torn = 0;
}

/* Opens NAME in place of the descriptor in use, which stays when this fails. */
static bool open_file(struct file *f, int more_flags, struct fault *fault)
{
	struct stat st;
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | more_flags;
	int fd = open(f->name, flags, f->mode);

	if (fd < 0)
		return fault_set(fault, "cannot open %s for writing: %s", f->name, strerror(errno));
	if (fstat(fd, &st) != 0) {
		fault_set(fault, "cannot look at %s: %s", f->name, strerror(errno));
		close(fd);
		return false;
	}
	if (f->lines.fd >= 0) {
		cut_torn(f);
		give_back(f);
		close(f->lines.fd);
	}
	f->lines = (struct lines){.fd = fd};
	f->regular = S_ISREG(st.st_mode);
	f->size = f->regular ? (uint64_t)st.st_size : 0;
	f->reserves = f->regular && is_slow_to_grow(fd);
	if (f->size > 0)
		end_last_line(f);
	return true;
}

/* Does NAME still lead to the descriptor in use? Others may have moved it away. */
static bool name_is_ours(const struct file *f)
{
	struct stat by_name, by_fd;

	return stat(f->name, &by_name) == 0 && fstat(f->lines.fd, &by_fd) == 0 &&
	       by_name.st_dev == by_fd.st_dev && by_name.st_ino == by_fd.st_ino;
}

/* NAME becomes NAME.1, NAME.1 becomes NAME.2, up to the first number that is free, or the last,
 * which goes. Each step is whole: a crash between two leaves a free number, and loses nothing. */
static bool shift_names(const struct file *f, struct fault *fault)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct stat st;
	unsigned last = (unsigned)f->conf->number_of_files - 1;
	unsigned n = 1;

	while (n < last && file_name(f, n, to) && lstat(to, &st) == 0)
		n++;
	for (; n > 0; n--) {
		if (file_name(f, n - 1, from) && file_name(f, n, to) && rename(from, to) == 0)
			continue;
		/* Somebody else was a moment earlier: NAME is free all the same. */
		if (n == 1 && errno == ENOENT)
			break;
		return fault_set(fault, "cannot rename %s to %s: %s", from, to, strerror(errno));
	}
	return true;
}

/* When it fails, documents go on into the file as it is, and the next batch tries again. */
static bool rotate(struct file *f)
{
	struct fault fault = {0};
	bool well = (!name_is_ours(f) || shift_names(f, &fault)) && open_file(f, 0, &fault);

	if (!well && !f->rotate_fails)
		log_error("output file: rotation: %s; writing on", fault.text);
	else if (well && f->rotate_fails)
		log_info("output file: rotation works again");
	f->rotate_fails = !well;
	return well;
}

/* How far from `from` the entries fit into the file; none: rotate first. */
static size_t fitting(const struct file *f, const struct batch *b, size_t from)
{
	uint64_t size = file_size(f);
	size_t to = from;

	if (f->limit == 0 || !f->regular)
		return b->count;
	/* A document that was begun ends here, as does one that is larger than a whole file. */
	if (f->lines.torn > 0 || size == 0)
		size += b->entries[to++].len;
	while (to < b->count && size + b->entries[to].len <= f->limit)
		size += b->entries[to++].len;
	return to;
}

static bool write_batch(struct file *f, struct batch *b)
{
	size_t from = 0;

	while (from < b->count && !entry_pending(&b->entries[from]))
		from++;
	while (from < b->count) {
		size_t to = fitting(f, b, from);

		if (to == from && !rotate(f))
			to = b->count;
		if (to > from)
			reserve(f, b->entries[to - 1].at + b->entries[to - 1].len -
					   b->entries[from].at);
		if (!lines_write(&f->lines, b, from, to))
			return false;
		from = to;
	}
	return true;
}

static void file_send(void *self, struct batch *b, struct fault *fault)
{
	struct file *f = self;

	if (!write_batch(f, b))
		lines_failed(b, errno, f->name, fault);
}

static void file_demand(const void *conf, struct demand *demand)
{
	const struct file_conf *c = conf;

	if (c->path[0] != '\0')
		demand->folder = c->path;
	else
		demand->file = c->filename;
}

static bool file_open(void *self, const void *conf, struct fault *fault)
{
	struct file *f = self;

	f->conf = conf;
	f->lines.fd = -1;
	f->limit = (uint64_t)f->conf->rotate_every_kb * 1024;
	return read_mode(f->conf->permissions, &f->mode, fault) && make_name(f, conf, fault) &&
	       open_file(f, f->conf->truncate ? O_TRUNC : 0, fault);
}

static void file_reopen(void *self, struct fault *fault)
{
	open_file(self, 0, fault);
}

static void file_close(void *self)
{
	struct file *f = self;

	cut_torn(f);
	give_back(f);
	close(f->lines.fd);
}

const struct output output_file = {
	.name = "file",
	.options = file_options,
	.conf_size = sizeof(struct file_conf),
	.self_size = sizeof(struct file),
	.demand = file_demand,
	.open = file_open,
	.send = file_send,
	.reopen = file_reopen,
	.close = file_close,
};
