#include "shipper/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 1024, LINE_MAX_BYTES = 6 * TEXT_MAX + 128 };

static atomic_int level_most = LOG_LEVEL_INFO;
static atomic_int format_used = LOG_FORMAT_PLAIN;
static atomic_int to_journal = -1; /* not known yet */

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char level_priorities[] = {'3', '4', '6', '7'}; /* of syslog(3) */

/* What places have said: guards their counts and the list. */
static struct {
	pthread_mutex_t lock;
	unsigned lines;
	nsec span;
	struct log_site *listed;
} limit = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Standard error is the journal's if it is the very file that systemd speaks of. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

void log_setup(enum log_level most, enum log_format format)
{
	atomic_store(&level_most, (int)most);
	atomic_store(&format_used, (int)format);
	atomic_store(&to_journal, is_journal());
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

/* The bytes of the UTF-8 character that begins there; 0 for none. */
static size_t character(const unsigned char *at)
{
	size_t len = *at < 0x80			 ? 1
		     : *at >= 0xc2 && *at < 0xe0 ? 2
		     : *at >= 0xe0 && *at < 0xf0 ? 3
						 : 4;

	if (*at >= 0x80 && (*at < 0xc2 || *at > 0xf4))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* What came from elsewhere, or was cut, may not be UTF-8; a log has to be. */
static void make_utf8(char *text)
{
	size_t len;

	for (; *text != '\0'; text += len) {
		len = character((const unsigned char *)text);
		if (len == 0) {
			*text = '?';
			len = 1;
		}
	}
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
	int format = atomic_load(&format_used);
	bool json = format == LOG_FORMAT_JSON, journal;
	char when[40];
	size_t len = 0;

	if (atomic_load(&to_journal) < 0)
		atomic_store(&to_journal, is_journal());
	journal = atomic_load(&to_journal) > 0;
	if (journal)
		len = (size_t)sprintf(to, "<%c>", level_priorities[level]);
	if (format == LOG_FORMAT_PLAIN) {
		len += (size_t)sprintf(to + len, "%s", journal ? "" : "wirespan: ");
		len += plain(text, to + len);
	} else {
		time_text(when, sizeof(when));
		len += (size_t)sprintf(
			to + len,
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

static void write_line(enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES];
	size_t len = line_text(level, text, line);
	ssize_t n;

	do
		n = write(STDERR_FILENO, line, len);
	while (n < 0 && errno == EINTR);
}

/* ---- How often ---- */

void log_limit(unsigned lines, nsec span)
{
	pthread_mutex_lock(&limit.lock);
	limit.lines = lines;
	limit.span = span;
	pthread_mutex_unlock(&limit.lock);
}

/* Begins a new span, and takes out what is to be told of the old one; false for nothing. */
static bool span_end(struct log_site *site, struct mono now, struct log_site *told)
{
	*told = *site;
	site->begun = now;
	site->said = site->unsaid = 0;
	return told->unsaid > 0;
}

static void tell_unsaid(const struct log_site *told, struct mono now)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%u more like this one within %.0f s: %s", told->unsaid,
		 (double)(now.ns - told->begun.ns) / NS_PER_S, told->last);
	write_line(told->level, text);
}

/* Whether this one is to be written; what was left out before is written first. */
static bool may_say(struct log_site *site, const char *text)
{
	struct mono now = mono_now();
	struct log_site told;
	bool say = true, tell = false;

	pthread_mutex_lock(&limit.lock);
	if (limit.lines > 0) {
		if (now.ns - site->begun.ns >= limit.span)
			tell = span_end(site, now, &told);
		say = site->said < limit.lines;
		site->said += say;
		if (!say) {
			site->unsaid++;
			snprintf(site->last, sizeof(site->last), "%.*s",
				 (int)sizeof(site->last) - 1, text);
			make_utf8(site->last);
		}
		if (!say && !site->listed) {
			site->listed = true;
			site->next = limit.listed;
			limit.listed = site;
		}
	}
	pthread_mutex_unlock(&limit.lock);
	if (tell)
		tell_unsaid(&told, now);
	return say;
}

void log_settle(bool at_once)
{
	struct mono now = mono_now();
	struct log_site *site, told;

	pthread_mutex_lock(&limit.lock);
	for (site = limit.listed; site != NULL; site = site->next) {
		if (site->unsaid == 0 || (!at_once && now.ns - site->begun.ns < limit.span))
			continue;
		if (span_end(site, now, &told))
			tell_unsaid(&told, now);
	}
	pthread_mutex_unlock(&limit.lock);
}

void log_say(struct log_site *site, const char *format, ...)
{
	char text[TEXT_MAX];
	int saved = errno;
	va_list args;

	if ((int)site->level > atomic_load(&level_most))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_utf8(text);
	if (may_say(site, text))
		write_line(site->level, text);
	errno = saved;
}
