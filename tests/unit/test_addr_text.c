/* Addresses as text: RFC 5952, against inet_ntop where it says the same. */
#include "shipper/txn/doc.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>

static const char *text(const struct addr *addr, uint8_t version)
{
	static char to[ADDR_TEXT_MAX + 1];

	memset(to, 'x', sizeof to);
	to[addr_text(addr, version, to)] = 0;
	return to;
}

static const char *six(const char *as)
{
	struct addr addr;

	cr_assert_eq(inet_pton(AF_INET6, as, addr.at), 1);
	return text(&addr, 6);
}

Test(addr_text, four)
{
	char expected[INET_ADDRSTRLEN];

	for (unsigned i = 0; i < 256; i++)
		for (unsigned place = 0; place < 4; place++) {
			struct addr addr = {{10, 200, 3, 45}};

			addr.at[place] = (uint8_t)i;
			inet_ntop(AF_INET, addr.at, expected, sizeof expected);
			cr_assert_str_eq(text(&addr, 4), expected);
		}
}

Test(addr_text, six_as_rfc_5952_has_it)
{
	cr_expect_str_eq(six("2001:0db8::0001"), "2001:db8::1");
	cr_expect_str_eq(six("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
	cr_expect_str_eq(six("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");
	cr_expect_str_eq(six("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
	cr_expect_str_eq(six("2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:0001"),
			 "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1");
	cr_expect_str_eq(six("::"), "::");
	cr_expect_str_eq(six("::1"), "::1");
	cr_expect_str_eq(six("1::"), "1::");
	cr_expect_str_eq(six("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
	cr_expect_str_eq(six("::1234:5678"), "::1234:5678");
	cr_expect_str_eq(six("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
			 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

Test(addr_text, six_with_zeros_in_every_place)
{
	char expected[INET6_ADDRSTRLEN];

	for (unsigned zeros = 0; zeros < 255; zeros++) {
		struct addr addr;

		for (unsigned i = 0; i < 8; i++) {
			unsigned group = zeros >> i & 1 ? 0 : 0x1000u >> (i % 4 * 4);

			addr.at[2 * i] = (uint8_t)(group >> 8);
			addr.at[2 * i + 1] = (uint8_t)group;
		}
		if ((zeros & 0x3f) == 0x3f)
			continue; /* inet_ntop shows ::/96 in the old IPv4-compatible form */
		inet_ntop(AF_INET6, addr.at, expected, sizeof expected);
		cr_assert_str_eq(text(&addr, 6), expected);
	}
}
