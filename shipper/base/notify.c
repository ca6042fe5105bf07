#include "shipper/base/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_MAX = 512 };

/* A path, or with @ a name in the abstract namespace. Connected once: a later chroot or a folder
 * that cannot be read any more does not matter. */
static int connect_to(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd;

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path, name, len);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	else
		len++;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The watchdog is meant for this very process, where it says for which. */
static nsec watchdog_of(const char *span, const char *pid)
{
	char *end;
	unsigned long long us;

	if (span == NULL || (pid != NULL && strtoul(pid, NULL, 10) != (unsigned long)getpid()))
		return 0;
	us = strtoull(span, &end, 10);
	if (*span < '0' || *span > '9' || *end != '\0' || us > INT64_MAX / NS_PER_US)
		return 0;
	return (nsec)us * NS_PER_US;
}

void notify_open(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*notify = (struct notify){.socket = -1};
	if (name != NULL)
		notify->socket = connect_to(name);
	if (notify->socket >= 0)
		notify->watchdog = watchdog_of(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *notify)
{
	if (notify->socket >= 0)
		close(notify->socket);
	notify->socket = -1;
}

__attribute__((format(printf, 2, 3))) static void tell(struct notify *notify, const char *format,
						       ...)
{
	char text[TEXT_MAX];
	va_list args;
	int len;

	if (notify->socket < 0)
		return;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len >= (int)sizeof(text))
		len = sizeof(text) - 1;
	while (send(notify->socket, text, (size_t)len, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

void notify_ready(struct notify *notify, const char *status)
{
	tell(notify, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(struct notify *notify)
{
	tell(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, mono_now().ns / NS_PER_US);
}

void notify_stopping(struct notify *notify)
{
	tell(notify, "STOPPING=1\nSTATUS=Delivering what there is.");
}

void notify_status(struct notify *notify, const char *status)
{
	tell(notify, "STATUS=%s", status);
}

void notify_alive(struct notify *notify)
{
	tell(notify, "WATCHDOG=1");
}

void notify_extend(struct notify *notify, nsec more)
{
	tell(notify, "EXTEND_TIMEOUT_USEC=%" PRId64, more / NS_PER_US);
}
