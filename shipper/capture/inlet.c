#include "shipper/capture/inlet.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "shipper/base/must.h"

void inlet_init(struct inlet *in, int fd, uint64_t size, bool may_wait)
{
	*in = (struct inlet){.fd = fd, .may_wait = may_wait, .cap = INLET_BLOCK};
	if (!may_wait && size < INLET_BLOCK)
		in->cap = size > INLET_BLOCK_MIN ? (size_t)size : INLET_BLOCK_MIN;
	in->block = must_realloc(NULL, in->cap);
}

void inlet_fini(struct inlet *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in->block);
	*in = (struct inlet){.fd = -1};
}

static void make_room(struct inlet *in, size_t n)
{
	size_t left = in->end - in->at;

	if (in->at > 0 && left > 0)
		memmove(in->block, in->block + in->at, left);
	in->at = 0;
	in->end = left;
	if (n > in->cap) {
		in->block = must_realloc(in->block, n);
		in->cap = n;
	}
}

static enum inlet_got read_once(struct inlet *in)
{
	struct pollfd ready = {.fd = in->fd, .events = POLLIN};
	ssize_t got;

	if (in->may_wait && poll(&ready, 1, INLET_WAIT_MS) <= 0)
		return INLET_WAIT;
	got = read(in->fd, in->block + in->end, in->cap - in->end);
	if (got == 0)
		return INLET_END;
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return INLET_WAIT;
	if (got < 0) {
		in->error = errno;
		return INLET_FAILED;
	}
	in->end += (size_t)got;
	return INLET_READY;
}

enum inlet_got inlet_fill(struct inlet *in, size_t n)
{
	make_room(in, n);
	while (in->end - in->at < n) {
		enum inlet_got got = read_once(in);

		if (got != INLET_READY)
			return got;
		if (in->owed > 0) {
			size_t pass = in->end < in->owed ? in->end : (size_t)in->owed;

			in->owed -= pass;
			in->at = pass;
			make_room(in, n);
		}
	}
	return INLET_READY;
}

enum next inlet_stop(const struct inlet *in, enum inlet_got got, uint64_t frames,
		     struct fault *fault)
{
	if (got == INLET_WAIT)
		return NEXT_IDLE;
	if (got == INLET_END && inlet_clean(in))
		return NEXT_END;
	if (got == INLET_END)
		fault_set(
			fault,
			"ends in the middle of a packet, at byte %" PRIu64 ": the %" PRIu64
			" packets before it were read. Was the capture still running, or the copy "
			"cut short?",
			in->offset + (in->end - in->at) - in->owed, frames);
	else
		fault_set(fault,
			  "reading failed at byte %" PRIu64 ": %s. The %" PRIu64
			  " packets before it were read",
			  in->offset, strerror(in->error), frames);
	return NEXT_FAILED;
}
