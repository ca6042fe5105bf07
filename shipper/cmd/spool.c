/*
 * `wirespan spool`: a spool looked at, read out, checked and emptied by a person. Looking does no
 * harm while another process uses it; what that one has written down of its progress is up to
 * queue.fsync_interval old.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"
#include "shipper/cmd/summary.h"
#include "shipper/publish/spool_scan.h"

enum { FLAG_YES = FLAG_LONG, TIME_TEXT = 32, AMOUNT_TEXT = 32 };

#define SPOOL_FLAGS                                                                  \
	CONFIGURE_FLAGS,                                                             \
	{                                                                            \
		'p', "path", "FOLDER", "The spool's folder, in place of queue.path." \
	}

static const struct flag flags[] = {SPOOL_FLAGS, {0}};
static const struct flag drop_flags[] = {
	SPOOL_FLAGS, {FLAG_YES, "yes", NULL, "Drop them, and do not only say how many."}, {0}};

struct look {
	struct configure configure;
	const char *path; /* -p */
	bool yes;
	struct settings settings;
	struct spool_folder folder;
};

/* False: `code` is what to return with. */
static bool look_read(struct look *look, struct arguments *a, enum exit_code *code)
{
	int got;

	*look = (struct look){.folder = {.dir = -1, .lock = -1}};
	*code = EXIT_USAGE;
	while ((got = arguments_next(a)) >= 0) {
		if (got == 'p')
			look->path = a->value;
		else if (got == FLAG_YES)
			look->yes = true;
		else if (!configure_flag(&look->configure, got, a->value))
			return false;
	}
	if (got != ARGUMENTS_END)
		*code = arguments_exit(got);
	else if (a->rest_count > 0)
		*code = arguments_usage(a, "takes options only");
	if (got != ARGUMENTS_END || a->rest_count > 0)
		return false;
	if (look->configure.path == NULL && access(CONFIGURE_PATH, F_OK) == 0)
		look->configure.path = CONFIGURE_PATH;
	look->configure.quiet = true;
	if (!configure_load(&look->configure, &look->settings))
		return false;
	char **configured = &look->settings.publish.spool.path;

	if (look->path != NULL) {
		free(*configured);
		*configured = must_strdup(look->path);
	}
	look->path = *configured;
	return true;
}

/* Reports what keeps the folder from being looked at. */
static bool look_open(struct look *look, struct arguments *a, enum exit_code *code)
{
	struct fault fault;

	if (!look_read(look, a, code))
		return false;
	if (spool_folder_look(&look->folder, look->path, &fault))
		return true;
	log_error("%s", fault.text);
	settings_free(&look->settings);
	*code = EXIT_FAILED;
	return false;
}

static void look_close(struct look *look)
{
	spool_folder_close(&look->folder);
	settings_free(&look->settings);
}

/* ---- status ---- */

static void time_text(nsec when, char to[TIME_TEXT])
{
	time_t seconds = (time_t)(when / NS_PER_S);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(to, TIME_TEXT, "%FT%TZ", &tm) == 0)
		snprintf(to, TIME_TEXT, "?");
}

static uint64_t lines_of(const char *path)
{
	char block[1 << 16];
	uint64_t lines = 0;
	size_t n;
	FILE *file = fopen(path, "re");

	while (file != NULL && (n = fread(block, 1, sizeof(block), file)) > 0)
		for (const char *at = block; (at = memchr(at, '\n', n - (size_t)(at - block)));)
			lines++, at++;
	if (file != NULL)
		fclose(file);
	return lines;
}

static void print_dead_letters(const struct publish_conf *conf)
{
	char path[PATH_MAX], older[PATH_MAX + 16];
	struct stat st;

	publish_dead_letters(conf, path);
	uint64_t lines = lines_of(path);
	unsigned files = stat(path, &st) == 0 ? 1 : 0;

	for (unsigned n = 1; n < (unsigned)conf->dead_letters_files; n++) {
		snprintf(older, sizeof(older), "%s.%u", path, n);
		if (stat(older, &st) != 0)
			break;
		lines += lines_of(older);
		files++;
	}
	if (files == 0)
		printf("dead letters   none\n");
	else
		printf("dead letters   %" PRIu64 " documents in %u file%s, %s\n", lines, files,
		       files > 1 ? "s" : "", path);
}

static void print_view(const struct look *look, const struct spool_view *view)
{
	char waiting[AMOUNT_TEXT], disk[AMOUNT_TEXT], oldest[TIME_TEXT];

	bytes_text(view->waiting_bytes, waiting, sizeof(waiting));
	bytes_text(view->bytes, disk, sizeof(disk));
	time_text(view->oldest, oldest);
	printf("path           %s\n", look->path);
	if (view->user != 0)
		printf("used by        process %ld\n", view->user);
	else
		printf("used by        nobody\n");
	printf("waiting        %" PRIu64 " documents, %s", view->waiting, waiting);
	if (view->waiting > 0)
		printf("; the oldest since %s", oldest);
	printf("\nsegments       %" PRIu64 ", %s on disk\n", view->segments, disk);
	if (view->damaged_segments > 0)
		printf("damaged        %" PRIu64 " bytes in %" PRIu64 " segments; `wirespan spool "
		       "verify` says more\n",
		       view->damaged, view->damaged_segments);
	if (view->cursor_damaged)
		printf("cursor         damaged: all is sent again\n");
	print_dead_letters(&look->settings.publish);
}

static enum exit_code status(struct arguments *a)
{
	struct spool_view view;
	enum exit_code code;
	struct fault fault;
	struct look look;

	if (!look_open(&look, a, &code))
		return code;
	bool well = spool_glance(&look.folder, &view, &fault);

	if (well)
		print_view(&look, &view);
	else
		log_error("%s", fault.text);
	look_close(&look);
	return well ? EXIT_WELL : EXIT_FAILED;
}

/* ---- cat ---- */

static void cat_record(void *self, const struct spool_record *record)
{
	(void)self;
	fwrite(record->text.at, 1, record->text.len, stdout);
}

static enum exit_code cat(struct arguments *a)
{
	struct spool_view view;
	enum exit_code code;
	struct fault fault;
	struct look look;

	if (!look_open(&look, a, &code))
		return code;
	bool well = spool_view(&look.folder, cat_record, NULL, NULL, &view, &fault);

	if (!well)
		log_error("%s", fault.text);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("cannot write to standard output: %s", strerror(errno));
		well = false;
	}
	look_close(&look);
	return well ? EXIT_WELL : EXIT_FAILED;
}

/* ---- verify ---- */

static void print_damage(void *self, const char *name, const struct spool_scan *scan, bool header)
{
	(void)self;
	printf("%s: %s%" PRIu64 " documents are whole, %" PRIu64 " bytes are not\n", name,
	       header ? "" : "the header is damaged; ", scan->records, scan->damaged);
}

static enum exit_code verify(struct arguments *a)
{
	struct spool_view view;
	enum exit_code code;
	struct fault fault;
	struct look look;

	if (!look_open(&look, a, &code))
		return code;
	bool well = spool_view(&look.folder, NULL, print_damage, NULL, &view, &fault);

	if (!well)
		log_error("%s", fault.text);
	if (well && view.cursor_damaged)
		printf("cursor: damaged; all is sent again\n");
	if (well)
		printf("%s: %" PRIu64 " segments, %" PRIu64 " documents whole, %" PRIu64
		       " of them waiting, %" PRIu64 " bytes damaged\n",
		       look.path, view.segments, view.records, view.waiting, view.damaged);
	well = well && view.damaged_segments == 0 && !view.cursor_damaged;
	look_close(&look);
	return well ? EXIT_WELL : EXIT_FAILED;
}

/* ---- drop ---- */

static bool drop_all(struct look *look, struct fault *fault)
{
	struct spool_folder own;
	struct spool_list list;
	bool well;

	if (!spool_folder_own(&own, look->path, fault))
		return false;
	well = spool_folder_list(&own, &list, fault);
	for (size_t i = 0; well && i < list.count; i++)
		if (!spool_folder_remove(&own, list.at[i].number))
			well = fault_set(fault, "cannot remove a segment from %s: %s", look->path,
					 strerror(errno));
	if (well && !spool_folder_remove_cursor(&own))
		well = fault_set(fault, "cannot remove %s/cursor: %s", look->path, strerror(errno));
	spool_list_free(&list);
	spool_folder_close(&own);
	return well;
}

/* What waits, in words; a spool of another version has what nobody can count. */
static void count_text(const struct look *look, char *to, size_t size)
{
	struct spool_view view;

	if (spool_glance(&look->folder, &view, NULL))
		snprintf(to, size, "%" PRIu64 " documents", view.waiting);
	else
		snprintf(to, size, "documents that cannot be counted");
}

static enum exit_code drop(struct arguments *a)
{
	enum exit_code code;
	struct fault fault;
	struct look look;
	char count[64];

	if (!look_open(&look, a, &code))
		return code;
	count_text(&look, count, sizeof(count));
	if (!look.yes) {
		log_error("%s wait in %s; with --yes they are dropped", count, look.path);
		code = EXIT_USAGE;
	} else if (drop_all(&look, &fault)) {
		printf("%s dropped from %s\n", count, look.path);
		code = EXIT_WELL;
	} else {
		log_error("%s", fault.text);
		code = EXIT_FAILED;
	}
	look_close(&look);
	return code;
}

const struct command command_spool_status = {
	.name = "spool status",
	.arguments = "",
	.help = "Say what waits on disk for the output, since when, and what was refused.",
	.flags = flags,
	.run = status,
};

const struct command command_spool_cat = {
	.name = "spool cat",
	.arguments = "",
	.help = "Print the documents that wait, one a line; they stay.",
	.flags = flags,
	.run = cat,
};

const struct command command_spool_verify = {
	.name = "spool verify",
	.arguments = "",
	.help = "Read all of the spool and say what is damaged; fails if anything is.",
	.flags = flags,
	.run = verify,
};

const struct command command_spool_drop = {
	.name = "spool drop",
	.arguments = "",
	.help = "Throw away the documents that wait; not while another process uses the spool.",
	.flags = drop_flags,
	.run = drop,
};
