#include "shipper/host/sockets.h"
#include "shipper/base/must.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 8192,
	ALL_STATES = 0xfff,
	LISTEN = 10,	 /* TCP_LISTEN */
	UNCONNECTED = 7, /* TCP_CLOSE, which UDP uses for it */
};

struct sockets {
	int netlink;
	uint32_t sequence;
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
	return s;
}

void sockets_close(struct sockets *s)
{
	if (s == NULL)
		return;
	close(s->netlink);
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
