#include "shipper/capture/device.h"

#include <arpa/inet.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/capture/link.h"

enum {
	POLL_MS = 100, /* how long a caller waits for NEXT_IDLE at most */
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
	NAMES_LISTED = 256, /* bytes of a fault's text for names of devices */
};

struct device {
	pcap_t *handle;
	char *name;
	int link;
	bool is_any;
	struct pcap_stat last; /* as libpcap gave it */
	struct source_stats sum;
	bool draining;
	nsec until;		 /* draining: the first frame that is not wanted, by its time */
	struct mono drain_began; /* and for how long at most */
	struct mono drain_frame; /* the latest frame since */
};

static const struct source device_source;

/* ---- Opening ---- */

/* And not one of the buses and queues that libpcap lists beside them. */
static bool is_network(const char *name)
{
	return strcmp(name, "any") == 0 || if_nametoindex(name) != 0;
}

/* The names there are, as many as find room: "eth0, lo, any". */
static void list_names(char *to, size_t room)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_if_t *all = NULL;
	size_t used = 0;

	to[0] = '\0';
	if (pcap_findalldevs(&all, why) != 0)
		return;
	for (pcap_if_t *i = all; i != NULL; i = i->next) {
		size_t len = strlen(i->name);

		if (!is_network(i->name) || used + len + 3 > room)
			continue;
		used += (size_t)snprintf(to + used, room - used, "%s%s", used > 0 ? ", " : "",
					 i->name);
	}
	pcap_freealldevs(all);
}

/* A number becomes the name that device_list gives it. Returns the caller's to free. */
static char *resolve(const char *name, struct fault *fault)
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

static bool fault_activate(const struct device *d, int status, struct fault *fault)
{
	char names[NAMES_LISTED], program[PATH_MAX];
	ssize_t len;

	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		list_names(names, sizeof(names));
		return fault_set(fault, "there is no device %.64s: there are %s", d->name,
				 names[0] != '\0' ? names : "none that this user may see");
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		len = readlink("/proc/self/exe", program, sizeof(program) - 1);
		program[len > 0 ? len : 0] = '\0';
		return fault_set(fault,
				 "device %.64s: not permitted to capture. Run this as root, or "
				 "give the program the right: sudo setcap cap_net_raw=ep %.200s",
				 d->name, len > 0 ? program : "PROGRAM");
	case PCAP_ERROR_IFACE_NOT_UP:
		return fault_set(fault, "device %.64s is down: sudo ip link set %.64s up", d->name,
				 d->name);
	default:
		return fault_set(fault, "device %.64s cannot be opened: %s (%s)", d->name,
				 pcap_geterr(d->handle), pcap_statustostr(status));
	}
}

static int clamp(int64_t value)
{
	return value > INT_MAX ? INT_MAX : (int)value;
}

static bool activate(struct device *d, const struct device_conf *conf, struct fault *fault)
{
	int status;

	pcap_set_promisc(d->handle, conf->promiscuous && !d->is_any);
	pcap_set_timeout(d->handle, POLL_MS);
	pcap_set_tstamp_precision(d->handle, PCAP_TSTAMP_PRECISION_NANO);
	if (conf->snap_bytes > 0)
		pcap_set_snaplen(d->handle, clamp(conf->snap_bytes));
	if (conf->buffer_bytes > 0)
		pcap_set_buffer_size(d->handle, clamp(conf->buffer_bytes));
	status = pcap_activate(d->handle);
	if (status < 0)
		return fault_activate(d, status, fault);
	return true;
}

static bool set_filter(struct device *d, const struct device_conf *conf, struct fault *fault)
{
	bool own = conf->filter == NULL || conf->filter[0] == '\0';
	char *made = own ? filter_make(&conf->ports, d->link) : NULL;
	const char *text = own ? made : conf->filter;
	struct bpf_program code;
	bool good = true;

	if (text == NULL)
		return true;
	if (pcap_compile(d->handle, &code, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		good = fault_set(fault, "filter \"%.200s\" on device %.64s: %s", text, d->name,
				 pcap_geterr(d->handle));
	} else {
		if (pcap_setfilter(d->handle, &code) != 0)
			good = fault_set(fault, "device %.64s does not take the filter: %s",
					 d->name, pcap_geterr(d->handle));
		pcap_freecode(&code);
	}
	free(made);
	return good;
}

/* What goes over loopback passes twice, and libpcap throws the first copy away. The kernel can do
 * that before the copy takes room in the ring; a kernel before 4.20 refuses, which is no harm. */
static void ignore_copies(const struct device *d)
{
	int yes = 1;

	if (strcmp(d->name, "lo") == 0)
		(void)setsockopt(pcap_fileno(d->handle), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes,
				 sizeof(yes));
}

static void device_close(void *self)
{
	struct device *d = self;

	if (d->handle != NULL)
		pcap_close(d->handle);
	free(d->name);
	free(d);
}

bool device_open(struct tap *tap, const char *name, const struct device_conf *conf,
		 struct fault *fault)
{
	struct device *d = must_alloc(sizeof(*d));
	char why[PCAP_ERRBUF_SIZE];

	d->name = resolve(name, fault);
	if (d->name == NULL)
		goto failed;
	d->is_any = strcmp(d->name, "any") == 0;
	d->handle = pcap_create(d->name, why);
	if (d->handle == NULL) {
		fault_set(fault, "device %.64s cannot be opened: %s", d->name, why);
		goto failed;
	}
	if (!activate(d, conf, fault))
		goto failed;
	if (d->is_any)
		pcap_set_datalink(d->handle, DLT_LINUX_SLL2); /* where not, version 1 stays */
	d->link = link_of((uint32_t)pcap_datalink(d->handle));
	if (!set_filter(d, conf, fault))
		goto failed;
	ignore_copies(d);
	/* With TPACKET_V3 a blocking read may wait for ever, whatever the timeout: the kernel
	 * wakes it for packets alone. So the waiting is done here. */
	if (pcap_setnonblock(d->handle, 1, why) != 0) {
		fault_set(fault, "device %.64s cannot be read without blocking: %s", d->name, why);
		goto failed;
	}
	*tap = (struct tap){&device_source, d};
	return true;
failed:
	device_close(d);
	return false;
}

int device_descriptor(const struct tap *tap)
{
	const struct device *d = tap->self;

	must(tap->source == &device_source);
	return pcap_fileno(d->handle);
}

/* ---- Reading ---- */

static void take_stats(struct device *d)
{
	struct pcap_stat now;

	if (pcap_stats(d->handle, &now) != 0)
		return;
	d->sum.dropped_kernel += now.ps_drop - d->last.ps_drop;
	d->sum.dropped_interface += now.ps_ifdrop - d->last.ps_ifdrop;
	d->last = now;
}

static enum next read_one(struct device *d, struct frame *frame)
{
	struct pcap_pkthdr *header;
	const uint8_t *at;
	int got = pcap_next_ex(d->handle, &header, &at);

	if (got == 0)
		return NEXT_IDLE;
	if (got < 0)
		return NEXT_FAILED;
	frame->when = (int64_t)header->ts.tv_sec * NS_PER_S + header->ts.tv_usec;
	frame->bytes = bytes_of(at, header->caplen);
	frame->wire_bytes = header->len > header->caplen ? header->len : header->caplen;
	frame->link = d->link;
	if (++d->sum.received % FRAMES_BETWEEN_STATS == 0)
		take_stats(d);
	return NEXT_FRAME;
}

/* A device that is only down comes back, and its packets with it. */
static enum next went_wrong(struct device *d, struct fault *fault)
{
	struct timespec pause = {.tv_nsec = (int64_t)POLL_MS * NS_PER_MS};

	if (d->is_any || if_nametoindex(d->name) != 0) {
		nanosleep(&pause, NULL);
		return NEXT_IDLE;
	}
	fault_set(fault, "device %.64s went away: %s. What came before is kept", d->name,
		  pcap_geterr(d->handle));
	return NEXT_FAILED;
}

static nsec wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (nsec)t.tv_sec * NS_PER_S + t.tv_nsec;
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

	if (now.ns - d->drain_began.ns > (nsec)DRAIN_MOST_MS * NS_PER_MS)
		return true;
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

static const struct source device_source = {
	.name = "device",
	.next = device_next,
	.drain = device_drain,
	.stats = device_stats,
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
		if (!is_network(i->name))
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
