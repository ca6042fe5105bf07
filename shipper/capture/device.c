#include "shipper/capture/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/capture/fanout.h"
#include "shipper/capture/handle.h"
#include "shipper/capture/link.h"

enum {
	POLL_MS = HANDLE_TIMEOUT_MS, /* how long a caller waits for NEXT_IDLE at most */
	/* A frame may lie in the ring for as long as POLL_MS before it is handed out, and longer
	 * on a machine that is busy. */
	LATE_MOST_MS = 1000,
	/* The last frames before the end: none for so long, and they have come. The kernel hands a
	 * block over after one or two of its timeouts, POLL_MS each. */
	DRAIN_IDLE_MS = 250,
	/* A clock that was set back must not make the end wait for ever. */
	DRAIN_MOST_MS = 5000,
	/* libpcap counts in 32 bits: asking this often, no wrap goes unseen. */
	FRAMES_BETWEEN_STATS = 1 << 20,
	/* Frames of before a group was whole come right behind each other. */
	BEGIN_MS = 1000,
	/* Without packets, how often a device is asked whether it is still there. */
	IDLE_TURNS = 10,
};

struct device {
	pcap_t *handle;
	char *name;
	unsigned index; /* of the system; 0: any */
	int link;
	bool counts_interface;
	nsec begin;	       /* frames before it are passed over; INT64_MIN: none are any more */
	unsigned idle;	       /* turns without a packet */
	struct pcap_stat last; /* as libpcap gave it */
	struct source_stats sum;
	bool draining;
	nsec until;		 /* draining: the first frame that is not wanted, by its time */
	struct mono drain_began; /* and for how long at most */
	struct mono drain_frame; /* the latest frame since */
};

static const struct source device_source;

/* ---- Opening ---- */

bool device_is_network(const char *name)
{
	return strcmp(name, "any") == 0 || if_nametoindex(name) != 0;
}

char *device_resolve(const char *name, struct fault *fault)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_if_t *all = NULL, *i;
	char *found = NULL;
	int64_t number;

	if (if_nametoindex(name) != 0 || !bytes_int(bytes_str(name), 0, INT_MAX, &number))
		return must_strdup(name);
	if (pcap_findalldevs(&all, why) != 0) {
		fault_set(fault, "devices cannot be listed: %s", why);
		return NULL;
	}
	for (i = all; i != NULL && number > 0; i = i->next)
		number--;
	if (i != NULL)
		found = must_strdup(i->name);
	else
		fault_set(fault, "there is no device number %s: see wirespan devices", name);
	pcap_freealldevs(all);
	return found;
}

static void device_close(void *self)
{
	struct device *d = self;

	if (d->handle != NULL)
		pcap_close(d->handle);
	free(d->name);
	free(d);
}

static nsec wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (nsec)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static struct device *device_new(const char *name, const struct device_conf *conf, size_t count,
				 struct fault *fault)
{
	struct device *d = must_alloc(sizeof(*d));

	d->name = must_strdup(name);
	d->index = if_nametoindex(name);
	d->handle = handle_open(name, conf, conf->buffer_bytes / (int64_t)count, fault);
	if (d->handle == NULL) {
		device_close(d);
		return NULL;
	}
	/* Until the filter held, every frame of the device took room: what was dropped then is no
	 * loss of ours. */
	(void)pcap_stats(d->handle, &d->last);
	d->begin = wall_now();
	d->link = link_of((uint32_t)pcap_datalink(d->handle));
	return d;
}

/* Each ring got every frame until now. From here on each has its own, and what is older is
 * nobody's: conversations under way are taken up in the middle, by one worker. */
static bool divide(const struct tap *taps, const struct share *share, const char *name,
		   struct fault *fault)
{
	int sockets[DEVICE_RINGS_MAX];
	nsec begin;

	for (size_t i = 0; i < share->count; i++)
		sockets[i] = pcap_fileno(((struct device *)taps[i].self)->handle);
	if (!fanout_join(sockets, share, strcmp(name, "lo") == 0, name, fault))
		return false;
	begin = wall_now();
	for (size_t i = 0; i < share->count; i++)
		((struct device *)taps[i].self)->begin = begin;
	return true;
}

bool device_open(struct tap *taps, const char *name, const struct device_conf *conf,
		 struct fault *fault)
{
	size_t count = conf->share != NULL ? conf->share->count : 1, n = 0;
	char *found = device_resolve(name, fault);

	must(count > 0 && count <= DEVICE_RINGS_MAX);
	for (; found != NULL && n < count; n++) {
		struct device *d = device_new(found, conf, count, fault);

		if (d == NULL)
			break;
		/* They are the device's, and every handle counts them all. */
		d->counts_interface = n == 0;
		taps[n] = (struct tap){&device_source, d};
	}
	if (n < count || (count > 1 && !divide(taps, conf->share, found, fault))) {
		while (n-- > 0)
			device_close(taps[n].self);
		n = 0;
	}
	free(found);
	return n == count;
}

/* ---- Reading ---- */

static void take_stats(struct device *d)
{
	struct pcap_stat now;

	if (pcap_stats(d->handle, &now) != 0)
		return;
	d->sum.dropped_kernel += now.ps_drop - d->last.ps_drop;
	if (d->counts_interface)
		d->sum.dropped_interface += now.ps_ifdrop - d->last.ps_ifdrop;
	d->last = now;
}

/* In nanoseconds, as asked for. */
static nsec time_of(const struct pcap_pkthdr *header)
{
	return (nsec)header->ts.tv_sec * NS_PER_S + header->ts.tv_usec;
}

/* Whether a frame is from before the filter held and the group was whole. None is much older: a
 * clock was set back then. */
static bool is_early(struct device *d, nsec when)
{
	nsec span = (nsec)BEGIN_MS * NS_PER_MS;

	if (when < d->begin && d->begin - when < span)
		return true;
	if (when < d->begin || when - d->begin > span)
		d->begin = INT64_MIN;
	return false;
}

static enum next read_one(struct device *d, struct frame *frame)
{
	struct pcap_pkthdr *header;
	const uint8_t *at;
	int got;

	do {
		got = pcap_next_ex(d->handle, &header, &at);
	} while (got > 0 && d->begin != INT64_MIN && is_early(d, time_of(header)));
	if (got == 0)
		return NEXT_IDLE;
	if (got < 0)
		return NEXT_FAILED;
	frame->when = time_of(header);
	frame->bytes = bytes_of(at, header->caplen);
	frame->wire_bytes = header->len > header->caplen ? header->len : header->caplen;
	frame->link = d->link;
	if (++d->sum.received % FRAMES_BETWEEN_STATS == 0)
		take_stats(d);
	return NEXT_FRAME;
}

/* Not by its name alone: another may have it by now. */
static bool is_there(const struct device *d)
{
	return d->index == 0 || if_nametoindex(d->name) == d->index;
}

static enum next went_away(const struct device *d, struct fault *fault)
{
	fault_set(fault, "device %.64s went away", d->name);
	return NEXT_FAILED;
}

/* A device that is only down comes back, and its packets with it. */
static enum next went_wrong(struct device *d, struct fault *fault)
{
	struct timespec pause = {.tv_nsec = (int64_t)POLL_MS * NS_PER_MS};

	if (!is_there(d))
		return went_away(d, fault);
	nanosleep(&pause, NULL);
	return NEXT_IDLE;
}

/* A socket on a device that was deleted may just stay silent. */
static enum next stayed_idle(struct device *d, struct fault *fault)
{
	if (++d->idle % IDLE_TURNS != 0)
		return NEXT_IDLE;
	d->begin = INT64_MIN;
	return is_there(d) ? NEXT_IDLE : went_away(d, fault);
}

/* Packet time goes on when no packets come, so that what is open ends in time. */
static nsec nothing_before(void)
{
	return wall_now() - (nsec)LATE_MOST_MS * NS_PER_MS;
}

static void device_drain(void *self)
{
	struct device *d = self;

	d->draining = true;
	d->until = wall_now();
	d->drain_began = d->drain_frame = mono_now();
}

/* Whether that was the last of what came before device_drain. */
static bool drained(struct device *d, enum next got, const struct frame *frame)
{
	struct mono now = mono_now();

	if (now.ns - d->drain_began.ns > (nsec)DRAIN_MOST_MS * NS_PER_MS) {
		if (got == NEXT_FRAME)
			log_warning("device %.64s: packets that came before the end are left "
				    "unread: there were more than %d s would do for",
				    d->name, DRAIN_MOST_MS / 1000);
		return true;
	}
	if (got == NEXT_IDLE)
		return now.ns - d->drain_frame.ns > (nsec)DRAIN_IDLE_MS * NS_PER_MS;
	d->drain_frame = now;
	return got == NEXT_FRAME && frame->when > d->until;
}

static enum next device_next(void *self, struct frame *frame, struct fault *fault)
{
	struct device *d = self;
	enum next got = read_one(d, frame);

	if (got == NEXT_IDLE) {
		struct pollfd ready = {.fd = pcap_get_selectable_fd(d->handle), .events = POLLIN};

		if (poll(&ready, 1, POLL_MS) > 0)
			got = read_one(d, frame);
	}
	if (got == NEXT_FAILED)
		got = went_wrong(d, fault);
	else if (got == NEXT_IDLE)
		got = stayed_idle(d, fault);
	if (d->draining && got != NEXT_FAILED && drained(d, got, frame))
		return NEXT_END;
	if (got == NEXT_IDLE)
		frame->when = nothing_before();
	return got;
}

static void device_stats(void *self, struct source_stats *stats)
{
	struct device *d = self;

	take_stats(d);
	*stats = d->sum;
}

static void device_change(void *self, const void *own)
{
	const struct device_conf *conf = own;
	struct device *d = self;
	struct fault fault;

	if (!handle_filter(d->handle, d->name, conf, &fault))
		log_error("%s: new ports are not watched", fault.text);
	/* The first ring's is the group's. Without it, workers hand over what is not theirs. */
	if (d->counts_interface && conf->share != NULL && conf->share->count > 1 &&
	    !fanout_change(pcap_fileno(d->handle), conf->share))
		log_warning("device %.64s is not divided anew: %s", d->name, strerror(errno));
}

static const struct source device_source = {
	.name = "device",
	.next = device_next,
	.drain = device_drain,
	.stats = device_stats,
	.change = device_change,
	.close = device_close,
};

/* ---- Listing ---- */

static void print_addresses(FILE *to, const pcap_addr_t *addresses)
{
	const char *between = "";

	for (const pcap_addr_t *a = addresses; a != NULL; a = a->next) {
		char text[INET6_ADDRSTRLEN];
		const void *from = NULL;

		if (a->addr == NULL)
			continue;
		if (a->addr->sa_family == AF_INET)
			from = &((const struct sockaddr_in *)(const void *)a->addr)->sin_addr;
		if (a->addr->sa_family == AF_INET6)
			from = &((const struct sockaddr_in6 *)(const void *)a->addr)->sin6_addr;
		if (from == NULL || inet_ntop(a->addr->sa_family, from, text, sizeof(text)) == NULL)
			continue;
		fprintf(to, "%s%s", between, text);
		between = ", ";
	}
	if (between[0] == '\0')
		fputs("-", to);
}

bool device_list(FILE *to, struct fault *fault)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_if_t *all = NULL;
	unsigned number = 0;

	if (pcap_findalldevs(&all, why) != 0)
		return fault_set(fault, "devices cannot be listed: %s", why);
	if (all == NULL)
		return fault_set(fault, "this user may capture on no device: run this as root");
	for (const pcap_if_t *i = all; i != NULL; i = i->next, number++) {
		if (!device_is_network(i->name))
			continue;
		fprintf(to, "%2u  %-16s  %s%s%s  ", number, i->name,
			(i->flags & PCAP_IF_UP) != 0 ? "up" : "down",
			(i->flags & PCAP_IF_RUNNING) != 0 ? ", running" : "",
			(i->flags & PCAP_IF_LOOPBACK) != 0 ? ", loopback" : "");
		print_addresses(to, i->addresses);
		fprintf(to, "%s%s\n", i->description != NULL ? "  " : "",
			i->description != NULL ? i->description : "");
	}
	pcap_freealldevs(all);
	return true;
}
