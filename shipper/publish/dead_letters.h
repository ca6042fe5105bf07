/*
 * Documents that the output refused for good, kept where a person can look: a file of JSON lines,
 * each with the time, the reason, the server's code, the event's id and the document.
 *
 *   {"@timestamp":"…","output":"elasticsearch","status":400,"reason":"…","event.id":"…","document":{…}}
 *
 * Lines are on disk before the documents count as settled. A file that reaches its size becomes
 * NAME.1, and so on; the oldest goes, which is logged. It is made when the first document is
 * refused.
 *
 * Owns     the file, from the first refusal on
 * Errors   a fault, and nothing was written; the caller waits and tries again
 * Thread   any
 */
#ifndef WIRESPAN_PUBLISH_DEAD_LETTERS_H
#define WIRESPAN_PUBLISH_DEAD_LETTERS_H

#include "outputs/output.h"

struct dead_letters;

/* A file larger than `size` is put aside; `files` are kept, the one being written included. */
struct dead_letters *dead_letters_new(const char *path, const char *output, uint64_t size,
				      unsigned files);
void dead_letters_free(struct dead_letters *dead);

const char *dead_letters_path(const struct dead_letters *dead);

/* Every REFUSED entry of the batch. */
bool dead_letters_add(struct dead_letters *dead, const struct batch *batch, struct fault *fault);

#endif
