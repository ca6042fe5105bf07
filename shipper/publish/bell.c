#include "shipper/publish/bell.h"

#include "shipper/base/must.h"

void bell_init(struct bell *bell)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&bell->rung, &attr) == 0);
	must(pthread_condattr_destroy(&attr) == 0);
	must(pthread_mutex_init(&bell->lock, NULL) == 0);
	atomic_init(&bell->awaited, false);
}

void bell_fini(struct bell *bell)
{
	must(pthread_cond_destroy(&bell->rung) == 0);
	must(pthread_mutex_destroy(&bell->lock) == 0);
}

void bell_listen(struct bell *bell)
{
	atomic_store(&bell->awaited, true);
}

void bell_ignore(struct bell *bell)
{
	atomic_store(&bell->awaited, false);
}

void bell_wait(struct bell *bell, nsec most)
{
	int64_t end = 0;
	int timeout = 0;

	if (__builtin_add_overflow(mono_now().ns, most, &end))
		end = INT64_MAX;
	struct timespec until = {.tv_sec = end / NS_PER_S, .tv_nsec = end % NS_PER_S};

	must(pthread_mutex_lock(&bell->lock) == 0);
	while (atomic_load(&bell->awaited) && timeout == 0)
		timeout = pthread_cond_timedwait(&bell->rung, &bell->lock, &until);
	atomic_store(&bell->awaited, false);
	must(pthread_mutex_unlock(&bell->lock) == 0);
}

void bell_wake(struct bell *bell)
{
	must(pthread_mutex_lock(&bell->lock) == 0);
	atomic_store(&bell->awaited, false);
	must(pthread_mutex_unlock(&bell->lock) == 0);
	/* Unlocked, or who wakes would wait for the lock at once. */
	must(pthread_cond_signal(&bell->rung) == 0);
}
