/*
 * A host as it is configured, as the URL that requests begin with.
 *
 *   es1                    http://es1:9200
 *   https://es1/prefix     https://es1:9200/prefix
 *   [::1]:9201             http://[::1]:9201
 *
 * Source   RFC 3986; ports of engines, and of Kibana, where none is named
 * Errors   a fault that names the text, and never what could be a password in it
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_ADDRESS_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_ADDRESS_H

#include "shipper/base/fault.h"

#define ADDRESS_ENGINE_PORT "9200"
#define ADDRESS_KIBANA_PORT "5601"

/* `scheme` and `port` where the text names none. Without a slash at the end; NULL with a fault.
 * Free it. */
char *address_url(const char *text, const char *scheme, const char *port, const char *path,
		  struct fault *fault);

/* A proxy's URL: well formed, and without a password in it. */
bool address_check_proxy(const char *text, struct fault *fault);

/* Percent-encoded, with upper case digits, as a signature over it asks. Free it. */
char *address_encode(const char *text);

#endif
