/* The one heap of a replay. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shipper/base/heap.h"

enum { TABLE = 1 << 20 };

/* Of the mapping that an address lies in: whether large pages are wanted for it. */
static bool wants_large_pages(const void *at)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	unsigned long long from, to, address = (unsigned long long)(uintptr_t)at;
	char line[512];
	bool inside = false, wants = false;

	cr_assert_not_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
			inside = from <= address && address < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			wants = strstr(line, " hg") != NULL;
	}
	fclose(maps);
	return wants;
}

/* A sanitizer has an allocator of its own. */
Test(heap, tables_lie_in_it)
{
#ifndef GUARD_LOOSE
	heap_reserve();
	void *table = malloc(TABLE);
	uintptr_t at = (uintptr_t)table, end = (uintptr_t)sbrk(0);

	cr_assert(at < end && end - at <= 2 * (uintptr_t)HEAP_RESERVE);
	free(table);
#endif
}

Test(heap, comes_as_large_pages_where_the_kernel_has_them)
{
#ifndef GUARD_LOOSE
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0)
		return;
	heap_reserve();
	char *got = malloc(8 << 20);

	cr_assert_not_null(got);
	cr_assert(wants_large_pages(got + (4 << 20)));
	free(got);
#else
	(void)wants_large_pages;
#endif
}
