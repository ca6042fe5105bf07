/*
 * The whole configuration, as read from YAML (or presets) and checked.
 *
 * One table of sections names every option table and the struct that it fills; reading, checking,
 * printing the reference configuration and the manual all walk that table.
 *
 * Owns     everything in it, until settings_free
 * Errors   settings_load fills a list of faults, each with line and column, and reads on, so that
 *          a person sees all of them at once
 * Thread   immutable once loaded
 */
#ifndef WIRESPAN_CONF_SETTINGS_H
#define WIRESPAN_CONF_SETTINGS_H

#include <stdio.h>

#include "outputs/outputs.h"
#include "protos/protos.h"
#include "shipper/base/log.h"
#include "shipper/decode/decode.h"
#include "shipper/flow/flow.h"
#include "shipper/guard/crash.h"
#include "shipper/guard/guard.h"
#include "shipper/monitor/monitor.h"
#include "shipper/publish/publisher.h"
#include "shipper/setup/conf.h"
#include "shipper/txn/conn.h"

struct capture_conf {
	struct texts devices;	       /* names, or "any" */
	char *filter;		       /* BPF expression; "" makes one from the ports */
	bool vlan_aware, tunnel_aware; /* the generated filter looks behind tags, into tunnels */
	int64_t buffer_bytes;	       /* the kernel's, for each device */
	int64_t snap_bytes;
	bool promiscuous;
};

struct agent_conf {
	char *name; /* "" for the host's */
	struct texts tags;
	struct texts fields; /* OPTION_PAIRS */
	struct texts labels; /* OPTION_PAIRS */
};

struct log_conf {
	int level;  /* enum log_level */
	int format; /* enum log_format */
	int64_t limit;
	nsec limit_span;
};

struct settings {
	struct capture_conf capture;
	struct decode_conf decode;
	struct flow_conf flow;
	struct engine_conf engine;
	struct publish_conf publish;
	struct home_conf home;
	struct guard_conf guard;
	struct crash_conf crash;
	struct agent_conf agent;
	struct log_conf log;
	struct monitor_conf monitor;
	struct setup_conf setup;
	int64_t memory_max; /* bytes, for all workers */
	int64_t workers;    /* of each device; 0: one for each processor */
	bool pin_workers;
	void *proto_conf[PROTOS_MAX]; /* by place in protos[] */
	const struct output *output;
	bool output_given; /* by the configuration; else it is the first */
	void *output_conf;
	char *tail;	    /* engine.tail's text */
	struct texts files; /* that the configuration's values came from: ${file:} */
};

enum { FAULTS_MAX = 32 };

/* So many threads a device may have. */
enum { TEAM_MAX = 64 };

struct faults {
	struct fault at[FAULTS_MAX];
	size_t count;	      /* also those that found no room */
	const char *path;     /* of the file, for the remarks; borrowed */
	struct texts remarks; /* not faults: packetbeat spellings understood, and how */
};

/* path NULL: presets only. overrides: "section.key=value" texts as given by -E. On false, faults
 * has at least one; what was read is freed. */
bool settings_load(struct settings *settings, const char *path, const char *const *overrides,
		   size_t overrides_count, struct faults *faults);
void settings_free(struct settings *settings);
void faults_free(struct faults *faults);

/* Whether an option of that dotted name, or one below it, is never printed. */
bool settings_name_secret(const char *name, size_t len);
/* Whether one of these has a value. */
bool settings_hold_secret(const struct settings *settings);

/* Each text with a slash in it, which may name a file or a folder. */
typedef void settings_path_fn(void *self, const char *text);
void settings_paths(const struct settings *settings, settings_path_fn *found, void *self);

/* The JSON members that every document ends with; `device` NULL when not live. Free it. */
char *settings_tail(const struct settings *settings, const char *device);

/* The reference configuration, every option with its sentence and default, as YAML. */
void settings_print_reference(FILE *to);
/* What is in force, secrets left out. */
void settings_print(const struct settings *settings, FILE *to);

#endif
