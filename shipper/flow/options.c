#include <stddef.h>

#include "shipper/flow/flow.h"

#define ROW(member) #member, .offset = offsetof(struct flow_conf, member)

/* tcp_timeout: pools of database connections lie idle for long, and taking one up again in the
 * middle costs little; but each costs memory, and one whose end was not captured stays. */
const struct option flow_options[] = {
	{.name = ROW(flows_max),
	 .type = OPTION_INT,
	 .preset = "1000000",
	 .min = 1,
	 .max = 100000000,
	 .unit = "conversations",
	 .help = "Conversations followed at a time, of each worker. At the limit those that have "
		 "ended go, then unfinished handshakes, then the one silent for longest. One "
		 "takes about 300 bytes, and what its protocol keeps."},
	{.name = ROW(tcp_timeout),
	 .type = OPTION_DURATION,
	 .preset = "1h",
	 .min = NS_PER_S,
	 .max = (int64_t)30 * 24 * 3600 * NS_PER_S,
	 .help = "How long an established TCP connection may be silent. One that speaks again "
		 "later is taken up in the middle."},
	{.name = ROW(handshake_timeout),
	 .type = OPTION_DURATION,
	 .preset = "20s",
	 .min = NS_PER_S,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "The same for a TCP connection that has not got past its handshake."},
	{.name = ROW(udp_timeout),
	 .type = OPTION_DURATION,
	 .preset = "60s",
	 .min = NS_PER_S,
	 .max = (int64_t)24 * 3600 * NS_PER_S,
	 .help = "The same for datagrams between two ports, with no question open; one that "
		 "waits for its answer (a phone that rings) is waited for with its protocol's "
		 "transaction_timeout."},
	{.name = ROW(closed_timeout),
	 .type = OPTION_DURATION,
	 .preset = "5s",
	 .min = NS_PER_S,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "How long a closed TCP connection is remembered, so that late segments are not "
		 "taken for a new one."},
	{.name = ROW(held_bytes_max),
	 .type = OPTION_SIZE,
	 .preset = "4MiB",
	 .min = 4096,
	 .max = (int64_t)1 << 30,
	 .help = "How many bytes of one direction are held while earlier ones are missing; then "
		 "the missing ones are given up."},
	{.name = ROW(gap_timeout),
	 .type = OPTION_DURATION,
	 .preset = "250ms",
	 .min = NS_PER_MS,
	 .max = (int64_t)60 * NS_PER_S,
	 .help = "How long to wait for bytes that the receiver has acknowledged and the capture "
		 "has not shown, and for the first bytes of a connection taken up in the "
		 "middle. It has to cover how far the capture may be out of order."},
	{0},
};
