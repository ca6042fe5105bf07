/*
 * The log: its forms, what the journal gets, and how often a place may speak.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/log.h"

enum { TEXT_MAX = 16384 };

static char text[TEXT_MAX];
static int kept = -1;

static void begin(void)
{
	char path[] = "/tmp/wirespan-log-XXXXXX";
	int file = mkstemp(path);

	cr_assert(file >= 0);
	unlink(path);
	kept = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
	close(file);
	unsetenv("JOURNAL_STREAM");
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_PLAIN);
	log_limit(0, NS_PER_S);
}

static void end(void)
{
	if (kept < 0)
		return;
	dup2(kept, STDERR_FILENO);
	close(kept);
	kept = -1;
}

TestSuite(log, .init = begin, .fini = end);

/* What was written since the last call. */
static const char *written(void)
{
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	cr_assert(n >= 0 && ftruncate(STDERR_FILENO, 0) == 0);
	lseek(STDERR_FILENO, 0, SEEK_SET);
	text[n] = '\0';
	return text;
}

static void say_one(unsigned n)
{
	log_warning("number %u", n);
}

Test(log, plain_is_one_line)
{
	log_error("a\nb\033[1m \"c\"");
	cr_assert_str_eq(written(), "wirespan: a b [1m \"c\"\n");
	log_debug("not asked for");
	cr_assert_str_eq(written(), "");
}

Test(log, logfmt_and_json_quote)
{
	int used = 0;

	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	log_debug("say \"%s\"\n", "x\\y");
	cr_assert_eq(
		sscanf(written(), "time=%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ level=debug%n", &used),
		0);
	cr_assert_str_eq(text + used, " msg=\"say \\\"x\\\\y\\\"\\u000a\"\n");
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_info("tab\t");
	cr_assert_eq(written()[0], '{');
	cr_assert_not_null(
		strstr(text, "Z\",\"log.level\":\"info\",\"message\":\"tab\\u0009\"}\n"));
}

Test(log, what_is_no_utf8_becomes_so)
{
	log_error("gr\303\274n, \374, \342\202, \300\200, \355");
	cr_assert_str_eq(written(), "wirespan: gr\303\274n, ?, ??, ??, ?\n");
}

Test(log, a_cut_text_is_utf8)
{
	char long_text[2000];

	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_text + 1022, "\303\274", 2);
	long_text[1999] = '\0';
	log_error("%s", long_text);
	cr_assert_eq(strlen(written()), strlen("wirespan: ") + 1023 + 1);
	cr_assert_eq(text[strlen(text) - 2], '?');
}

Test(log, the_journal_is_told_priorities)
{
	struct stat st;
	char own[64];

	cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", own, 1);
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_PLAIN);
	log_error("e");
	log_warning("w");
	log_info("i");
	log_debug("d");
	cr_assert_str_eq(written(), "<3>e\n<4>w\n<6>i\n<7>d\n");
	/* Another file than the one that it was: started from a service, with standard error
	 * somewhere else. */
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_PLAIN);
	log_error("e");
	cr_assert_str_eq(written(), "wirespan: e\n");
}

Test(log, what_is_too_often_is_counted)
{
	log_limit(2, 3600LL * NS_PER_S);
	for (unsigned i = 0; i < 7; i++)
		say_one(i);
	log_error("another place");
	cr_assert_str_eq(written(), "wirespan: number 0\nwirespan: number 1\n"
				    "wirespan: another place\n");
	log_settle(false);
	cr_assert_str_eq(written(), "", "the span is not over");
	log_settle(true);
	cr_assert_str_eq(written(), "wirespan: 5 more like this one within 0 s: number 6\n");
	log_settle(true);
	cr_assert_str_eq(written(), "");
	say_one(8);
	cr_assert_str_eq(written(), "wirespan: number 8\n");
}

Test(log, the_next_span_tells_of_the_last)
{
	log_limit(1, 1);
	say_one(0);
	log_limit(1, 3600LL * NS_PER_S);
	say_one(1);
	say_one(2);
	log_limit(1, 1);
	say_one(3);
	cr_assert_str_eq(written(), "wirespan: number 0\n"
				    "wirespan: 2 more like this one within 0 s: number 2\n"
				    "wirespan: number 3\n");
}
