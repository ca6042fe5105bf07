/*
 * What a host does to the program's time, told in the log: its clock is set, and the program is
 * stopped (SIGSTOP, a machine that was put to sleep or is out of processors).
 *
 * Packets are stamped by the clock, so their times leap with it; the stages bear that
 * (flow/table.c, worker.c). Who reads the documents ought to know.
 *
 * Thread   the main thread's
 */
#ifndef WIRESPAN_CMD_CLOCKS_H
#define WIRESPAN_CMD_CLOCKS_H

#include "shipper/base/time.h"

struct clocks {
	struct mono mono; /* as of the last look; 0: there was none */
	nsec wall;	  /* the clock, then */
};

/* What happened since the last look: by how much the clock was set, back being negative, and for
 * how long nobody looked; 0 where that is not worth a word. */
struct leap {
	nsec set, still;
};

struct leap clocks_look(struct clocks *clocks, struct mono mono, nsec wall);

/* Every second or so. */
void clocks_tick(struct clocks *clocks);

#endif
