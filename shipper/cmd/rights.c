#include "shipper/cmd/rights.h"

#include "shipper/base/log.h"
#include "shipper/cmd/places.h"
#include "shipper/host/finder.h"

static bool failed(const struct fault *fault)
{
	log_error("%s", fault->text);
	return false;
}

bool rights_begin(struct rights *r, struct settings *settings)
{
	struct guard_conf conf = settings->guard;
	struct home_conf *home = &settings->home;
	struct fault fault;

	/* An argument, which nobody writes to. */
	if (r->user != NULL)
		conf.user = (char *)(uintptr_t)r->user;
	conf.allow_root = r->allow_root;
	if (!guard_raise(&fault) || !guard_user(&conf, &r->to, &fault))
		return failed(&fault);
	if (!home->processes)
		return true;
	home->finder = finder_open(&conf, &r->to, &fault);
	return home->finder != NULL || failed(&fault);
}

bool rights_drop(const struct rights *r, const struct settings *settings, bool quiet)
{
	struct finder *finder = settings->home.finder;
	struct guard_conf conf = settings->guard;
	struct guard_places places;
	struct fault fault;
	bool well;

	conf.quiet = quiet;
	places_of(settings, r->config, r->pid_file, &places);
	well = guard_drop(&conf, &r->to, &places, &fault) && crash_open(&settings->crash, &fault);
	guard_places_free(&places);
	if (!well)
		return failed(&fault);
	if (finder != NULL && !finder_sees_all(finder) && !quiet)
		log_info("processes of other users are not looked up: that takes CAP_SYS_PTRACE "
			 "and CAP_DAC_READ_SEARCH");
	return true;
}

bool rights_seal(void)
{
	struct fault fault;

	return guard_seal(&fault) || failed(&fault);
}
