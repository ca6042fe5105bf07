/*
 * What a run has seen and done: the summary at its end, and lines on the way.
 *
 * Thread   the main thread; counters of running workers are read as they are
 */
#ifndef WIRESPAN_CMD_SUMMARY_H
#define WIRESPAN_CMD_SUMMARY_H

#include "shipper/cmd/crew.h"

/* After crew_deliver, before crew_close. */
void summary_print(const struct crew *crew, const struct publish_stats *stats, FILE *to);

/* 1234567 bytes as "1.2 MB". */
void bytes_text(uint64_t bytes, char *to, size_t size);

#endif
