#include "shipper/cmd/configure.h"
#include "shipper/base/must.h"
#include "shipper/capture/sieve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

bool configure_flag(struct configure *configure, int id, const char *value)
{
	if (id == 'c') {
		configure->path = value;
		return true;
	}
	if (id == 'w') {
		snprintf(configure->workers, sizeof(configure->workers), "workers=%s", value);
		value = configure->workers;
	}
	if (configure->overrides_count == OVERRIDES_MAX) {
		log_error("more than %d settings with -E; put them in a file", OVERRIDES_MAX);
		return false;
	}
	configure->overrides[configure->overrides_count++] = value;
	return true;
}

void configure_keep(struct configure *configure)
{
	for (size_t i = 0; i < configure->overrides_count; i++)
		configure->kept[i] = must_strdup(configure->overrides[i]);
}

void configure_fini(struct configure *configure)
{
	for (size_t i = 0; i < configure->overrides_count; i++) {
		if (configure->kept[i] != NULL)
			explicit_bzero(configure->kept[i], strlen(configure->kept[i]));
		free(configure->kept[i]);
		configure->kept[i] = NULL;
	}
}

static void report(const struct fault *fault, const char *path)
{
	if (fault->line > 0 && path != NULL)
		log_error("%s:%d:%d: %s", path, fault->line, fault->column, fault->text);
	else
		log_error("%s", fault->text);
}

/* What was given by -E stands in the arguments, which everybody can read (ps). */
static void wipe_arguments(const struct configure *configure)
{
	for (size_t i = 0; i < configure->overrides_count; i++) {
		const char *text = configure->overrides[i];
		size_t len = strcspn(text, "=");

		/* The argument is the program's own, and writable. */
		if (text[len] == '=' && settings_name_secret(text, len))
			memset((char *)(uintptr_t)text + len + 1, 'x', strlen(text + len + 1));
	}
}

/* No core dump shall hold a password; whoever needs one can raise the limit again. */
static void spare_core(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &limit);
	}
}

bool configure_read(const struct configure *configure, struct settings *settings)
{
	bool kept = configure->overrides_count > 0 && configure->kept[0] != NULL;
	struct faults faults = {0};
	bool well =
		settings_load(settings, configure->path,
			      kept ? (const char *const *)configure->kept : configure->overrides,
			      configure->overrides_count, &faults);

	for (size_t i = 0; !configure->quiet && i < faults.remarks.count; i++)
		log_info("%s", faults.remarks.at[i]);
	for (size_t i = 0; i < faults.count && i < FAULTS_MAX; i++)
		report(&faults.at[i], configure->path);
	if (faults.count > FAULTS_MAX)
		log_error("and %zu more faults", faults.count - FAULTS_MAX);
	faults_free(&faults);
	wipe_arguments(configure);
	if (well && settings_hold_secret(settings))
		spare_core();
	return well;
}

void configure_log(const struct settings *settings)
{
	log_setup((enum log_level)settings->log.level, (enum log_format)settings->log.format);
}

bool configure_load(const struct configure *configure, struct settings *settings)
{
	bool well = configure_read(configure, settings);

	if (well)
		configure_log(settings);
	return well;
}

bool configure_filter(const char *filter)
{
	struct sieve sieve;
	struct fault fault;

	if (filter == NULL)
		return true;
	if (sieve_open(&sieve, filter, &fault)) {
		sieve_close(&sieve);
		return true;
	}
	log_error("%s", fault.text);
	return false;
}
