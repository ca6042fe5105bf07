/*
 * The program's own log, on standard error: one line each, logfmt or JSON.
 *
 * Thread   any; a line is one write
 */
#ifndef WIRESPAN_BASE_LOG_H
#define WIRESPAN_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_PLAIN, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

void log_setup(enum log_level most, enum log_format format);
void log_say(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_say(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_say(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_say(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_say(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
