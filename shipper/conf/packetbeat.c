#include "shipper/conf/packetbeat.h"

#include "shipper/base/must.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum change {
	SAME,
	MEBIBYTES, /* a number of MiB becomes a size */
	LEVEL,	   /* critical becomes error */
	JSON,	   /* true becomes json, false plain */
	DEVICE,	   /* a name or a number, not a route */
};

static const struct {
	const char *from, *to;
	enum change change;
} moves[] = {
	{"packetbeat.interfaces.device", "capture.devices", DEVICE},
	{"packetbeat.interfaces.snaplen", "capture.snap_bytes", SAME},
	{"packetbeat.interfaces.buffer_size_mb", "capture.buffer_bytes", MEBIBYTES},
	{"packetbeat.interfaces.bpf_filter", "capture.filter", SAME},
	{"packetbeat.interfaces.with_vlans", "capture.vlan_aware", SAME},
	{"packetbeat.interfaces.auto_promisc_mode", "capture.promiscuous", SAME},
	{"output.console.codec.json.pretty", "output.console.pretty", SAME},
	{"output.elasticsearch.worker", "output.elasticsearch.workers", SAME},
	{"output.elasticsearch.flush_interval", "queue.flush_interval", SAME},
	{"packetbeat.shutdown_timeout", "queue.shutdown_timeout", SAME},
	{"queue.disk.path", "queue.path", SAME},
	{"queue.disk.max_size", "queue.max_size", SAME},
	{"logging.json", "logging.format", JSON},
	{"logging.level", "logging.level", LEVEL},
};

/* What is taken out, by the longest name that fits; packetbeat itself comes last, after the moves.
 */
static const struct {
	const char *name, *why;
} passed[] = {
	{"packetbeat.interfaces.type", "devices are read through the kernel's ring in any case"},
	{"packetbeat.interfaces.file", "files are read by `wirespan replay`"},
	{"packetbeat.interfaces", "it has no meaning here"},
	{"packetbeat.flows", "documents of type flow are not made yet"},
	{"packetbeat.procs", "processes are not looked up yet"},
	{"packetbeat.icmp", "icmp is not read yet"},
	{"packetbeat", "it has no meaning here"},
	{"output.console.codec", "documents are JSON"},
	{"output.console.bulk_max_size", "batches are set under queue"},
	{"output.elasticsearch.allow_older_versions", "all versions are served"},
	{"output.elasticsearch.escape_html", "documents are JSON as it is"},
	{"output.elasticsearch.idle_connection_timeout", "connections are kept for a minute"},
	{"output.elasticsearch.max_retries", "documents are sent until they are taken or refused"},
	{"output.elasticsearch.non_indexable_policy",
	 "documents that are refused go to the dead letter file"},
	{"output.elasticsearch.preset", "sizes are set one by one"},
	{"output.elasticsearch.ssl.enabled", "hosts and protocol say whether it is https"},
	{"output.file.codec", "documents are JSON, one a line"},
	{"output.file.rotate_on_startup", "a file is appended to"},
	{"logging.to_stderr", "the log goes to standard error"},
	{"logging.to_files", "the log goes to standard error"},
	{"logging.to_syslog", "the log goes to standard error"},
	{"logging.to_eventlog", "the log goes to standard error"},
	{"logging.files", "the log goes to standard error"},
	{"logging.event_data", "the log goes to standard error"},
	{"logging.metrics", "a summary is logged when something changed"},
	{"logging.selectors", "the log has no selectors"},
	{"queue.mem", "what waits for the output is set under queue"},
	{"queue.disk", "what waits for the output is set under queue"},
	{"setup", "see `indices` and wirespan setup"},
	{"processors", "documents are not processed further"},
	{"fields_under_root", "fields stay under fields"},
	{"monitoring", "it has no meaning here"},
	{"instrumentation", "it has no meaning here"},
	{"features", "it has no meaning here"},
	{"timestamp", "times have nine digits"},
	{"http", "there is no endpoint for metrics"},
	{"cloud", "there is no such output"},
	{"path", "paths are given where they are used"},
	{"keystore", "secrets come from variables: ${NAME}"},
	{"max_procs", "there is a thread for each device"},
	{"seccomp", "it has no meaning here"},
	{"xpack", "it has no meaning here"},
};

/* Of Packetbeat's outputs, those that may not be among ours. */
static const char *const other_outputs[] = {"elasticsearch", "logstash", "kafka", "redis",
					    "discard"};

/* What Packetbeat has for every protocol, and we have for none. */
static const char *const other_protocol_options[] = {"processors", "fields", "fields_under_root",
						     "keep_null",  "index",  "cmdline_grep"};

static const char *const other_protocols[] = {
	"icmp",	 "dhcpv4", "dns",     "amqp", "cassandra", "mysql", "pgsql",
	"redis", "thrift", "mongodb", "nfs",  "memcache",  "tls",   "sip",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* ---- Taking out and moving ---- */

static struct node *parent_of(struct tree *tree, const char *dotted)
{
	const char *dot = strrchr(dotted, '.');
	struct node *parent;
	char *path;

	if (dot == NULL)
		return tree->root;
	path = must_strdup(dotted);
	path[dot - dotted] = '\0';
	parent = node_find(tree->root, path);
	free(path);
	return parent;
}

static struct node *take_out(struct tree *tree, const char *dotted)
{
	struct node *node = node_find(tree->root, dotted);

	if (node != NULL)
		node_remove(parent_of(tree, dotted), node);
	return node;
}

static void pass(struct tree *tree, struct faults *faults, const char *name, const char *why)
{
	struct node *node = take_out(tree, name);

	/* Empty maps are what moving left behind. */
	if (node != NULL && (node->kind != NODE_MAP || node->first != NULL))
		faults_remark(faults, node->line, "%s is passed over: %s", name, why);
}

static bool is_number(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

static void change_device(struct node *node, struct faults *faults)
{
	const char *text = node->kind == NODE_TEXT ? node->text : "";

	if (strncmp(text, "default_route", 13) == 0)
		faults_add(faults, node->line, node->column,
			   "packetbeat.interfaces.device: expected a device's name; the device "
			   "of the default route is not looked up");
}

static void change_value(struct node *node, enum change change, struct faults *faults)
{
	const char *text = node->kind == NODE_TEXT ? node->text : "";
	char fresh[64];

	if (change == DEVICE) {
		change_device(node, faults);
	} else if (change == MEBIBYTES && is_number(text)) {
		snprintf(fresh, sizeof(fresh), "%.20sMiB", text);
		node_set_text(node, fresh);
	} else if (change == LEVEL && strcasecmp(text, "critical") == 0) {
		node_set_text(node, "error");
	} else if (change == JSON) {
		node_set_text(node, strcasecmp(text, "true") == 0 ? "json" : "plain");
	}
}

/* Puts `node` where `to` says, unless something was given there. */
static void put(struct tree *tree, struct node *node, const char *from, const char *to,
		struct faults *faults)
{
	struct node *there = node_make(tree, tree->root, to);

	if (there == NULL || there->given) {
		faults_add(faults, node->line, node->column, "%s: %s is set as well, in line %d",
			   from, to, there != NULL ? there->line : 0);
		return;
	}
	there->given = true;
	there->line = node->line;
	there->column = node->column;
	node_replace(there, node);
}

static void move(struct tree *tree, size_t i, struct faults *faults)
{
	bool stays = strcmp(moves[i].from, moves[i].to) == 0;
	struct node *node =
		stays ? node_find(tree->root, moves[i].from) : take_out(tree, moves[i].from);

	if (node == NULL)
		return;
	change_value(node, moves[i].change, faults);
	if (stays)
		return;
	faults_remark(faults, node->line, "%s is read as %s", moves[i].from, moves[i].to);
	put(tree, node, moves[i].from, moves[i].to, faults);
}

/* ---- Interfaces as a list ---- */

/* One list item for each device; what else is set is taken from the first. */
static void interfaces(struct tree *tree, struct faults *faults)
{
	struct node *list = node_find(tree->root, "packetbeat.interfaces"), *devices;
	struct node *first;

	if (list == NULL || list->kind != NODE_LIST)
		return;
	devices = node_new(tree);
	devices->kind = NODE_LIST;
	for (struct node *item = list->first; item != NULL; item = item->next) {
		struct node *device = node_member(item, "device");

		if (device == NULL)
			continue;
		node_remove(item, device);
		change_device(device, faults);
		node_append(devices, device);
		if (item != list->first && item->first != NULL)
			faults_remark(faults, item->line,
				      "packetbeat.interfaces: only the first one's settings are "
				      "read, for all devices");
	}
	first = list->first;
	if (first == NULL || first->kind != NODE_MAP)
		return;
	list->kind = NODE_MAP;
	list->first = first->first;
	list->last = first->last;
	devices->line = list->line;
	if (devices->first != NULL) {
		faults_remark(faults, list->line,
			      "packetbeat.interfaces.device is read as capture.devices");
		put(tree, devices, "packetbeat.interfaces", "capture.devices", faults);
	}
}

/* ---- Protocols ---- */

static bool is_ours(const char *name)
{
	for (size_t i = 0; protos[i] != NULL; i++)
		if (strcmp(protos[i]->name, name) == 0)
			return true;
	return false;
}

/* `send_headers: false` stands in Packetbeat's reference for an empty list. */
static void change_headers(struct node *protocol)
{
	struct node *node = node_member(protocol, "send_headers");

	if (node != NULL && node->kind == NODE_TEXT && strcmp(node->text, "false") == 0)
		node_remove(protocol, node);
}

/* One protocol's settings, to where ours stand. */
static void protocol(struct tree *tree, struct node *node, const char *name, struct faults *faults)
{
	char to[64];

	if (!is_ours(name)) {
		if (is_one_of(name, other_protocols, COUNT(other_protocols)))
			faults_remark(faults, node->line,
				      "packetbeat.protocols: %s is passed over: it is not read yet",
				      name);
		else
			faults_add(faults, node->line, node->column,
				   "packetbeat.protocols: %.40s is not a protocol", name);
		return;
	}
	for (struct node *member = node->first, *next; member != NULL; member = next) {
		next = member->next;
		if (!is_one_of(member->key, other_protocol_options, COUNT(other_protocol_options)))
			continue;
		faults_remark(faults, member->line,
			      "packetbeat.protocols.%s.%s is passed over: it has no meaning here",
			      name, member->key);
		node_remove(node, member);
	}
	change_headers(node);
	snprintf(to, sizeof(to), "protocols.%s", name);
	faults_remark(faults, node->line, "packetbeat.protocols: %s is read as %s", name, to);
	put(tree, node, "packetbeat.protocols", to, faults);
}

/* Packetbeat reads the protocols that are listed, and no others. */
static void switch_off(struct tree *tree, struct faults *faults)
{
	for (size_t i = 0; protos[i] != NULL; i++) {
		char name[64];
		struct node *node;

		snprintf(name, sizeof(name), "protocols.%s", protos[i]->name);
		if (node_find(tree->root, name) != NULL)
			continue;
		faults_remark(faults, 0, "%s is not among packetbeat.protocols: switched off",
			      protos[i]->name);
		snprintf(name, sizeof(name), "protocols.%s.enabled", protos[i]->name);
		node = node_make(tree, tree->root, name);
		if (node != NULL)
			node_set_text(node, "false");
	}
}

static void protocols(struct tree *tree, struct faults *faults)
{
	struct node *all = take_out(tree, "packetbeat.protocols");

	if (all == NULL)
		return;
	for (struct node *node = all->first, *next; node != NULL; node = next) {
		struct node *type = all->kind == NODE_LIST ? node_member(node, "type") : NULL;

		next = node->next;
		if (all->kind == NODE_MAP) {
			protocol(tree, node, node->key, faults);
		} else if (type == NULL || type->kind != NODE_TEXT) {
			faults_add(faults, node->line, node->column,
				   "packetbeat.protocols: expected `- type: http` and options");
		} else {
			node_remove(node, type);
			protocol(tree, node, type->text, faults);
		}
	}
	switch_off(tree, faults);
}

/* ---- All of it ---- */

static void pass_outputs(struct tree *tree, struct faults *faults)
{
	for (size_t i = 0; i < COUNT(other_outputs); i++) {
		bool ours = false;
		char name[64];

		for (size_t j = 0; outputs[j] != NULL; j++)
			ours |= strcmp(outputs[j]->name, other_outputs[i]) == 0;
		snprintf(name, sizeof(name), "output.%s", other_outputs[i]);
		if (!ours)
			pass(tree, faults, name, "there is no such output yet");
	}
}

void packetbeat_translate(struct tree *tree, struct faults *faults)
{
	interfaces(tree, faults);
	protocols(tree, faults);
	for (size_t i = 0; i < COUNT(moves); i++)
		move(tree, i, faults);
	for (size_t i = 0; i < COUNT(passed); i++)
		pass(tree, faults, passed[i].name, passed[i].why);
	pass_outputs(tree, faults);
}
