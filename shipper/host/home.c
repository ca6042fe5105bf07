#include "shipper/host/home.h"
#include "shipper/base/must.h"
#include "shipper/guard/guard.h"
#include "shipper/host/finder.h"
#include "shipper/host/sockets.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HOME(member) offsetof(struct home_conf, member)
const struct option home_options[] = {
	{"processes", OPTION_BOOL, HOME(processes), "true",
	 .help = "Live, say which process on this host holds the connection (process.*, "
		 "container.id)."},
	{0},
};

enum {
	LOCALS_MAX = 512,   /* addresses of this host */
	SERVERS_MAX = 1024, /* sockets that listen, known at a time */
	REFRESH_S = 10,	    /* addresses and listening sockets are read again */
	LOOK_S = 1,	    /* how often the thread looks what there is to do */
	TRIES_MAX = 4,	    /* passes through /proc before a question is given up */
};

struct local {
	struct addr addr;
	uint8_t version;
};

enum holder_state { HOLDER_ASKED, HOLDER_KNOWN, HOLDER_GIVEN_UP, HOLDER_DROPPED };

struct holder {
	struct holder *next;
	struct socket_end end;
	bool serves;	   /* it is the server that is here */
	_Atomic int state; /* enum holder_state; process may be read once it is KNOWN */
	int tries;
	struct process process;
};

/* A listening socket and its process: known before anybody connects, so that even a connection
 * that is over at once gets its server's name. */
struct server {
	struct listening socket;
	struct process process;
};

struct home {
	struct home_conf conf;
	struct sockets *sockets;
	pthread_t thread;
	bool started;
	int wake;
	_Atomic bool stop;
	_Atomic(struct holder *) asked; /* newest first */
	_Atomic unsigned holders;
	struct mono refresh;
	struct holder *waiting; /* for a pass through /proc */
	struct mono servers_read;
	pthread_mutex_t lock; /* of what follows: taken a few times a conversation */
	struct local locals[LOCALS_MAX];
	size_t locals_count;
	struct server *servers;
	size_t servers_count;
};

/* ---- Addresses ---- */

static bool local_from(const struct sockaddr *from, struct local *to)
{
	*to = (struct local){0};
	if (from != NULL && from->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		memcpy(to->addr.at, &in.sin_addr, 4);
		to->version = 4;
	} else if (from != NULL && from->sa_family == AF_INET6) {
		struct sockaddr_in6 in;

		memcpy(&in, from, sizeof(in));
		memcpy(to->addr.at, &in.sin6_addr, 16);
		to->version = 6;
	}
	return to->version != 0;
}

static void locals_read(struct home *home)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) != 0)
		return;
	pthread_mutex_lock(&home->lock);
	home->locals_count = 0;
	for (struct ifaddrs *one = all; one && home->locals_count < LOCALS_MAX; one = one->ifa_next)
		if (local_from(one->ifa_addr, &home->locals[home->locals_count]))
			home->locals_count++;
	pthread_mutex_unlock(&home->lock);
	freeifaddrs(all);
}

static bool is_local(const struct home *home, const struct addr *addr, uint8_t version)
{
	if (version == 4 && addr->at[0] == 127)
		return true;
	for (size_t i = 0; i < home->locals_count; i++)
		if (home->locals[i].version == version &&
		    memcmp(home->locals[i].addr.at, addr->at, sizeof(addr->at)) == 0)
			return true;
	return false;
}

enum direction home_direction(struct home *home, const struct endpoints *ends)
{
	pthread_mutex_lock(&home->lock);
	bool client = is_local(home, &ends->addr[CLIENT], ends->version);
	bool server = is_local(home, &ends->addr[SERVER], ends->version);

	pthread_mutex_unlock(&home->lock);
	if (client && server)
		return DIRECTION_INTERNAL;
	if (server)
		return DIRECTION_INGRESS;
	return client ? DIRECTION_EGRESS : DIRECTION_UNKNOWN;
}

/* ---- The worker's side ---- */

static bool is_any(const struct addr *addr)
{
	static const struct addr any;

	return memcmp(addr, &any, sizeof(any)) == 0;
}

/* One bound to the very address goes before one bound to any; and any of IPv6 takes IPv4, too. */
static bool server_find(struct home *home, const struct socket_end *end, struct process *process)
{
	const struct server *best = NULL;

	pthread_mutex_lock(&home->lock);
	for (size_t i = 0; i < home->servers_count; i++) {
		const struct server *s = &home->servers[i];
		const struct listening *l = &s->socket;

		if (l->port != end->here_port || l->transport != end->transport)
			continue;
		if (l->version == end->version &&
		    memcmp(&l->addr, &end->here, sizeof(l->addr)) == 0) {
			best = s;
			break;
		}
		if (is_any(&l->addr) && (l->version == end->version || l->version == 6))
			best = s;
	}
	if (best)
		*process = best->process;
	pthread_mutex_unlock(&home->lock);
	return best != NULL;
}

static void wake(struct home *home)
{
	uint64_t one = 1;

	while (write(home->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

struct holder *home_ask(struct home *home, const struct endpoints *ends)
{
	enum direction direction = home_direction(home, ends);
	enum side side = direction == DIRECTION_EGRESS ? CLIENT : SERVER;

	if (home->sockets == NULL || direction == DIRECTION_UNKNOWN)
		return NULL;
	if (atomic_fetch_add(&home->holders, 1) >= HOLDERS_MAX) {
		atomic_fetch_sub(&home->holders, 1);
		return NULL;
	}
	struct holder *h = must_alloc(sizeof(*h));

	h->end = (struct socket_end){
		.here = ends->addr[side],
		.there = ends->addr[side_other(side)],
		.here_port = ends->port[side],
		.there_port = ends->port[side_other(side)],
		.version = ends->version,
		.transport = ends->transport,
	};
	h->serves = side == SERVER;
	if (h->serves && server_find(home, &h->end, &h->process)) {
		atomic_store(&h->state, HOLDER_KNOWN);
		return h;
	}
	/* Once it is in the list it is the other thread's. */
	struct holder *before = atomic_load(&home->asked);

	do
		h->next = before;
	while (!atomic_compare_exchange_weak(&home->asked, &before, h));
	if (before == NULL)
		wake(home);
	return h;
}

const struct process *holder_process(const struct holder *holder)
{
	return atomic_load(&holder->state) == HOLDER_KNOWN ? &holder->process : NULL;
}

static void holder_free(struct home *home, struct holder *holder)
{
	atomic_fetch_sub(&home->holders, 1);
	free(holder);
}

/* While it is still asked for, the home's thread has it, and frees it. */
void holder_drop(struct home *home, struct holder *holder)
{
	int asked = HOLDER_ASKED;

	if (!atomic_compare_exchange_strong(&holder->state, &asked, HOLDER_DROPPED))
		holder_free(home, holder);
}

/* ---- The home's thread ---- */

static void settle(struct home *home, struct holder *h, const struct process *process)
{
	int asked = HOLDER_ASKED;

	if (process)
		h->process = *process;
	if (!atomic_compare_exchange_strong(&h->state, &asked,
					    process ? HOLDER_KNOWN : HOLDER_GIVEN_UP))
		holder_free(home, h);
}

static void servers_read(struct home *home)
{
	struct listening *found = must_alloc(SERVERS_MAX * sizeof(*found));
	struct server *servers = must_alloc(SERVERS_MAX * sizeof(*servers));
	size_t count = 0, n = sockets_listening(home->sockets, found, SERVERS_MAX);
	struct process *processes = must_alloc(n * sizeof(*processes));
	uint32_t *inodes = must_alloc(n * sizeof(*inodes));

	for (size_t i = 0; i < n; i++)
		inodes[i] = found[i].inode;
	finder_find(home->conf.finder, inodes, n, processes);
	for (size_t i = 0; i < n; i++)
		if (processes[i].pid != 0)
			servers[count++] = (struct server){found[i], processes[i]};
	free(inodes);
	free(processes);
	free(found);
	servers = must_realloc(servers, count * sizeof(*servers));
	pthread_mutex_lock(&home->lock);
	struct server *old = home->servers;

	home->servers = servers;
	home->servers_count = count;
	pthread_mutex_unlock(&home->lock);
	free(old);
	home->servers_read = mono_now();
}

static bool servers_old(const struct home *home)
{
	return mono_now().ns - home->servers_read.ns >= (nsec)REFRESH_S * NS_PER_S;
}

/* True when the question is settled; else it waits for a pass through /proc. */
static bool answer(struct home *home, struct holder *h)
{
	struct process process;

	if (h->serves && server_find(home, &h->end, &process)) {
		settle(home, h, &process);
		return true;
	}
	uint32_t inode = sockets_inode(home->sockets, &h->end);

	finder_find(home->conf.finder, &inode, inode != 0, &process);
	if (inode != 0 && process.pid != 0) {
		settle(home, h, &process);
		return true;
	}
	if (++h->tries < TRIES_MAX && (inode != 0 || h->serves))
		return false;
	settle(home, h, NULL);
	return true;
}

static void answer_all(struct home *home, struct holder *list)
{
	while (list) {
		struct holder *h = list;

		list = h->next;
		if (atomic_load(&h->state) == HOLDER_DROPPED) {
			holder_free(home, h);
		} else if (!answer(home, h)) {
			h->next = home->waiting;
			home->waiting = h;
		}
	}
}

/* Goes through /proc if it is time, and answers what waited for it. */
static void pass(struct home *home, nsec *wait)
{
	struct holder *list = home->waiting;

	if (home->sockets == NULL)
		return;
	finder_pass(home->conf.finder, wait);
	if (*wait > 0)
		return;
	servers_read(home);
	home->waiting = NULL;
	answer_all(home, list);
	*wait = (nsec)(home->waiting ? NS_PER_MS : LOOK_S * NS_PER_S);
}

static void *home_run(void *self)
{
	struct home *home = self;
	struct pollfd fd = {.fd = home->wake, .events = POLLIN};
	nsec wait = (nsec)REFRESH_S * NS_PER_S;

	guard_enter(GUARD_HOME);
	while (!atomic_load(&home->stop)) {
		uint64_t times;

		poll(&fd, 1, (int)(wait / NS_PER_MS) + 1);
		while (read(home->wake, &times, sizeof(times)) < 0 && errno == EINTR)
			;
		answer_all(home, atomic_exchange(&home->asked, NULL));
		wait = (nsec)LOOK_S * NS_PER_S;
		if (home->waiting || servers_old(home))
			pass(home, &wait);
		if (mono_now().ns >= home->refresh.ns) {
			locals_read(home);
			home->refresh.ns = mono_now().ns + (nsec)REFRESH_S * NS_PER_S;
		}
	}
	return NULL;
}

struct home *home_open(const struct home_conf *conf, struct fault *fault)
{
	struct home *home = must_alloc(sizeof(*home));

	home->conf = *conf;
	home->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(home->wake >= 0);
	must(pthread_mutex_init(&home->lock, NULL) == 0);
	locals_read(home);
	if (conf->finder != NULL) {
		home->sockets = sockets_open(fault);
		if (home->sockets == NULL) {
			home_close(home);
			return NULL;
		}
		nsec wait;

		finder_pass(home->conf.finder, &wait);
		servers_read(home);
	}
	/* Signals are the main thread's. */
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	must(pthread_create(&home->thread, NULL, home_run, home) == 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	home->started = true;
	return home;
}

static void free_list(struct holder *list)
{
	while (list) {
		struct holder *h = list;

		list = h->next;
		free(h);
	}
}

void home_close(struct home *home)
{
	if (home == NULL)
		return;
	atomic_store(&home->stop, true);
	if (home->started) {
		wake(home);
		pthread_join(home->thread, NULL);
	}
	free_list(atomic_load(&home->asked));
	free_list(home->waiting);
	sockets_close(home->sockets);
	finder_close(home->conf.finder);
	free(home->servers);
	pthread_mutex_destroy(&home->lock);
	close(home->wake);
	free(home);
}
