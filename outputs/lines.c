#include "outputs/lines.h"

#include <errno.h>
#include <string.h>

#include "shipper/base/fd.h"

/* Marks what `written` bytes, counted from the first of the entries, have covered. */
static void mark(struct lines *l, struct batch *b, size_t from, size_t to, size_t written)
{
	size_t left = written;
	size_t i = from;

	for (; i < to && left >= b->entries[i].len; i++) {
		b->entries[i].verdict = VERDICT_DELIVERED;
		left -= b->entries[i].len;
	}
	l->torn = left;
}

bool lines_write(struct lines *l, struct batch *b, size_t from, size_t to)
{
	while (from < to && !entry_pending(&b->entries[from]))
		from++;
	if (from == to)
		return true;
	const struct entry *first = &b->entries[from], *last = &b->entries[to - 1];
	struct bytes all = {b->text.at + first->at, last->at + last->len - first->at};
	struct bytes rest = bytes_skip(all, l->torn);
	size_t n = fd_write(l->fd, rest);
	int error = errno;

	l->bytes += n;
	mark(l, b, from, to, l->torn + n);
	errno = error;
	return n == rest.len;
}

bool lines_write_one(struct lines *l, struct bytes text)
{
	struct bytes rest = bytes_skip(text, l->torn);
	size_t n = fd_write(l->fd, rest);

	l->bytes += n;
	l->torn = n == rest.len ? 0 : l->torn + n;
	return n == rest.len;
}

void lines_failed(struct batch *b, int error, const char *where, struct fault *fault)
{
	for (size_t i = 0; i < b->count; i++)
		if (entry_pending(&b->entries[i]))
			b->entries[i].verdict = error == EPIPE ? VERDICT_GONE : VERDICT_AGAIN;
	fault_set(fault, "cannot write to %s: %s%s", where, strerror(error),
		  error == ENOSPC || error == EDQUOT ? " (make room)" : "");
}
