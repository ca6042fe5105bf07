/*
 * Sends captures again, from memory: to a device, at a rate, or as one long capture.
 *
 *   resend -i DEVICE [-r FRAMES_A_SECOND] [-s SECONDS | -n ROUNDS] CAPTURE...
 *   resend -o FILE [-d SECONDS] [-n ROUNDS] CAPTURE...
 *
 * Each round has addresses of its own (the last three bytes of each, checksums corrected), so that
 * its conversations are new ones. To a file, "-" being standard output, a frame's time goes on from
 * round to round; -d ends with the first round that lasts beyond so many seconds of capture time.
 * Only Ethernet. One line on standard output (to a file: on standard error) says what was sent.
 *
 * Sending passes the queueing discipline by, many frames a call; at a rate, it sleeps in between.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL

enum {
	AT_ONCE = 64,
	PAUSE_NS = 100000,
	LATE_MOST = 100, /* parts of a second: what is later than that is not made up for */
	GAP_NS = 1000,	 /* between captures of a file */
};

/* Where a round changes two bytes, and the checksums that cover them. */
struct frame {
	uint8_t *at;
	uint32_t len;
	int64_t wait;				/* since the one before, of the same capture */
	uint16_t source, target, head_sum, sum; /* places of the last four bytes of an address, and
						   of checksums; 0: none */
};

struct frames {
	struct frame *at;
	size_t count, room;
	uint64_t bytes;
};

struct sent {
	uint64_t frames, failed, rounds;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "resend: %s: %s\n", what, why);
	exit(1);
}

static void *grown(void *at, size_t bytes)
{
	at = realloc(at, bytes);
	if (at == NULL)
		die("memory", strerror(errno));
	return at;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, unsigned n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

/* ---- Reading ---- */

static void find_sum(struct frame *f, unsigned ip, unsigned protocol, bool first)
{
	unsigned place = protocol == 6 ? ip + 16 : protocol == 17 ? ip + 6 : 0;

	if (first && place > 0 && place + 2 <= f->len &&
	    (protocol == 6 || get16(f->at + place) != 0))
		f->sum = (uint16_t)place;
}

static void find_places(struct frame *f)
{
	unsigned ip = 14, type = f->len > 14 ? get16(f->at + 12) : 0;

	while ((type == 0x8100 || type == 0x88a8) && ip + 4 < f->len) {
		type = get16(f->at + ip + 2);
		ip += 4;
	}
	if (type == 0x0800 && ip + 20 <= f->len) {
		f->head_sum = (uint16_t)(ip + 10);
		f->source = (uint16_t)(ip + 12);
		f->target = (uint16_t)(ip + 16);
		find_sum(f, ip + 4U * (f->at[ip] & 15), f->at[ip + 9],
			 (get16(f->at + ip + 6) & 0x1fff) == 0);
	} else if (type == 0x86dd && ip + 40 <= f->len) {
		f->source = (uint16_t)(ip + 8 + 12);
		f->target = (uint16_t)(ip + 24 + 12);
		find_sum(f, ip + 40, f->at[ip + 6], true);
	}
}

static void read_capture(struct frames *all, const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *from =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int64_t last = 0;

	if (from == NULL)
		die(path, why);
	if (pcap_datalink(from) != DLT_EN10MB)
		die(path, "not Ethernet");
	for (bool first = true; pcap_next_ex(from, &header, &bytes) == 1; first = false) {
		int64_t when = header->ts.tv_sec * NS + header->ts.tv_usec;
		struct frame *f;

		if (all->count == all->room) {
			all->room = all->room > 0 ? 2 * all->room : 4096;
			all->at = grown(all->at, all->room * sizeof(*f));
		}
		f = &all->at[all->count++];
		*f = (struct frame){.at = grown(NULL, header->caplen), .len = header->caplen};
		memcpy(f->at, bytes, header->caplen);
		f->wait = !first && when > last ? when - last : GAP_NS;
		last = when;
		all->bytes += f->len;
		find_places(f);
	}
	pcap_close(from);
}

/* ---- A round's own addresses ---- */

static void flip(struct frame *f, unsigned place, unsigned mask)
{
	unsigned before = get16(f->at + place), after = before ^ mask;
	const uint16_t sums[] = {f->head_sum, f->sum};

	put16(f->at + place, after);
	for (size_t i = 0; i < 2; i++) {
		uint32_t sum;

		if (sums[i] == 0)
			continue;
		/* RFC 1624 */
		sum = (~get16(f->at + sums[i]) & 0xffff) + (~before & 0xffff) + after;
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		put16(f->at + sums[i], ~sum & 0xffff);
	}
}

/* From those of one round to those of the next: `mask` is what their numbers differ by. */
static void renumber(struct frame *f, uint32_t mask)
{
	if (f->source == 0)
		return;
	for (unsigned place = f->source; place <= f->target; place += f->target - f->source) {
		flip(f, place, mask >> 16 & 0xff);
		flip(f, place + 2, mask & 0xffff);
	}
}

/* ---- To a device ---- */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static int device_socket(const char *device)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(device)};
	int yes = 1, out = socket(AF_PACKET, SOCK_RAW, 0);

	if (to.sll_ifindex == 0 || out < 0 || bind(out, (struct sockaddr *)&to, sizeof(to)) != 0)
		die(device, strerror(errno));
	(void)setsockopt(out, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes));
	return out;
}

/* How many frames are due, at most `most`; waits for the first. */
static size_t due(uint64_t rate, int64_t *begin, uint64_t sent, size_t most)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	while (rate > 0) {
		uint64_t wanted = (uint64_t)((double)(now() - *begin) / NS * (double)rate);
		uint64_t late = wanted > sent ? wanted - sent : 0;

		if (late > rate / LATE_MOST + most) {
			*begin += (int64_t)((double)(late - most) / (double)rate * NS);
			late = most;
		}
		if (late > 0)
			return late < most ? late : most;
		nanosleep(&pause, NULL);
	}
	return most;
}

static void send_some(int out, struct mmsghdr *messages, size_t count, struct sent *sent)
{
	while (count > 0) {
		int n = sendmmsg(out, messages, (unsigned)count, 0);

		if (n <= 0) { /* the first of them */
			sent->failed++;
			n = 1;
		} else {
			sent->frames += (uint64_t)n;
		}
		messages += n;
		count -= (size_t)n;
	}
}

static struct sent send_all(struct frames *all, const char *device, uint64_t rate, int64_t seconds,
			    uint64_t rounds)
{
	struct mmsghdr messages[AT_ONCE] = {0};
	struct iovec parts[AT_ONCE];
	struct sent sent = {0};
	int out = device_socket(device);
	int64_t begin = now(), real = begin, end = seconds > 0 ? begin + seconds * NS : INT64_MAX;

	while (sent.rounds < rounds && now() < end) {
		uint32_t mask = (uint32_t)(sent.rounds ^ (sent.rounds + 1));

		for (size_t i = 0; i < all->count && now() < end;) {
			size_t left = all->count - i;
			size_t n = due(rate, &begin, sent.frames + sent.failed,
				       left < AT_ONCE ? left : AT_ONCE);

			for (size_t k = 0; k < n; k++) {
				struct frame *f = &all->at[i + k];

				renumber(f, mask);
				parts[k] = (struct iovec){f->at, f->len};
				messages[k].msg_hdr =
					(struct msghdr){.msg_iov = &parts[k], .msg_iovlen = 1};
			}
			send_some(out, messages, n, &sent);
			i += n;
		}
		sent.rounds++;
	}
	printf("{\"sent\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"rounds\":%" PRIu64
	       ",\"frames\":%zu,\"bytes\":%" PRIu64 ",\"seconds\":%.6f}\n",
	       sent.frames, sent.failed, sent.rounds, all->count, all->bytes,
	       (double)(now() - real) / NS);
	close(out);
	return sent;
}

/* ---- To a file ---- */

static void write_frame(FILE *to, const struct frame *f, int64_t when)
{
	uint32_t head[4] = {(uint32_t)(when / NS), (uint32_t)(when % NS), f->len, f->len};

	if (fwrite(head, sizeof(head), 1, to) != 1 || fwrite(f->at, 1, f->len, to) != f->len)
		die("writing", strerror(errno));
}

static void write_all(struct frames *all, const char *path, int64_t seconds, uint64_t rounds)
{
	const uint32_t head[6] = {0xa1b23c4d, 4 << 16 | 2, 0, 0, 262144, DLT_EN10MB};
	FILE *to = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
	int64_t begin = 1700000000 * NS, when = begin;
	uint64_t round = 0;

	if (to == NULL || fwrite(head, sizeof(head), 1, to) != 1)
		die(path, strerror(errno));
	for (; round < rounds && (seconds == 0 || when - begin < seconds * NS); round++)
		for (size_t i = 0; i < all->count; i++) {
			struct frame *f = &all->at[i];

			renumber(f, (uint32_t)(round ^ (round + 1)));
			when += f->wait;
			write_frame(to, f, when);
		}
	if (fclose(to) != 0)
		die(path, strerror(errno));
	fprintf(stderr,
		"{\"frames\":%zu,\"rounds\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"spans\":%.3f}\n",
		all->count, round, round * all->count, (double)(when - begin) / NS);
}

int main(int argc, char **argv)
{
	const char *device = NULL, *path = NULL;
	uint64_t rate = 0, rounds = UINT64_MAX;
	int64_t seconds = 0;
	struct frames all = {0};
	int option;

	while ((option = getopt(argc, argv, "i:o:r:s:d:n:")) != -1) {
		switch (option) {
		case 'i':
			device = optarg;
			break;
		case 'o':
			path = optarg;
			break;
		case 'r':
			rate = strtoull(optarg, NULL, 10);
			break;
		case 's':
		case 'd':
			seconds = strtoll(optarg, NULL, 10);
			break;
		case 'n':
			rounds = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (optind == argc || (device == NULL) == (path == NULL) ||
	    (seconds == 0 && rounds == UINT64_MAX)) {
		fputs("usage: resend -i DEVICE [-r FRAMES_A_SECOND] -s SECONDS | -n ROUNDS "
		      "CAPTURE...\n"
		      "       resend -o FILE -d SECONDS | -n ROUNDS CAPTURE...\n",
		      stderr);
		return 2;
	}
	for (; optind < argc; optind++)
		read_capture(&all, argv[optind]);
	if (all.count == 0)
		die("captures", "no frames");
	if (device != NULL)
		return send_all(&all, device, rate, seconds, rounds).failed > 0 ? 3 : 0;
	write_all(&all, path, seconds, rounds);
	return 0;
}
