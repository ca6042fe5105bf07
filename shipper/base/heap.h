/*
 * The heap of a program in which one thread allocates nearly all.
 *
 * By itself the C library gives each thread a heap that grows by a page at a time: a call of the
 * kernel and a fault for every 4 KiB, and more places than a processor remembers the way to.
 *
 * Errors   none: what cannot be had is left as it was
 * Thread   the main one, before there are others
 * Source   mallopt(3), madvise(2)
 */
#ifndef WIRESPAN_BASE_HEAP_H
#define WIRESPAN_BASE_HEAP_H

enum { HEAP_RESERVE = 64 << 20 };

/* One heap for all threads. Its next HEAP_RESERVE bytes are addresses alone until they are used,
 * and then come as large pages where the kernel has them. */
void heap_reserve(void);

#endif
