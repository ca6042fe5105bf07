#include "shipper/cmd/reload.h"

#include "shipper/base/must.h"
#include "shipper/conf/change.h"

#include <stdlib.h>

enum {
	NAMES_MAX = 400, /* bytes of a line for names of options */
	/* How long the main thread waits for workers to change, which takes them a tenth of a
	 * second where nothing comes; and how often it looks. */
	CHANGE_MS = 500,
	LOOK_MS = 2,
};

void reload_open(struct reload *r, struct settings *start)
{
	r->start = r->now = start;
}

static void let_go(struct reload *r)
{
	if (r->before != NULL && r->before != r->start) {
		settings_free(r->before);
		free(r->before);
	}
	r->before = NULL;
}

void reload_close(struct reload *r)
{
	let_go(r);
	r->before = r->now;
	let_go(r);
}

/* What conversations and workers refer to, and what the host knows, outlive a change. */
static void inherit(const struct reload *r, struct settings *next)
{
	next->engine.home = r->start->engine.home;
	for (size_t i = 0; protos[i] != NULL; i++)
		if (protos[i]->inherit != NULL)
			protos[i]->inherit(next->proto_conf[i], r->start->proto_conf[i]);
}

static void tell(const struct changes *changes)
{
	char names[NAMES_MAX];

	if (changes->kept.count > 0) {
		changes_text(&changes->kept, names, sizeof(names));
		log_warning("configuration: takes a restart: %s", names);
	}
	changes_text(&changes->taken, names, sizeof(names));
	if (changes->taken.count > 0)
		log_info("configuration: changed: %s", names);
	else
		log_info("configuration: nothing that can be changed now is different");
}

static void wait_for_workers(struct crew *crew)
{
	struct timespec pause = {.tv_nsec = (int64_t)LOOK_MS * NS_PER_MS};
	struct mono begun = mono_now();

	while (crew_changing(crew) && mono_now().ns - begun.ns < (nsec)CHANGE_MS * NS_PER_MS)
		nanosleep(&pause, NULL);
}

static void go_on_with(struct reload *r, struct crew *crew, struct settings *next, bool ports)
{
	r->before = r->now;
	r->now = next;
	configure_log(next);
	log_limit((unsigned)next->log.limit, next->log.limit_span);
	if (ports && r->ports != NULL)
		r->ports(r->self, crew, next);
	crew_change(crew, next);
	wait_for_workers(crew);
}

/* Takes over `next`. */
static bool take_up(struct reload *r, struct crew *crew, struct settings *next)
{
	struct changes changes;
	struct fault fault;
	bool well = true, taken, ports;

	inherit(r, next);
	changes_find(&changes, r->start, r->now, next, r->output_stays);
	if (changes.output && !publisher_change(crew->publisher, next->output_conf, &fault)) {
		log_error("%s", fault.text);
		well = false;
	}
	taken = well && changes.taken.count > 0;
	ports = changes.ports;
	if (well)
		tell(&changes);
	else
		log_error("configuration: nothing is changed");
	changes_free(&changes);
	if (taken) {
		go_on_with(r, crew, next, ports);
	} else {
		settings_free(next);
		free(next);
	}
	return taken;
}

bool reload_begin(struct reload *r, struct crew *crew)
{
	struct settings *next;

	if (r->before != NULL && crew_changing(crew)) {
		r->asked = true;
		log_warning("configuration: the change before is still under way; it is read "
			    "when that is done");
		return false;
	}
	let_go(r);
	next = must_alloc(sizeof(*next));
	if (configure_read(r->configure, next))
		return take_up(r, crew, next);
	log_error("configuration: nothing is changed");
	free(next);
	return false;
}

bool reload_tick(struct reload *r, struct crew *crew)
{
	if (r->before == NULL || crew_changing(crew))
		return false;
	let_go(r);
	if (!r->asked)
		return false;
	r->asked = false;
	return reload_begin(r, crew);
}
