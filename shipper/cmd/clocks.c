#include "shipper/cmd/clocks.h"

#include "shipper/base/log.h"

/* Daemons that keep the clock right do so by far less, and a busy machine is late by less. */
enum { SET_LEAST_S = 1, STILL_LEAST_S = 10 };

struct leap clocks_look(struct clocks *clocks, struct mono mono, nsec wall)
{
	struct clocks last = *clocks;
	nsec least = (nsec)SET_LEAST_S * NS_PER_S;
	struct leap leap = {0};

	*clocks = (struct clocks){mono, wall};
	if (last.mono.ns == 0)
		return leap;
	leap.still = mono.ns - last.mono.ns;
	leap.set = wall - last.wall - leap.still;
	if (leap.set > -least && leap.set < least)
		leap.set = 0;
	if (leap.still < (nsec)STILL_LEAST_S * NS_PER_S)
		leap.still = 0;
	return leap;
}

void clocks_tick(struct clocks *clocks)
{
	struct mono mono = mono_now();
	struct timespec wall;
	struct leap leap;

	clock_gettime(CLOCK_REALTIME, &wall);
	leap = clocks_look(clocks, mono, (nsec)wall.tv_sec * NS_PER_S + wall.tv_nsec);
	if (leap.still != 0)
		log_warning(
			"stopped, or without a processor, for %.0f s: what the kernel's buffers "
			"could not hold meanwhile is lost, and counted",
			(double)leap.still / NS_PER_S);
	if (leap.set < 0)
		log_warning("the clock was set back by %.1f s, and the times of packets with it",
			    (double)-leap.set / NS_PER_S);
	if (leap.set > 0)
		log_warning(
			"the clock was set forward by %.1f s, or the machine slept; the times of "
			"packets leap with it",
			(double)leap.set / NS_PER_S);
}
