/*
 * What the engines' answers mean for documents: delivered, to be sent again, to wait for a person,
 * or refused for good.
 *
 * Source   Elasticsearch and OpenSearch, "Bulk API"; their exceptions' names
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_JUDGE_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_JUDGE_H

#include "shipper/base/bytes.h"

enum judgement {
	ITEM_DELIVERED,
	ITEM_AGAIN,
	ITEM_HOLD, /* not the document's fault, and no quick retry cures it */
	ITEM_REFUSED,
};

enum judgement judge_item(unsigned status, struct bytes type, struct bytes reason);

/* Of a request as a whole, where the status is no 2xx. */
enum whole {
	WHOLE_FAILED, /* the host's trouble: another may do better */
	WHOLE_BUSY,
	WHOLE_HOLD,
	WHOLE_TOO_LARGE,
	WHOLE_REFUSED,
};

/* `json`: the answer was JSON, so the engine has spoken, and nobody in between. */
enum whole judge_whole(unsigned status, bool json);

/* What a person should look at; "" when there is nothing to say. */
const char *judge_advice(unsigned status, struct bytes type);

#endif
