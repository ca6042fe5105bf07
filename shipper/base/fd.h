/*
 * Writing all of it: what a single write(2) may leave undone.
 */
#ifndef WIRESPAN_BASE_FD_H
#define WIRESPAN_BASE_FD_H

#include "shipper/base/bytes.h"

/* Writes until all is written or the descriptor fails; returns how much was. Less than all, errno
 * says why. A descriptor that does not block is waited for. */
size_t fd_write(int fd, struct bytes b);

#endif
