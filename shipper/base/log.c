#include "shipper/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 1024, LINE_MAX_BYTES = 6 * TEXT_MAX + 128 };

/* Set once, before threads are started. */
static enum log_level level_most = LOG_LEVEL_INFO;
static enum log_format format_used = LOG_FORMAT_PLAIN;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_level most, enum log_format format)
{
	level_most = most;
	format_used = format;
}

static size_t time_text(char *to, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return len + (size_t)snprintf(to + len, size - len, ".%03ldZ", now.tv_nsec / 1000000);
}

/* The text within double quotes, as JSON has it; logfmt reads the same. */
static size_t quoted(const char *text, char *to)
{
	char *begin = to;

	*to++ = '"';
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\') {
			*to++ = '\\';
			*to++ = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			to += sprintf(to, "\\u%04x", c);
		} else {
			*to++ = (char)c;
		}
	}
	*to++ = '"';
	return (size_t)(to - begin);
}

/* One line: what came from elsewhere may hold a line break or a terminal's escape. */
static size_t plain(const char *text, char *to)
{
	size_t len = 0;

	for (; text[len] != '\0'; len++)
		to[len] = (unsigned char)text[len] < 0x20 || text[len] == 0x7f ? ' ' : text[len];
	return len;
}

static size_t line_text(enum log_level level, const char *text, char *to)
{
	bool json = format_used == LOG_FORMAT_JSON;
	char when[40];
	size_t len;

	if (format_used == LOG_FORMAT_PLAIN) {
		len = (size_t)sprintf(to, "wirespan: ");
		len += plain(text, to + len);
	} else {
		time_text(when, sizeof(when));
		len = (size_t)sprintf(
			to,
			json ? "{\"@timestamp\":\"%s\",\"log.level\":\"%s\",\"message\":"
			     : "time=%s level=%s msg=",
			when, level_names[level]);
		len += quoted(text, to + len);
		if (json)
			to[len++] = '}';
	}
	to[len++] = '\n';
	return len;
}

void log_say(enum log_level level, const char *format, ...)
{
	char text[TEXT_MAX], line[LINE_MAX_BYTES];
	int saved = errno;
	va_list args;
	size_t len;
	ssize_t n;

	if (level > level_most)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	len = line_text(level, text, line);
	do
		n = write(STDERR_FILENO, line, len);
	while (n < 0 && errno == EINTR);
	errno = saved;
}
