/*
 * The program's own log, on standard error: one line each, plain, logfmt or JSON.
 *
 * Where standard error is the journal (JOURNAL_STREAM), a line begins with its priority as
 * sd-daemon(3) has it, <3> for an error, and the plain form leaves the program's name to the
 * journal.
 *
 * Each place that says something may do so a number of times within a span; what is more is
 * counted, and told once the span is over, by the next line from there or by log_settle.
 *
 * Thread   any; a line is one write
 */
#ifndef WIRESPAN_BASE_LOG_H
#define WIRESPAN_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "shipper/base/time.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_PLAIN, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* A place in the code that says something. */
struct log_site {
	enum log_level level;
	bool listed;	       /* among those that log_settle looks at */
	struct mono begun;     /* of the span */
	unsigned said, unsaid; /* within it */
	char last[128];	       /* the beginning of what was left out last */
	struct log_site *next;
};

void log_setup(enum log_level most, enum log_format format);
/* At most `lines` of a place within `span`; 0 lines, as at the start, is no limit. */
void log_limit(unsigned lines, nsec span);
/* Tells what was left out, where the span is over; with `now`, wherever something was. */
void log_settle(bool now);

void log_say(struct log_site *site, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define LOG_SAY(level_, ...)                                        \
	do {                                                        \
		static struct log_site site_ = {.level = (level_)}; \
		log_say(&site_, __VA_ARGS__);                       \
	} while (0)

#define log_error(...)	 LOG_SAY(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) LOG_SAY(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 LOG_SAY(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 LOG_SAY(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
