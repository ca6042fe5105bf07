/* Capture files: the formats, bad ones, several in one run. */
#include "tests/unit/capture_file_rig.h"

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

/* What lies behind a frame is told with it, as far as it was read. */
Test(capture_file, the_next_frame_is_foretold)
{
	struct made classic = {0}, ng = {0};

	classic_head(&classic, 0xa1b2c3d4, 96, 1);
	section(&ng);
	interface(&ng, 1, 262144, 0, 0);
	for (uint8_t i = 1; i <= 5; i++) {
		classic_frame(&classic, i, 0, 60U + i, 1500, i);
		packet(&ng, 0, i, 60U + i, 1500, i);
	}
	struct seen seen = read_one(&classic);
	cr_expect_eq(seen.count, 5);
	cr_expect_eq(seen.foretold, 4);
	seen = read_one(&ng);
	cr_expect_eq(seen.count, 5);
	cr_expect_eq(seen.foretold, 4);
	gone(&classic);
	gone(&ng);
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
