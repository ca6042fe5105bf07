/*
 * Questions to one host of an engine, or to Kibana, and its answers as JSON.
 *
 * Owns     a connection, and what proves who we are and whom we trust
 * Borrows  conf
 * Errors   an answer without a status says why in words that hold no secret
 */
#ifndef WIRESPAN_SETUP_SESSION_H
#define WIRESPAN_SETUP_SESSION_H

#include <yajl/yajl_tree.h>

#include "outputs/elasticsearch/client.h"
#include "shipper/base/buf.h"

struct session {
	const struct elastic_conf *conf;
	struct trust trust;
	struct client client;
	char *url; /* of the host, without a slash at its end */
};

struct reply {
	long status; /* of HTTP; 0: no answer */
	struct buf body;
	yajl_val tree; /* NULL: not JSON */
	char why[400]; /* unless the status is 2xx: what the engine says, or why there is no answer
			*/
};

/* `port` where the host names none. */
bool session_open(struct session *session, const struct elastic_conf *conf, const char *host,
		  const char *port, struct fault *fault);
void session_close(struct session *session);

/* `path` from its slash on; without a body it is empty. True: the status is 2xx. */
bool session_ask(struct session *session, const char *method, const char *path, struct bytes body,
		 struct reply *reply);
/* POST of what is not JSON, but of this media type. */
bool session_send(struct session *session, const char *type, const char *path, struct bytes body,
		  struct reply *reply);
void reply_fini(struct reply *reply);

/* A member by its dotted path; NULL when there is none, or of another type. */
const char *reply_text(const struct reply *reply, const char *path);
yajl_val reply_value(const struct reply *reply, const char *path);

/* ---- Which engine it is ---- */

struct search_engine {
	bool opensearch;
	int major, minor;
	char version[32];
};

/* GET /. False: it is none that we know, and reply->why says so; or it does not answer. */
bool session_engine(struct session *session, struct search_engine *engine, struct reply *reply);
const char *search_engine_name(const struct search_engine *engine);

#endif
