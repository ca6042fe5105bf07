/*
 * What this host knows of a conversation that it takes part in: which end is here, and which
 * process holds the socket.
 *
 *   worker ── home_ask ──► questions (a list that needs no lock) ──► the home's own thread
 *          ◄─ holder_process ── an answer, some time later ◄── sock_diag, finder
 *
 * A worker never waits: it asks when a conversation begins and looks for the answer when it writes
 * a document. Sockets of other network namespaces (containers with a network of their own) are not
 * seen. A server's socket is looked up by its listening one, which may be several processes'
 * (prefork): the oldest of them, the one with the lowest pid, is named.
 *
 * Source   sock_diag(7), proc(5), getifaddrs(3)
 * Owns     a thread, a netlink socket, the finder, what it knows of processes
 * Errors   home_open fills a fault; later ones leave questions unanswered
 * Thread   home_open and home_close on the main thread; the rest on any worker's
 */
#ifndef WIRESPAN_HOST_HOME_H
#define WIRESPAN_HOST_HOME_H

#include "shipper/base/fault.h"
#include "shipper/base/option.h"
#include "shipper/base/side.h"
#include "shipper/flow/flow.h"

struct finder;

struct home_conf {
	bool processes; /* look them up */
	/* Who does; not an option. NULL: nobody is looked up. */
	struct finder *finder;
};

extern const struct option home_options[];

enum {
	PROCESS_NAME_MAX = 64,
	PROCESS_PATH_MAX = 256,
	CONTAINER_ID_LEN = 64,
	HOLDERS_MAX = 16384, /* questions not let go of; at more, none is asked */
};

struct process {
	int pid;
	char name[PROCESS_NAME_MAX];	      /* comm */
	char executable[PROCESS_PATH_MAX];    /* "" when not to be read */
	char container[CONTAINER_ID_LEN + 1]; /* "" for none */
};

enum direction { DIRECTION_UNKNOWN, DIRECTION_INGRESS, DIRECTION_EGRESS, DIRECTION_INTERNAL };

struct home;
struct holder;

/* Takes over the finder, if it succeeds or not. */
struct home *home_open(const struct home_conf *conf, struct fault *fault);
void home_close(struct home *home); /* once all holders were dropped */

/* Seen from this host: ingress when the server is here, egress when the client is, internal when
 * both are. */
enum direction home_direction(struct home *home, const struct endpoints *ends);

/* NULL when neither end is here, or nothing is looked up, or at the limit. */
struct holder *home_ask(struct home *home, const struct endpoints *ends);
/* The process at the server's end if that is here, else at the client's; NULL: not known (yet).
 * Good until the holder is dropped. */
const struct process *holder_process(const struct holder *holder);
void holder_drop(struct home *home, struct holder *holder);

#endif
