/*
 * The home finds the sockets of this very process on loopback.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shipper/host/finder.h"
#include "shipper/host/procs.h"
#include "shipper/host/sockets.h"

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 at = {0};
	socklen_t len = sizeof(at);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin6_port);
}

/* A socket of its own on 127.0.0.1, bound; to be closed by the caller. */
static int bound(int type)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type, 0);

	cr_assert(fd >= 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int connected(int type, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(port)};
	int fd = socket(AF_INET, type, 0);

	cr_assert(fd >= 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static struct endpoints ends_of(uint8_t transport, uint16_t client, uint16_t server)
{
	return (struct endpoints){
		.addr = {{{127, 0, 0, 1}}, {{127, 0, 0, 1}}},
		.port = {client, server},
		.version = 4,
		.transport = transport,
	};
}

static struct finder *looking(void)
{
	struct fault fault;
	struct finder *finder = finder_open(NULL, NULL, &fault);

	cr_assert_not_null(finder, "%s", fault.text);
	return finder;
}

/* Waits for the answer as a worker would come by again; NULL after a while. */
static const struct process *answer(const struct holder *holder)
{
	const struct process *process = NULL;

	for (int i = 0; i < 500 && (process = holder_process(holder)) == NULL; i++)
		poll(NULL, 0, 10);
	return process;
}

Test(home, names_the_server_before_anybody_connects)
{
	struct home_conf conf = {.processes = true, .finder = looking()};
	struct fault fault;
	int tcp = bound(SOCK_STREAM), udp = bound(SOCK_DGRAM);

	cr_assert_eq(listen(tcp, 1), 0);
	struct home *home = home_open(&conf, &fault);

	cr_assert_not_null(home, "%s", fault.text);
	int client = connected(SOCK_STREAM, port_of(tcp));
	struct endpoints ends = ends_of(TRANSPORT_TCP, port_of(client), port_of(tcp));
	struct holder *holder = home_ask(home, &ends);

	cr_assert_not_null(holder);
	cr_assert_not_null(holder_process(holder), "it must be known at once");
	cr_assert_eq(holder_process(holder)->pid, getpid());
	cr_assert_gt(strlen(holder_process(holder)->name), 0);
	cr_assert_not_null(strchr(holder_process(holder)->executable, '/'));
	holder_drop(home, holder);

	ends = ends_of(TRANSPORT_UDP, 12345, port_of(udp));
	holder = home_ask(home, &ends);
	cr_assert_not_null(holder_process(holder));
	cr_assert_eq(holder_process(holder)->pid, getpid());
	holder_drop(home, holder);
	home_close(home);
	close(client), close(tcp), close(udp);
}

Test(home, finds_a_server_that_came_later)
{
	struct home_conf conf = {.processes = true, .finder = looking()};
	struct home *home = home_open(&conf, NULL);
	int tcp = bound(SOCK_STREAM);

	cr_assert_eq(listen(tcp, 1), 0);
	int client = connected(SOCK_STREAM, port_of(tcp));
	struct endpoints ends = ends_of(TRANSPORT_TCP, port_of(client), port_of(tcp));
	struct holder *holder = home_ask(home, &ends);
	const struct process *process = answer(holder);

	cr_assert_not_null(process);
	cr_assert_eq(process->pid, getpid());
	holder_drop(home, holder);
	home_close(home);
	close(client), close(tcp);
}

Test(home, finds_one_connection_of_tcp_and_of_udp)
{
	struct fault fault;
	struct sockets *sockets = sockets_open(&fault);
	struct procs *procs = procs_open();
	nsec wait;

	cr_assert_not_null(sockets, "%s", fault.text);
	for (int i = 0; i < 2; i++) {
		int type = i ? SOCK_DGRAM : SOCK_STREAM;
		int server = bound(type);

		cr_assert(i || listen(server, 1) == 0);
		int client = connected(type, port_of(server));
		struct socket_end end = {
			.here = {{127, 0, 0, 1}},
			.there = {{127, 0, 0, 1}},
			.here_port = port_of(client),
			.there_port = port_of(server),
			.version = 4,
			.transport = i ? TRANSPORT_UDP : TRANSPORT_TCP,
		};
		uint32_t inode = sockets_inode(sockets, &end);

		cr_assert_neq(inode, 0);
		while (procs_pid(procs, inode) == 0) {
			procs_pass(procs, &wait);
			poll(NULL, 0, (int)(wait / NS_PER_MS));
		}
		cr_assert_eq(procs_pid(procs, inode), getpid());
		end.here_port = 1;
		cr_assert_eq(sockets_inode(sockets, &end), 0);
		close(client), close(server);
	}
	procs_close(procs);
	sockets_close(sockets);
}

Test(home, tells_the_direction)
{
	struct home_conf conf = {.processes = false};
	struct home *home = home_open(&conf, NULL);
	struct endpoints ends = ends_of(TRANSPORT_TCP, 1, 2);

	cr_assert_eq(home_direction(home, &ends), DIRECTION_INTERNAL);
	ends.addr[CLIENT] = (struct addr){{192, 0, 2, 1}};
	cr_assert_eq(home_direction(home, &ends), DIRECTION_INGRESS);
	ends.addr[SERVER] = ends.addr[CLIENT];
	cr_assert_eq(home_direction(home, &ends), DIRECTION_UNKNOWN);
	ends.addr[CLIENT] = (struct addr){{127, 0, 0, 1}};
	cr_assert_eq(home_direction(home, &ends), DIRECTION_EGRESS);
	cr_assert_null(home_ask(home, &ends));
	home_close(home);
}

Test(home, a_question_may_be_dropped_before_its_answer)
{
	struct home_conf conf = {.processes = true, .finder = looking()};
	struct home *home = home_open(&conf, NULL);
	struct endpoints ends = ends_of(TRANSPORT_TCP, 1, 2);

	for (int i = 0; i < 1000; i++)
		holder_drop(home, home_ask(home, &ends));
	home_close(home);
}

Test(home, reads_the_container_from_a_cgroup)
{
	char id[CONTAINER_ID_LEN + 1];
	static const char hex[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	char line[256];

	snprintf(line, sizeof(line), "0::/system.slice/docker-%s.scope\n", hex);
	cr_assert(container_of(bytes_str(line), id));
	cr_assert_str_eq(id, hex);
	snprintf(line, sizeof(line), "0::/kubepods/pod1/%s", hex);
	cr_assert(container_of(bytes_str(line), id));
	cr_assert(!container_of(BYTES("0::/user.slice/user-0.slice"), id));
	snprintf(line, sizeof(line), "0::/%s0", hex);
	cr_assert(!container_of(bytes_str(line), id));
}
