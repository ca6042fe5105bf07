/* Generated filters against packets made by hand, on each kind of link. */
#include <criterion/criterion.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include "shipper/capture/filter.h"
#include "shipper/capture/sieve.h"

struct text {
	uint8_t at[512];
	size_t len;
};

static void add(struct text *t, const char *hex)
{
	unsigned byte;

	for (; *hex != '\0'; hex += 2) {
		while (*hex == ' ')
			hex++;
		cr_assert_eq(sscanf(hex, "%2x", &byte), 1);
		t->at[t->len++] = (uint8_t)byte;
	}
}

static void add16(struct text *t, unsigned value)
{
	t->at[t->len++] = (uint8_t)(value >> 8);
	t->at[t->len++] = (uint8_t)value;
}

static void add_ip4(struct text *t, unsigned proto, const char *fragment)
{
	add(t, "45000050 1234");
	add(t, fragment);
	t->at[t->len++] = 64;
	t->at[t->len++] = (uint8_t)proto;
	add(t, "0000 0a000001 0a000002");
}

static void add_ip6(struct text *t, unsigned next)
{
	add(t, "60000000 0028");
	t->at[t->len++] = (uint8_t)next;
	add(t, "40 20010db8000000000000000000000001 20010db8000000000000000000000002");
}

static void add_ports(struct text *t, unsigned src, unsigned dst)
{
	add16(t, src);
	add16(t, dst);
	add(t, "00000001 00000002 5010 1000 0000 0000 00000000 00000000");
}

/* What a network packet is, and whether each kind of filter is to let it pass. */
struct sample {
	const char *name;
	void (*make)(struct text *t);
	unsigned ethertype;
	bool plain, tunnels; /* passes without, with tunnel_aware */
};

static void tcp80(struct text *t)
{
	add_ip4(t, 6, "4000");
	add_ports(t, 40000, 80);
}

static void tcp80_back(struct text *t)
{
	add_ip4(t, 6, "4000");
	add_ports(t, 80, 40000);
}

static void tcp8001(struct text *t)
{
	add_ip4(t, 6, "4000");
	add_ports(t, 40000, 8001);
}

static void tcp22(struct text *t)
{
	add_ip4(t, 6, "4000");
	add_ports(t, 40000, 22);
}

static void udp80(struct text *t)
{
	add_ip4(t, 17, "4000");
	add_ports(t, 40000, 80);
}

static void udp5060(struct text *t)
{
	add_ip4(t, 17, "4000");
	add_ports(t, 40000, 5060);
}

static void first_fragment_22(struct text *t)
{
	add_ip4(t, 6, "2000");
	add_ports(t, 40000, 22);
}

static void later_fragment(struct text *t)
{
	add_ip4(t, 6, "20b9");
	add_ports(t, 22, 22);
}

static void last_fragment(struct text *t)
{
	add_ip4(t, 17, "00b9");
	add_ports(t, 22, 22);
}

static void tcp80_v6(struct text *t)
{
	add_ip6(t, 6);
	add_ports(t, 40000, 80);
}

static void tcp22_v6(struct text *t)
{
	add_ip6(t, 6);
	add_ports(t, 40000, 22);
}

static void fragment_v6(struct text *t)
{
	add_ip6(t, 44);
	add(t, "06000b91 00000001");
	add_ports(t, 22, 22);
}

static void options_v6(struct text *t)
{
	add_ip6(t, 60);
	add(t, "0600010400000000");
	add_ports(t, 40000, 80);
}

static void icmp(struct text *t)
{
	add_ip4(t, 1, "0000");
	add(t, "0800000000010001");
}

static void arp(struct text *t)
{
	add(t, "0001080006040001 020000000001 0a000001 000000000000 0a000002");
}

static void gre(struct text *t)
{
	add_ip4(t, 47, "4000");
	add(t, "00000800");
	tcp80(t);
}

static void gre_v6(struct text *t)
{
	add_ip6(t, 47);
	add(t, "00000800");
	tcp80(t);
}

static void ipip(struct text *t)
{
	add_ip4(t, 4, "4000");
	tcp80(t);
}

static void six_in_four(struct text *t)
{
	add_ip4(t, 41, "4000");
	tcp80_v6(t);
}

static void vxlan(struct text *t)
{
	add_ip4(t, 17, "4000");
	add_ports(t, 50000, 4789);
}

static void mpls(struct text *t)
{
	add(t, "00010140");
	tcp80(t);
}

static const struct sample samples[] = {
	{"tcp 80", tcp80, 0x0800, true, true},
	{"tcp 80, the answer", tcp80_back, 0x0800, true, true},
	{"tcp within a range", tcp8001, 0x0800, true, true},
	{"tcp 22", tcp22, 0x0800, false, false},
	{"udp on a tcp port", udp80, 0x0800, false, false},
	{"udp 5060", udp5060, 0x0800, true, true},
	{"first fragment, other port", first_fragment_22, 0x0800, false, false},
	{"later fragment", later_fragment, 0x0800, true, true},
	{"last fragment", last_fragment, 0x0800, true, true},
	{"v6 tcp 80", tcp80_v6, 0x86dd, true, true},
	{"v6 tcp 22", tcp22_v6, 0x86dd, false, false},
	{"v6 fragment", fragment_v6, 0x86dd, true, true},
	{"v6 options", options_v6, 0x86dd, true, true},
	{"icmp", icmp, 0x0800, false, false},
	{"arp", arp, 0x0806, false, false},
	{"gre", gre, 0x0800, false, true},
	{"gre over v6", gre_v6, 0x86dd, false, true},
	{"ip in ip", ipip, 0x0800, false, true},
	{"6in4", six_in_four, 0x0800, false, true},
	{"vxlan", vxlan, 0x0800, false, true},
	{"mpls", mpls, 0x8847, false, true},
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]), TAGS_MOST = 3 };

static void add_link(struct text *t, int link, unsigned tags, unsigned ethertype)
{
	static const unsigned tag_types[] = {0x88a8, 0x8100, 0x8100};
	unsigned outer = tags > 0 ? tag_types[0] : ethertype;

	switch (link) {
	case DLT_EN10MB:
		add(t, "020000000001 020000000002");
		add16(t, outer);
		break;
	case DLT_LINUX_SLL:
		add(t, "0000 0001 0006 0200000000010000");
		add16(t, outer);
		break;
	case DLT_LINUX_SLL2:
		add16(t, outer);
		add(t, "0000 00000002 0001 00 06 0200000000010000");
		break;
	default:
		return;
	}
	for (unsigned i = 0; i < tags; i++) {
		add16(t, 100 + i);
		add16(t, i + 1 < tags ? tag_types[i + 1] : ethertype);
	}
}

static bool passes(const char *text, int link, const struct text *t)
{
	struct sieve sieve;
	struct fault fault = {0};
	struct frame frame = {
		.bytes = {t->at, t->len}, .wire_bytes = (uint32_t)t->len, .link = link};
	enum sieve_verdict verdict;

	cr_assert(sieve_open(&sieve, text, &fault), "%s", fault.text);
	verdict = sieve_frame(&sieve, &frame, &fault);
	sieve_close(&sieve);
	cr_assert_neq(verdict, SIEVE_FAILED, "link %d: %s", link, fault.text);
	return verdict == SIEVE_PASS;
}

static const uint16_t tcp_ports[] = {8002, 80, 8000, 8001, 443, 80};
static const uint16_t udp_ports[] = {5060};
static const uint16_t tunnel_ports[] = {4789, 6081, 2152};

static struct filter_conf conf_of(bool vlan, bool tunnels)
{
	return (struct filter_conf){
		.tcp = {tcp_ports, 6, false},
		.udp = {udp_ports, 1, false},
		.vlan_aware = vlan,
		.tunnel_aware = tunnels,
		.tunnel_ports = {tunnel_ports, 3, false},
	};
}

Test(capture_filter, untagged_on_every_link)
{
	static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, 101};

	for (size_t l = 0; l < 4; l++)
		for (unsigned mode = 0; mode < 4; mode++) {
			struct filter_conf conf = conf_of(mode & 1, mode & 2);
			char *text = filter_make(&conf, links[l]);

			for (size_t i = 0; i < SAMPLES; i++) {
				const struct sample *s = &samples[i];
				bool ip = s->ethertype == 0x0800 || s->ethertype == 0x86dd;
				struct text t = {0};

				if (links[l] == 101 && !ip)
					continue;
				add_link(&t, links[l], 0, s->ethertype);
				s->make(&t);
				cr_expect_eq(passes(text, links[l], &t),
					     (mode & 2) ? s->tunnels : s->plain,
					     "link %d mode %u: %s", links[l], mode, s->name);
			}
			free(text);
		}
}

Test(capture_filter, tagged_ethernet)
{
	for (unsigned tags = 1; tags <= TAGS_MOST; tags++)
		for (unsigned mode = 0; mode < 4; mode++) {
			struct filter_conf conf = conf_of(mode & 1, mode & 2);
			char *text = filter_make(&conf, DLT_EN10MB);

			for (size_t i = 0; i < SAMPLES; i++) {
				const struct sample *s = &samples[i];
				bool want = (mode & 2) ? s->tunnels : s->plain;
				struct text t = {0};

				add_link(&t, DLT_EN10MB, tags, s->ethertype);
				s->make(&t);
				/* Three tags and more pass unseen. */
				cr_expect_eq(passes(text, DLT_EN10MB, &t),
					     (mode & 1) && (tags == 3 || want),
					     "%u tags, mode %u: %s", tags, mode, s->name);
			}
			free(text);
		}
}

/* libpcap has no `vlan` for cooked frames: all tagged ones pass. */
Test(capture_filter, tagged_cooked)
{
	static const int links[] = {DLT_LINUX_SLL, DLT_LINUX_SLL2};

	for (size_t l = 0; l < 2; l++) {
		struct filter_conf conf = conf_of(true, false);
		char *text = filter_make(&conf, links[l]);
		struct text t = {0};

		add_link(&t, links[l], 1, 0x0800);
		tcp80(&t);
		cr_expect(passes(text, links[l], &t));
		free(text);
	}
}

/* Where a protocol is recognized by content, its port may be any. */
Test(capture_filter, detection_takes_every_port)
{
	struct filter_conf conf = conf_of(true, false);
	struct text t4 = {0}, t6 = {0}, u = {0};

	conf.tcp.all = true;
	char *text = filter_make(&conf, DLT_EN10MB);
	add_link(&t4, DLT_EN10MB, 1, 0x0800);
	tcp22(&t4);
	add_link(&t6, DLT_EN10MB, 0, 0x86dd);
	tcp22_v6(&t6);
	add_link(&u, DLT_EN10MB, 0, 0x0800);
	udp80(&u);
	cr_expect(passes(text, DLT_EN10MB, &t4));
	cr_expect(passes(text, DLT_EN10MB, &t6));
	cr_expect_not(passes(text, DLT_EN10MB, &u));
	free(text);
}

Test(capture_filter, no_ports_no_filter)
{
	struct filter_conf conf = {.vlan_aware = true, .tunnel_aware = true};

	cr_expect_null(filter_make(&conf, DLT_EN10MB));
}

/* Loopback and plain IP links know neither tags nor ethertypes; the filter compiles all the same.
 */
Test(capture_filter, compiles_for_links_without_ethertypes)
{
	static const int links[] = {DLT_NULL, DLT_LOOP, 101, DLT_IPV4, DLT_IPV6, DLT_PPP};

	for (size_t l = 0; l < sizeof(links) / sizeof(links[0]); l++) {
		struct filter_conf conf = conf_of(true, true);
		char *text = filter_make(&conf, links[l]);
		struct text t = {0};

		add(&t, "00000000 00000000");
		(void)passes(text, links[l], &t);
		free(text);
	}
}

/* A hundred scattered ports fit into the 4096 instructions that the kernel takes; with more,
 * libpcap filters on our side. */
Test(capture_filter, many_ports_stay_within_the_kernels_limit)
{
	uint16_t ports[512];
	struct filter_conf conf = conf_of(true, true);
	pcap_t *handle = pcap_open_dead(DLT_EN10MB, 65535);
	struct bpf_program code;

	for (unsigned i = 0; i < 512; i++)
		ports[i] = (uint16_t)(1000 + i * 3);
	conf.tcp = (struct filter_ports){ports, 64, false};
	conf.udp = (struct filter_ports){ports + 64, 36, false};
	char *text = filter_make(&conf, DLT_EN10MB);
	cr_assert_eq(pcap_compile(handle, &code, text, 1, PCAP_NETMASK_UNKNOWN), 0);
	cr_expect_leq(code.bf_len, 4096, "%u", code.bf_len);
	pcap_freecode(&code);
	pcap_close(handle);
	free(text);
}
