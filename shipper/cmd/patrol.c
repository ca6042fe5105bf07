#include "shipper/cmd/patrol.h"

#include "shipper/base/log.h"
#include "shipper/base/must.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SERVED_MAX = PROTOS_MAX * PORTS_MAX };

/* ---- What the kernel lets through ---- */

struct served {
	uint16_t tcp[SERVED_MAX], udp[SERVED_MAX], tunnel[3 * PORTS_MAX];
	struct device_conf conf;
};

static void ports_add(struct filter_ports *to, uint16_t *at, const struct ports *ports)
{
	to->at = at;
	for (size_t i = 0; i < ports->count; i++)
		at[to->count++] = ports->at[i];
}

static struct served *served_by(const struct settings *settings, const char *filter_text)
{
	struct served *served = must_alloc(sizeof(*served));
	struct device_conf *conf = &served->conf;
	struct filter_conf *filter = &conf->ports;

	conf->filter = filter_text != NULL ? filter_text : settings->capture.filter;
	conf->buffer_bytes = settings->capture.buffer_bytes;
	conf->snap_bytes = settings->capture.snap_bytes;
	conf->promiscuous = settings->capture.promiscuous;
	filter->vlan_aware = settings->capture.vlan_aware;
	filter->tunnel_aware = settings->capture.tunnel_aware && settings->decode.tunnels;
	for (size_t i = 0; protos[i] != NULL; i++) {
		const struct proto_conf *proto = settings->proto_conf[i];

		if (!proto->enabled)
			continue;
		if (protos[i]->transports & PROTO_TCP) {
			ports_add(&filter->tcp, served->tcp, &proto->ports);
			filter->tcp.all |= proto->detect;
		}
		if (protos[i]->transports & PROTO_UDP) {
			ports_add(&filter->udp, served->udp, &proto->ports);
			filter->udp.all |= proto->detect;
		}
	}
	ports_add(&filter->tunnel_ports, served->tunnel, &settings->decode.vxlan_ports);
	ports_add(&filter->tunnel_ports, served->tunnel, &settings->decode.geneve_ports);
	ports_add(&filter->tunnel_ports, served->tunnel, &settings->decode.gtpu_ports);
	return served;
}

/* ---- What was said of a device ---- */

static size_t faulty_find(const struct patrol *p, const char *name)
{
	size_t i = 0;

	while (i < p->faulty_count && strcmp(p->faulty[i], name) != 0)
		i++;
	return i;
}

static void faulty_forget(struct patrol *p, const char *name)
{
	size_t i = faulty_find(p, name);

	if (i < p->faulty_count)
		memmove(p->faulty[i], p->faulty[--p->faulty_count], IF_NAMESIZE);
}

static void complain(struct patrol *p, const char *name, const char *text)
{
	if (faulty_find(p, name) < p->faulty_count)
		return;
	if (p->faulty_count < LOOKOUT_MAX)
		snprintf(p->faulty[p->faulty_count++], IF_NAMESIZE, "%s", name);
	log_warning("%s", text);
}

/* ---- Opening ---- */

static bool names_take(struct patrol *p, const struct texts *names, struct fault *fault)
{
	p->names.at = must_alloc((names->count + 1) * sizeof(p->names.at[0]));
	for (size_t i = 0; i < names->count; i++) {
		char *name = lookout_is_plain(names->at[i]) ? device_resolve(names->at[i], fault)
							    : must_strdup(names->at[i]);

		if (name == NULL)
			return false;
		p->names.at[p->names.count++] = name;
	}
	return true;
}

static bool sighted(const struct sighting *seen, const char *name)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->name[i], name) == 0)
			return true;
	return false;
}

/* Names of devices that are not there. */
static void miss(struct patrol *p, const struct sighting *seen)
{
	struct fault said;

	for (size_t i = 0; i < p->names.count; i++) {
		const char *name = p->names.at[i];

		if (!lookout_is_plain(name) || sighted(seen, name) ||
		    !lookout_wants(&p->names, name))
			continue;
		fault_set(&said, "device %.64s is not there, or down: it is watched once it is up",
			  name);
		complain(p, name, said.text);
	}
}

/* A name that is not there is a mistake where it is all there is to watch; a pattern waits. */
static bool nothing_there(struct patrol *p, struct fault *fault)
{
	struct tap taps[TEAM_MAX];

	for (size_t i = 0; i < p->names.count; i++)
		if (lookout_is_plain(p->names.at[i]) &&
		    !device_open(taps, p->names.at[i], &p->served->conf, fault))
			return false;
	if (!p->quiet)
		log_info("no device is there yet that is to be watched");
	return true;
}

static bool open_all(struct patrol *p, const struct sighting *seen, struct fault *fault)
{
	if (seen->count == 0)
		return nothing_there(p, fault);
	p->opened = must_alloc(seen->count * sizeof(p->opened[0]));
	for (size_t i = 0; i < seen->count; i++) {
		struct watched *w = &p->opened[p->opened_count];

		memcpy(w->name, seen->name[i], IF_NAMESIZE);
		if (!device_open(w->taps, w->name, &p->served->conf, fault))
			return false;
		p->opened_count++;
	}
	miss(p, seen);
	return true;
}

/* What is only recognized when it is read can no longer be kept together. */
static void warn_of_detection(const struct settings *settings)
{
	for (size_t i = 0; protos[i] != NULL; i++) {
		const struct proto_conf *proto = settings->proto_conf[i];

		if (protos[i]->world_size > 0 && proto->enabled && proto->detect)
			log_warning(
				"protocols.%s.detect: what belongs together is kept together on "
				"protocols.%s.ports alone, where there are several workers",
				protos[i]->name, protos[i]->name);
	}
}

bool patrol_open(struct patrol *p, const struct settings *settings, const struct texts *names,
		 const char *filter, bool quiet, struct fault *fault)
{
	unsigned workers = team_size(settings);
	struct sighting *seen;
	uint32_t seed = 0;
	bool well;

	*p = (struct patrol){.settings = settings, .quiet = quiet, .lookout.netlink = -1};
	if (workers > 1) {
		must(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
		warn_of_detection(settings);
	}
	team_share(&p->share, settings, workers, seed);
	p->filter = filter;
	p->served = served_by(settings, filter);
	p->served->conf.share = &p->share;
	seen = must_alloc(sizeof(*seen));
	well = names_take(p, names, fault) && lookout_open(&p->lookout, &p->names, fault);
	if (well) {
		lookout_look(&p->lookout, seen);
		well = open_all(p, seen, fault);
	}
	free(seen);
	if (!well)
		patrol_close(p);
	return well;
}

void patrol_close(struct patrol *p)
{
	for (size_t i = 0; i < p->opened_count; i++)
		taps_close(p->opened[i].taps, p->share.count);
	free(p->opened);
	lookout_close(&p->lookout);
	for (size_t i = 0; i < p->names.count; i++)
		free(p->names.at[i]);
	free(p->names.at);
	free(p->served);
	*p = (struct patrol){.lookout.netlink = -1};
}

/* ---- Giving to the crew ---- */

static void give(struct patrol *p, struct crew *crew, const struct tap *taps, const char *name)
{
	struct fault fault;

	if (!crew_add(crew, taps, p->share.count, name, &p->share, &fault)) {
		complain(p, name, fault.text);
		return;
	}
	faulty_forget(p, name);
	if (!p->quiet)
		log_info("watching %s", name);
}

void patrol_begin(struct patrol *p, struct crew *crew)
{
	for (size_t i = 0; i < p->opened_count; i++)
		give(p, crew, p->opened[i].taps, p->opened[i].name);
	p->opened_count = 0;
}

/* Tunnels are as they were at the start, and these settings may go before the devices do. */
static void divide_anew(struct patrol *p, struct crew *crew, const struct settings *settings)
{
	struct share before = p->share;

	warn_of_detection(settings);
	team_share(&p->share, settings, before.count, before.seed);
	p->share.vxlan = before.vxlan;
	p->share.geneve = before.geneve;
	p->share.gtpu = before.gtpu;
	crew_change_shares(crew, &p->share);
}

void patrol_change(struct patrol *p, struct crew *crew, const struct settings *settings)
{
	free(p->served);
	p->served = served_by(settings, p->filter);
	p->served->conf.share = &p->share;
	if (p->share.count > 1)
		divide_anew(p, crew, settings);
	crew_change_sources(crew, &p->served->conf);
}

int patrol_descriptor(const struct patrol *p)
{
	return p->lookout.netlink;
}

void patrol_look(struct patrol *p, struct crew *crew)
{
	struct sighting *seen = must_alloc(sizeof(*seen));
	struct tap taps[TEAM_MAX];
	struct fault fault;

	lookout_drain(&p->lookout);
	if (__atomic_load_n(&crew->stop, __ATOMIC_RELAXED) == 0)
		lookout_look(&p->lookout, seen);
	p->again = false;
	for (size_t i = 0; i < seen->count; i++) {
		if (crew_has(crew, seen->name[i]))
			continue;
		if (device_open(taps, seen->name[i], &p->served->conf, &fault)) {
			give(p, crew, taps, seen->name[i]);
		} else {
			p->again = true;
			complain(p, seen->name[i], fault.text);
		}
	}
	free(seen);
}

void patrol_tick(struct patrol *p, struct crew *crew)
{
	if (p->again || p->lookout.netlink < 0)
		patrol_look(p, crew);
}

void patrol_ended(struct patrol *p, struct crew *crew, const struct member *member)
{
	log_debug("worker %u of %s has read %" PRIu64 " packets", member->place, member->name,
		  member->frames);
	/* Those who share the device say the same. */
	if (member->well || crew_has(crew, member->name))
		return;
	log_warning("%s; it is watched again once it is back", member->fault.text);
	p->again = true;
}
