#include "shipper/capture/handle.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/capture/link.h"

enum {
	NAMES_LISTED = 256,	/* bytes of a fault's text for names of devices */
	LEAST_BUFFER = 1 << 16, /* bytes, of a handle that is not read */
};

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

		if (!device_is_network(i->name) || used + len + 3 > room)
			continue;
		used += (size_t)snprintf(to + used, room - used, "%s%s", used > 0 ? ", " : "",
					 i->name);
	}
	pcap_freealldevs(all);
}

static bool fault_activate(pcap_t *handle, const char *name, int status, struct fault *fault)
{
	char names[NAMES_LISTED], program[PATH_MAX];
	ssize_t len;

	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		list_names(names, sizeof(names));
		return fault_set(fault, "there is no device %.64s: there are %s", name,
				 names[0] != '\0' ? names : "none that this user may see");
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		if (geteuid() == 0)
			return fault_set(
				fault,
				"device %.64s: this root is not permitted to capture: its "
				"container or user namespace lacks CAP_NET_RAW for this network",
				name);
		if (prctl(PR_CAPBSET_READ, CAP_NET_RAW) == 0)
			return fault_set(fault,
					 "device %.64s: not permitted to capture: CAP_NET_RAW is "
					 "kept from this process. A container is given it by "
					 "--cap-add NET_RAW, a service by CapabilityBoundingSet",
					 name);
		len = readlink("/proc/self/exe", program, sizeof(program) - 1);
		program[len > 0 ? len : 0] = '\0';
		return fault_set(fault,
				 "device %.64s: not permitted to capture. Run this as root, or "
				 "give the program the right: sudo setcap cap_net_raw=ep %.200s",
				 name, len > 0 ? program : "PROGRAM");
	case PCAP_ERROR_IFACE_NOT_UP:
		return fault_set(fault, "device %.64s is down: sudo ip link set %.64s up", name,
				 name);
	default:
		return fault_set(fault, "device %.64s cannot be opened: %s (%s)", name,
				 pcap_geterr(handle), pcap_statustostr(status));
	}
}

static int clamp(int64_t value)
{
	return value > INT_MAX ? INT_MAX : (int)value;
}

static bool activate(pcap_t *handle, const char *name, const struct device_conf *conf,
		     int64_t buffer_bytes, struct fault *fault)
{
	int status;

	pcap_set_promisc(handle, conf->promiscuous && strcmp(name, "any") != 0);
	pcap_set_timeout(handle, HANDLE_TIMEOUT_MS);
	pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO);
	if (conf->snap_bytes > 0)
		pcap_set_snaplen(handle, clamp(conf->snap_bytes));
	if (buffer_bytes > 0)
		pcap_set_buffer_size(handle, clamp(buffer_bytes));
	status = pcap_activate(handle);
	if (status < 0)
		return fault_activate(handle, name, status, fault);
	return true;
}

static bool set_filter(pcap_t *handle, const char *name, const struct device_conf *conf,
		       struct fault *fault)
{
	int link = link_of((uint32_t)pcap_datalink(handle));
	bool own = conf->filter == NULL || conf->filter[0] == '\0';
	char *made = own ? filter_make(&conf->ports, link) : NULL;
	const char *text = own ? made : conf->filter;
	struct bpf_program code;
	bool good = true;

	if (text == NULL)
		return true;
	if (pcap_compile(handle, &code, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		good = fault_set(fault, "filter \"%.200s\" on device %.64s: %s", text, name,
				 pcap_geterr(handle));
	} else {
		if (pcap_setfilter(handle, &code) != 0)
			good = fault_set(fault, "device %.64s does not take the filter: %s", name,
					 pcap_geterr(handle));
		pcap_freecode(&code);
	}
	free(made);
	return good;
}

/* What goes over loopback passes twice, and libpcap throws the first copy away. The kernel can do
 * that before the copy takes room in the ring; a kernel before 4.20 refuses, which is no harm. */
static void ignore_copies(pcap_t *handle, const char *name)
{
	int yes = 1;

	if (strcmp(name, "lo") == 0)
		(void)setsockopt(pcap_fileno(handle), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes,
				 sizeof(yes));
}

/* Open, and not filtered yet. */
static pcap_t *open_bare(const char *name, const struct device_conf *conf, int64_t buffer_bytes,
			 struct fault *fault)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *handle = pcap_create(name, why);

	if (handle == NULL) {
		fault_set(fault, "device %.64s cannot be opened: %s", name, why);
		return NULL;
	}
	if (!activate(handle, name, conf, buffer_bytes, fault)) {
		pcap_close(handle);
		return NULL;
	}
	if (strcmp(name, "any") == 0)
		pcap_set_datalink(handle, DLT_LINUX_SLL2); /* where not, version 1 stays */
	return handle;
}

/* From socket to socket. 0 instructions: there is none. */
static bool copy_filter(pcap_t *from, pcap_t *to)
{
	struct sock_filter *code = must_alloc(BPF_MAXINSNS * sizeof(code[0]));
	socklen_t count = BPF_MAXINSNS; /* of instructions, unlike other options */
	bool well = getsockopt(pcap_fileno(from), SOL_SOCKET, SO_GET_FILTER, code, &count) == 0;
	struct sock_fprog program = {.len = (unsigned short)count, .filter = code};

	if (well && count > 0)
		well = setsockopt(pcap_fileno(to), SOL_SOCKET, SO_ATTACH_FILTER, &program,
				  sizeof(program)) == 0;
	else if (well)
		/* It fails where there was none before, which is as well. */
		(void)setsockopt(pcap_fileno(to), SOL_SOCKET, SO_DETACH_FILTER, &program,
				 sizeof(program));
	free(code);
	return well;
}

bool handle_filter(struct pcap *handle, const char *name, const struct device_conf *conf,
		   struct fault *fault)
{
	pcap_t *model = open_bare(name, conf, LEAST_BUFFER, fault);
	bool well = model != NULL && set_filter(model, name, conf, fault);

	if (well && !copy_filter(model, handle))
		well = fault_set(fault, "device %.64s does not take the filter: %s", name,
				 strerror(errno));
	if (model != NULL)
		pcap_close(model);
	return well;
}

struct pcap *handle_open(const char *name, const struct device_conf *conf, int64_t buffer_bytes,
			 struct fault *fault)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *handle = open_bare(name, conf, buffer_bytes, fault);

	if (handle == NULL)
		return NULL;
	if (!handle_filter(handle, name, conf, fault))
		goto failed;
	ignore_copies(handle, name);
	/* With TPACKET_V3 a blocking read may wait for ever, whatever the timeout: the kernel
	 * wakes it for packets alone. So the waiting is the reader's. */
	if (pcap_setnonblock(handle, 1, why) == 0)
		return handle;
	fault_set(fault, "device %.64s cannot be read without blocking: %s", name, why);
failed:
	pcap_close(handle);
	return NULL;
}
