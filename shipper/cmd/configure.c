#include "shipper/cmd/configure.h"
#include "shipper/capture/sieve.h"

bool configure_flag(struct configure *configure, int id, const char *value)
{
	if (id == 'c') {
		configure->path = value;
		return true;
	}
	if (configure->overrides_count == OVERRIDES_MAX) {
		log_error("more than %d settings with -E; put them in a file", OVERRIDES_MAX);
		return false;
	}
	configure->overrides[configure->overrides_count++] = value;
	return true;
}

static void report(const struct fault *fault, const char *path)
{
	if (fault->line > 0 && path != NULL)
		log_error("%s:%d:%d: %s", path, fault->line, fault->column, fault->text);
	else
		log_error("%s", fault->text);
}

bool configure_load(const struct configure *configure, struct settings *settings)
{
	struct faults faults = {0};
	bool well = settings_load(settings, configure->path, configure->overrides,
				  configure->overrides_count, &faults);

	for (size_t i = 0; !configure->quiet && i < faults.remarks.count; i++)
		log_info("%s", faults.remarks.at[i]);
	for (size_t i = 0; i < faults.count && i < FAULTS_MAX; i++)
		report(&faults.at[i], configure->path);
	if (faults.count > FAULTS_MAX)
		log_error("and %zu more faults", faults.count - FAULTS_MAX);
	faults_free(&faults);
	if (well)
		log_setup((enum log_level)settings->log.level,
			  (enum log_format)settings->log.format);
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
