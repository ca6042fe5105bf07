/* Community ids, against published ones and those that Packetbeat gives. */
#include "shipper/txn/community.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>

struct vector {
	const char *a;
	uint16_t a_port;
	const char *b;
	uint16_t b_port;
	uint8_t transport;
	const char *id;
};

static const struct vector published[] = {
	{"128.232.110.120", 34855, "66.35.250.204", 80, TRANSPORT_TCP,
	 "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{"192.168.1.52", 54585, "8.8.8.8", 53, TRANSPORT_UDP, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{"2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a", 25,
	 TRANSPORT_TCP, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	{"1.2.3.4", 1122, "5.6.7.8", 3344, TRANSPORT_TCP, "1:wCb3OG7yAFWelaUydu0D+125CLM="},
	{"1.2.3.4", 1122, "5.6.7.8", 3344, TRANSPORT_UDP, "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg="},
};

static const struct vector packetbeat[] = {
	{"::1", 9200, "::1", 50460, TRANSPORT_TCP, "1:rCYbvpmQ5kGAr90k19eM2xQAfFc="},
	{"::1", 50460, "::1", 9200, TRANSPORT_TCP, "1:rCYbvpmQ5kGAr90k19eM2xQAfFc="},
	{"::1", 51659, "::1", 9090, TRANSPORT_TCP, "1:ZkZBmqdmZMQd69F7lf0V1JSe9Qk="},
	{"0.0.0.0", 68, "255.255.255.255", 67, TRANSPORT_UDP, "1:t9O1j0qj71O4wJM7gnaHtgmfev8="},
	{"192.168.0.1", 67, "192.168.0.10", 68, TRANSPORT_UDP, "1:VbRSZnvQqvLiQRhYHLrdVI17sLQ="},
	{"192.168.238.68", 56315, "192.168.238.1", 53, TRANSPORT_UDP,
	 "1:JnNaggo99V6bH2WmJ8v+5aDDTaY="},
	{"192.168.238.68", 60893, "192.168.238.1", 53, TRANSPORT_UDP,
	 "1:Pix/jA+kRGP8oB9kgM7RKCq76kk="},
	{"192.168.238.68", 52602, "192.168.238.1", 53, TRANSPORT_UDP,
	 "1:T3jwZF/3t/vvdgrVwdxagCf5Azo="},
	{"192.168.238.68", 65020, "8.8.8.8", 53, TRANSPORT_UDP, "1:qYA6Pi3oK/YLNdQXD2WrnEBi118="},
	{"192.168.238.68", 53765, "8.8.8.8", 53, TRANSPORT_UDP, "1:3P4ruI0bVlqxiTAs0WyBhnF74ek="},
	{"192.168.238.68", 61601, "8.8.8.8", 53, TRANSPORT_UDP, "1:taD6xtOV8jNyqloWSF0Uh0T5eq0="},
	{"172.16.1.199", 51634, "75.75.75.75", 53, TRANSPORT_UDP, "1:B1ESDYl2EK6/RQvtfyTS/L+QUTw="},
	{"172.31.98.49", 51958, "8.8.8.8", 53, TRANSPORT_UDP, "1:/Zwm1tJot2cAhFAO0OxKQHuXs3Y="},
	{"127.0.0.1", 34445, "127.0.0.1", 5672, TRANSPORT_TCP, "1:ocT5O96pI2Ji2EIPYIEymNmQXrE="},
	{"127.0.0.1", 5672, "127.0.0.1", 34445, TRANSPORT_TCP, "1:ocT5O96pI2Ji2EIPYIEymNmQXrE="},
	{"127.0.0.1", 58979, "127.0.0.1", 5672, TRANSPORT_TCP, "1:0ErjQ0x5c2Wi+DGOFGoY+o9hRB8="},
	{"127.0.0.1", 58980, "127.0.0.1", 5672, TRANSPORT_TCP, "1:xsdUXB4aH36CAZtXqFO5K5Ymyh8="},
	{"127.0.0.1", 34222, "127.0.0.1", 5672, TRANSPORT_TCP, "1:i6J4zz0FGnZMYLIy8kabND2W/XE="},
	{"127.0.0.1", 52749, "127.0.0.1", 9042, TRANSPORT_TCP, "1:bCORHZnGIk6GWYaE3Kn0DOpQCKE="},
	{"1.1.1.2", 1042, "1.1.1.1", 53, TRANSPORT_TCP, "1:d2CjEdZBFJgieI3mD5ov3hvYp8I="},
	{"192.168.238.50", 53835, "107.170.1.22", 80, TRANSPORT_TCP,
	 "1:y/cxk67orcHZMAM/c0ITOOt6n70="},
	{"192.168.238.50", 53852, "107.170.1.22", 80, TRANSPORT_TCP,
	 "1:tdXn8E5UemMuXvCY1MVBUOosqJc="},
	{"172.31.98.49", 55874, "93.184.216.34", 80, TRANSPORT_TCP,
	 "1:TMPM5eEnGOXfxAjx6NKlyjx+X10="},
	{"192.168.1.104", 54742, "192.168.1.110", 80, TRANSPORT_TCP,
	 "1:mq/qOjB5HusPff1mY5rY4xUQy08="},
	{"10.0.0.9", 60335, "10.0.0.6", 8080, TRANSPORT_TCP, "1:Zq9kwV9fcXRiiTt0vB2wuJIh35M="},
	{"192.168.238.50", 64770, "107.170.1.22", 80, TRANSPORT_TCP,
	 "1:LREAuuDqOAxXEbzF064U0QX5FBs="},
	{"192.168.238.50", 51021, "107.170.1.22", 80, TRANSPORT_TCP,
	 "1:1WLZ5qYHOFg7FiCkjN05fmcfj3E="},
	{"10.100.6.90", 56044, "216.58.219.238", 80, TRANSPORT_TCP,
	 "1:TqoxzF3PiyZh5RW7e2qWxouC0XA="},
	{"192.168.188.37", 55316, "192.168.188.38", 11211, TRANSPORT_TCP,
	 "1:+/n+ddWKnmmLwxnQ48b9pUj9C54="},
	{"192.168.188.37", 55320, "192.168.188.38", 11211, TRANSPORT_TCP,
	 "1:GAy851yrZdkfph8qVpZ92ZLXZVs="},
	{"192.168.188.37", 55314, "192.168.188.38", 11211, TRANSPORT_TCP,
	 "1:a+svlph0eFY5iV5/vTHpynjN+uk="},
};

static void expect(const struct vector *v, bool turned)
{
	bool six = strchr(v->a, ':') != NULL;
	struct endpoints ends = {.version = six ? 6 : 4, .transport = v->transport};
	char text[COMMUNITY_ID_LEN + 1];

	cr_assert_eq(inet_pton(six ? AF_INET6 : AF_INET, v->a, ends.addr[turned].at), 1);
	cr_assert_eq(inet_pton(six ? AF_INET6 : AF_INET, v->b, ends.addr[!turned].at), 1);
	ends.port[turned] = v->a_port;
	ends.port[!turned] = v->b_port;
	memset(text, 0, sizeof text);
	community_id(&ends, text);
	cr_expect_str_eq(text, v->id);
}

Test(community, published)
{
	for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
		expect(&published[i], false);
		expect(&published[i], true);
	}
}

Test(community, as_packetbeat_has_it)
{
	for (size_t i = 0; i < sizeof packetbeat / sizeof *packetbeat; i++) {
		expect(&packetbeat[i], false);
		expect(&packetbeat[i], true);
	}
}
