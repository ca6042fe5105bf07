/*
 * The processors that this process may use: its affinity mask, and the quota of its control group.
 *
 * Source   sched_getaffinity(2), the kernel's cgroup-v2: cpu.max
 */
#ifndef WIRESPAN_BASE_PROCESSORS_H
#define WIRESPAN_BASE_PROCESSORS_H

#include <pthread.h>
#include <stdbool.h>

/* At least 1. */
unsigned processors_granted(void);

/* Keeps a thread on the `which`th of them, from 0, counted round; false when the system refuses. */
bool processors_pin(pthread_t thread, unsigned which);

/* How many a text of cpu.max ("150000 100000", "max 100000") grants, rounded up; 0: no limit. */
unsigned processors_quota(const char *text);

#endif
