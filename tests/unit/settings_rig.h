/*
 * Settings read from a text into one place, and what may be said of them.
 */
#ifndef WIRESPAN_TESTS_SETTINGS_RIG_H
#define WIRESPAN_TESTS_SETTINGS_RIG_H

#include "outputs/file/file.h"
#include "shipper/base/must.h"
#include "shipper/conf/settings.h"
#include "shipper/conf/tree.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

static struct settings settings;
static struct faults faults;
static char path[] = "/tmp/wirespan-settings-XXXXXX";

static inline void begin(void)
{
	int fd = mkstemp(path);

	must(fd >= 0);
	close(fd);
}

static inline void end(void)
{
	unlink(path);
	faults_free(&faults);
}

static inline bool load_bytes(const void *yaml, size_t len)
{
	FILE *file = fopen(path, "w");

	must(file != NULL);
	must(fwrite(yaml, 1, len, file) == len);
	fclose(file);
	return settings_load(&settings, path, NULL, 0, &faults);
}

static inline bool load(const char *yaml)
{
	return load_bytes(yaml, strlen(yaml));
}

static inline void takes(const char *yaml)
{
	cr_assert(load(yaml), "%d:%d: %s", faults.at[0].line, faults.at[0].column,
		  faults.at[0].text);
}

/* Exactly one fault, as "line:column: text". */
static inline void refuses(const char *yaml, const char *expected)
{
	char got[600];

	faults_free(&faults);
	cr_assert_not(load(yaml), "taken: %s", yaml);
	snprintf(got, sizeof(got), "%d:%d: %s", faults.at[0].line, faults.at[0].column,
		 faults.at[0].text);
	cr_assert_str_eq(got, expected);
	cr_assert_eq(faults.count, 1, "second fault: %s", faults.at[1].text);
}

static inline const struct proto_conf *http(void)
{
	for (size_t i = 0; protos[i] != NULL; i++)
		if (strcmp(protos[i]->name, "http") == 0)
			return settings.proto_conf[i];
	return NULL;
}

/* Without those on protocols beside HTTP that a listing of protocols leaves out: there will be
 * more. */
static inline void drop_others(void)
{
	size_t n = 0;

	for (size_t i = 0; i < faults.remarks.count; i++) {
		char *remark = faults.remarks.at[i];

		if (strstr(remark, "switched off") && strncmp(remark, "http ", 5) != 0)
			free(remark);
		else
			faults.remarks.at[n++] = remark;
	}
	faults.remarks.count = n;
}

static inline void remarks_are(const char *first, ...)
{
	va_list args;
	size_t n = 0;

	drop_others();
	va_start(args, first);
	for (const char *text = first; text != NULL; text = va_arg(args, const char *), n++) {
		char whole[600];

		cr_assert_lt(n, faults.remarks.count, "lacks: %s", text);
		snprintf(whole, sizeof(whole), "%s:%s", path, text);
		cr_assert_str_eq(faults.remarks.at[n],
				 text[0] >= '0' && text[0] <= '9' ? whole : text);
	}
	va_end(args);
	cr_assert_eq(faults.remarks.count, n, "one more: %s", faults.remarks.at[n]);
}

static inline char *printed(void)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	settings_print(&settings, to);
	fclose(to);
	return text;
}

#endif
