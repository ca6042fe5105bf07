/*
 * What a network and a capture do to packets must not change what a document says.
 *
 *   mutate [--write] [--every N] [CASE...]
 *
 * Runs every capture below tests/captures (or those named: http/slow, or http for all of its)
 * through the whole pipeline, in one process: as it is, where the documents must be those of
 * tests/golden to the letter, then changed in every way of `mutations`, where they must
 *
 *   SAME   be the golden ones again, in any order, all that the transport does not decide alike
 *   LOSSY  each be a golden one (but for its times, where bytes were sent twice), or carry a note
 * or an error; be golden where another connection was hurt; and never join a question to the answer
 * of another
 *
 * Nothing tells how many datagrams there were: what is left of a call that comes in them may be
 * whole in itself, so there only other calls must be golden.
 *
 * Reports in TAP, a case for each capture and mutation. --write writes the golden documents;
 * --every does one of N runs, for programs that take ten times as long.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shipper/base/must.h"
#include "shipper/decode/packet.h"
#include "tests/mutate/harvest.h"

enum {
	SHUFFLE_SEEDS = 40,
	THIN_SEEDS = 100,
	SERVER_PORTS_BELOW = 10000,
	NAME_MAX_BYTES = 600,
	CONTEXT = 60
};

#define CAPTURES "tests/captures"
#define GOLDEN	 "tests/golden"

struct subject {
	const char *name;
	struct settings settings;
	struct roll roll;
	bool datagrams, calls; /* some of it is in datagrams; SIP: a call spans connections */
	struct harvest golden[PLAIN_KINDS]; /* sorted, by enum plain */
	bool resent;			    /* the roll has bytes that were sent twice */
	size_t asked;			    /* how many runs there would be, but for `every` */
	size_t runs;
	char why[4096]; /* the first run that failed, and how; empty while all is well */
};

/* What went wrong, for the first run that does. */
static void blame(struct subject *s, const char *run, const char *why, const char *line)
{
	if (!s->why[0])
		snprintf(s->why, sizeof s->why, "%s: %s\n#   %s", run, why, line ? line : "");
}

/* The same, of a document that is not a golden one: where it leaves the golden one of its request.
 */
static void blame_other(struct subject *s, const char *run, const char *why,
			const struct crop *crop)
{
	const struct crop *golden =
		harvest_find(&s->golden[s->resent ? PLAIN_TIMES : PLAIN_PLACE], crop->asked);
	size_t at = 0;

	if (!golden || s->why[0]) {
		blame(s, run, why, crop->line);
		return;
	}
	while (golden->plain[at] && golden->plain[at] == crop->plain[at])
		at++;
	at = at > CONTEXT ? at - CONTEXT : 0;
	snprintf(s->why, sizeof s->why,
		 "%s: %s: request %" PRId64 "\n#   golden …%.*s…\n#   now    …%.*s…", run, why,
		 crop->asked, 3 * CONTEXT, golden->plain + at, 3 * CONTEXT, crop->plain + at);
}

/* What no document may be, whatever happened. */
static void judge(struct subject *s, struct crop *crop, const char *run)
{
	harvest_read(crop);
	if (!crop->parsed)
		blame(s, run, "yajl does not parse", crop->line);
	if (crop->asked >= 0 && crop->answered >= 0 && crop->asked != crop->answered)
		blame(s, run, "a question with the answer of another", crop->line);
}

static void check_books(struct subject *s, const struct harvest *h, const char *run)
{
	s->runs++;
	if (h->unbooked != 0)
		blame(s, run, "the counters do not account for every frame", NULL);
}

static void check_times(struct subject *s, const struct crop *crop, const char *run)
{
	const char *timing = strstr(crop->line, "\"timing\":{");

	if (strstr(crop->line, "\"duration\":-") ||
	    (timing && memchr(timing, '-', strcspn(timing, "}"))))
		blame(s, run, "a time that is negative", crop->line);
}

static void check_same(struct subject *s, const struct roll *roll, enum plain plain,
		       const char *run)
{
	const struct harvest *golden = &s->golden[plain];
	struct harvest h = harvest_of(&s->settings, roll, plain);

	check_books(s, &h, run);
	harvest_sort(&h);
	for (size_t i = 0; i < h.count; i++) {
		check_times(s, &h.at[i], run);
		if (harvest_has(golden, h.at[i].plain))
			continue;
		judge(s, &h.at[i], run);
		blame_other(s, run, "not a golden document", &h.at[i]);
	}
	for (size_t i = 0; i < golden->count; i++)
		if (!harvest_has(&h, golden->at[i].plain))
			blame(s, run, "lacks a golden document", golden->at[i].line);
	if (h.count != golden->count)
		blame(s, run, "a document too many or too few", NULL);
	harvest_fini(&h);
}

/* What lost something: one connection, by its client's port, or one call. 0: all did. */
struct hurt {
	uint16_t port;
	uint64_t call;
};

static const struct hurt all_hurt;

static bool is_other(const struct hurt *hurt, const struct crop *crop)
{
	return (hurt->port && crop->client_port != hurt->port) ||
	       (hurt->call && crop->call && crop->call != hurt->call &&
		!strstr(crop->line, "\"sip_registration\""));
}

static void check_lossy(struct subject *s, const struct roll *roll, struct hurt hurt,
			const char *run)
{
	enum plain plain = s->resent ? PLAIN_TIMES : PLAIN_PLACE;
	struct harvest h = harvest_of(&s->settings, roll, plain);

	check_books(s, &h, run);
	for (size_t i = 0; i < h.count; i++) {
		struct crop *crop = &h.at[i];

		check_times(s, crop, run);
		if (harvest_has(&s->golden[plain], crop->plain))
			continue;
		judge(s, crop, run);
		if (is_other(&hurt, crop))
			blame_other(s, run, "another connection lost, and this differs", crop);
		else if (!crop->noted && !s->datagrams)
			blame_other(s, run, "neither golden nor noted", crop);
	}
	harvest_fini(&h);
}

/* ---- the mutations ---- */

static size_t every = 1; /* of the runs, each so many-th is done */

static bool is_turn(struct subject *s)
{
	return s->asked++ % every == 0;
}

/* All small pieces, where a message is cut in every way, then a spread up to the longest. */
static uint32_t next_piece(uint32_t piece)
{
	return piece < 1500 ? piece + 1 : piece + piece / 8;
}

static void split(struct subject *s)
{
	uint32_t longest = roll_longest(&s->roll);
	char run[64];

	for (uint32_t piece = 1; piece <= longest; piece = next_piece(piece)) {
		if (!is_turn(s))
			continue;
		struct roll roll = roll_split(&s->roll, piece, 0);

		snprintf(run, sizeof run, "pieces of %u bytes", piece);
		check_same(s, &roll, PLAIN_PACKETS, run);
		roll_fini(&roll);
	}
}

static void overlap(struct subject *s)
{
	uint32_t longest = roll_longest(&s->roll);
	char run[64];

	for (uint32_t piece = 2; piece <= longest; piece = piece + 1 + piece / 16) {
		if (!is_turn(s))
			continue;
		struct roll roll = roll_split(&s->roll, piece, piece - 1);

		snprintf(run, sizeof run, "pieces of %u bytes, all but one of them again", piece);
		check_same(s, &roll, PLAIN_PACKETS, run);
		roll_fini(&roll);
	}
}

static void shuffle(struct subject *s)
{
	static const size_t windows[] = {2, 3, 5, 9, 16};
	char run[64];

	for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
		for (uint32_t seed = 1; seed <= SHUFFLE_SEEDS; seed++) {
			if (!is_turn(s))
				continue;
			struct roll roll = roll_shuffle(&s->roll, windows[w], seed);

			snprintf(run, sizeof run, "window of %zu, seed %u", windows[w], seed);
			check_same(s, &roll, s->resent ? PLAIN_TIMES : PLAIN_PACKETS, run);
			roll_fini(&roll);
		}
}

/* So that sequence numbers wrap around at each payload's begin and in its middle. */
static void wrap(struct subject *s)
{
	char run[64];
	struct segment g;

	for (size_t i = 0; i < s->roll.count; i++) {
		if (!segment_find(&s->roll.at[i], &g) || g.payload_bytes == 0)
			continue;
		for (uint32_t into = 0; into < 2; into++) {
			uint32_t by = 0u - (g.seq + into * (g.payload_bytes / 2));
			if (!is_turn(s))
				continue;
			struct roll roll = roll_move_seq(&s->roll, by);

			snprintf(run, sizeof run, "sequence numbers moved by %u", by);
			check_same(s, &roll, PLAIN_PACKETS, run);
			roll_fini(&roll);
		}
	}
}

static uint64_t call_in(const struct frame *frame, const struct segment *g)
{
	struct bytes text = bytes_skip(frame->bytes, g->payload);
	size_t n = 0;
	const char *id =
		text.len ? header_value((const char *)text.at, text.len, "Call-ID:", &n) : NULL;

	return id ? XXH3_64bits(id, n) : 0;
}

static void loss(struct subject *s)
{
	char run[64];
	struct segment g;

	for (size_t i = 0; i < s->roll.count; i++) {
		const struct frame *frame = &s->roll.at[i];
		struct hurt hurt = {0};

		if (segment_find(frame, &g))
			hurt.port = s->calls		      ? 0
				    : g.src_port > g.dst_port ? g.src_port
							      : g.dst_port;
		else if (datagram_find(frame, &g))
			hurt.call = call_in(frame, &g);
		else
			continue;
		if (!is_turn(s))
			continue;
		struct roll roll = roll_without(&s->roll, i);

		snprintf(run, sizeof run, "without frame %zu (%u bytes)", i + 1, g.payload_bytes);
		check_lossy(s, &roll, hurt, run);
		roll_fini(&roll);
	}
}

static void thin(struct subject *s)
{
	static const uint32_t percents[] = {3, 10, 25, 50};
	char run[64];

	for (size_t p = 0; p < sizeof percents / sizeof *percents; p++)
		for (uint32_t seed = 1; seed <= THIN_SEEDS; seed++) {
			if (!is_turn(s))
				continue;
			struct roll roll = roll_thin(&s->roll, percents[p], seed);

			snprintf(run, sizeof run, "%u percent lost, seed %u", percents[p], seed);
			check_lossy(s, &roll, all_hurt, run);
			roll_fini(&roll);
		}
}

static void one_side(struct subject *s)
{
	for (int above = 0; above < 2; above++) {
		if (!is_turn(s))
			continue;
		struct roll roll = roll_one_side(&s->roll, SERVER_PORTS_BELOW, above);

		check_lossy(s, &roll, all_hurt, above ? "clients only" : "servers only");
		roll_fini(&roll);
	}
}

static void snap(struct subject *s)
{
	char run[64];
	uint32_t longest = roll_longest(&s->roll);

	for (uint32_t length = 14; length < longest; length += 1 + length / 32) {
		if (!is_turn(s))
			continue;
		struct roll roll = roll_snap(&s->roll, length);

		snprintf(run, sizeof run, "frames cut to %u bytes", length);
		check_lossy(s, &roll, all_hurt, run);
		roll_fini(&roll);
	}
}

static void late_start(struct subject *s)
{
	char run[64];

	for (size_t i = 1; i < s->roll.count; i++) {
		if (!is_turn(s))
			continue;
		struct roll roll = roll_copy(&s->roll, i, s->roll.count);

		snprintf(run, sizeof run, "from frame %zu on", i + 1);
		check_lossy(s, &roll, all_hurt, run);
		roll_fini(&roll);
	}
}

static void early_end(struct subject *s)
{
	char run[64];

	for (size_t i = 0; i < s->roll.count; i++) {
		if (!is_turn(s))
			continue;
		struct roll roll = roll_copy(&s->roll, 0, i);

		snprintf(run, sizeof run, "the first %zu frames", i);
		check_lossy(s, &roll, all_hurt, run);
		roll_fini(&roll);
	}
}

static const struct {
	const char *name;
	void (*all)(struct subject *s);
} mutations[] = {
	{"payloads split", split},
	{"payloads split and overlapping", overlap},
	{"segments shuffled and duplicated", shuffle},
	{"sequence numbers that wrap", wrap},
	{"each frame lost", loss},
	{"many frames lost", thin},
	{"one direction only", one_side},
	{"frames cut short", snap},
	{"begun late", late_start},
	{"ended early", early_end},
};

/* ---- golden documents and cases ---- */

static char *file_text(const char *path)
{
	FILE *file = fopen(path, "r");
	struct buf text;

	buf_init(&text, NULL);
	if (file) {
		size_t n;

		do {
			n = fread(buf_room(&text, 1 << 16), 1, 1 << 16, file);
			text.len += n;
		} while (n > 0);
		fclose(file);
	}
	*buf_room(&text, 1) = 0;
	return (char *)text.at;
}

/* Where two texts first differ, as a report. */
static void compare(struct subject *s, const char *golden, const char *now)
{
	size_t line = 1, at = 0;

	for (; golden[at] && golden[at] == now[at]; at++)
		line += golden[at] == '\n';
	if (golden[at] == now[at])
		return;
	at = at > CONTEXT ? at - CONTEXT : 0;
	snprintf(s->why, sizeof s->why, "line %zu differs\n#   golden …%.*s…\n#   now    …%.*s…",
		 line, 3 * CONTEXT, golden + at, 3 * CONTEXT, now + at);
}

static bool report(struct subject *s, const char *what)
{
	bool ok = !s->why[0];

	printf("%s - %s: %s", ok ? "ok" : "not ok", s->name, what);
	if (s->runs > 0)
		printf(", %zu runs", s->runs);
	printf("\n");
	if (!ok)
		printf("# %s\n", s->why);
	fflush(stdout);
	s->why[0] = 0;
	s->runs = 0;
	return ok;
}

static bool load(struct subject *s)
{
	struct fault fault = {0};
	struct faults faults = {0};
	char path[NAME_MAX_BYTES];

	snprintf(path, sizeof path, "%s/%s.yml", GOLDEN, s->name);
	if (access(path, R_OK) != 0) /* the protocol's */
		snprintf(path, sizeof path, "%s/%.*s/all.yml", GOLDEN, (int)strcspn(s->name, "/"),
			 s->name);
	if (!settings_load(&s->settings, path, NULL, 0, &faults)) {
		printf("not ok - %s: %s\n", path, faults.at[0].text);
		return false;
	}
	faults_free(&faults);
	snprintf(path, sizeof path, "%s/%s.pcap", CAPTURES, s->name);
	if (!roll_load(&s->roll, path, &fault)) {
		printf("not ok - %s: %s\n", path, fault.text);
		settings_free(&s->settings);
		return false;
	}
	s->calls = strncmp(s->name, "sip/", 4) == 0;
	for (size_t i = 0; i < s->roll.count; i++) {
		struct segment g;

		s->datagrams |= datagram_find(&s->roll.at[i], &g);
	}
	s->resent = roll_resent(&s->roll);
	return true;
}

static bool golden(struct subject *s, bool write)
{
	const struct harvest *now = &s->golden[PLAIN_PACKETS];
	char path[NAME_MAX_BYTES];

	snprintf(path, sizeof path, "%s/%s.ndjson", GOLDEN, s->name);
	if (write) {
		FILE *file = fopen(path, "w");

		must(file && fputs(now->text, file) >= 0 && fclose(file) == 0);
		printf("# wrote %s: %zu documents\n", path, now->count);
	}
	char *text = file_text(path);

	compare(s, text, now->text);
	free(text);
	check_books(s, now, "as it is");
	for (size_t i = 0; i < now->count; i++)
		for (enum plain plain = PLAIN_PLACE; plain < PLAIN_KINDS; plain++)
			judge(s, &s->golden[plain].at[i], "as it is");
	s->runs = 0;
	return report(s, "golden documents");
}

static bool one_case(const char *name, bool write)
{
	struct subject s = {.name = name};
	bool ok;

	if (!load(&s))
		return false;
	for (enum plain plain = PLAIN_PACKETS; plain < PLAIN_KINDS; plain++)
		s.golden[plain] = harvest_of(&s.settings, &s.roll, plain);
	ok = golden(&s, write);
	for (enum plain plain = PLAIN_PACKETS; plain < PLAIN_KINDS; plain++)
		harvest_sort(&s.golden[plain]);
	for (size_t i = 0; !write && i < sizeof mutations / sizeof *mutations; i++) {
		mutations[i].all(&s);
		ok &= report(&s, mutations[i].name);
	}
	for (enum plain plain = PLAIN_PACKETS; plain < PLAIN_KINDS; plain++)
		harvest_fini(&s.golden[plain]);
	roll_fini(&s.roll);
	settings_free(&s.settings);
	return ok;
}

static int is_capture(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".pcap") == 0;
}

static int is_folder(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* All captures of a protocol. */
static bool all_cases(const char *protocol, bool write)
{
	char path[NAME_MAX_BYTES];
	struct dirent **found = NULL;
	bool ok = true;

	snprintf(path, sizeof path, "%s/%s", CAPTURES, protocol);
	int n = scandir(path, &found, is_capture, alphasort);

	for (int i = 0; i < n; i++) {
		*strrchr(found[i]->d_name, '.') = 0;
		snprintf(path, sizeof path, "%s/%s", protocol, found[i]->d_name);
		ok &= one_case(path, write);
		free(found[i]);
	}
	free(found);
	return ok && n > 0;
}

int main(int argc, char **argv)
{
	bool write = argc > 1 && strcmp(argv[1], "--write") == 0;

	if (argc > 2 && strcmp(argv[1], "--every") == 0) {
		every = strtoul(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	bool ok = true;
	struct dirent **found = NULL;

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_PLAIN);
	for (int i = write ? 2 : 1; i < argc; i++)
		ok &= strchr(argv[i], '/') ? one_case(argv[i], write) : all_cases(argv[i], write);
	if (argc > (write ? 2 : 1))
		return !ok;
	int n = scandir(CAPTURES, &found, is_folder, alphasort);

	for (int i = 0; i < n; i++) {
		ok &= all_cases(found[i]->d_name, write);
		free(found[i]);
	}
	free(found);
	return !(ok && n > 0);
}
