/*
 * Any bytes as a capture file, in any of its formats, with and without a filter: no crash, an end,
 * and frames whose bytes are there.
 *
 * The first byte says how the file comes: bit 0 through a filter, bit 1 in pieces through a pipe.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/capture/file.h"
#include "shipper/decode/glance.h"

enum { AHEAD_READ = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool some_links(int link)
{
	return link < 200;
}

/* So that reading the bytes is not optimized away. */
static volatile uint64_t read_bytes;

static void read_all(struct tap *tap)
{
	struct fault fault = {0};
	struct frame frame = {.ahead = NO_BYTES};
	struct glance g;
	uint64_t sum = 0;
	nsec last = 0;
	enum next got;

	while ((got = tap->source->next(tap->self, &frame, &fault)) <= NEXT_IDLE) {
		if (got == NEXT_IDLE)
			continue;
		must(frame.wire_bytes >= frame.bytes.len);
		must(frame.when >= 0);
		sum += (uint64_t)(frame.when > last ? frame.when - last : last - frame.when);
		last = frame.when;
		for (size_t i = 0; i < frame.bytes.len; i++)
			sum += frame.bytes.at[i];
		if (glance(frame.link, frame.ahead, &g))
			sum += g.src + g.dst + g.src_port + g.dst_port;
		for (size_t i = 0; i < frame.ahead.len && i < AHEAD_READ; i++)
			sum += frame.ahead.at[i];
		frame.ahead = NO_BYTES;
	}
	must(got == NEXT_END || fault.text[0] != '\0');
	read_bytes = sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const path = "-";
	static int memory = -1;
	struct file_conf conf = {.knows_link = some_links};
	struct tap tap;
	int ends[2];

	if (size == 0)
		return 0;
	conf.filter = (data[0] & 1) != 0 ? "greater 10" : NULL;
	if ((data[0] & 2) != 0 && size <= 60000) {
		must(pipe(ends) == 0);
		must(write(ends[1], data + 1, size - 1) == (ssize_t)(size - 1));
		close(ends[1]);
		must(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
		close(ends[0]);
	} else {
		if (memory < 0)
			memory = memfd_create("capture", MFD_CLOEXEC);
		must(memory >= 0 && ftruncate(memory, 0) == 0);
		must(pwrite(memory, data + 1, size - 1, 0) == (ssize_t)(size - 1));
		must(lseek(memory, 0, SEEK_SET) == 0);
		must(dup2(memory, STDIN_FILENO) == STDIN_FILENO);
	}
	if (file_open(&tap, &path, 1, &conf, NULL)) {
		read_all(&tap);
		tap.source->close(tap.self);
	}
	return 0;
}
