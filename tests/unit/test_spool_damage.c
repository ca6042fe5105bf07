/*
 * A spool that was damaged, at random: what is whole is delivered, nothing else is, and the rest is
 * counted.
 */
#include "spool_rig.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { ROUNDS = 1000, FILES_MAX = 64, DAMAGES = 3 };

TestSuite(spool_damage, .timeout = 300);

/* ---- The format, without a folder ---- */

static struct spool_record record_of(uint64_t n, char text[1024], char id[33])
{
	size_t len = rig_text(n, text);

	rig_id(n, id);
	return (struct spool_record){n, (nsec)n, (const uint8_t *)id, bytes_of(text, len)};
}

Test(spool_damage, a_record_is_read_in_pieces_of_any_size)
{
	struct buf log = {0};
	char text[1024], id[33];

	for (uint64_t n = 0; n < 8; n++) {
		struct spool_record record = record_of(n, text, id);

		spool_record_write(&log, &record);
	}
	for (size_t step = 1; step < log.len; step += step < 200 ? 1 : 97) {
		uint64_t damaged = 0, want = 0, next = 0;
		size_t from = 0, to = 0;

		for (;;) {
			struct cursor c = cursor_of(bytes_of(log.at + from, to - from));
			struct spool_record record;
			enum spool_step got =
				spool_record_next(&c, log.len - to, &record, &want, &damaged);

			from += cursor_used(&c);
			if (got == SPOOL_END)
				break;
			if (got == SPOOL_MORE) {
				cr_assert(want > to - from);
				to = to + step < log.len ? to + step : log.len;
				continue;
			}
			struct spool_record expected = record_of(next, text, id);

			cr_assert_eq(record.number, next);
			cr_assert_eq(record.when, (nsec)next);
			cr_assert(bytes_eq(record.text, expected.text));
			cr_assert_eq(memcmp(record.id, id, SPOOL_ID), 0);
			next++;
		}
		cr_assert_eq(next, 8);
		cr_assert_eq(damaged, 0);
	}
	buf_fini(&log);
}

Test(spool_damage, headers_and_cursors_tell_damage_from_another_version)
{
	uint8_t header[SPOOL_HEADER], cursor[SPOOL_CURSOR];
	struct spool_header was = {0, true, 7, 1000, 2000, 3000}, got;
	uint64_t next;
	uint32_t version;

	spool_header_write(header, &was);
	cr_assert_eq(spool_header_read(bytes_of(header, sizeof(header)), &got), SPOOL_WELL);
	cr_assert(got.sealed && got.number == 7 && got.first == 1000 && got.end == 2000 &&
		  got.newest == 3000 && got.version == SPOOL_VERSION);
	spool_cursor_write(cursor, 4711);
	cr_assert_eq(spool_cursor_read(bytes_of(cursor, sizeof(cursor)), &next, &version),
		     SPOOL_WELL);
	cr_assert_eq(next, 4711);
	for (size_t bit = 0; bit < 8 * sizeof(header); bit++) {
		header[bit / 8] ^= (uint8_t)(1U << bit % 8);
		cr_assert_eq(spool_header_read(bytes_of(header, sizeof(header)), &got),
			     SPOOL_DAMAGED);
		header[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(cursor); bit++) {
		cursor[bit / 8] ^= (uint8_t)(1U << bit % 8);
		cr_assert_eq(spool_cursor_read(bytes_of(cursor, sizeof(cursor)), &next, &version),
			     SPOOL_DAMAGED);
		cursor[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t len = 0; len < sizeof(header); len++)
		cr_assert_eq(spool_header_read(bytes_of(header, len), &got), SPOOL_DAMAGED);
}

/* ---- Whole spools ---- */

struct image {
	char name[SPOOL_NAME];
	struct buf was, is;
	uint64_t first; /* document in it */
	size_t ends[512];
	size_t count; /* of its documents */
	bool gone[512];
};

struct album {
	struct image at[FILES_MAX];
	size_t count;
	uint64_t random;
	char said[200]; /* what was done */
};

static uint64_t roll(struct album *a, uint64_t below)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random % below;
}

static void load(struct rig *r, struct image *image)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", r->path, image->name);
	int fd = open(path, O_RDONLY);

	cr_assert_eq(fstat(fd, &st), 0);
	buf_room(&image->was, (size_t)st.st_size);
	image->was.len = (size_t)st.st_size;
	cr_assert_eq(spool_read(fd, image->was.at, image->was.len, 0), st.st_size);
	close(fd);
}

/* Where each document's record ends, and so where it begins. */
static void survey(struct image *image, uint64_t *number)
{
	struct cursor c = cursor_of(bytes_skip(buf_bytes(&image->was), SPOOL_HEADER));
	struct spool_record record;
	uint64_t want, damaged = 0;

	image->first = *number;
	while (spool_record_next(&c, 0, &record, &want, &damaged) == SPOOL_RECORD) {
		cr_assert_eq(record.number, (*number)++);
		image->ends[image->count++] = SPOOL_HEADER + cursor_used(&c);
		cr_assert(image->count < 512);
	}
	cr_assert_eq(damaged, 0);
}

static void album_open(struct album *a, struct rig *r)
{
	struct spool_folder folder;
	struct spool_list list;
	uint64_t number = 0;

	cr_assert(spool_folder_look(&folder, r->path, NULL));
	cr_assert(spool_folder_list(&folder, &list, NULL));
	cr_assert(list.count < FILES_MAX);
	for (size_t i = 0; i < list.count; i++) {
		spool_name(list.at[i].number, a->at[i].name);
		load(r, &a->at[i]);
		survey(&a->at[i], &number);
	}
	cr_assert_eq(number, r->made);
	a->count = list.count;
	spool_list_free(&list);
	spool_folder_close(&folder);
}

/* Bytes [from, to) of the file are not as they were. */
static void note(struct image *image, size_t from, size_t to)
{
	size_t begin = SPOOL_HEADER;

	for (size_t i = 0; i < image->count; i++) {
		if (from < image->ends[i] && to > begin)
			image->gone[i] = true;
		begin = image->ends[i];
	}
}

/* One damage, before `most`: it is done from the end on, so that places stay what they were. */
static void damage(struct album *a, struct image *image, size_t at, size_t most)
{
	size_t size = 1 + (size_t)(roll(a, 4) == 0 ? roll(a, 2000) : roll(a, 8));
	size_t to = at + size < most ? at + size : most;
	uint8_t more[16] = {0x1e, 'W', 's', 1};
	struct buf next = {0};

	unsigned kind = (unsigned)roll(a, 6);
	size_t said = strlen(a->said);

	snprintf(a->said + said, sizeof(a->said) - said, " kind %u at %zu to %zu", kind, at, to);
	switch (kind) {
	case 0: /* bits turn */
	case 1:
		image->is.at[at] ^= (uint8_t)(1U << roll(a, 8));
		note(image, at, at + 1);
		break;
	case 2: /* a block of zeros, as after a power failure */
		for (size_t i = at; i < to; i++)
			if (image->is.at[i] != 0)
				note(image, i, i + 1);
		memset(image->is.at + at, 0, to - at);
		break;
	case 3: /* cut off */
		image->is.len = at;
		note(image, at, SIZE_MAX);
		break;
	case 4: /* bytes missing */
		note(image, at, to);
		memmove(image->is.at + at, image->is.at + to, image->is.len - to);
		image->is.len -= to - at;
		break;
	default: /* bytes too many, some of which look like a record */
		buf_add(&next, bytes_of(image->is.at, at));
		buf_add(&next, bytes_of(more, 1 + roll(a, sizeof(more))));
		buf_add(&next, bytes_of(image->is.at + at, image->is.len - at));
		buf_fini(&image->is);
		image->is = next;
		/* Between two records it harms neither. */
		for (size_t i = 0, begin = SPOOL_HEADER; i < image->count; begin = image->ends[i++])
			image->gone[i] |= at > begin && at < image->ends[i];
	}
}

static int falling(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x < y) - (x > y);
}

static void damage_some(struct album *a)
{
	struct image *image = &a->at[roll(a, a->count)];
	size_t places[DAMAGES], count = 1 + (size_t)roll(a, DAMAGES);

	for (size_t i = 0; i < count; i++)
		places[i] = (size_t)roll(a, roll(a, 8) == 0 ? SPOOL_HEADER : image->was.len);
	qsort(places, count, sizeof(places[0]), falling);
	for (size_t i = 0, most = image->was.len; i < count; most = places[i++])
		if (places[i] < most)
			damage(a, image, places[i], most);
}

static void store(struct rig *r, const struct image *image)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", r->path, image->name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(spool_write(fd, buf_bytes(&image->is), 0));
	close(fd);
}

static void empty_folder(const struct rig *r)
{
	struct spool_folder folder;
	struct spool_list list;

	cr_assert(spool_folder_look(&folder, r->path, NULL));
	cr_assert(spool_folder_list(&folder, &list, NULL));
	for (size_t i = 0; i < list.count; i++)
		spool_folder_remove(&folder, list.at[i].number);
	unlinkat(folder.dir, "cursor", 0);
	spool_list_free(&list);
	spool_folder_close(&folder);
}

static void prepare(struct album *a, struct rig *r, bool cursor_too)
{
	char path[PATH_MAX];
	uint8_t text[SPOOL_CURSOR];

	empty_folder(r);
	for (size_t i = 0; i < a->count; i++) {
		a->at[i].is.len = 0;
		buf_add(&a->at[i].is, buf_bytes(&a->at[i].was));
		memset(a->at[i].gone, 0, sizeof(a->at[i].gone));
	}
	a->said[0] = '\0';
	damage_some(a);
	for (size_t i = 0; i < a->count; i++)
		store(r, &a->at[i]);
	spool_cursor_write(text, 0);
	if (cursor_too)
		text[roll(a, sizeof(text))] ^= (uint8_t)(1U << roll(a, 8));
	snprintf(path, sizeof(path), "%s/cursor", r->path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(spool_write(fd, bytes_of(text, sizeof(text)), 0));
	close(fd);
}

/* All that is whole came, once; the rest did not. */
static uint64_t check(const struct album *a, const struct rig *r)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < a->count; i++)
		for (size_t d = 0; d < a->at[i].count; d++) {
			uint64_t n = a->at[i].first + d;

			cr_assert_eq(r->got[n], !a->at[i].gone[d],
				     "document %" PRIu64 " of %s came %u times, and was %s: %s", n,
				     a->at[i].name, r->got[n],
				     a->at[i].gone[d] ? "damaged" : "whole", a->said);
			lost += a->at[i].gone[d];
		}
	return lost;
}

/* `sealed`: by a process that ended well; else by one that was killed. */
static void random_places(bool sealed)
{
	struct rig *r = rig_new();
	struct album *a = must_alloc(sizeof(*a));
	uint64_t lost = 0;

	a->random = sealed ? 88172645463325252U : 362436069362436069U;
	rig_open(r);
	for (unsigned i = 0; i < 12; i++)
		rig_put(r, 25);
	if (sealed)
		rig_close(r);
	album_open(a, r);
	if (!sealed)
		rig_close(r);
	/* One that a test must not wait for a disk for. */
	r->conf.sync = SPOOL_SYNC_NEVER;
	r->conf.sync_interval = (nsec)3600 * NS_PER_S;
	for (unsigned round = 0; round < ROUNDS; round++) {
		prepare(a, r, round % 50 == 0);
		rig_forget(r);
		rig_open(r);
		rig_drain(r);
		lost += check(a, r);
		struct spool_stats stats = rig_stats(r);

		cr_assert_eq(stats.settled, r->came);
		cr_assert_eq(stats.waiting, 0);
		rig_close(r);
	}
	cr_assert(lost > ROUNDS);
	for (size_t i = 0; i < a->count; i++) {
		buf_fini(&a->at[i].was);
		buf_fini(&a->at[i].is);
	}
	free(a);
	rig_free(r);
}

Test(spool_damage, at_a_thousand_random_places_of_a_spool_left_in_order)
{
	random_places(true);
}

Test(spool_damage, at_a_thousand_random_places_of_a_spool_left_by_a_kill)
{
	random_places(false);
}
