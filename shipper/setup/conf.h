/*
 * What is configured under `indices`: how the engine is prepared for documents.
 */
#ifndef WIRESPAN_SETUP_CONF_H
#define WIRESPAN_SETUP_CONF_H

#include "shipper/base/option.h"

struct setup_conf {
	int64_t shards, replicas; /* of each index; replicas -1: as the engine has it */
	bool lifecycle;		  /* a policy of ILM or ISM */
	int64_t rollover_size;	  /* of an index, bytes */
	nsec rollover_age;
	nsec delete_after; /* 0 never */
	bool pipeline;	   /* places of addresses, and names of browsers */
};

extern const struct option setup_options[];

#endif
