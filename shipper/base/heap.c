#include "shipper/base/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	LARGE_PAGE = 2 << 20,
	MORE_THAN_FREE = 1 << 20, /* the top of a young heap has less */
	MMAP_FROM = 32 << 20,	  /* the most that there may be; tables lie in the heap, too */
};

void heap_reserve(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
	mallopt(M_TOP_PAD, HEAP_RESERVE);

	void *grown = malloc(MORE_THAN_FREE);
	uintptr_t at = (uintptr_t)grown, end = (uintptr_t)sbrk(0);
	uintptr_t from = (at + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1);

	/* Another allocator, as sanitizers have, is elsewhere. */
	if (grown != NULL && at < end && end - at < 2 * HEAP_RESERVE && from < end)
		madvise((void *)from, end - from, MADV_HUGEPAGE);
	free(grown);
}
