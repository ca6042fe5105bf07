/* Capture files that are damaged, or none: one clear line, and what came before is kept. */
#include "tests/unit/capture_file_rig.h"

Test(capture_file_bad, cut_anywhere)
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

Test(capture_file_bad, cut_in_a_block_of_no_use)
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

Test(capture_file_bad, not_captures)
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

Test(capture_file_bad, damaged_blocks)
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

Test(capture_file_bad, places_that_are_no_files)
{
	const char *folder = "/tmp", *missing = "/tmp/wirespan-no-such-file.pcap";
	struct seen seen = read_files(&folder, 1, NULL, NULL);

	expect_fault(&seen, "/tmp", "is a folder");
	seen = read_files(&missing, 1, NULL, NULL);
	expect_fault(&seen, missing, "does not exist");
}

Test(capture_file_bad, not_permitted)
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

Test(capture_file_bad, link_type_that_cannot_be_decoded)
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
Test(capture_file_bad, a_packet_of_an_interface_that_is_not_there)
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
