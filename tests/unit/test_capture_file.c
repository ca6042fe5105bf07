/* Capture files: the formats, bad ones, several in one run. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/buf.h"
#include "shipper/capture/file.h"

/* ---- Files are written by hand, in either byte order ---- */

struct made {
	struct buf bytes;
	bool swapped; /* most significant byte first */
	char path[64];
};

static void put(struct made *m, uint64_t value, unsigned n)
{
	uint8_t *at = buf_room(&m->bytes, n);

	for (unsigned i = 0; i < n; i++)
		at[m->swapped ? n - 1 - i : i] = (uint8_t)(value >> (8 * i));
	m->bytes.len += n;
}

static void put_fill(struct made *m, uint8_t value, size_t n)
{
	memset(buf_room(&m->bytes, n), value, n);
	m->bytes.len += n;
}

static void classic_head(struct made *m, uint32_t magic, uint32_t snap, uint32_t link)
{
	put(m, magic, 4);
	put(m, 2, 2);
	put(m, 4, 2);
	put(m, 0, 8);
	put(m, snap, 4);
	put(m, link, 4);
}

static void classic_frame(struct made *m, uint32_t s, uint32_t fraction, uint32_t captured,
			  uint32_t wire, uint8_t fill)
{
	put(m, s, 4);
	put(m, fraction, 4);
	put(m, captured, 4);
	put(m, wire, 4);
	put_fill(m, fill, captured);
}

static void section(struct made *m)
{
	put(m, 0x0a0d0d0a, 4);
	put(m, 28, 4);
	put(m, 0x1a2b3c4d, 4);
	put(m, 1, 2);
	put(m, 0, 2);
	put(m, UINT64_MAX, 8);
	put(m, 28, 4);
}

/* resolution 0: without the option. */
static void interface(struct made *m, unsigned link, uint32_t snap, uint8_t resolution,
		      int64_t offset)
{
	unsigned len = 20U + (resolution > 0 ? 8U : 0U) + (offset != 0 ? 12U : 0U);

	put(m, 1, 4);
	put(m, len, 4);
	put(m, link, 2);
	put(m, 0, 2);
	put(m, snap, 4);
	if (resolution > 0) {
		put(m, 9, 2);
		put(m, 1, 2);
		put_fill(m, resolution, 1);
		put_fill(m, 0, 3);
	}
	if (offset != 0) {
		put(m, 14, 2);
		put(m, 8, 2);
		put(m, (uint64_t)offset, 8);
	}
	put(m, len, 4);
}

static void packet(struct made *m, unsigned which, uint64_t ticks, uint32_t captured, uint32_t wire,
		   uint8_t fill)
{
	unsigned padded = (captured + 3) / 4 * 4;

	put(m, 6, 4);
	put(m, 32 + padded, 4);
	put(m, which, 4);
	put(m, ticks >> 32, 4);
	put(m, ticks & UINT32_MAX, 4);
	put(m, captured, 4);
	put(m, wire, 4);
	put_fill(m, fill, captured);
	put_fill(m, 0, padded - captured);
	put(m, 32 + padded, 4);
}

static const char *saved(struct made *m)
{
	int fd;

	snprintf(m->path, sizeof(m->path), "/tmp/wirespan-test-XXXXXX");
	fd = mkstemp(m->path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, m->bytes.at, m->bytes.len), (ssize_t)m->bytes.len);
	close(fd);
	return m->path;
}

static void gone(struct made *m)
{
	unlink(m->path);
	buf_fini(&m->bytes);
}

/* ---- Reading ---- */

struct seen {
	struct frame frames[16]; /* the bytes are gone; their first is in `fill` */
	uint8_t fill[16];
	size_t count, reports;
	enum next end;
	struct fault fault, report;
};

static void keep_report(void *self, const struct fault *fault)
{
	struct seen *seen = self;

	seen->report = *fault;
	seen->reports++;
}

static bool only_ethernet(int link)
{
	return link == 1;
}

static struct seen read_files(const char *const *paths, size_t count, const char *filter,
			      bool (*knows_link)(int))
{
	static struct seen seen;
	struct file_conf conf = {filter, knows_link, keep_report, &seen};
	struct frame frame;
	struct tap tap;
	enum next got;

	seen = (struct seen){0};
	if (!file_open(&tap, paths, count, &conf, &seen.fault)) {
		seen.end = NEXT_FAILED;
		return seen;
	}
	while ((got = tap.source->next(tap.self, &frame, &seen.fault)) <= NEXT_IDLE) {
		if (got == NEXT_IDLE)
			continue;
		cr_assert_lt(seen.count, 16);
		for (size_t i = 0; i < frame.bytes.len; i++)
			cr_assert_eq(frame.bytes.at[i], frame.bytes.at[0]);
		seen.fill[seen.count] = frame.bytes.len > 0 ? frame.bytes.at[0] : 0;
		seen.frames[seen.count++] = frame;
	}
	seen.end = got;
	cr_expect_eq(tap.source->next(tap.self, &frame, &seen.fault), NEXT_END,
		     "nothing follows the end");
	tap.source->close(tap.self);
	return seen;
}

static struct seen read_one(struct made *m)
{
	const char *path = saved(m);

	return read_files(&path, 1, NULL, NULL);
}

static void expect_frame(const struct seen *seen, size_t i, nsec when, size_t len, uint32_t wire,
			 int link, uint8_t fill)
{
	cr_assert_lt(i, seen->count);
	cr_expect_eq(seen->frames[i].when, when, "%zu: %ld", i, (long)seen->frames[i].when);
	cr_expect_eq(seen->frames[i].bytes.len, len, "%zu", i);
	cr_expect_eq(seen->frames[i].wire_bytes, wire, "%zu", i);
	cr_expect_eq(seen->frames[i].link, link, "%zu", i);
	cr_expect_eq(seen->fill[i], fill, "%zu", i);
}

static void expect_fault(const struct seen *seen, const char *name, const char *says)
{
	cr_expect_eq(seen->end, NEXT_FAILED);
	cr_expect(strstr(seen->fault.text, name) != NULL, "%s", seen->fault.text);
	cr_expect(strstr(seen->fault.text, says) != NULL, "%s", seen->fault.text);
	cr_expect(strchr(seen->fault.text, '\n') == NULL, "%s", seen->fault.text);
}

Test(capture_file, classic_in_four_kinds)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		bool nano = kind & 1;
		struct made m = {.swapped = kind & 2};

		classic_head(&m, nano ? 0xa1b23c4d : 0xa1b2c3d4, 96, 1);
		classic_frame(&m, 1700000000, nano ? 123456789 : 123456, 60, 1500, 0x11);
		classic_frame(&m, 4000000000, 7, 0, 0, 0);
		classic_frame(&m, 1700000001, 0, 1500, 60, 0x22);
		struct seen seen = read_one(&m);
		cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
		cr_expect_eq(seen.count, 3);
		expect_frame(&seen, 0,
			     1700000000 * INT64_C(1000000000) + (nano ? 123456789 : 123456000), 60,
			     1500, 1, 0x11);
		expect_frame(&seen, 1, 4000000000 * INT64_C(1000000000) + (nano ? 7 : 7000), 0, 0,
			     1, 0);
		expect_frame(&seen, 2, 1700000001 * INT64_C(1000000000), 1500, 1500, 1, 0x22);
		gone(&m);
	}
}

/* A link field may carry how frames end in a checksum; old files carry raw IP's number of their
 * system. */
Test(capture_file, link_type_and_its_flags)
{
	static const uint32_t says[] = {0x24000001, 12, 14, 101, 276};
	static const int means[] = {1, 101, 101, 101, 276};

	for (size_t i = 0; i < 5; i++) {
		struct made m = {0};

		classic_head(&m, 0xa1b2c3d4, 65535, says[i]);
		classic_frame(&m, 1, 0, 20, 20, 1);
		struct seen seen = read_one(&m);
		expect_frame(&seen, 0, 1000000000, 20, 20, means[i], 1);
		gone(&m);
	}
}

/* Longer than the snap length says, and longer than the block that files are read in. */
Test(capture_file, frames_longer_than_the_block)
{
	struct made m = {0};

	classic_head(&m, 0xa1b2c3d4, UINT32_MAX, 1);
	classic_frame(&m, 1, 0, 100000, 100000, 1);
	classic_frame(&m, 2, 0, 524288, 524288, 2);
	classic_frame(&m, 3, 0, 300000, 300000, 3);
	struct seen seen = read_one(&m);
	cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
	expect_frame(&seen, 0, 1000000000, 100000, 100000, 1, 1);
	expect_frame(&seen, 1, 2000000000, 524288, 524288, 1, 2);
	expect_frame(&seen, 2, 3000000000, 300000, 300000, 1, 3);
	gone(&m);
}

/* Two devices with different link types and snap lengths, each with its own clock. */
Test(capture_file, pcapng_interfaces_that_differ)
{
	for (unsigned order = 0; order < 2; order++) {
		struct made m = {.swapped = order == 1};

		section(&m);
		interface(&m, 1, 262144, 0, 0);
		interface(&m, 276, 96, 9, 0);
		interface(&m, 101, 0, 0x80 | 20, 3600);
		interface(&m, 12, 0, 12, 0);
		packet(&m, 1, 1700000000123456789, 61, 1500, 0x11);
		packet(&m, 0, 1700000000123456, 62, 62, 0x22);
		packet(&m, 2, UINT64_C(1700000000) << 20 | 1 << 19, 63, 63, 0x33);
		packet(&m, 3, UINT64_C(1700000) * 1000000000000 + 5000, 64, 64, 0x44);
		struct seen seen = read_one(&m);
		cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
		cr_expect_eq(seen.count, 4);
		expect_frame(&seen, 0, 1700000000123456789, 61, 1500, 276, 0x11);
		expect_frame(&seen, 1, 1700000000123456000, 62, 62, 1, 0x22);
		expect_frame(&seen, 2, 1700003600500000000, 63, 63, 101, 0x33);
		expect_frame(&seen, 3, 1700000000000005, 64, 64, 101, 0x44);
		gone(&m);
	}
}

/* Blocks we have no use for are passed over, also when they are longer than anything buffered; a
 * new section may turn the byte order and begins with interfaces of its own. */
Test(capture_file, pcapng_other_blocks_and_sections)
{
	struct made m = {0};

	section(&m);
	put(&m, 4, 4); /* names */
	put(&m, 3000012, 4);
	put_fill(&m, 0xee, 3000000);
	put(&m, 3000012, 4);
	interface(&m, 1, 30, 0, 0);
	packet(&m, 0, 5000000, 30, 60, 0x11);
	put(&m, 3, 4); /* simple packet: 30 of 60 bytes, no time of its own */
	put(&m, 16 + 32, 4);
	put(&m, 60, 4);
	put_fill(&m, 0x22, 32);
	put(&m, 16 + 32, 4);
	put(&m, 2, 4); /* the obsolete packet block */
	put(&m, 32 + 4, 4);
	put(&m, 0, 2);
	put(&m, 7, 2);
	put(&m, 0, 4);
	put(&m, 6000000, 4);
	put(&m, 4, 4);
	put(&m, 4, 4);
	put_fill(&m, 0x33, 4);
	put(&m, 32 + 4, 4);
	m.swapped = true;
	section(&m);
	interface(&m, 113, 0, 0, 0);
	packet(&m, 0, 7000000, 5, 5, 0x44);
	struct seen seen = read_one(&m);
	cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
	cr_expect_eq(seen.count, 4);
	expect_frame(&seen, 0, 5000000000, 30, 60, 1, 0x11);
	expect_frame(&seen, 1, 5000000000, 30, 60, 1, 0x22);
	expect_frame(&seen, 2, 6000000000, 4, 4, 1, 0x33);
	expect_frame(&seen, 3, 7000000000, 5, 5, 113, 0x44);
	gone(&m);
}

/* Whatever a file claims, times can be subtracted afterwards. */
Test(capture_file, absurd_times_are_held_within_bounds)
{
	static const uint8_t resolutions[] = {0, 1, 9, 12, 28, 29, 127, 0x80, 0x9e, 0xa3, 0xff};
	static const int64_t offsets[] = {0, INT64_MAX, INT64_MIN, 1};

	for (size_t r = 0; r < sizeof(resolutions); r++)
		for (size_t o = 0; o < 4; o++) {
			struct made m = {0};

			section(&m);
			interface(&m, 1, 0, resolutions[r], offsets[o]);
			packet(&m, 0, UINT64_MAX, 4, 4, 1);
			packet(&m, 0, 0, 4, 4, 1);
			struct seen seen = read_one(&m);
			cr_assert_eq(seen.count, 2);
			for (size_t i = 0; i < 2; i++) {
				cr_expect_geq(seen.frames[i].when, 0);
				cr_expect_leq(seen.frames[i].when, INT64_C(9000000000000000000));
			}
			gone(&m);
		}
}

/* Variants that only libpcap knows: frames with a longer header, swapped lengths. */
Test(capture_file, old_variants_through_libpcap)
{
	struct made m = {0}, old = {0};

	classic_head(&m, 0xa1b2cd34, 65535, 1);
	put(&m, 1700000000, 4);
	put(&m, 5, 4);
	put(&m, 60, 4);
	put(&m, 80, 4);
	put_fill(&m, 0, 8);
	put_fill(&m, 0x11, 60);
	struct seen seen = read_one(&m);
	cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
	expect_frame(&seen, 0, 1700000000000005000, 60, 80, 1, 0x11);
	gone(&m);

	put(&old, 0xa1b2c3d4, 4);
	put(&old, 2, 2);
	put(&old, 2, 2);
	put(&old, 0, 8);
	put(&old, 65535, 4);
	put(&old, 12, 4);
	classic_frame(&old, 1, 0, 0, 30, 0);
	put_fill(&old, 0x22, 30);
	/* Lengths stand the other way round: 30 of 0 bytes cannot be; so 0 captured is `wire`. */
	old.bytes.at[24 + 8] = 90;
	seen = read_one(&old);
	cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
	expect_frame(&seen, 0, 1000000000, 30, 90, 101, 0x22);
	gone(&old);
}

/* ---- Bad input: one clear line, and what came before is kept ---- */

Test(capture_file, cut_anywhere)
{
	struct made m = {0}, ng = {0};
	struct made *both[] = {&m, &ng};
	size_t first[2];

	classic_head(&m, 0xa1b2c3d4, 65535, 1);
	classic_frame(&m, 1, 0, 60, 60, 1);
	first[0] = m.bytes.len;
	classic_frame(&m, 2, 0, 60, 60, 2);
	section(&ng);
	interface(&ng, 1, 0, 0, 0);
	packet(&ng, 0, 1, 60, 60, 1);
	first[1] = ng.bytes.len;
	packet(&ng, 0, 1, 60, 60, 1);
	for (size_t i = 0; i < 2; i++)
		for (size_t n = both[i]->bytes.len - 1; n > first[i]; n--) {
			both[i]->bytes.len = n;
			struct seen seen = read_one(both[i]);
			unlink(both[i]->path);
			cr_expect_eq(seen.count, 1);
			expect_fault(&seen, both[i]->path, "ends in the middle of a packet");
			expect_fault(&seen, both[i]->path, "the 1 packets before it were read");
		}
	buf_fini(&m.bytes);
	buf_fini(&ng.bytes);
}

Test(capture_file, cut_in_a_block_of_no_use)
{
	struct made m = {0};

	section(&m);
	put(&m, 4, 4);
	put(&m, 1000, 4);
	put_fill(&m, 0xee, 900);
	struct seen seen = read_one(&m);
	expect_fault(&seen, m.path, "at byte 936");
	gone(&m);
}

Test(capture_file, not_captures)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *says;
	} cases[] = {
		{"", 0, "is empty"},
		{"{\"a\": 1}", 8, "is not a capture file"},
		{"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", 37, "is not a capture file"},
		{"\x1f\x8b\x08\0\0\0\0\0\0\0", 10, "zcat"},
		{"\xd4\xc3\xb2\xa1\2\0\4\0", 8, "is not a capture file"},
		{"snoop\0\0\0\0\0\0\2\0\0\0\4", 16, "editcap"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m = {0};

		buf_add(&m.bytes, bytes_of(cases[i].bytes, cases[i].len));
		struct seen seen = read_one(&m);
		cr_expect_eq(seen.count, 0);
		expect_fault(&seen, m.path, cases[i].says);
		gone(&m);
	}
}

Test(capture_file, damaged_blocks)
{
	struct made m = {0};
	size_t fixed;

	classic_head(&m, 0xa1b2c3d4, 65535, 1);
	classic_frame(&m, 1, 0, 60, 60, 1);
	put(&m, 0, 8);
	put(&m, 0x7fffffff, 8);
	struct seen seen = read_one(&m);
	cr_expect_eq(seen.count, 1);
	expect_fault(&seen, m.path, "is damaged at byte 100");
	gone(&m);

	/* type, length, body, length: each a way to be wrong */
	static const uint32_t wrong[][4] = {
		{6, 8, 0, 0},	{6, 35, 0, 35}, {6, 0x7ffffffc, 0, 0},	 {6, 16, 0, 20},
		{6, 16, 0, 16}, {1, 16, 1, 16}, {0x0a0d0d0a, 16, 0, 16}, {3, 16, 9999, 16},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct made ng = {0};

		section(&ng);
		interface(&ng, 1, 0, 0, 0);
		packet(&ng, 0, 1, 60, 60, 1);
		fixed = ng.bytes.len;
		for (size_t k = 0; k < 4; k++)
			put(&ng, wrong[i][k], 4);
		put_fill(&ng, 0, 64);
		seen = read_one(&ng);
		cr_expect_eq(seen.count, 1, "case %zu", i);
		expect_fault(&seen, ng.path, "is damaged at byte 140");
		cr_expect_eq(fixed, 140);
		gone(&ng);
	}
}

Test(capture_file, places_that_are_no_files)
{
	const char *folder = "/tmp", *missing = "/tmp/wirespan-no-such-file.pcap";
	struct seen seen = read_files(&folder, 1, NULL, NULL);

	expect_fault(&seen, "/tmp", "is a folder");
	seen = read_files(&missing, 1, NULL, NULL);
	expect_fault(&seen, missing, "does not exist");
}

Test(capture_file, not_permitted)
{
	struct made m = {0};
	const char *path;

	classic_head(&m, 0xa1b2c3d4, 65535, 1);
	path = saved(&m);
	cr_assert_eq(chmod(path, 0), 0);
	if (geteuid() == 0 && setegid(65534) + seteuid(65534) != 0)
		cr_skip_test("cannot become an ordinary user");
	struct seen seen = read_files(&path, 1, NULL, NULL);
	expect_fault(&seen, path, "may not be read by this user");
	cr_expect(geteuid() != 65534 || seteuid(0) == 0);
	gone(&m);
}

Test(capture_file, link_type_that_cannot_be_decoded)
{
	struct made m = {0}, ng = {0};
	const char *paths[] = {saved(&m), saved(&ng)};

	gone(&m);
	gone(&ng);
	classic_head(&m, 0xa1b2c3d4, 65535, 147);
	classic_frame(&m, 1, 0, 60, 60, 1);
	section(&ng);
	interface(&ng, 147, 0, 0, 0);
	packet(&ng, 0, 1, 60, 60, 1);
	paths[0] = saved(&m);
	struct seen seen = read_files(&paths[0], 1, NULL, only_ethernet);
	cr_expect_eq(seen.count, 0);
	expect_fault(&seen, paths[0], "link type 147");
	paths[1] = saved(&ng);
	seen = read_files(&paths[1], 1, NULL, only_ethernet);
	expect_fault(&seen, paths[1], "147");
	gone(&ng);

	/* One of two interfaces is enough. */
	section(&ng);
	interface(&ng, 147, 0, 0, 0);
	interface(&ng, 1, 0, 0, 0);
	packet(&ng, 0, 1, 60, 60, 1);
	paths[1] = saved(&ng);
	seen = read_files(&paths[1], 1, NULL, only_ethernet);
	cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
	gone(&m);
	gone(&ng);
}

/* The first number that no interface has. */
Test(capture_file, a_packet_of_an_interface_that_is_not_there)
{
	struct made m = {0};

	section(&m);
	interface(&m, 1, 0, 0, 0);
	packet(&m, 0, 1, 60, 60, 1);
	packet(&m, 1, 1, 60, 60, 1);
	struct seen seen = read_one(&m);
	cr_expect_eq(seen.count, 1);
	expect_fault(&seen, m.path, "is damaged at byte 140");
	gone(&m);
}

/* ---- Several files, filters, pipes ---- */

Test(capture_file, a_faulty_file_among_several)
{
	struct made one = {0}, bad = {0}, two = {0};

	classic_head(&one, 0xa1b2c3d4, 65535, 1);
	classic_frame(&one, 1, 0, 60, 60, 1);
	buf_add(&bad.bytes, BYTES("no capture at all"));
	section(&two);
	interface(&two, 276, 0, 0, 0);
	packet(&two, 0, 2000000, 60, 60, 2);
	const char *paths[] = {saved(&one), saved(&bad), saved(&two)};
	struct seen seen = read_files(paths, 3, NULL, NULL);
	cr_expect_eq(seen.count, 2);
	expect_frame(&seen, 0, 1000000000, 60, 60, 1, 1);
	expect_frame(&seen, 1, 2000000000, 60, 60, 276, 2);
	cr_expect_eq(seen.reports, 1);
	cr_expect(strstr(seen.report.text, bad.path) != NULL, "%s", seen.report.text);
	expect_fault(&seen, "1 of 3 files", "not be read");

	const char *good[] = {paths[0], paths[2], paths[0]};
	seen = read_files(good, 3, NULL, NULL);
	cr_expect_eq(seen.end, NEXT_END);
	cr_expect_eq(seen.count, 3);
	cr_expect_eq(seen.reports, 0);

	nsec first = 0, last = 0;
	cr_expect(file_span(good, 3, &first, &last));
	cr_expect_eq(first, 1000000000);
	cr_expect_eq(last, 2000000000);
	gone(&one);
	gone(&bad);
	gone(&two);
}

Test(capture_file, filters)
{
	struct made m = {0};
	const char *path;

	classic_head(&m, 0xa1b2c3d4, 65535, 1);
	classic_frame(&m, 1, 0, 60, 60, 1);
	classic_frame(&m, 2, 0, 100, 100, 2);
	path = saved(&m);
	struct seen seen = read_files(&path, 1, "greater 80", NULL);
	cr_expect_eq(seen.end, NEXT_END, "%s", seen.fault.text);
	cr_expect_eq(seen.count, 1);
	cr_expect_eq(seen.fill[0], 2);
	seen = read_files(&path, 1, "tcp prot 80", NULL);
	expect_fault(&seen, "tcp prot 80", "pcap-filter(7)");
	gone(&m);

	/* Good for Ethernet, without meaning here. */
	classic_head(&m, 0xa1b2c3d4, 65535, 101);
	classic_frame(&m, 1, 0, 60, 60, 1);
	path = saved(&m);
	seen = read_files(&path, 1, "ether host 02:00:00:00:00:01", NULL);
	expect_fault(&seen, path, "has no meaning for link type 101");
	gone(&m);
}

/* A pipe that has nothing at the moment does not hold the caller up, wherever it stops. */
Test(capture_file, standard_input_in_pieces)
{
	struct made m = {0};
	struct file_conf conf = {0};
	const char *path = "-";
	struct fault fault = {0};
	struct frame frame;
	struct tap tap;
	int ends[2];

	classic_head(&m, 0xa1b2c3d4, 65535, 1);
	classic_frame(&m, 1, 0, 60, 60, 1);
	classic_frame(&m, 2, 0, 60, 60, 2);
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	cr_assert(file_open(&tap, &path, 1, &conf, &fault), "%s", fault.text);
	cr_expect_eq(tap.source->next(tap.self, &frame, &fault), NEXT_IDLE);
	cr_assert_eq(write(ends[1], m.bytes.at, 10), 10);
	cr_expect_eq(tap.source->next(tap.self, &frame, &fault), NEXT_IDLE);
	cr_assert_eq(write(ends[1], m.bytes.at + 10, 24 + 40 - 10), 24 + 40 - 10);
	cr_expect_eq(tap.source->next(tap.self, &frame, &fault), NEXT_IDLE);
	cr_assert_eq(write(ends[1], m.bytes.at + 64, m.bytes.len - 64), (ssize_t)m.bytes.len - 64);
	close(ends[1]);
	for (unsigned i = 1; i <= 2; i++) {
		cr_expect_eq(tap.source->next(tap.self, &frame, &fault), NEXT_FRAME);
		cr_expect_eq(frame.when, i * INT64_C(1000000000));
		cr_expect_eq(frame.bytes.at[59], i);
	}
	cr_expect_eq(tap.source->next(tap.self, &frame, &fault), NEXT_END);
	tap.source->close(tap.self);
	buf_fini(&m.bytes);
}
