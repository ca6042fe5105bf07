/*
 * As much of Criterion as the unit tests use, without its memory arena, which cannot live beside
 * the thread sanitizer. `make tsan` builds the unit tests with this in its place.
 *
 * Each test runs in a process of its own. A test with a `signal` must end by it.
 */
#ifndef WIRESPAN_TESTS_PLAIN_CRITERION_H
#define WIRESPAN_TESTS_PLAIN_CRITERION_H

/* As Criterion's own header: macros that may have no further argument are not ISO C. */
#pragma GCC system_header
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_test {
	const char *suite, *name;
	void (*run)(void);
	void (*init)(void), (*fini)(void);
	int signal, exit_code;
	double timeout; /* seconds; 0 none */
	bool disabled;
	struct plain_test *next;
};

void plain_test_add(struct plain_test *test);

#define PLAIN_ROW(row, ...)                                      \
	static struct plain_test row;                            \
	static __attribute__((constructor)) void row##_add(void) \
	{                                                        \
		plain_test_add(&row);                            \
	}                                                        \
	static struct plain_test row = {__VA_ARGS__}

/* A suite is a row without a function: its init and fini are those of its tests. */
#define TestSuite(s, ...) PLAIN_ROW(plain_suite_##s, .suite = #s, __VA_ARGS__)

#define Test(s, n, ...)                                                                      \
	static void plain_run_##s##_##n(void);                                               \
	PLAIN_ROW(plain_test_##s##_##n, .suite = #s, .name = #n, .run = plain_run_##s##_##n, \
		  __VA_ARGS__);                                                              \
	static void plain_run_##s##_##n(void)

static inline __attribute__((noreturn, format(printf, 4, 5))) void plain_fail(
	const char *file, int line, const char *condition, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: %s: ", file, line, condition);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_Exit(101);
}

#define cr_assert(condition, ...)                                                   \
	do {                                                                        \
		if (!(condition))                                                   \
			plain_fail(__FILE__, __LINE__, #condition, "" __VA_ARGS__); \
	} while (0)

#define cr_skip_test(...)   _Exit(0)
#define cr_assert_fail(...) cr_assert(!"reached", __VA_ARGS__)

#define cr_assert_not(x, ...)	       cr_assert(!(x), __VA_ARGS__)
#define cr_assert_eq(a, b, ...)	       cr_assert((a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...)       cr_assert((a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...)	       cr_assert((a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...)       cr_assert((a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...)	       cr_assert((a) > (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...)       cr_assert((a) >= (b), __VA_ARGS__)
#define cr_assert_null(p, ...)	       cr_assert((p) == NULL, __VA_ARGS__)
#define cr_assert_not_null(p, ...)     cr_assert((p) != NULL, __VA_ARGS__)
#define cr_assert_str_empty(a, ...)    cr_assert((a)[0] == 0, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)    cr_assert(strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) cr_assert(memcmp(a, b, n) == 0, __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...) \
	cr_assert(((a) > (b) ? (a) - (b) : (b) - (a)) <= (e), __VA_ARGS__)
#define cr_expect	   cr_assert
#define cr_expect_not	   cr_assert_not
#define cr_expect_eq	   cr_assert_eq
#define cr_expect_neq	   cr_assert_neq
#define cr_expect_lt	   cr_assert_lt
#define cr_expect_leq	   cr_assert_leq
#define cr_expect_gt	   cr_assert_gt
#define cr_expect_geq	   cr_assert_geq
#define cr_expect_null	   cr_assert_null
#define cr_expect_not_null cr_assert_not_null
#define cr_expect_str_eq   cr_assert_str_eq
#define cr_expect_arr_eq   cr_assert_arr_eq

#endif
