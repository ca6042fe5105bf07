#include "shipper/capture/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/capture/classic.h"
#include "shipper/capture/foreign.h"
#include "shipper/capture/link.h"
#include "shipper/capture/pcapng.h"
#include "shipper/capture/sieve.h"

/* While a filter stops everything, the caller must still see its stop flag now and then. */
enum { STOPPED_IN_A_ROW = 10000 };

enum format { FORMAT_UNKNOWN, FORMAT_CLASSIC, FORMAT_PCAPNG, FORMAT_FOREIGN };

struct file {
	struct file_conf conf;
	const char *const *paths;
	size_t count, at; /* the file in hand; all before it are done */
	bool opened;	  /* the file in hand has an inlet */
	enum format format;
	struct inlet in;
	struct classic classic;
	struct pcapng pcapng;
	struct foreign foreign;
	struct sieve sieve;
	uint64_t received;
	uint64_t done, size; /* bytes */
	bool sized;	     /* all are plain files */
	size_t failed;	     /* files not read, or not to their end */
	/* Not on the stack: a frame is no occasion to clear a kilobyte. */
	struct fault why, wrong; /* as a reader says it; with the file's name */
};

static const struct source file_source;

static const char *name_of(const struct file *f)
{
	return strcmp(f->paths[f->at], "-") == 0 ? "standard input" : f->paths[f->at];
}

static bool fault_in(const struct file *f, struct fault *fault, const char *what)
{
	return fault_set(fault, "%.200s %s", name_of(f), what);
}

/* ---- Opening ---- */

static bool fault_errno(const struct file *f, struct fault *fault)
{
	switch (errno) {
	case ENOENT:
		return fault_in(f, fault, "does not exist: is the name right?");
	case EACCES:
	case EPERM:
		return fault_in(f, fault,
				"may not be read by this user: change its mode, or run "
				"this with sudo");
	default:
		return fault_set(fault, "%.200s cannot be opened: %s", name_of(f), strerror(errno));
	}
}

static int open_path(const char *path)
{
	return strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
}

static bool open_inlet(struct file *f, struct fault *fault)
{
	struct stat status;
	int fd = open_path(f->paths[f->at]);

	if (fd < 0 || fstat(fd, &status) != 0)
		return fault_errno(f, fault);
	if (fd == STDIN_FILENO && isatty(fd))
		return fault_in(f, fault,
				"is a terminal: pipe a capture into it, as in "
				"tcpdump -w - | wirespan replay -");
	if (S_ISDIR(status.st_mode)) {
		close(fd);
		return fault_in(f, fault, "is a folder: name the capture files in it");
	}
	if (S_ISREG(status.st_mode))
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	inlet_init(&f->in, fd, (uint64_t)status.st_size, !S_ISREG(status.st_mode));
	f->opened = true;
	f->format = FORMAT_UNKNOWN;
	return true;
}

static void close_inlet(struct file *f)
{
	if (!f->opened)
		return;
	f->done += f->in.offset;
	foreign_close(&f->foreign);
	pcapng_fini(&f->pcapng);
	inlet_fini(&f->in);
	f->opened = false;
}

static bool check_link(const struct file *f, int link, struct fault *fault)
{
	const char *text = pcap_datalink_val_to_description(link_dlt(link));

	if (f->conf.knows_link == NULL || f->conf.knows_link(link))
		return true;
	return fault_set(fault,
			 "%.200s has link type %d (%s), which cannot be decoded: capture on "
			 "Ethernet, Linux cooked, loopback or raw IP",
			 name_of(f), link, text != NULL ? text : "unknown");
}

/* Looks at the first bytes. NEXT_FRAME: the format is known now. */
static enum next recognize(struct file *f, struct fault *fault)
{
	enum inlet_got got = inlet_need(&f->in, CLASSIC_HEADER);
	struct bytes head = bytes_head(inlet_bytes(&f->in), CLASSIC_HEADER);
	struct fault why = {0};

	if (got == INLET_WAIT)
		return NEXT_IDLE;
	if (got == INLET_FAILED)
		fault_set(fault, "%.200s cannot be read: %s", name_of(f), strerror(f->in.error));
	else if (head.len == 0)
		fault_in(f, fault, "is empty: not even a capture file's header was written");
	else if (pcapng_is(head)) {
		pcapng_init(&f->pcapng, f->conf.knows_link);
		f->format = FORMAT_PCAPNG;
	} else if (classic_open(&f->classic, head)) {
		inlet_drop(&f->in, CLASSIC_HEADER);
		if (check_link(f, f->classic.link, fault))
			f->format = FORMAT_CLASSIC;
	} else if (!foreign_open(&f->foreign, &f->in, &why))
		fault_in(f, fault, why.text);
	else if (check_link(f, f->foreign.link, fault))
		f->format = FORMAT_FOREIGN;
	return f->format == FORMAT_UNKNOWN ? NEXT_FAILED : NEXT_FRAME;
}

/* ---- Reading ---- */

static enum next read_frame(struct file *f, struct frame *frame, struct fault *fault)
{
	switch (f->format) {
	case FORMAT_CLASSIC:
		return classic_next(&f->classic, &f->in, frame, fault);
	case FORMAT_PCAPNG:
		return pcapng_next(&f->pcapng, &f->in, frame, fault);
	case FORMAT_FOREIGN:
		return foreign_next(&f->foreign, frame, fault);
	case FORMAT_UNKNOWN:
		break;
	}
	must(f->format != FORMAT_UNKNOWN);
	return NEXT_FAILED;
}

/* The file in hand is done with; after the last one, so is the run. */
static enum next next_file(struct file *f, bool failed, struct fault *fault)
{
	close_inlet(f);
	f->at++;
	if (failed) {
		f->failed++;
		if (f->count > 1 && f->conf.report != NULL)
			f->conf.report(f->conf.report_self, &f->wrong);
	}
	if (f->at < f->count)
		return NEXT_FRAME;
	if (f->failed == 0)
		return NEXT_END;
	if (f->count == 1)
		fault_set(fault, "%s", f->wrong.text);
	else
		fault_set(fault,
			  "%zu of %zu files could not be read, or not to their end; all others "
			  "were",
			  f->failed, f->count);
	return NEXT_FAILED;
}

/* What is not an ordinary frame: the file in hand is opened, or recognized, or done with.
 * NEXT_FRAME: read on. */
static enum next turn(struct file *f, enum next got, struct fault *fault)
{
	if (!f->opened)
		got = open_inlet(f, &f->wrong) ? NEXT_FRAME : NEXT_FAILED;
	else if (f->format == FORMAT_UNKNOWN)
		got = recognize(f, &f->wrong);
	if (got == NEXT_END || got == NEXT_FAILED)
		got = next_file(f, got == NEXT_FAILED, fault);
	return got;
}

static bool passes(struct file *f, const struct frame *frame, enum next *got)
{
	enum sieve_verdict verdict = sieve_frame(&f->sieve, frame, &f->why);

	if (verdict == SIEVE_FAILED) {
		fault_in(f, &f->wrong, f->why.text);
		*got = NEXT_FAILED;
	}
	return verdict == SIEVE_PASS;
}

static enum next file_next(void *self, struct frame *frame, struct fault *fault)
{
	struct file *f = self;

	for (unsigned i = 0; i < STOPPED_IN_A_ROW; i++) {
		enum next got = NEXT_IDLE;

		if (f->opened && f->format != FORMAT_UNKNOWN) {
			got = read_frame(f, frame, &f->why);
			if (got == NEXT_FAILED)
				fault_in(f, &f->wrong, f->why.text);
			if (got == NEXT_FRAME && passes(f, frame, &got)) {
				f->received++;
				return NEXT_FRAME;
			}
			if (got == NEXT_FRAME)
				continue; /* the filter stopped it */
		}
		if (f->at == f->count)
			return NEXT_END;
		got = turn(f, got, fault);
		if (got != NEXT_FRAME)
			return got;
	}
	return NEXT_IDLE;
}

static void file_stats(void *self, struct source_stats *stats)
{
	const struct file *f = self;

	*stats = (struct source_stats){
		.received = f->received,
		.done = f->done + (f->opened ? f->in.offset : 0),
		.size = f->sized ? f->size : 0,
	};
}

static void file_close(void *self)
{
	struct file *f = self;

	close_inlet(f);
	sieve_close(&f->sieve);
	free(f);
}

static const struct source file_source = {
	.name = "file",
	.next = file_next,
	.stats = file_stats,
	.close = file_close,
};

static void measure(struct file *f)
{
	struct stat status;

	f->sized = true;
	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(f->paths[i], "-") == 0) {
			f->sized = false;
		} else if (stat(f->paths[i], &status) == 0) {
			f->sized = f->sized && S_ISREG(status.st_mode);
			f->size += (uint64_t)status.st_size;
		}
	}
}

bool file_open(struct tap *tap, const char *const *paths, size_t count,
	       const struct file_conf *conf, struct fault *fault)
{
	struct file *f = must_alloc(sizeof(*f));

	must(count > 0);
	*f = (struct file){.conf = *conf, .paths = paths, .count = count};
	measure(f);
	if (!sieve_open(&f->sieve, conf->filter != NULL ? conf->filter : "", fault) ||
	    (count == 1 && !open_inlet(f, fault))) {
		file_close(f);
		return false;
	}
	*tap = (struct tap){&file_source, f};
	return true;
}

struct file_progress file_progress(const struct tap *tap)
{
	const struct file *f = tap->self;

	must(tap->source == &file_source);
	return (struct file_progress){
		.file = f->at < f->count ? f->at : f->count - 1,
		.done = f->done + (f->opened ? f->in.offset : 0),
		.size = f->sized ? f->size : 0,
	};
}

bool file_span(const char *const *paths, size_t count, nsec *first, nsec *last)
{
	struct file_conf conf = {0};
	struct frame frame;
	struct fault ignored;
	struct tap tap;
	bool any = false;

	if (!file_open(&tap, paths, count, &conf, &ignored))
		return false;
	if (file_progress(&tap).size > 0) {
		while (tap.source->next(tap.self, &frame, &ignored) <= NEXT_IDLE) {
			if (!any || frame.when < *first)
				*first = frame.when;
			if (!any || frame.when > *last)
				*last = frame.when;
			any = true;
		}
	}
	tap.source->close(tap.self);
	return any;
}
