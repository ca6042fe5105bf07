#include "shipper/host/sockets.h"
#include "shipper/base/must.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	INODES_FIRST = 1024, /* a power of two */
	INODES_MAX = 1 << 20,
	PASS_SHARE = 20, /* a pass may take one twentieth of the time */
	PASS_PAUSE_MS = 100,
	ANSWER_MAX = 8192,
	ALL_STATES = 0xfff,
	LISTEN = 10,	 /* TCP_LISTEN */
	UNCONNECTED = 7, /* TCP_CLOSE, which UDP uses for it */
};

struct inode {
	uint32_t inode; /* 0: free */
	int pid;
};

struct sockets {
	int netlink;
	uint32_t sequence;
	struct inode *inodes; /* open addressing */
	size_t room, count;
	struct mono next_pass;
};

struct sockets *sockets_open(struct fault *fault)
{
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct timeval limit = {.tv_sec = 1};

	if (fd < 0) {
		fault_set(fault,
			  "cannot ask the kernel for sockets: %s; "
			  "host.processes: false does without",
			  strerror(errno));
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	struct sockets *s = must_alloc(sizeof(*s));

	s->netlink = fd;
	s->room = INODES_FIRST;
	s->inodes = must_alloc(s->room * sizeof(s->inodes[0]));
	return s;
}

void sockets_close(struct sockets *s)
{
	if (s == NULL)
		return;
	close(s->netlink);
	free(s->inodes);
	free(s);
}

/* ---- Asking the kernel ---- */

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

/* The next datagram of the answer to the last question; its length, 0 when there is none. */
static size_t receive(struct sockets *s, char *text)
{
	struct nlmsghdr head;

	do {
		ssize_t n = recv(s->netlink, text, ANSWER_MAX, 0);

		if (n < (ssize_t)sizeof(head))
			return 0;
		memcpy(&head, text, sizeof(head));
		if (head.nlmsg_seq == s->sequence)
			return (size_t)n;
	} while (true); /* the rest of one that was given up */
}

static bool ask(struct sockets *s, struct question *q)
{
	q->head.nlmsg_len = sizeof(*q);
	q->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q->head.nlmsg_seq = ++s->sequence;
	return send(s->netlink, q, sizeof(*q), 0) == (ssize_t)sizeof(*q);
}

uint32_t sockets_inode(struct sockets *s, const struct socket_end *end)
{
	size_t size = end->version == 4 ? 4 : 16;
	bool udp = end->transport == TRANSPORT_UDP;
	_Alignas(struct nlmsghdr) char text[ANSWER_MAX];
	struct nlmsghdr head;
	struct inet_diag_msg body;
	struct question q = {
		.head = {.nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = end->version == 4 ? AF_INET : AF_INET6,
			 .sdiag_protocol = end->transport,
			 .idiag_states = ALL_STATES,
			 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};
	struct inet_diag_sockid *id = &q.body.id;

	/* For UDP the kernel takes the two ends the other way round (udp_diag). */
	memcpy(udp ? id->idiag_dst : id->idiag_src, end->here.at, size);
	memcpy(udp ? id->idiag_src : id->idiag_dst, end->there.at, size);
	id->idiag_sport = htons(udp ? end->there_port : end->here_port);
	id->idiag_dport = htons(udp ? end->here_port : end->there_port);
	size_t n = ask(s, &q) ? receive(s, text) : 0;

	if (n < NLMSG_HDRLEN + sizeof(body))
		return 0;
	memcpy(&head, text, sizeof(head));
	if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	memcpy(&body, text + NLMSG_HDRLEN, sizeof(body));
	return body.idiag_inode;
}

/* One message of a dump; false at its end. */
static bool take_listening(const char *at, const struct nlmsghdr *head, uint8_t transport,
			   struct listening *to)
{
	struct inet_diag_msg body;

	if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    head->nlmsg_len < NLMSG_HDRLEN + sizeof(body))
		return false;
	memcpy(&body, at + NLMSG_HDRLEN, sizeof(body));
	*to = (struct listening){
		.port = ntohs(body.id.idiag_sport),
		.version = body.idiag_family == AF_INET ? 4 : 6,
		.transport = transport,
		.inode = body.idiag_inode,
	};
	memcpy(to->addr.at, body.id.idiag_src, to->version == 4 ? 4 : 16);
	return true;
}

static size_t dump(struct sockets *s, struct question *q, struct listening *to, size_t max)
{
	_Alignas(struct nlmsghdr) char text[ANSWER_MAX];
	size_t count = 0, n;

	if (!ask(s, q))
		return 0;
	while ((n = receive(s, text)) > 0) {
		struct nlmsghdr head;

		for (size_t at = 0; n - at >= sizeof(head); at += NLMSG_ALIGN(head.nlmsg_len)) {
			struct listening one;

			memcpy(&head, text + at, sizeof(head));
			if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > n - at ||
			    !take_listening(text + at, &head, q->body.sdiag_protocol, &one))
				return count;
			if (count < max && one.inode != 0)
				to[count++] = one;
			if (NLMSG_ALIGN(head.nlmsg_len) > n - at)
				break;
		}
	}
	return count;
}

size_t sockets_listening(struct sockets *s, struct listening *to, size_t max)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	size_t count = 0;

	for (size_t i = 0; i < 4; i++) {
		bool tcp = i < 2;
		struct question q = {
			.head = {.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
			.body = {.sdiag_family = families[i % 2],
				 .sdiag_protocol = tcp ? TRANSPORT_TCP : TRANSPORT_UDP,
				 .idiag_states = tcp ? 1U << LISTEN : 1U << UNCONNECTED},
		};

		count += dump(s, &q, to + count, max - count);
	}
	return count;
}

/* ---- Inodes ---- */

static struct inode *place_of(struct inode *inodes, size_t room, uint32_t inode)
{
	size_t i = (size_t)(inode * UINT32_C(2654435761)) & (room - 1);

	while (inodes[i].inode != 0 && inodes[i].inode != inode)
		i = (i + 1) & (room - 1);
	return &inodes[i];
}

int sockets_pid(const struct sockets *s, uint32_t inode)
{
	return inode ? place_of(s->inodes, s->room, inode)->pid : 0;
}

static void grow(struct sockets *s)
{
	struct inode *more = must_alloc(2 * s->room * sizeof(*more));

	for (size_t i = 0; i < s->room; i++)
		if (s->inodes[i].inode)
			*place_of(more, 2 * s->room, s->inodes[i].inode) = s->inodes[i];
	free(s->inodes);
	s->inodes = more;
	s->room *= 2;
}

/* Of several that have it open the lowest pid stays: the one that was there first. */
static void inode_add(struct sockets *s, uint32_t inode, int pid)
{
	if (2 * s->count >= s->room) {
		if (s->room >= INODES_MAX)
			return;
		grow(s);
	}
	struct inode *place = place_of(s->inodes, s->room, inode);

	if (place->inode == 0)
		s->count++;
	else if (place->pid <= pid)
		return;
	*place = (struct inode){inode, pid};
}

static bool number_of(const char *name, int64_t *n)
{
	return bytes_int(bytes_str(name), 1, UINT32_MAX, n);
}

/* "socket:[12345]" */
static uint32_t socket_inode(int folder, const char *name)
{
	char link[64];
	ssize_t n = readlinkat(folder, name, link, sizeof(link));
	struct bytes b = n > 0 ? bytes_of(link, (size_t)n) : NO_BYTES;
	struct bytes front = BYTES("socket:[");
	int64_t inode = 0;

	if (!bytes_starts(b, front) || b.at[b.len - 1] != ']')
		return 0;
	b = bytes_skip(b, front.len);
	bytes_int(bytes_head(b, b.len - 1), 1, UINT32_MAX, &inode);
	return (uint32_t)inode;
}

static void read_process(struct sockets *s, int proc, int pid)
{
	char path[64];
	struct dirent *entry;

	snprintf(path, sizeof(path), "%d/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (folder == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder))) {
		uint32_t inode = isdigit((unsigned char)entry->d_name[0])
					 ? socket_inode(fd, entry->d_name)
					 : 0;

		if (inode)
			inode_add(s, inode, pid);
	}
	closedir(folder);
}

void sockets_pass(struct sockets *s, nsec *wait)
{
	struct mono begun = mono_now();
	struct dirent *entry;
	int64_t pid;

	*wait = s->next_pass.ns > begun.ns ? s->next_pass.ns - begun.ns : 0;
	if (*wait > 0)
		return;
	DIR *proc = opendir("/proc");

	if (proc == NULL)
		return;
	memset(s->inodes, 0, s->room * sizeof(s->inodes[0]));
	s->count = 0;
	while ((entry = readdir(proc)))
		if (number_of(entry->d_name, &pid))
			read_process(s, dirfd(proc), (int)pid);
	closedir(proc);
	struct mono ended = mono_now();

	s->next_pass.ns =
		ended.ns + PASS_SHARE * (ended.ns - begun.ns) + (nsec)PASS_PAUSE_MS * NS_PER_MS;
}

/* ---- Processes ---- */

static bool container_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool container_of(struct bytes line, char id[CONTAINER_ID_LEN + 1])
{
	size_t run = 0;

	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && container_digit(line.at[i])) {
			run++;
			continue;
		}
		if (run == CONTAINER_ID_LEN) {
			memcpy(id, line.at + i - run, run);
			id[run] = '\0';
			return true;
		}
		run = 0;
	}
	return false;
}

static size_t read_file(int pid, const char *name, char *to, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, to, size - 1);

	close(fd);
	to[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

bool sockets_process(int pid, struct process *process)
{
	char text[4096], path[64];
	size_t n;

	*process = (struct process){.pid = pid};
	n = read_file(pid, "comm", process->name, sizeof(process->name));
	if (n == 0)
		return false;
	if (process->name[n - 1] == '\n')
		process->name[n - 1] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t len = readlink(path, process->executable, sizeof(process->executable) - 1);

	process->executable[len > 0 ? len : 0] = '\0';
	n = read_file(pid, "cgroup", text, sizeof(text));
	container_of(bytes_of(text, n), process->container);
	return true;
}
