#include "shipper/publish/spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/fd.h"
#include "shipper/base/must.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, NUMBER_DIGITS = 16, PID_TEXT = 24 };

#define SUFFIX	   ".seg"
#define CURSOR	   "cursor"
#define CURSOR_NEW "cursor.new"
#define LOCK	   "lock"

/* ---- The folder ---- */

bool spool_folder_make(const char *path, struct fault *fault)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(part))
		return fault_set(fault, "the queue's folder: the name is %s",
				 len == 0 ? "empty" : "too long");
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, FOLDER_MODE) != 0 && errno != EEXIST && errno != EISDIR)
			return fault_set(fault, "cannot make the folder %s: %s", part,
					 strerror(errno));
	}
	return true;
}

bool spool_folder_look(struct spool_folder *f, const char *path, struct fault *fault)
{
	f->lock = -1;
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->dir >= 0 ||
	       fault_set(fault, "cannot open the spool's folder %s: %s", path, strerror(errno));
}

void spool_folder_close(struct spool_folder *f)
{
	if (f->lock >= 0)
		close(f->lock);
	if (f->dir >= 0)
		close(f->dir);
	f->lock = f->dir = -1;
}

static struct flock whole_file(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static long lock_says(int fd)
{
	char text[PID_TEXT] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static bool take_lock(struct spool_folder *f, struct fault *fault)
{
	struct flock lock = whole_file();
	char text[PID_TEXT];

	f->lock = openat(f->dir, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (f->lock < 0)
		return fault_set(fault, "cannot use the spool's folder %s: %s", f->path,
				 strerror(errno));
	if (fcntl(f->lock, F_OFD_SETLK, &lock) != 0) {
		if (errno == EAGAIN || errno == EACCES)
			return fault_set(fault,
					 "the spool in %s is in use by another process (%ld)",
					 f->path, lock_says(f->lock));
		return fault_set(fault, "cannot lock the spool in %s: %s", f->path,
				 strerror(errno));
	}
	/* Who holds it is said for people: a full disk may keep it from being written. */
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(f->lock, 0) == 0)
		fd_write(f->lock, bytes_of(text, (size_t)len));
	return true;
}

bool spool_folder_own(struct spool_folder *f, const char *path, struct fault *fault)
{
	if (!spool_folder_make(path, fault) || !spool_folder_look(f, path, fault))
		return false;
	if (take_lock(f, fault))
		return true;
	spool_folder_close(f);
	return false;
}

long spool_folder_user(const struct spool_folder *f)
{
	struct flock lock = whole_file();
	long user = 0;
	int fd = openat(f->dir, LOCK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return 0;
	lock.l_type = F_RDLCK;
	if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		user = lock_says(fd);
	close(fd);
	return user;
}

/* ---- Segments ---- */

void spool_name(uint64_t number, char to[SPOOL_NAME])
{
	snprintf(to, SPOOL_NAME, "%0*" PRIx64 SUFFIX, NUMBER_DIGITS, number);
}

static bool name_number(const char *name, uint64_t *number)
{
	struct bytes b = bytes_str(name);

	return b.len == NUMBER_DIGITS + sizeof(SUFFIX) - 1 &&
	       bytes_eq(bytes_skip(b, NUMBER_DIGITS), BYTES(SUFFIX)) &&
	       bytes_hex(bytes_head(b, NUMBER_DIGITS), UINT64_MAX - 1, number);
}

static int by_number(const void *a, const void *b)
{
	const struct spool_file *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

bool spool_folder_list(const struct spool_folder *f, struct spool_list *list, struct fault *fault)
{
	int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	struct stat st;

	*list = (struct spool_list){0};
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return fault_set(fault, "cannot read the spool's folder %s: %s", f->path,
				 strerror(errno));
	}
	while ((entry = readdir(dir)) != NULL) {
		struct spool_file file;

		if (!name_number(entry->d_name, &file.number) ||
		    fstatat(f->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		file.bytes = (uint64_t)st.st_size;
		list->at = must_realloc(list->at, (list->count + 1) * sizeof(list->at[0]));
		list->at[list->count++] = file;
	}
	closedir(dir);
	if (list->count > 0)
		qsort(list->at, list->count, sizeof(list->at[0]), by_number);
	return true;
}

void spool_list_free(struct spool_list *list)
{
	free(list->at);
	*list = (struct spool_list){0};
}

int spool_folder_open(const struct spool_folder *f, uint64_t number, int flags)
{
	char name[SPOOL_NAME];

	spool_name(number, name);
	return openat(f->dir, name, flags | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
}

bool spool_header_fits(const struct spool_header *h, const struct spool_file *file)
{
	return h->number == file->number && h->first <= h->end &&
	       h->end - h->first <= file->bytes / SPOOL_RECORD_HEADER;
}

bool spool_folder_remove(const struct spool_folder *f, uint64_t number)
{
	char name[SPOOL_NAME];

	spool_name(number, name);
	return unlinkat(f->dir, name, 0) == 0 || errno == ENOENT;
}

bool spool_folder_set_aside(const struct spool_folder *f, uint64_t number)
{
	char name[SPOOL_NAME], to[SPOOL_NAME + sizeof(".damaged")];

	spool_name(number, name);
	snprintf(to, sizeof(to), "%s.damaged", name);
	return renameat(f->dir, name, f->dir, to) == 0;
}

/* ---- The cursor ---- */

bool spool_folder_cursor(const struct spool_folder *f, uint64_t *next, enum spool_state *state,
			 uint32_t *version, struct fault *fault)
{
	uint8_t text[SPOOL_CURSOR];
	int fd = openat(f->dir, CURSOR, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	*next = 0;
	*state = SPOOL_WELL;
	if (fd < 0 && errno == ENOENT)
		return true;
	ssize_t n = fd >= 0 ? spool_read(fd, text, sizeof(text), 0) : -1;
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return fault_set(fault, "cannot read %s/" CURSOR ": %s", f->path, strerror(error));
	*state = spool_cursor_read(bytes_of(text, (size_t)n), next, version);
	return true;
}

bool spool_folder_set_cursor(const struct spool_folder *f, uint64_t next, bool sync,
			     struct fault *fault)
{
	uint8_t text[SPOOL_CURSOR];
	int fd = openat(f->dir, CURSOR_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			FILE_MODE);

	spool_cursor_write(text, next);
	bool well = fd >= 0 && spool_write(fd, bytes_of(text, sizeof(text)), 0) &&
		    (!sync || fsync(fd) == 0);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (well) {
		well = renameat(f->dir, CURSOR_NEW, f->dir, CURSOR) == 0 &&
		       (!sync || fsync(f->dir) == 0);
		error = errno;
	}
	return well || fault_set(fault, "cannot write %s/" CURSOR ": %s", f->path, strerror(error));
}

bool spool_folder_remove_cursor(const struct spool_folder *f)
{
	return unlinkat(f->dir, CURSOR, 0) == 0 || errno == ENOENT;
}

bool spool_other_version(const struct spool_folder *f, uint32_t version, struct fault *fault)
{
	return fault_set(fault,
			 "the spool in %s was written by another version of wirespan (format %u, "
			 "this one has %u): let that one deliver it, or `wirespan spool drop` it",
			 f->path, version, SPOOL_VERSION);
}

/* ---- Bytes ---- */

ssize_t spool_read(int fd, void *to, size_t size, uint64_t at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)to + done, size - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return done > 0 ? (ssize_t)done : -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

bool spool_write(int fd, struct bytes b, uint64_t at)
{
	size_t done = 0;

	while (done < b.len) {
		ssize_t n = pwrite(fd, b.at + done, b.len - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return false;
		if (n == 0) {
			errno = EIO;
			return false;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}
