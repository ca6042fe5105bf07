#include "shipper/base/fd.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Standard output may be shared with a program that made it non-blocking. */
static bool writable_again(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (errno == EINTR)
		return true;
	return (errno == EAGAIN || errno == EWOULDBLOCK) &&
	       (poll(&p, 1, -1) >= 0 || errno == EINTR);
}

size_t fd_write(int fd, struct bytes b)
{
	size_t done = 0;

	while (done < b.len) {
		ssize_t n = write(fd, b.at + done, b.len - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0) {
			errno = EIO;
			break;
		} else if (!writable_again(fd)) {
			break;
		}
	}
	return done;
}
