/*
 * The sections of the configuration: which option table stands where, and what it fills.
 *
 * One list serves reading, checking, printing, and the manual. A section's path is what stands in
 * front of its options' names; two tables may share a path (a protocol's own options and those
 * that all protocols have).
 *
 * Owns     the conf structs of outputs, until one is taken into the settings
 * Borrows  the settings whose members the other sections point to
 */
#ifndef WIRESPAN_CONF_SECTIONS_H
#define WIRESPAN_CONF_SECTIONS_H

#include "shipper/conf/settings.h"

enum {
	OUTPUTS_MAX = 16,
	SECTIONS_MAX = 16 + 2 * PROTOS_MAX + 2 * OUTPUTS_MAX,
	PATH_MAX_BYTES = 48,
	NAME_MAX_BYTES = 96,
};

struct section {
	char path[PATH_MAX_BYTES]; /* "" for the top, "capture", "protocols.http" */
	const char *help;	   /* a sentence; NULL when the section before has the same path */
	const struct option *rows;
	void *conf;
	const struct proto *proto; /* of a protocol's sections, else NULL */
};

struct sections {
	struct section at[SECTIONS_MAX];
	size_t count;
	void *output_conf[OUTPUTS_MAX];	  /* by place in outputs[] */
	bool output_enabled[OUTPUTS_MAX]; /* `output.NAME.enabled` */
};

/* Allocates what settings point to, and sets every option to its preset. */
void sections_open(struct sections *sections, struct settings *settings);
/* The sections of settings that are there, with the outputs that are in output_conf. */
void sections_list(struct sections *sections, struct settings *settings);
/* Frees the conf structs of outputs that were not taken. */
void sections_close(struct sections *sections);

/* The option of that dotted name and the section that has it; NULL when there is none. */
const struct option *sections_find(const struct sections *sections, const char *name,
				   const struct section **section);
/* Whether options stand below that name. */
bool sections_below(const struct sections *sections, const char *name);
/* The known name that is nearest to `key` below `path`, whole; NULL when none is near. */
const char *sections_nearest(const struct sections *sections, const char *path, const char *key,
			     char to[NAME_MAX_BYTES]);

/* A row's preset, as YAML; a protocol's ports are in its own table. */
void sections_preset(const struct section *section, const struct option *row, FILE *to);

#endif
