/*
 * What systemd is told: the datagrams, as they arrive at a socket of our own.
 */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shipper/base/notify.h"

static int server = -1;
static char text[1024];

/* Listens at that name, which is as NOTIFY_SOCKET has it. */
static void listen_at(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(name) + (name[0] == '/');

	memcpy(at.sun_path, name, len);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	server = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(server, (struct sockaddr *)&at,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		     0);
	setenv("NOTIFY_SOCKET", name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void listen_unnamed(void)
{
	char name[64];

	snprintf(name, sizeof(name), "@wirespan-test-%d", (int)getpid());
	listen_at(name);
}

static void end(void)
{
	if (server >= 0)
		close(server);
	server = -1;
}

TestSuite(notify, .fini = end);

static const char *heard(void)
{
	ssize_t n = recv(server, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

Test(notify, a_life)
{
	struct notify notify;
	long long us = 0;
	int used = 0;

	listen_unnamed();
	notify_open(&notify);
	cr_assert_eq(notify.watchdog, 0);
	notify_ready(&notify, "Watching.");
	cr_assert_str_eq(heard(), "READY=1\nSTATUS=Watching.");
	notify_status(&notify, "5 packets/s");
	cr_assert_str_eq(heard(), "STATUS=5 packets/s");
	notify_alive(&notify);
	cr_assert_str_eq(heard(), "WATCHDOG=1");
	int64_t before = mono_now().ns / NS_PER_US;

	notify_reloading(&notify);
	cr_assert_eq(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%lld%n", &us, &used), 1);
	cr_assert(text[used] == '\0' && us >= before && us <= mono_now().ns / NS_PER_US);
	notify_stopping(&notify);
	cr_assert_str_eq(heard(), "STOPPING=1\nSTATUS=Delivering what there is.");
	notify_extend(&notify, 20LL * NS_PER_S);
	cr_assert_str_eq(heard(), "EXTEND_TIMEOUT_USEC=20000000");
	notify_close(&notify);
}

Test(notify, a_socket_with_a_path)
{
	char folder[] = "/tmp/wirespan-notify-XXXXXX", path[64];
	struct notify notify;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	listen_at(path);
	notify_open(&notify);
	unlink(path);
	rmdir(folder);
	notify_alive(&notify);
	cr_assert_str_eq(heard(), "WATCHDOG=1");
	notify_close(&notify);
}

Test(notify, the_watchdog_is_for_one_process)
{
	struct notify notify;
	char own[32];

	listen_unnamed();
	setenv("WATCHDOG_USEC", "30000000", 1);
	notify_open(&notify);
	cr_assert_eq(notify.watchdog, 30LL * NS_PER_S);
	notify_close(&notify);
	cr_assert_null(getenv("WATCHDOG_USEC"));
	cr_assert_null(getenv("NOTIFY_SOCKET"));
	end();
	listen_unnamed();
	snprintf(own, sizeof(own), "%d", (int)getpid());
	setenv("WATCHDOG_USEC", "1000000", 1);
	setenv("WATCHDOG_PID", own, 1);
	notify_open(&notify);
	cr_assert_eq(notify.watchdog, NS_PER_S);
	notify_close(&notify);
	end();
	listen_unnamed();
	setenv("WATCHDOG_USEC", "1000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_open(&notify);
	cr_assert_eq(notify.watchdog, 0);
	notify_close(&notify);
	end();
	listen_unnamed();
	setenv("WATCHDOG_USEC", "-5", 1);
	notify_open(&notify);
	cr_assert_eq(notify.watchdog, 0);
	notify_close(&notify);
}

Test(notify, nobody_listens)
{
	static const char *const names[] = {"relative", "@", "", "/nonexistent/socket"};
	struct notify notify;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_open(&notify);
		cr_assert_eq(notify.socket, -1, "%s", names[i]);
		notify_ready(&notify, "");
		notify_close(&notify);
	}
	unsetenv("NOTIFY_SOCKET");
	notify_open(&notify);
	cr_assert_eq(notify.socket, -1);
	notify_alive(&notify);
}
