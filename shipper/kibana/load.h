/*
 * Loads the dashboards into Kibana or OpenSearch Dashboards (`wirespan setup --kibana`).
 *
 * By the saved objects' import, which replaces objects of the same id and leaves all others alone.
 *
 * Source   Kibana's "Import saved objects" API, of 7.10 to 9; OpenSearch Dashboards has the same
 * Errors   each step prints a line; false when one failed
 */
#ifndef WIRESPAN_KIBANA_LOAD_H
#define WIRESPAN_KIBANA_LOAD_H

#include <stdio.h>

#include "outputs/elasticsearch/conf.h"

struct kibana_target {
	const char *url;
	const char *space; /* of Kibana, or a tenant of OpenSearch Dashboards; NULL: the default */
	bool dry;	   /* nothing is changed, only said */
};

/* conf: how to be let in, whom to trust, by which proxy. Its hosts do not matter. */
bool kibana_load(const struct kibana_target *target, const struct elastic_conf *conf, FILE *to);

#endif
