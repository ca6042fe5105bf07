#include "shipper/decode/decode.h"

#include <criterion/criterion.h>

Test(decode_option, presets)
{
	struct decode_conf conf = {0};

	option_default(decode_options, &conf);
	cr_assert(conf.tunnels);
	cr_assert(!conf.checksums);
	cr_assert_eq(conf.vxlan_ports.count, 2);
	cr_assert_eq(conf.vxlan_ports.at[0], 4789);
	cr_assert_eq(conf.vxlan_ports.at[1], 8472);
	cr_assert_eq(conf.geneve_ports.count, 1);
	cr_assert_eq(conf.geneve_ports.at[0], 6081);
	cr_assert_eq(conf.gtpu_ports.count, 1);
	cr_assert_eq(conf.gtpu_ports.at[0], 2152);
	cr_assert_eq(conf.fragment_bytes_max, 4 << 20);
	cr_assert_eq(conf.fragment_timeout, INT64_C(30) * NS_PER_S);
	option_free(decode_options, &conf);
}

/* Every list as long as it may be: the decoder has room for all. */
Test(decode_option, all_ports_that_may_be)
{
	struct decode_conf conf = {.tunnels = true, .fragment_bytes_max = 1 << 16};
	struct ports all = {.count = PORTS_MAX};
	struct quota quota = {0};
	struct counters counters = {0};

	for (size_t i = 0; i < PORTS_MAX; i++)
		all.at[i] = (uint16_t)(i + 1);
	conf.vxlan_ports = conf.geneve_ports = conf.gtpu_ports = all;
	decoder_free(decoder_new(&conf, &quota, &counters));
	cr_assert_eq(quota.used, 0);
}
