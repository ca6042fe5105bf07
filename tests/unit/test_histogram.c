/*
 * Histograms, against percentiles of the sorted values.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "shipper/base/histogram.h"

enum { MANY = 50000 };

static uint64_t state;

static void seed(void)
{
	state = 88172645463325252;
}

TestSuite(histogram, .init = seed);

static double uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / (double)(UINT64_C(1) << 53);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t exact(const int64_t *sorted, size_t count, double share)
{
	double rank = ceil(share * (double)count);

	return sorted[rank < 1 ? 0 : (size_t)rank - 1];
}

static void agrees(const struct histogram *h, int64_t *values, size_t count)
{
	static const double shares[] = {0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};

	qsort(values, count, sizeof(values[0]), compare);
	cr_assert_eq(h->count, count);
	cr_assert_eq(h->min, values[0]);
	cr_assert_eq(h->max, values[count - 1]);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		double want = (double)exact(values, count, shares[i]);
		double got = (double)histogram_at(h, shares[i]);

		cr_assert(fabs(got - want) <= want * 0.01, "share %g: %g, exactly %g", shares[i],
			  got, want);
	}
}

Test(histogram, empty_says_nothing)
{
	struct histogram h = {0};

	cr_assert_eq(histogram_at(&h, 0.5), 0);
	histogram_fini(&h);
}

Test(histogram, one_value_is_exact)
{
	struct histogram h = {0};

	histogram_add(&h, 123456789);
	cr_assert_eq(histogram_at(&h, 0), 123456789);
	cr_assert_eq(histogram_at(&h, 0.5), 123456789);
	cr_assert_eq(histogram_at(&h, 1), 123456789);
	cr_assert_eq(h.sum, 123456789.0);
	histogram_fini(&h);
}

Test(histogram, small_values_are_exact)
{
	struct histogram h = {0};

	for (int64_t v = 0; v < 128; v++)
		histogram_add(&h, v);
	for (int64_t v = 0; v < 128; v++)
		cr_assert_eq(histogram_at(&h, (double)(v + 1) / 128), v);
	cr_assert_eq(h.pages, 2);
	histogram_fini(&h);
}

/* Each bucket's both ends, all the way up: the middle is never more than 1 % away. */
Test(histogram, every_bucket_is_near_its_values)
{
	for (unsigned bits = 0; bits < HISTOGRAM_BITS; bits++) {
		for (int64_t step = 0; step < 200; step++) {
			int64_t v =
				(INT64_C(1) << bits) + (((INT64_C(1) << bits) - 1) * step) / 199;
			struct histogram h = {0};

			/* Others around it keep min and max from narrowing the answer. */
			histogram_add(&h, 0);
			histogram_add(&h, v);
			histogram_add(&h, INT64_C(1) << HISTOGRAM_BITS);
			double got = (double)histogram_at(&h, 0.5);

			cr_assert(fabs(got - (double)v) <= (double)v * 0.0079, "%g for %g", got,
				  (double)v);
			histogram_fini(&h);
		}
	}
}

Test(histogram, agrees_with_sorted_values)
{
	static int64_t values[MANY];

	for (int shape = 0; shape < 4; shape++) {
		struct histogram h = {0};

		for (size_t i = 0; i < MANY; i++) {
			double u = uniform();
			double v = shape == 0	? u * 1e6
				   : shape == 1 ? exp(u * 30)
				   : shape == 2 ? -log(u + 1e-12) * 2.5e6
						: (u < 0.98 ? 180e3 + u : 40e9 * u);

			values[i] = (int64_t)v;
			histogram_add(&h, values[i]);
		}
		agrees(&h, values, MANY);
		histogram_fini(&h);
	}
}

Test(histogram, merging_is_as_if_all_had_come_to_one)
{
	static int64_t values[MANY];
	struct histogram parts[3] = {{0}}, all = {0}, sum = {0};

	for (size_t i = 0; i < MANY; i++) {
		values[i] = (int64_t)exp(uniform() * 25);
		histogram_add(&parts[i % 3], values[i]);
		histogram_add(&all, values[i]);
	}
	for (int i = 0; i < 3; i++)
		histogram_merge(&sum, &parts[i]);
	agrees(&sum, values, MANY);
	for (int i = 0; i <= 1000; i++)
		cr_assert_eq(histogram_at(&sum, i / 1000.0), histogram_at(&all, i / 1000.0));
	for (int i = 0; i < 3; i++)
		histogram_fini(&parts[i]);
	histogram_fini(&all);
	histogram_fini(&sum);
}

Test(histogram, values_out_of_range_are_kept_within)
{
	struct histogram h = {0};

	histogram_add(&h, -5);
	histogram_add(&h, INT64_MAX);
	histogram_add(&h, INT64_MAX);
	cr_assert_eq(h.min, 0);
	cr_assert_eq(h.max, INT64_MAX);
	cr_assert_eq(histogram_at(&h, 0.1), 0);
	cr_assert(histogram_at(&h, 0.6) >= (INT64_C(1) << (HISTOGRAM_BITS - 1)));
	cr_assert(h.pages <= HISTOGRAM_PAGES);
	histogram_fini(&h);
}

Test(histogram, memory_is_bounded)
{
	struct histogram h = {0};

	for (int i = 0; i < MANY; i++)
		histogram_add(&h, (int64_t)exp(uniform() * 43));
	cr_assert(h.pages <= HISTOGRAM_PAGES);
	histogram_fini(&h);
}
