#include "shipper/conf/sections.h"

#include "shipper/base/must.h"
#include "shipper/conf/nearest.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURE(member) offsetof(struct capture_conf, member)
static const struct option capture_options[] = {
	{"devices", OPTION_TEXTS, CAPTURE(devices), "[any]", 0, 0, NULL, NULL,
	 "The devices to watch: names, patterns such as veth*, and behind a ! what they shall not "
	 "match. They may come and go. any is all of them, by one ring; beside a ! each has a "
	 "ring of its own. `wirespan devices` lists them."},
	{"filter", OPTION_TEXT, CAPTURE(filter), "", 0, 0, NULL, NULL,
	 "A BPF expression (pcap-filter(7)) for what is watched; without one it is made from the "
	 "protocols' ports."},
	{"vlan_aware", OPTION_BOOL, CAPTURE(vlan_aware), "true", 0, 0, NULL, NULL,
	 "The filter that is made from the ports also finds packets with VLAN tags."},
	{"tunnel_aware", OPTION_BOOL, CAPTURE(tunnel_aware), "false", 0, 0, NULL, NULL,
	 "The filter that is made from the ports also lets tunnels through, to be looked into."},
	{"buffer_bytes", OPTION_SIZE, CAPTURE(buffer_bytes), "32MiB", 64 << 10, 1LL << 40, NULL,
	 NULL,
	 "The kernel's buffer for each device: what may wait while the program is busy. "
	 "Workers divide it."},
	{"snap_bytes", OPTION_SIZE, CAPTURE(snap_bytes), "256KiB", 64, 1 << 20, NULL, NULL,
	 "How much of a frame is captured; what is longer is cut."},
	{"promiscuous", OPTION_BOOL, CAPTURE(promiscuous), "true", 0, 0, NULL, NULL,
	 "Watch also what is not addressed to this host."},
	{0},
};

#define AGENT(member) offsetof(struct agent_conf, member)
static const struct option agent_options[] = {
	{"name", OPTION_TEXT, AGENT(name), "", 0, 0, NULL, NULL,
	 "What documents say in agent.name and host.name; without one it is the host's name."},
	{"tags", OPTION_TEXTS, AGENT(tags), "[]", 0, 0, NULL, NULL,
	 "Words that every document carries in its tags."},
	{"fields", OPTION_PAIRS, AGENT(fields), "{}", 0, 0, NULL, NULL,
	 "Names with values that every document carries in its fields."},
	{"labels", OPTION_PAIRS, AGENT(labels), "{}", 0, 0, NULL, NULL,
	 "Names with values that every document carries in its labels, as ECS has them."},
	{0},
};

static const char *const workers_auto[] = {"auto", NULL};

static const struct option worker_options[] = {
	{"workers", OPTION_INT, offsetof(struct settings, workers), "1", 1, TEAM_MAX, workers_auto,
	 NULL,
	 "How many threads watch each device, live; auto is one for each processor that the "
	 "program may use. They divide the conversations among them; datagrams, and so SIP's "
	 "calls, stay with the first."},
	{"pin_workers", OPTION_BOOL, offsetof(struct settings, pin_workers), "false", 0, 0, NULL,
	 NULL, "Each of these threads stays on a processor of its own."},
	{0},
};

static const struct option memory_options[] = {
	{"max", OPTION_SIZE, offsetof(struct settings, memory_max), "256MiB", 1 << 20, 1LL << 40,
	 NULL, NULL,
	 "What conversations and unfinished messages may hold, divided over the threads; at the "
	 "limit the oldest go, and are counted."},
	{0},
};

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const log_formats[] = {"plain", "logfmt", "json", NULL};

static const struct option log_options[] = {
	{"level", OPTION_CHOICE, offsetof(struct log_conf, level), "info", 0, 0, log_levels, NULL,
	 "The least important messages that are shown, on standard error."},
	{"format", OPTION_CHOICE, offsetof(struct log_conf, format), "plain", 0, 0, log_formats,
	 NULL, "For people, or for programs that read logs."},
	{"limit", OPTION_INT, offsetof(struct log_conf, limit), "40", 0, 1 << 20, NULL, "lines",
	 "How often `run` says the same within limit_span; what is more is counted, and the count "
	 "told then. 0 for no limit."},
	{"limit_span", OPTION_DURATION, offsetof(struct log_conf, limit_span), "30s", NS_PER_S,
	 3600LL * NS_PER_S, NULL, NULL, "See limit."},
	{0},
};

/* A section that is there is in use unless it says otherwise; so the presets are what the
 * reference configuration has to say, and not what sections_open sets. */
#define OUTPUT_ENABLED(preset)                                                                     \
	{                                                                                          \
		"enabled", OPTION_BOOL, 0, preset, 0, 0, NULL, NULL,                               \
			"Whether documents go here: one output is in use. A section without this " \
			"line is."                                                                 \
	}
static const struct option output_options_first[] = {OUTPUT_ENABLED("true"), {0}};
static const struct option output_options[] = {OUTPUT_ENABLED("false"), {0}};
#undef OUTPUT_ENABLED

#define OF(member) offsetof(struct settings, member)
static const struct {
	const char *path, *help;
	const struct option *rows;
	size_t offset; /* in struct settings, of what the rows fill */
} fixed[] = {
	{"", "The shipper itself.", agent_options, OF(agent)},
	{"", NULL, worker_options, 0},
	{"capture", "Where packets come from, live.", capture_options, OF(capture)},
	{"decode", "From frames to packets.", decode_options, OF(decode)},
	{"flow", "Conversations and their byte streams.", flow_options, OF(flow)},
	{"engine", "From byte streams to exchanges.", engine_options, OF(engine)},
	{"host", "What this host knows of its own connections, live.", home_options, OF(home)},
	{"privileges", "What the program may do, live, once its devices are open.", guard_options,
	 OF(guard)},
	{"crash", "What is left of a crash, for a report.", crash_options, OF(crash)},
	{"memory", "How much memory is used.", memory_options, 0},
	{"queue", "From documents to the output.", publish_options, OF(publish)},
	{"logging", "The program's own log.", log_options, OF(log)},
	{"indices", "How `wirespan setup` prepares Elasticsearch or OpenSearch.", setup_options,
	 OF(setup)},
	{"monitor", "What the program tells of itself, live.", monitor_options, OF(monitor)},
};

__attribute__((format(printf, 5, 6))) static struct section *section_add(struct sections *sections,
									 const char *help,
									 const struct option *rows,
									 void *conf,
									 const char *format, ...)
{
	struct section *section = &sections->at[sections->count++];
	va_list args;

	must(sections->count <= SECTIONS_MAX);
	*section = (struct section){.help = help, .rows = rows, .conf = conf};
	va_start(args, format);
	vsnprintf(section->path, sizeof(section->path), format, args);
	va_end(args);
	return section;
}

static void list_protocol(struct sections *sections, const struct proto *proto, void *conf)
{
	section_add(sections, "What all protocols have, then its own.", proto_options, conf,
		    "protocols.%s", proto->name)
		->proto = proto;
	if (proto->options != NULL)
		section_add(sections, NULL, proto->options, conf, "protocols.%s", proto->name)
			->proto = proto;
}

static void list_output(struct sections *sections, size_t which, void *conf)
{
	const struct output *output = outputs[which];

	section_add(sections, which == 0 ? "Where documents go." : NULL,
		    which == 0 ? output_options_first : output_options,
		    &sections->output_enabled[which], "output.%s", output->name);
	if (output->options != NULL)
		section_add(sections, NULL, output->options, conf, "output.%s", output->name);
}

void sections_list(struct sections *sections, struct settings *settings)
{
	sections->count = 0;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		section_add(sections, fixed[i].help, fixed[i].rows,
			    (char *)settings + fixed[i].offset, "%s", fixed[i].path);
	for (size_t i = 0; protos[i] != NULL; i++)
		list_protocol(sections, protos[i], settings->proto_conf[i]);
	for (size_t i = 0; outputs[i] != NULL; i++)
		if (sections->output_conf[i] != NULL)
			list_output(sections, i, sections->output_conf[i]);
}

/* Ports are a protocol's own, not the common table's. */
static void ports_default(const struct proto *proto, struct proto_conf *conf)
{
	for (size_t i = 0; i < 8 && proto->ports[i] != 0; i++)
		conf->ports.at[conf->ports.count++] = proto->ports[i];
}

void sections_open(struct sections *sections, struct settings *settings)
{
	*sections = (struct sections){0};
	*settings = (struct settings){0};
	for (size_t i = 0; protos[i] != NULL; i++) {
		must(i < PROTOS_MAX);
		settings->proto_conf[i] = must_alloc(protos[i]->conf_size);
	}
	for (size_t i = 0; outputs[i] != NULL; i++) {
		must(i < OUTPUTS_MAX);
		sections->output_conf[i] = must_alloc(outputs[i]->conf_size);
	}
	sections_list(sections, settings);
	for (size_t i = 0; i < sections->count; i++)
		option_default(sections->at[i].rows, sections->at[i].conf);
	for (size_t i = 0; protos[i] != NULL; i++)
		ports_default(protos[i], settings->proto_conf[i]);
	for (size_t i = 0; outputs[i] != NULL; i++)
		sections->output_enabled[i] = true;
}

void sections_close(struct sections *sections)
{
	for (size_t i = 0; outputs[i] != NULL; i++)
		if (sections->output_conf[i] != NULL) {
			option_free(outputs[i]->options, sections->output_conf[i]);
			free(sections->output_conf[i]);
			sections->output_conf[i] = NULL;
		}
}

void settings_free(struct settings *settings)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		option_free(fixed[i].rows, (char *)settings + fixed[i].offset);
	for (size_t i = 0; protos[i] != NULL; i++)
		if (settings->proto_conf[i] != NULL) {
			if (protos[i]->unready != NULL)
				protos[i]->unready(settings->proto_conf[i]);
			option_free(proto_options, settings->proto_conf[i]);
			option_free(protos[i]->options, settings->proto_conf[i]);
			free(settings->proto_conf[i]);
		}
	if (settings->output_conf != NULL) {
		option_free(settings->output->options, settings->output_conf);
		free(settings->output_conf);
	}
	free(settings->tail);
	texts_fini(&settings->files);
	*settings = (struct settings){0};
}

/* ---- Names ---- */

static void name_of(const struct section *section, const struct option *row,
		    char to[NAME_MAX_BYTES])
{
	snprintf(to, NAME_MAX_BYTES, "%s%s%.*s", section->path, section->path[0] != '\0' ? "." : "",
		 PATH_MAX_BYTES - 2, row->name);
}

const struct option *sections_find(const struct sections *sections, const char *name,
				   const struct section **section)
{
	char whole[NAME_MAX_BYTES];

	for (size_t i = 0; i < sections->count; i++)
		for (const struct option *row = sections->at[i].rows; row->name != NULL; row++) {
			name_of(&sections->at[i], row, whole);
			if (strcmp(whole, name) == 0) {
				*section = &sections->at[i];
				return row;
			}
		}
	return NULL;
}

static bool lies_below(const char *whole, const char *name)
{
	size_t len = strlen(name);

	return strncmp(whole, name, len) == 0 && (whole[len] == '\0' || whole[len] == '.');
}

bool sections_below(const struct sections *sections, const char *name)
{
	char whole[NAME_MAX_BYTES];

	for (size_t i = 0; i < sections->count; i++) {
		if (lies_below(sections->at[i].path, name))
			return true;
		for (const struct option *row = sections->at[i].rows; row->name != NULL; row++) {
			name_of(&sections->at[i], row, whole);
			if (lies_below(whole, name))
				return true;
		}
	}
	return false;
}

static bool is_secret(const struct option *row)
{
	return row->type == OPTION_SECRET || row->type == OPTION_SECRETS;
}

bool settings_name_secret(const char *name, size_t len)
{
	struct sections *sections = must_alloc(sizeof(*sections));
	struct settings settings;
	char *asked = must_strdup(name), whole[NAME_MAX_BYTES];
	bool secret = false;

	asked[len] = '\0';
	sections_open(sections, &settings);
	for (size_t i = 0; i < sections->count; i++)
		for (const struct option *row = sections->at[i].rows; row->name != NULL; row++) {
			name_of(&sections->at[i], row, whole);
			if (is_secret(row))
				secret |= lies_below(whole, asked) || lies_below(asked, whole);
		}
	settings_free(&settings);
	sections_close(sections);
	free(sections);
	free(asked);
	return secret;
}

bool settings_hold_secret(const struct settings *settings)
{
	const struct option *row = settings->output->options;
	bool holds = false;

	for (; row != NULL && row->name != NULL; row++) {
		const char *member = (const char *)settings->output_conf + row->offset;

		if (row->type == OPTION_SECRET)
			holds |= **(char *const *)(const void *)member != '\0';
		else if (row->type == OPTION_SECRETS)
			holds |= ((const struct texts *)(const void *)member)->count > 0;
	}
	return holds;
}

struct candidates {
	const char *at[SECTIONS_MAX * 64];
	size_t count;
	char names[SECTIONS_MAX * 64][NAME_MAX_BYTES];
};

/* The part of the option's name that follows `path`, up to the next dot. */
static void candidate_add(struct candidates *to, const char *name, const char *path)
{
	size_t len = strlen(path);
	const char *part = len > 0 ? name + len + 1 : name;
	char *copy = to->names[to->count];

	if (len > 0 && (strncmp(name, path, len) != 0 || name[len] != '.'))
		return;
	if (to->count == sizeof(to->at) / sizeof(to->at[0]))
		return;
	snprintf(copy, NAME_MAX_BYTES, "%.*s", (int)strcspn(part, "."), part);
	to->at[to->count++] = copy;
}

/* A last resort: the key as it is, but in another place. */
static bool elsewhere(const struct sections *sections, const char *key, char to[NAME_MAX_BYTES])
{
	for (size_t i = 0; i < sections->count; i++)
		for (const struct option *row = sections->at[i].rows; row->name != NULL; row++)
			if (strcmp(row->name, key) == 0) {
				name_of(&sections->at[i], row, to);
				return true;
			}
	return false;
}

const char *sections_nearest(const struct sections *sections, const char *path, const char *key,
			     char to[NAME_MAX_BYTES])
{
	struct candidates *candidates = must_alloc(sizeof(*candidates));
	const char *found;

	for (size_t i = 0; i < sections->count; i++)
		for (const struct option *row = sections->at[i].rows; row->name != NULL; row++) {
			char name[NAME_MAX_BYTES];

			name_of(&sections->at[i], row, name);
			candidate_add(candidates, name, path);
		}
	found = nearest(key, candidates->at, candidates->count);
	if (found != NULL) {
		snprintf(to, NAME_MAX_BYTES, "%s%s%s", path, path[0] != '\0' ? "." : "", found);
		found = to;
	} else if (elsewhere(sections, key, to)) {
		found = to;
	}
	free(candidates);
	return found;
}

void sections_preset(const struct section *section, const struct option *row, FILE *to)
{
	const struct proto *proto = section->proto;
	bool ports = proto != NULL && section->rows == proto_options &&
		     row->offset == offsetof(struct proto_conf, ports);
	bool empty = row->preset[0] == '\0';

	if (ports) {
		fputc('[', to);
		for (size_t i = 0; i < 8 && proto->ports[i] != 0; i++)
			fprintf(to, "%s%u", i > 0 ? ", " : "", proto->ports[i]);
		fputc(']', to);
	} else if (empty && option_is_list(row)) {
		fputs(option_is_map(row) ? "{}" : "[]", to);
	} else if (empty) {
		fputs("\"\"", to);
	} else {
		fputs(row->preset, to);
	}
}
