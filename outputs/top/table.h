/*
 * Tables of groups as plain text: columns aligned, no line wider than asked for.
 */
#ifndef WIRESPAN_OUTPUTS_TOP_TABLE_H
#define WIRESPAN_OUTPUTS_TOP_TABLE_H

#include "outputs/cells.h"
#include "outputs/top/groups.h"

/* A title, a head, and a row for each group. */
void table_write(struct buf *out, const char *title, struct group *const *groups, size_t count,
		 size_t width);

#endif
