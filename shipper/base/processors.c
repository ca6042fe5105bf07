#include "shipper/base/processors.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512 };

unsigned processors_quota(const char *text)
{
	uint64_t quota, period, count;

	if (sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) != 2 || quota == 0 || period == 0)
		return 0;
	count = quota / period + (quota % period != 0);
	return count < UINT_MAX ? (unsigned)count : 0;
}

static bool read_line(const char *path, char line[LINE_MAX_BYTES])
{
	FILE *file = fopen(path, "re");
	bool got = file != NULL && fgets(line, LINE_MAX_BYTES, file) != NULL;

	if (file != NULL)
		fclose(file);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

static unsigned lesser(unsigned a, unsigned b)
{
	return b != 0 && (a == 0 || b < a) ? b : a;
}

/* Of the group and all above it, the narrowest. */
static unsigned group_quota(void)
{
	char line[LINE_MAX_BYTES], path[2 * LINE_MAX_BYTES], text[LINE_MAX_BYTES];
	unsigned least = 0;

	/* "0::/system.slice/wirespan.service" */
	if (!read_line("/proc/self/cgroup", line) || strncmp(line, "0::/", 4) != 0)
		return 0;
	for (char *end = line + strlen(line); end != NULL; end = strrchr(line + 3, '/')) {
		*end = '\0';
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", line + 3);
		if (read_line(path, text))
			least = lesser(least, processors_quota(text));
	}
	return least;
}

unsigned processors_granted(void)
{
	cpu_set_t set;
	unsigned count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (unsigned)CPU_COUNT(&set);
	count = lesser(count, group_quota());
	return count > 0 ? count : 1;
}

bool processors_pin(pthread_t thread, unsigned which)
{
	cpu_set_t all, one;
	unsigned left;

	if (sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) == 0)
		return false;
	left = which % (unsigned)CPU_COUNT(&all);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all) || left-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		return pthread_setaffinity_np(thread, sizeof(one), &one) == 0;
	}
	return false;
}
