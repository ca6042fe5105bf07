/* Devices: loopback carries datagrams of our own; skipped where capturing is not permitted. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shipper/capture/device.h"

enum { DATAGRAMS = 50, PATIENCE = 100, SLL2 = 276, ETHERNET = 1 };

static int udp_socket(uint16_t *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&to, &len), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	*port = ntohs(to.sin_port);
	return fd;
}

static struct tap open_or_skip(const char *name, const struct device_conf *conf)
{
	struct fault fault = {0};
	struct tap tap;

	if (!device_open(&tap, name, conf, &fault)) {
		if (strstr(fault.text, "not permitted") != NULL)
			cr_skip_test("%s", fault.text);
		cr_assert_fail("%s", fault.text);
	}
	return tap;
}

/* What others said before the filter held lies in the buffer, and may fill it: it goes first. */
static void empty(struct tap *tap)
{
	struct frame frame;

	cr_assert_eq(tap->source->next(tap->self, &frame, NULL), NEXT_IDLE);
}

/* Every datagram once and in order, on "lo" and on "any". */
static void hear(const char *name, int link)
{
	struct device_conf conf = {.snap_bytes = 65535, .buffer_bytes = 4 << 20};
	uint16_t port, other_port;
	int fd = udp_socket(&port), other = udp_socket(&other_port);
	struct tap tap;
	struct source_stats stats;
	struct frame frame;
	unsigned heard = 0;

	conf.ports.udp = (struct filter_ports){&port, 1, false};
	tap = open_or_skip(name, &conf);
	empty(&tap);
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		uint8_t said[100] = {(uint8_t)i};

		cr_assert_eq(send(fd, said, sizeof(said), 0), (ssize_t)sizeof(said));
		/* The filter keeps this out. */
		cr_assert_eq(send(other, "", 1, 0), 1);
	}
	for (unsigned turn = 0; turn < PATIENCE + DATAGRAMS && heard < DATAGRAMS; turn++) {
		struct fault fault = {0};
		enum next got = tap.source->next(tap.self, &frame, &fault);

		cr_assert(got <= NEXT_IDLE, "%s", fault.text);
		if (got == NEXT_IDLE)
			continue;
		cr_expect_eq(frame.link, link);
		cr_assert_gt(frame.bytes.len, 100);
		cr_expect_eq(frame.bytes.at[frame.bytes.len - 100], heard);
		heard++;
	}
	cr_expect_eq(heard, DATAGRAMS);
	nsec last = frame.when;
	cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_IDLE, "no second copy");
	/* Time goes on without packets, a second behind them. */
	cr_expect_gt(frame.when, last - 2 * INT64_C(1000000000));
	cr_expect_lt(frame.when, last);
	tap.source->stats(tap.self, &stats);
	cr_expect_eq(stats.received, DATAGRAMS);
	cr_expect_eq(stats.dropped_kernel, 0);
	tap.source->close(tap.self);
	close(fd);
	close(other);
}

Test(capture_device, loopback, .timeout = 60)
{
	hear("lo", ETHERNET);
}

Test(capture_device, any, .timeout = 60)
{
	hear("any", SLL2);
}

/* Told to end, it still gives all that came before, although the kernel has not handed over the
 * last of it, and none of what comes later. */
Test(capture_device, drained_at_the_end, .timeout = 60)
{
	struct device_conf conf = {.snap_bytes = 65535, .buffer_bytes = 4 << 20};
	uint16_t port;
	int fd = udp_socket(&port);
	unsigned heard = 0, turns = 0;
	struct frame frame;
	enum next got;
	struct tap tap;

	conf.ports.udp = (struct filter_ports){&port, 1, false};
	tap = open_or_skip("lo", &conf);
	empty(&tap);
	for (unsigned i = 0; i < DATAGRAMS; i++)
		cr_assert_eq(send(fd, "x", 1, 0), 1);
	tap.source->drain(tap.self);
	usleep(1000);
	cr_assert_eq(send(fd, "y", 1, 0), 1);
	while ((got = tap.source->next(tap.self, &frame, NULL)) != NEXT_END) {
		cr_assert(got <= NEXT_IDLE);
		cr_assert_lt(++turns, PATIENCE + DATAGRAMS);
		if (got == NEXT_FRAME)
			heard++;
	}
	cr_expect_eq(heard, DATAGRAMS);
	tap.source->close(tap.self);
	close(fd);
}

/* What comes faster than it is read is counted as dropped, not lost in silence. */
Test(capture_device, a_full_buffer_is_counted, .timeout = 60)
{
	struct device_conf conf = {.snap_bytes = 65535, .buffer_bytes = 256 << 10};
	uint16_t port;
	int fd = udp_socket(&port);
	struct source_stats stats;
	struct frame frame;
	enum { FLOOD = 5000 };
	struct tap tap;
	uint8_t said[1000] = {0};

	conf.ports.udp = (struct filter_ports){&port, 1, false};
	tap = open_or_skip("lo", &conf);
	/* What others sent before the filter held is out of the buffer then. */
	while (tap.source->next(tap.self, &frame, NULL) != NEXT_IDLE)
		continue;
	for (unsigned i = 0; i < FLOOD; i++)
		cr_assert_eq(send(fd, said, sizeof(said), 0), (ssize_t)sizeof(said));
	while (tap.source->next(tap.self, &frame, NULL) == NEXT_FRAME)
		continue;
	tap.source->stats(tap.self, &stats);
	cr_expect_gt(stats.dropped_kernel, 0);
	cr_expect_eq(stats.received + stats.dropped_kernel, FLOOD, "%lu + %lu",
		     (unsigned long)stats.received, (unsigned long)stats.dropped_kernel);
	tap.source->close(tap.self);
	close(fd);
}

static atomic_bool enough;

static void *talk(void *self)
{
	uint8_t said[1000] = {0};
	uint16_t port;
	int fd = udp_socket(&port);

	(void)self;
	while (!enough)
		(void)send(fd, said, sizeof(said), 0);
	close(fd);
	return NULL;
}

/* Until the filter holds, a device's every packet goes into the buffer, or is lost there. */
Test(capture_device, what_others_sent_is_no_loss, .timeout = 60)
{
	struct device_conf conf = {.snap_bytes = 65535, .buffer_bytes = 64 << 10};
	uint16_t port;
	int fd = udp_socket(&port);
	struct source_stats stats;
	enum { OPENS = 20 };
	struct frame frame;
	pthread_t talker;
	struct tap tap;

	conf.ports.udp = (struct filter_ports){&port, 1, false};
	tap = open_or_skip("lo", &conf);
	tap.source->close(tap.self);
	cr_assert_eq(pthread_create(&talker, NULL, talk, NULL), 0);
	for (unsigned i = 0; i < OPENS; i++) {
		tap = open_or_skip("lo", &conf);
		while (tap.source->next(tap.self, &frame, NULL) != NEXT_IDLE)
			continue;
		tap.source->stats(tap.self, &stats);
		cr_expect_eq(stats.received, 0);
		cr_expect_eq(stats.dropped_kernel, 0, "%lu", (unsigned long)stats.dropped_kernel);
		tap.source->close(tap.self);
	}
	enough = true;
	pthread_join(talker, NULL);
	close(fd);
}

Test(capture_device, no_such_device)
{
	struct device_conf conf = {0};
	struct fault fault = {0};
	struct tap tap;

	cr_expect_not(device_open(&tap, "wirespan-none", &conf, &fault));
	cr_expect(strstr(fault.text, "wirespan-none") != NULL, "%s", fault.text);
	cr_expect(strchr(fault.text, '\n') == NULL);
	cr_expect_not(device_open(&tap, "4711", &conf, &fault));
	cr_expect(strstr(fault.text, "no device number 4711") != NULL, "%s", fault.text);
}

Test(capture_device, wrong_filter)
{
	struct device_conf conf = {.filter = "tcp prot 80"};
	struct fault fault = {0};
	struct tap tap;

	cr_expect_not(device_open(&tap, "lo", &conf, &fault));
	if (strstr(fault.text, "not permitted") != NULL)
		cr_skip_test("%s", fault.text);
	cr_expect(strstr(fault.text, "tcp prot 80") != NULL, "%s", fault.text);
}

Test(capture_device, not_permitted)
{
	struct device_conf conf = {0};
	struct fault fault = {0};
	struct tap tap;

	if (geteuid() == 0 && seteuid(65534) != 0)
		cr_skip_test("cannot become an ordinary user");
	cr_expect_not(device_open(&tap, "lo", &conf, &fault));
	cr_expect(strstr(fault.text, "setcap cap_net_raw=ep") != NULL, "%s", fault.text);
}

Test(capture_device, the_list_names_loopback)
{
	struct fault fault = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (!device_list(to, &fault)) {
		fclose(to);
		free(text);
		cr_skip_test("%s", fault.text);
	}
	fclose(to);
	cr_expect(strstr(text, " lo ") != NULL, "%s", text);
	cr_expect(strstr(text, "loopback") != NULL, "%s", text);
	cr_expect(strstr(text, " any ") != NULL, "%s", text);
	free(text);
}
