#include "shipper/kibana/load.h"

#include "outputs/elasticsearch/address.h"
#include "shipper/base/must.h"
#include "shipper/kibana/bundle.h"
#include "shipper/setup/session.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADERS_OWN = 3,
	OPENSEARCH_LAST = 4, /* it counts from 1 again, and Kibana 4 is of 2015 */
	KIBANA_MIN = 7,
	KIBANA_MINOR_MIN = 10,
	TIMEOUT_MIN_S = 60, /* an import of all may take long on a small host */
};

#define BOUNDARY "wirespan-5f0a3e91c27d4b86"

struct visit {
	const struct kibana_target *target;
	struct session session;
	struct elastic_conf conf;
	struct texts headers;
	char tenant[200];
	bool opensearch;
	int major, minor;
	char version[32];
	FILE *to;
};

static const char *name_of(const struct visit *v)
{
	return v->opensearch ? "OpenSearch Dashboards" : "Kibana";
}

static enum bundle bundle_for(const struct visit *v)
{
	if (v->opensearch)
		return BUNDLE_OSD;
	return v->major >= 9 ? BUNDLE_KIBANA9 : v->major == 8 ? BUNDLE_KIBANA8 : BUNDLE_KIBANA7;
}

__attribute__((format(printf, 2, 3))) static bool fail(const struct visit *v, const char *format,
						       ...)
{
	va_list args;

	fputs("FAIL  ", v->to);
	va_start(args, format);
	vfprintf(v->to, format, args);
	va_end(args);
	fputc('\n', v->to);
	return false;
}

/* ---- Who is there ---- */

static const char *hint_of(long status)
{
	switch (status) {
	case 301:
	case 302:
	case 307:
	case 308:
		return ": it sends us elsewhere; is this the whole URL, with its path?";
	case 401:
		return ": who are you? See username, api_key, bearer_token of the output";
	case 403:
		return ": this user may not do that; it needs the right to manage saved objects";
	case 404:
		return ": there is no such place; is this the whole URL, with its path?";
	case 413:
		return ": a proxy in front, or savedObjects.maxImportPayloadBytes, forbids this "
		       "length";
	case 503:
		return ": it is not ready yet; try again in a minute";
	default:
		return "";
	}
}

/* "error" holds the status's name; what went wrong is in "message". */
static bool fail_reply(const struct visit *v, const struct reply *reply)
{
	const char *message = reply_text(reply, "message");

	if (reply->status == 0)
		return fail(v, "%s: %s", v->session.url, reply->why);
	return fail(v, "%s: HTTP %ld%s%s%s", v->session.url, reply->status, hint_of(reply->status),
		    message != NULL ? ": " : "", message != NULL ? message : "");
}

static bool read_version(struct visit *v, const struct reply *reply)
{
	const char *number = reply_text(reply, "version.number");

	if (number == NULL && reply_value(reply, "status") != NULL)
		return fail(v,
			    "%s: it tells strangers no version; give username and password, or "
			    "api_key, of the output",
			    v->session.url);
	if (number == NULL || sscanf(number, "%d.%d", &v->major, &v->minor) != 2)
		return fail(v, "%s: neither Kibana nor OpenSearch Dashboards answers there",
			    v->session.url);
	snprintf(v->version, sizeof(v->version), "%s", number);
	v->opensearch = v->major <= OPENSEARCH_LAST;
	if (!v->opensearch &&
	    (v->major < KIBANA_MIN || (v->major == KIBANA_MIN && v->minor < KIBANA_MINOR_MIN)))
		return fail(v, "%s: Kibana %s is too old: 7.10 is the first that is served",
			    v->session.url, number);
	fprintf(v->to, "%s: %s %s\n", v->session.url, name_of(v), v->version);
	return true;
}

static bool meet(struct visit *v)
{
	struct reply reply;
	bool well = session_ask(&v->session, "GET", "/api/status", BYTES(""), &reply)
			    ? read_version(v, &reply)
			    : fail_reply(v, &reply);

	reply_fini(&reply);
	return well;
}

/* ---- Importing ---- */

static void form(struct buf *out, struct bytes text)
{
	buf_add(out, BYTES("--" BOUNDARY "\r\n"
			   "Content-Disposition: form-data; name=\"file\"; "
			   "filename=\"wirespan.ndjson\"\r\n"
			   "Content-Type: application/ndjson\r\n\r\n"));
	buf_add(out, text);
	buf_add(out, BYTES("\r\n--" BOUNDARY "--\r\n"));
}

static const char *member(yajl_val of, const char *name, const char *below)
{
	const char *path[] = {name, below, NULL};

	return YAJL_GET_STRING(yajl_tree_get(of, path, yajl_t_string));
}

/* What keeps an object out, by the API's names of errors. */
static void fail_object(const struct visit *v, yajl_val error)
{
	const char *type = member(error, "type", NULL), *id = member(error, "id", NULL);
	const char *kind = member(error, "error", "type");
	const char *why = member(error, "error", "message");
	const char *title = member(error, "meta", "title");

	if (kind == NULL)
		kind = "unknown error";
	if (strcmp(kind, "conflict") == 0 || strcmp(kind, "ambiguous_conflict") == 0)
		why = "an object of this name belongs to another space";
	else if (strcmp(kind, "missing_references") == 0)
		why = "something that it refers to is not there";
	else if (strcmp(kind, "unsupported_type") == 0)
		why = "this server has no objects of such a type";
	fail(v, "%s %s (%s): %s%s%s", type ? type : "?", id ? id : "?", title ? title : "no title",
	     kind, why ? ": " : "", why ? why : "");
}

struct tally {
	size_t objects, dashboards, replaced;
};

static struct tally count(const struct reply *reply)
{
	yajl_val list = reply_value(reply, "successResults");
	const char *overwritten[] = {"overwrite", NULL};
	struct tally t = {0};

	for (size_t i = 0; YAJL_IS_ARRAY(list) && i < list->u.array.len; i++) {
		yajl_val one = list->u.array.values[i];
		const char *type = member(one, "type", NULL);

		t.objects++;
		t.dashboards += type != NULL && strcmp(type, "dashboard") == 0;
		t.replaced += YAJL_IS_TRUE(yajl_tree_get(one, overwritten, yajl_t_any)) ? 1 : 0;
	}
	return t;
}

static size_t lines_of(struct bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.at[i] == '\n';
	return n;
}

static bool judge(const struct visit *v, const struct reply *reply, size_t wanted)
{
	yajl_val errors = reply_value(reply, "errors");
	struct tally t = count(reply);

	if (reply_value(reply, "success") == NULL)
		return fail(v, "%s: the answer to the import is not one that we know",
			    v->session.url);
	for (size_t i = 0; YAJL_IS_ARRAY(errors) && i < errors->u.array.len; i++)
		fail_object(v, errors->u.array.values[i]);
	if (!YAJL_IS_TRUE(reply_value(reply, "success")) || t.objects != wanted)
		return fail(v, "%zu of %zu objects are loaded", t.objects, wanted);
	fprintf(v->to, "ok    %zu dashboards, %zu objects in all", t.dashboards, t.objects);
	if (t.replaced > 0)
		fprintf(v->to, " (%zu were there and are replaced)", t.replaced);
	fputc('\n', v->to);
	return true;
}

static bool import(struct visit *v)
{
	struct bytes text = bundle_text(bundle_for(v));
	const char *space = v->opensearch ? NULL : v->target->space;
	char path[300];
	struct reply reply;
	struct buf body;

	if (v->target->dry) {
		fprintf(v->to, "would load %zu objects, in place of those of the same ids\n",
			lines_of(text));
		return true;
	}
	snprintf(path, sizeof(path), "%s%s/api/saved_objects/_import?overwrite=true",
		 space ? "/s/" : "", space ? space : "");
	buf_init(&body, NULL);
	form(&body, text);
	bool well = session_send(&v->session, "multipart/form-data; boundary=" BOUNDARY, path,
				 buf_bytes(&body), &reply);

	if (well)
		well = judge(v, &reply, lines_of(text));
	else if (reply.status == 404 && space != NULL)
		fail(v, "%s: there is no space %s: it is made in Kibana, under Spaces",
		     v->session.url, space);
	else
		fail_reply(v, &reply);
	reply_fini(&reply);
	buf_fini(&body);
	return well;
}

/* ---- The visit ---- */

/* Both servers ask for a header of their own, and mind no other. */
static bool open_session(struct visit *v, const struct elastic_conf *conf)
{
	static char kibana[] = "kbn-xsrf=wirespan", opensearch[] = "osd-xsrf=wirespan";
	static char no_path[] = "";
	struct fault fault;
	size_t n = conf->headers.count;

	v->conf = *conf;
	v->conf.path = no_path;
	if (v->conf.timeout < TIMEOUT_MIN_S * (nsec)NS_PER_S)
		v->conf.timeout = TIMEOUT_MIN_S * (nsec)NS_PER_S;
	v->headers.at = must_alloc((n + HEADERS_OWN) * sizeof(*v->headers.at));
	if (n > 0)
		memcpy(v->headers.at, conf->headers.at, n * sizeof(*v->headers.at));
	v->headers.at[n++] = kibana;
	v->headers.at[n++] = opensearch;
	if (v->target->space != NULL) {
		snprintf(v->tenant, sizeof(v->tenant), "securitytenant=%s", v->target->space);
		v->headers.at[n++] = v->tenant;
	}
	v->headers.count = n;
	v->conf.headers = v->headers;
	if (session_open(&v->session, &v->conf, v->target->url, ADDRESS_KIBANA_PORT, &fault))
		return true;
	free(v->headers.at);
	return fail(v, "%s", fault.text);
}

bool kibana_load(const struct kibana_target *target, const struct elastic_conf *conf, FILE *to)
{
	struct visit v = {.target = target, .to = to};

	if (!open_session(&v, conf))
		return false;
	bool well = meet(&v) && import(&v);

	session_close(&v.session);
	free(v.headers.at);
	return well;
}
