#include "shipper/capture/filter.h"

#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipper/base/must.h"

/* Fragments behind the first carry no ports. Behind IPv6 extension headers the kernel does not
 * look; their numbers: hop-by-hop, routing, fragment, authentication, destination, mobility. */
#define UNSEEN                                                                          \
	"(ip[6:2] & 0x1fff != 0) or (ip6[6] = 0) or (ip6[6] = 43) or (ip6[6] = 44) or " \
	"(ip6[6] = 51) or (ip6[6] = 60) or (ip6[6] = 135)"
#define TUNNELS "proto 4 or proto 41 or proto 47"
#define LABELS	"ether proto 0x8847 or ether proto 0x8848 or ether proto 0x8864"
#define TAGS	"ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x9100"

static int by_value(const void *a, const void *b)
{
	uint16_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return (left > right) - (left < right);
}

/* "tcp port 80 or tcp portrange 8000-8010 or ": neighbours share a test. */
static void print_ports(FILE *to, const char *transport, const struct filter_ports *ports)
{
	uint16_t *sorted = must_alloc((ports->count + 1) * sizeof(*sorted));

	for (size_t i = 0; i < ports->count; i++)
		sorted[i] = ports->at[i];
	qsort(sorted, ports->count, sizeof(*sorted), by_value);
	for (size_t i = 0, last; i < ports->count; i = last + 1) {
		last = i;
		while (last + 1 < ports->count && sorted[last + 1] - sorted[last] <= 1)
			last++;
		if (sorted[i] == sorted[last])
			fprintf(to, "%s port %u or ", transport, (unsigned)sorted[i]);
		else
			fprintf(to, "%s portrange %u-%u or ", transport, (unsigned)sorted[i],
				(unsigned)sorted[last]);
	}
	free(sorted);
}

/* What is asked of a packet, wherever in the frame its header begins. */
static void print_core(FILE *to, const struct filter_conf *conf, bool ethertypes)
{
	fputs("(", to);
	if (conf->tcp.all)
		fputs("tcp or ", to);
	else
		print_ports(to, "tcp", &conf->tcp);
	if (conf->udp.all)
		fputs("udp or ", to);
	else
		print_ports(to, "udp", &conf->udp);
	if (conf->tunnel_aware) {
		if (!conf->udp.all)
			print_ports(to, "udp", &conf->tunnel_ports);
		fputs(TUNNELS " or ", to);
		if (ethertypes)
			fputs(LABELS " or ", to);
	}
	fputs(UNSEEN ")", to);
}

static bool is_cooked(int link)
{
	return link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2;
}

char *filter_make(const struct filter_conf *conf, int link)
{
	bool ethernet = link == DLT_EN10MB;
	char *text = NULL;
	size_t len = 0;
	FILE *to;

	if (conf->tcp.count + conf->udp.count == 0 && !conf->tcp.all && !conf->udp.all)
		return NULL;
	to = open_memstream(&text, &len);
	must(to != NULL);
	print_core(to, conf, ethernet || is_cooked(link));
	if (conf->vlan_aware && ethernet) {
		fputs(" or (vlan and (", to);
		print_core(to, conf, true);
		fputs(" or (vlan and (", to);
		print_core(to, conf, true);
		fputs(" or vlan))))", to); /* three tags and more */
	} else if (conf->vlan_aware && is_cooked(link)) {
		/* Here `vlan` is not understood. The kernel has taken the outer tag off by then,
		 * most of the time; frames with another one pass unseen. */
		fputs(" or " TAGS, to);
	}
	must(fclose(to) == 0);
	return text;
}
