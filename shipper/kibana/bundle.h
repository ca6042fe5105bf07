/*
 * The dashboards that the program carries: what is built in dashboards/built/, an object a line.
 *
 * Owns     nothing: the texts are a part of the program
 */
#ifndef WIRESPAN_KIBANA_BUNDLE_H
#define WIRESPAN_KIBANA_BUNDLE_H

#include "shipper/base/bytes.h"

/* For whom: Kibana by its major version, OpenSearch Dashboards in all of its. */
enum bundle { BUNDLE_KIBANA7, BUNDLE_KIBANA8, BUNDLE_KIBANA9, BUNDLE_OSD, BUNDLE_COUNT };

extern const char *const bundle_names[BUNDLE_COUNT + 1]; /* ends with NULL */

struct bytes bundle_text(enum bundle which);

#endif
