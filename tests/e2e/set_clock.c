/*
 * Sets the clock of one program (LD_PRELOAD), since that of the machine belongs to all: what
 * clock_gettime says, and what the kernel stamps packets with, is shifted from some moment on.
 *
 * SET_CLOCK names a file of two numbers of 64 bits, which may change at any time: the moment, by
 * the clock as it is, and the shift, both in nanoseconds.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL

typedef int clock_fn(clockid_t, struct timespec *);
typedef int next_fn(pcap_t *, struct pcap_pkthdr **, const u_char **);

static const volatile int64_t *set; /* moment, shift */
static clock_fn *real_clock;
static next_fn *real_next;

__attribute__((constructor)) static void begin(void)
{
	int file = open(getenv("SET_CLOCK"), O_RDONLY);
	void *at = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);

	if (file < 0 || at == MAP_FAILED)
		abort();
	*(void **)&real_next = dlsym(RTLD_NEXT, "pcap_next_ex");
	set = at;
	close(file);
}

static int64_t shifted(int64_t when)
{
	return when >= set[0] ? when + set[1] : when;
}

int clock_gettime(clockid_t clock, struct timespec *to)
{
	int failed;
	int64_t when;

	/* Other libraries ask before this one has begun. */
	if (real_clock == NULL)
		*(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
	failed = real_clock(clock, to);
	if (failed || clock != CLOCK_REALTIME || set == NULL)
		return failed;
	when = shifted(to->tv_sec * NS + to->tv_nsec);
	to->tv_sec = when / NS;
	to->tv_nsec = when % NS;
	return 0;
}

/* The header is libpcap's own, made anew for each packet; times are in nanoseconds, as the program
 * asks for. */
int pcap_next_ex(pcap_t *from, struct pcap_pkthdr **header, const u_char **bytes)
{
	int got = real_next(from, header, bytes);
	int64_t when;

	if (got != 1)
		return got;
	when = shifted((*header)->ts.tv_sec * NS + (*header)->ts.tv_usec);
	(*header)->ts.tv_sec = when / NS;
	(*header)->ts.tv_usec = when % NS;
	return got;
}
