/*
 * A BPF expression made from the configured ports: what cannot concern any protocol stays in the
 * kernel. It may let too much pass, never too little: fragments without ports pass, so do headers
 * behind which it cannot look.
 *
 * In pcap-filter(7) the word `vlan` moves all that stands behind it in the text by four bytes, so
 * the tests for tagged frames come last, one tag inside the other. On a live device Linux has taken
 * the outermost tag off before the filter looks; libpcap's `vlan` knows that.
 *
 * Owns     nothing; the text belongs to the caller
 */
#ifndef WIRESPAN_CAPTURE_FILTER_H
#define WIRESPAN_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter_ports {
	const uint16_t *at; /* in any order, repeated ones are no harm */
	size_t count;
	bool all; /* a protocol is to be recognized on any port */
};

struct filter_conf {
	struct filter_ports tcp, udp;
	bool vlan_aware;
	bool tunnel_aware;		  /* GRE, IP in IP, MPLS, PPPoE, and: */
	struct filter_ports tunnel_ports; /* of VXLAN, GENEVE, GTP-U; UDP */
};

/* The expression for a link type (LINKTYPE_ value); the caller frees it. NULL when no port is
 * asked for at all. */
char *filter_make(const struct filter_conf *conf, int link);

#endif
