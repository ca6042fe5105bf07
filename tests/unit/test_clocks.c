#include <criterion/criterion.h>

#include "shipper/cmd/clocks.h"

/* Both times in seconds. */
static struct leap look(struct clocks *clocks, double mono, double wall)
{
	return clocks_look(clocks, (struct mono){(int64_t)(mono * NS_PER_S)},
			   (nsec)(wall * NS_PER_S));
}

Test(clocks, says_nothing_of_ordinary_seconds)
{
	struct clocks clocks = {0};

	for (int i = 0; i < 100; i++) {
		/* A clock that is being slewed, and a look that comes late. */
		struct leap leap = look(&clocks, 5 + 1.5 * i, 1e9 + 1.6 * i);

		cr_assert_eq(leap.set, 0);
		cr_assert_eq(leap.still, 0);
	}
}

Test(clocks, tells_a_clock_that_was_set)
{
	struct clocks clocks = {0};
	struct leap leap;

	look(&clocks, 10, 1e9);
	leap = look(&clocks, 11, 1e9 - 3599);
	cr_assert_float_eq((double)leap.set / NS_PER_S, -3600, 1e-3);
	cr_assert_eq(leap.still, 0);
	cr_assert_eq(look(&clocks, 12, 1e9 - 3598).set, 0, "once");
	leap = look(&clocks, 13, 1e9 + 3);
	cr_assert_float_eq((double)leap.set / NS_PER_S, 3600, 1e-3);
}

Test(clocks, tells_that_it_was_stopped)
{
	struct clocks clocks = {0};
	struct leap leap;

	look(&clocks, 10, 1e9);
	leap = look(&clocks, 70, 1e9 + 60);
	cr_assert_float_eq((double)leap.still / NS_PER_S, 60, 1e-3);
	cr_assert_eq(leap.set, 0);
	cr_assert_eq(look(&clocks, 71, 1e9 + 61).still, 0, "once");
}
