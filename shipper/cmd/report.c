#include "shipper/base/must.h"
#include "shipper/capture/file.h"
#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"
#include "shipper/cmd/crew.h"
#include "shipper/cmd/summary.h"
#include "shipper/cmd/target.h"

#include "outputs/report/page.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 16 << 20, READ_BYTES = 256 << 10 };

static const struct flag flags[] = {
	{'o', "output", "FILE", "The page; report.html when it is left out, - is standard output."},
	CONFIGURE_FLAGS,
	{'q', "quiet", NULL, "No word about what was written."},
	{0},
};

struct report_run {
	struct configure configure;
	struct ledger ledger;
	const char *path;
	bool quiet;
	const char **captures; /* those of the files that are no NDJSON */
	size_t captures_count;
	bool failed; /* a file could not be read, or not to its end */
};

/* ---- documents, one a line ---- */

static void report_lines(struct report_run *r, const char *name, uint64_t bad, uint64_t lines)
{
	if (bad == 0)
		return;
	log_error("%s: %" PRIu64 " of %" PRIu64 " lines are not documents", name, bad, lines);
	r->failed = true;
}

struct lines_read {
	uint64_t lines, bad;
	bool skips; /* the line is too long, up to its end */
};

static void take_line(struct report_run *r, struct lines_read *read, struct bytes line)
{
	if (bytes_trim(line).len == 0 && !read->skips)
		return;
	read->lines++;
	if (read->skips || !ledger_add(&r->ledger, line))
		read->bad++;
	read->skips = false;
}

/* Whole lines go; what is left is the front of the next one. */
static void take_lines(struct report_run *r, struct lines_read *read, struct buf *text, bool last)
{
	struct bytes rest = buf_bytes(text);

	while (rest.len > 0) {
		size_t n = bytes_find(rest, '\n');

		if (n == rest.len && !last)
			break;
		take_line(r, read, bytes_head(rest, n));
		rest = bytes_skip(rest, n + 1);
	}
	buf_drop(text, text->len - rest.len);
	if (text->len > LINE_BYTES_MAX) {
		read->skips = true;
		text->len = 0;
	}
}

static bool read_documents(struct report_run *r, int fd, const char *name)
{
	struct lines_read read_so_far = {0};
	struct buf text;
	ssize_t n;

	buf_init(&text, NULL);
	while ((n = read(fd, buf_room(&text, READ_BYTES), READ_BYTES)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		text.len += n > 0 ? (size_t)n : 0;
		take_lines(r, &read_so_far, &text, false);
	}
	take_lines(r, &read_so_far, &text, true);
	buf_fini(&text);
	if (n < 0) {
		log_error("%s cannot be read: %s", name, strerror(errno));
		return false;
	}
	report_lines(r, name, read_so_far.bad, read_so_far.lines);
	return true;
}

/* Documents begin with a brace, which no capture does. */
static bool holds_documents(int fd)
{
	uint8_t begin[64];
	ssize_t n = pread(fd, begin, sizeof(begin), 0);

	for (ssize_t i = 0; i < n; i++)
		if (memchr(" \t\r\n", begin[i], 4) == NULL)
			return begin[i] == '{';
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* Reads it, or takes note that it is a capture. */
static bool take_file(struct report_run *r, const char *path)
{
	bool is_input = strcmp(path, "-") == 0, well = true;
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	ledger_source(&r->ledger, is_input ? "standard input" : base_name(path));
	if (fd < 0) {
		log_error("%s cannot be opened: %s", path, strerror(errno));
		return false;
	}
	if (is_input || holds_documents(fd))
		well = read_documents(r, fd, is_input ? "standard input" : path);
	else
		r->captures[r->captures_count++] = path;
	if (!is_input)
		close(fd);
	return well;
}

/* ---- captures ---- */

static void capture_failed(void *self, const struct fault *fault)
{
	struct report_run *r = self;

	r->failed = true;
	log_error("%s", fault->text);
}

static void reader_ended(void *self, struct crew *crew, const struct member *member)
{
	struct report_run *r = self;

	(void)crew;
	if (!member->well && !r->failed)
		log_error("%s", member->fault.text);
}

static bool begin(struct report_run *r, const struct settings *settings, struct crew *crew,
		  struct fault *fault)
{
	struct file_conf conf = {
		.knows_link = decode_knows_link, .report = capture_failed, .report_self = r};
	struct share share;
	struct tap tap;

	if (!file_open(&tap, r->captures, r->captures_count, &conf, fault))
		return false;
	if (!crew_open(crew, settings, 1, fault)) {
		taps_close(&tap, 1);
		return false;
	}
	team_share(&share, settings, 1, 0);
	must(crew_add(crew, &tap, 1, NULL, &share, fault));
	return true;
}

static bool read_captures(struct report_run *r, const struct settings *settings)
{
	struct crew *crew = must_alloc(sizeof(*crew));
	struct chores chores = {.self = r, .ended = reader_ended};
	struct publish_stats stats = {0};
	struct fault fault = {0};
	bool gone, well;

	if (!begin(r, settings, crew, &fault)) {
		log_error("%s", fault.text);
		free(crew);
		return false;
	}
	well = crew_run(crew, &chores);
	if (!crew_deliver(crew, &stats, &gone, &fault)) {
		well = false;
		log_error("%s", fault.text);
	}
	crew_close(crew);
	free(crew);
	return well;
}

/* ---- all of it ---- */

/* The page is written from its beginning: it must not be one of the files. */
static bool spares_files(const struct report_run *r, char *const *paths, size_t count)
{
	struct stat page, file;

	if (page_is_printed(r->path) ? fstat(STDOUT_FILENO, &page) != 0 : stat(r->path, &page) != 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (!S_ISREG(page.st_mode) || stat(paths[i], &file) != 0 ||
		    page.st_dev != file.st_dev || page.st_ino != file.st_ino)
			continue;
		log_error("%s is read: choose another file for the page", page_name(r->path));
		return false;
	}
	return true;
}

static enum exit_code make(struct report_run *r, const struct settings *settings,
			   char *const *paths, size_t count)
{
	struct fault fault = {0};
	size_t bytes;
	char size[32];

	r->captures = must_alloc(count * sizeof(r->captures[0]));
	for (size_t i = 0; i < count; i++)
		r->failed |= !take_file(r, paths[i]);
	if (r->captures_count > 0)
		r->failed |= !read_captures(r, settings);
	free(r->captures);
	uint64_t exchanges = r->ledger.rows.exchanges, calls = r->ledger.calls.seen;

	if (exchanges + calls == 0 && r->failed)
		return EXIT_FAILED;
	if (!page_write(r->path, &r->ledger, &bytes, &fault)) {
		log_error("%s", fault.text);
		return EXIT_FAILED;
	}
	if (!r->quiet) {
		bytes_text(bytes, size, sizeof(size));
		fprintf(stderr, "%s: %" PRIu64 " exchanges, %s\n", page_name(r->path), exchanges,
			size);
	}
	return r->failed ? EXIT_FAILED : EXIT_WELL;
}

static enum exit_code run(struct arguments *a)
{
	struct report_run r = {.path = "report.html"};
	struct settings settings;
	enum exit_code code;
	int got;

	while ((got = arguments_next(a)) >= 0) {
		if (got == 'o')
			r.path = a->value;
		else if (got == 'q')
			r.quiet = r.configure.quiet = true;
		else if (!configure_flag(&r.configure, got, a->value))
			return EXIT_USAGE;
	}
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count == 0)
		return arguments_usage(a, "expects one or more files of documents or packets");
	if (!spares_files(&r, a->rest, a->rest_count) || !configure_load(&r.configure, &settings))
		return EXIT_USAGE;
	settings.publish.wait = true;
	ledger_init(&r.ledger);
	target_ledger(&settings, &r.ledger);
	code = make(&r, &settings, a->rest, a->rest_count);
	ledger_fini(&r.ledger);
	settings_free(&settings);
	return code;
}

const struct command command_report = {
	.name = "report",
	.arguments = "FILE…",
	.help = "Make one page of documents or captures: charts, tables, the slowest exchanges.",
	.more = "A file holds documents, one a line (NDJSON; - is standard input), or is a "
		"capture.\n"
		"The page opens in a browser, from disk and without a network.\n\n"
		"Examples:\n"
		"  wirespan report trace.pcap\n"
		"  wirespan report -o night.html documents-1.ndjson documents-2.ndjson\n"
		"  wirespan report -E protocols.http.ports=8081 trace.pcap\n",
	.flags = flags,
	.run = run,
};
