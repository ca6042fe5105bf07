#include "outputs/elasticsearch/judge.h"

/* Exceptions that a setting of the cluster or of this program is the cause of: every document
 * would be refused, and none of them is wrong. */
static const char *const not_theirs[] = {
	"index_not_found_exception",	"cluster_block_exception",
	"security_exception",		"validation_exception",
	"index_closed_exception",	"invalid_index_name_exception",
	"invalid_alias_name_exception", "process_cluster_event_timeout_exception",
};

static const char pipeline_missing[] = "illegal_argument_exception: pipeline with id [";

static bool is_one(struct bytes type)
{
	for (size_t i = 0; i < sizeof(not_theirs) / sizeof(not_theirs[0]); i++)
		if (bytes_eq(type, bytes_str(not_theirs[i])))
			return true;
	return false;
}

enum judgement judge_item(unsigned status, struct bytes type, struct bytes reason)
{
	if (status >= 200 && status <= 299)
		return ITEM_DELIVERED;
	/* `create` with an identifier of ours: it arrived the first time. */
	if (status == 409 &&
	    (type.len == 0 || bytes_eq(type, BYTES("version_conflict_engine_exception"))))
		return ITEM_DELIVERED;
	if (status == 429 || status == 408 || status == 409 || status >= 500 || status < 400)
		return ITEM_AGAIN;
	if (status == 401 || status == 403 || is_one(type) ||
	    bytes_starts(reason, bytes_str(pipeline_missing)))
		return ITEM_HOLD;
	return ITEM_REFUSED;
}

enum whole judge_whole(unsigned status, bool json)
{
	switch (status) {
	case 401:
	case 403:
	case 407:
		return WHOLE_HOLD;
	case 413:
		return WHOLE_TOO_LARGE;
	case 429:
	case 503:
		return WHOLE_BUSY;
	case 404:
	case 405:
	case 408:
		return WHOLE_FAILED;
	default:
		return status >= 400 && status <= 499 && json ? WHOLE_REFUSED : WHOLE_FAILED;
	}
}

const char *judge_advice(unsigned status, struct bytes type)
{
	if (bytes_eq(type, BYTES("cluster_block_exception")))
		return "the index is blocked; is the engine's disk full?";
	if (bytes_eq(type, BYTES("index_not_found_exception")))
		return "there is no such index, and it may not be made";
	if (bytes_eq(type, BYTES("validation_exception")))
		return "a limit of the cluster keeps the index from being made";
	if (status >= 300 && status <= 399)
		return "a redirect, which is not followed; name the place itself in hosts";
	switch (status) {
	case 401:
		return "not let in; look at username and password, api_key or bearer_token";
	case 403:
		return "not allowed; writing needs the privileges create_doc and auto_configure on "
		       "the index";
	case 404:
	case 405:
		return "no engine; look at hosts and path";
	case 407:
		return "the proxy wants proxy_username and proxy_password";
	default:
		return "";
	}
}
