/*
 * Capture files as a source: one after the other, in the order given, "-" for standard input.
 *
 * A file that cannot be read, or not to its end, does not keep the others from being read: what is
 * wrong with it is reported at once when there are several, and the end is NEXT_FAILED.
 *
 * Owns     its descriptors and buffers
 * Borrows  paths and conf, until close; frames as source.h says
 * Errors   every fault names the file and says what to do
 */
#ifndef WIRESPAN_CAPTURE_FILE_H
#define WIRESPAN_CAPTURE_FILE_H

#include "shipper/capture/source.h"

struct file_conf {
	const char *filter;	      /* BPF expression; NULL or "" for none */
	bool (*knows_link)(int link); /* which link types can be used; NULL for all */
	/* With several files: called for each that fails. May be NULL. */
	void (*report)(void *self, const struct fault *fault);
	void *report_self;
};

/* False: a wrong filter, or the only file cannot be opened. */
bool file_open(struct tap *tap, const char *const *paths, size_t count,
	       const struct file_conf *conf, struct fault *fault);

struct file_progress {
	size_t file;	     /* in hand, from 0 */
	uint64_t done, size; /* bytes of all files; size 0 where a pipe is among them */
};

struct file_progress file_progress(const struct tap *tap);

/* The times of the first and last packet in all files, by reading them. False when there are none
 * or one is not a plain file. */
bool file_span(const char *const *paths, size_t count, nsec *first, nsec *last);

#endif
