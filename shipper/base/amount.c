#include "shipper/base/amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	int64_t times;
};

static const struct unit duration_units[] = {
	{"ns", 1},
	{"us", NS_PER_US},
	{"µs", NS_PER_US},
	{"ms", NS_PER_MS},
	{"s", NS_PER_S},
	{"m", 60LL * NS_PER_S},
	{"h", 3600LL * NS_PER_S},
	{"d", 86400LL * NS_PER_S},
	{NULL, 0},
};

static const struct unit size_units[] = {
	{"KiB", 1LL << 10},
	{"MiB", 1LL << 20},
	{"GiB", 1LL << 30},
	{"TiB", 1LL << 40},
	{"kB", 1000},
	{"MB", 1000 * 1000},
	{"GB", 1000 * 1000 * 1000},
	{"TB", 1000LL * 1000 * 1000 * 1000},
	{"B", 1},
	{NULL, 0},
};

/* The binary ones alone: 64000 is said as 64000B, not as 64kB. */
static const struct unit size_units_said[] = {
	{"B", 1},	    {"KiB", 1LL << 10}, {"MiB", 1LL << 20},
	{"GiB", 1LL << 30}, {"TiB", 1LL << 40}, {NULL, 0},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number, perhaps with a fraction, at the front of *text. Up to 9 digits of the
 * fraction count. */
static bool number_take(const char **text, int64_t *whole, int64_t *billionths)
{
	const char *p = *text;
	int64_t part = NS_PER_S / 10;

	*whole = *billionths = 0;
	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(*whole, 10, whole) ||
		    __builtin_add_overflow(*whole, *p - '0', whole))
			return false;
	if (*p == '.') {
		if (!is_digit(*++p))
			return false;
		for (; is_digit(*p); p++, part /= 10)
			*billionths += (*p - '0') * part;
	}
	*text = p;
	return true;
}

static const struct unit *unit_take(const char **text, const struct unit *units)
{
	size_t len = 0;

	while ((*text)[len] != '\0' && !is_digit((*text)[len]))
		len++;
	for (; units->name != NULL; units++)
		if (strlen(units->name) == len && strncasecmp(units->name, *text, len) == 0) {
			*text += len;
			return units;
		}
	return NULL;
}

static bool times(int64_t whole, int64_t billionths, int64_t unit, int64_t *to)
{
	__extension__ __int128 all = whole;

	all = (all * NS_PER_S + billionths) * unit / NS_PER_S;

	if (all > INT64_MAX)
		return false;
	*to = (int64_t)all;
	return true;
}

bool duration_parse(const char *text, nsec *to)
{
	static const struct unit bare = {"", NS_PER_S};
	bool negative = *text == '-', first = true;
	nsec sum = 0;

	if (*text == '-' || *text == '+')
		text++;
	do {
		const struct unit *unit;
		int64_t whole, billionths;
		nsec part;

		if (!number_take(&text, &whole, &billionths))
			return false;
		unit = first && *text == '\0' ? &bare : unit_take(&text, duration_units);
		first = false;
		if (unit == NULL || !times(whole, billionths, unit->times, &part) ||
		    __builtin_add_overflow(sum, part, &sum))
			return false;
	} while (*text != '\0');
	*to = negative ? -sum : sum;
	return true;
}

bool size_parse(const char *text, int64_t *to)
{
	const struct unit *unit;
	int64_t whole, billionths;

	if (!number_take(&text, &whole, &billionths))
		return false;
	while (*text == ' ')
		text++;
	if (*text == '\0') {
		*to = whole;
		return billionths == 0;
	}
	unit = unit_take(&text, size_units);
	return unit != NULL && *text == '\0' && times(whole, billionths, unit->times, to);
}

/* With the largest unit that leaves no fraction. */
static void amount_text(int64_t n, const struct unit *units, const char *bare, char *to,
			size_t size)
{
	const struct unit *best = NULL;

	for (; units->name != NULL; units++)
		if (n != 0 && n % units->times == 0 && (best == NULL || units->times > best->times))
			best = units;
	snprintf(to, size, "%" PRId64 "%s", best ? n / best->times : n, best ? best->name : bare);
}

void duration_write(nsec ns, char *to, size_t size)
{
	amount_text(ns, duration_units, "s", to, size);
}

void size_write(int64_t bytes, char *to, size_t size)
{
	amount_text(bytes, size_units_said, "B", to, size);
}
