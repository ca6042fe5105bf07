/*
 * The folder of a spool: its lock, its segments by number, its cursor.
 *
 *   0000000000000007.seg   a segment, by its number in hexadecimal
 *   cursor                 the number of the first record that is not settled, replaced atomically
 *   lock                   held, by the process whose number it says, while the spool is in use
 *
 * Errors   a fault that names the file; the folder's own name goes before it
 * Thread   any, one call at a time a file
 */
#ifndef WIRESPAN_PUBLISH_SPOOL_FOLDER_H
#define WIRESPAN_PUBLISH_SPOOL_FOLDER_H

#include <limits.h>
#include <sys/types.h>

#include "shipper/base/fault.h"
#include "shipper/publish/spool_format.h"

enum { SPOOL_NAME = 32 };

struct spool_folder {
	char path[PATH_MAX];
	int dir;
	int lock; /* -1: only looked at */
};

struct spool_file {
	uint64_t number;
	uint64_t bytes;
};

struct spool_list {
	struct spool_file *at; /* by number, rising */
	size_t count;
};

/* As mkdir -p. */
bool spool_folder_make(const char *path, struct fault *fault);

/* Makes the folder when it is not there, and locks it against every other process. */
bool spool_folder_own(struct spool_folder *folder, const char *path, struct fault *fault);
/* To look at only; what is there may change meanwhile. */
bool spool_folder_look(struct spool_folder *folder, const char *path, struct fault *fault);
void spool_folder_close(struct spool_folder *folder);

/* The process that holds the lock, or 0; for one who looks. */
long spool_folder_user(const struct spool_folder *folder);

bool spool_folder_list(const struct spool_folder *folder, struct spool_list *list,
		       struct fault *fault);
void spool_list_free(struct spool_list *list);

/* Whether a header can be this file's: it is no other's, and does not promise more than there is.
 */
bool spool_header_fits(const struct spool_header *header, const struct spool_file *file);

void spool_name(uint64_t number, char to[SPOOL_NAME]);
int spool_folder_open(const struct spool_folder *folder, uint64_t number, int flags);
bool spool_folder_remove(const struct spool_folder *folder, uint64_t number);
/* A segment with nothing whole in it is left for people to look at, as NAME.damaged. */
bool spool_folder_set_aside(const struct spool_folder *folder, uint64_t number);

/* SPOOL_WELL also without a cursor: then *next is 0. */
bool spool_folder_cursor(const struct spool_folder *folder, uint64_t *next, enum spool_state *state,
			 uint32_t *version, struct fault *fault);
/* The new one is whole on disk before it takes the old one's place, if `sync`. */
bool spool_folder_set_cursor(const struct spool_folder *folder, uint64_t next, bool sync,
			     struct fault *fault);

bool spool_folder_remove_cursor(const struct spool_folder *folder);

/* Fills the fault that says so, and returns false. */
bool spool_other_version(const struct spool_folder *folder, uint32_t version, struct fault *fault);

/* Up to `size` bytes from `at`, less only at the end; -1 with errno. */
ssize_t spool_read(int fd, void *to, size_t size, uint64_t at);
/* All of it, or false with errno. */
bool spool_write(int fd, struct bytes b, uint64_t at);

#endif
