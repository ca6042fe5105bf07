/*
 * The configuration as commands ask for it: -c FILE and -E NAME=VALUE, faults and remarks printed.
 */
#ifndef WIRESPAN_CMD_CONFIGURE_H
#define WIRESPAN_CMD_CONFIGURE_H

#include "shipper/conf/settings.h"

enum { OVERRIDES_MAX = 64 };

/* Where `run` looks when no file is named. */
#define CONFIGURE_PATH "/etc/wirespan/wirespan.yml"

struct configure {
	const char *path; /* NULL: presets only */
	const char *overrides[OVERRIDES_MAX];
	char *kept[OVERRIDES_MAX]; /* copies: what holds a secret is wiped from the arguments */
	size_t overrides_count;
	bool quiet;	  /* remarks are not printed */
	char workers[64]; /* the setting that -w is; "" when not given */
};

#define CONFIGURE_FLAGS                                                                        \
	{'c', "config", "FILE", "Read settings from this YAML file; packetbeat.yml will do."}, \
	{                                                                                      \
		'E', "set", "NAME=VALUE",                                                      \
			"One setting, in place of what the file says; repeatable."             \
	}

#define CONFIGURE_WORKERS(help)                \
	{                                      \
		'w', "workers", "N|auto", help \
	}

/* Takes note of -c, -E, or -w; false, and reported, when there are too many. */
bool configure_flag(struct configure *configure, int id, const char *value);

/* Before configure_load, by who reads again later. */
void configure_keep(struct configure *configure);
void configure_fini(struct configure *configure);

/* False: reported, and nothing to free. */
bool configure_load(const struct configure *configure, struct settings *settings);
/* The same, but the log stays as it is until configure_log. */
bool configure_read(const struct configure *configure, struct settings *settings);
void configure_log(const struct settings *settings);

/* A BPF expression; false, and reported, when it is wrong. NULL is well. */
bool configure_filter(const char *filter);

#endif
