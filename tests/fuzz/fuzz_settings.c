/* A configuration of any bytes: a file first, then overrides behind NUL bytes. What is taken prints
 * and reads back the same. */
#include "shipper/base/must.h"
#include "shipper/conf/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { OVERRIDES_MAX = 4 };

static char path[64];
static int file = -1;

static void file_write(const void *data, size_t size)
{
	if (file < 0) {
		file = memfd_create("settings", MFD_CLOEXEC);
		must(file >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		setenv("FUZZ", "[1, 2]", 1);
	}
	must(ftruncate(file, 0) == 0);
	must(pwrite(file, data, size, 0) == (ssize_t)size);
}

static char *printed(const struct settings *settings)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	settings_print(settings, to);
	fclose(to);
	return text;
}

static void read_back(char *first)
{
	struct settings settings;
	struct faults faults = {0};
	char *second;

	file_write(first, strlen(first));
	must(settings_load(&settings, path, NULL, 0, &faults));
	second = printed(&settings);
	must(strcmp(first, second) == 0);
	free(second);
	settings_free(&settings);
	faults_free(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = must_alloc(size + 1), *first;
	const char *overrides[OVERRIDES_MAX];
	struct settings settings;
	struct faults faults = {0};
	size_t count = 0, yaml;

	memcpy(text, data, size);
	yaml = strlen(text);
	for (size_t at = yaml + 1; at < size && count < OVERRIDES_MAX; at += strlen(text + at) + 1)
		overrides[count++] = text + at;
	file_write(text, yaml);
	if (settings_load(&settings, path, overrides, count, &faults)) {
		first = printed(&settings);
		settings_free(&settings);
		read_back(first);
		free(first);
	} else {
		must(faults.count > 0);
	}
	faults_free(&faults);
	free(text);
	return 0;
}
