#include "shipper/base/must.h"
#include "shipper/conf/settings.h"
#include "shipper/txn/doc.h"

#include <string.h>
#include <unistd.h>

static const char ecs_version[] = "8.11.0";

static void host_name(char *to, size_t size)
{
	if (gethostname(to, size) != 0)
		to[0] = '\0';
	to[size - 1] = '\0';
}

static void write_pairs(struct doc *d, unsigned field, const struct texts *pairs)
{
	if (pairs->count == 0)
		return;
	doc_object_begin(d, field);
	for (size_t i = 0, n; i < pairs->count; i += n) {
		struct bytes pair = bytes_str(pairs->at[i]);
		struct bytes key = bytes_head(pair, bytes_find(pair, '='));

		n = option_pair_run(pairs, i);
		if (n == 1) {
			doc_object_text(d, key, bytes_skip(pair, key.len + 1));
			continue;
		}
		doc_object_list_begin(d, key);
		for (size_t j = i; j < i + n; j++)
			doc_list_text(d, bytes_skip(bytes_str(pairs->at[j]), key.len + 1));
		doc_object_list_end(d);
	}
	doc_object_end(d);
}

char *settings_tail(const struct settings *settings, const char *device)
{
	struct doc_keys *keys = doc_keys_new(NULL);
	struct buf out;
	struct doc d;
	char host[256];
	char *tail;

	if (settings->agent.name != NULL && settings->agent.name[0] != '\0')
		snprintf(host, sizeof(host), "%s", settings->agent.name);
	else
		host_name(host, sizeof(host));
	buf_init(&out, NULL);
	doc_begin(&d, &out, keys);
	doc_text(&d, F_AGENT_NAME, bytes_str(host));
	doc_word(&d, F_AGENT_TYPE, "wirespan");
	doc_word(&d, F_AGENT_VERSION, WIRESPAN_VERSION);
	doc_text(&d, F_HOST_NAME, bytes_str(host));
	if (device != NULL)
		doc_text(&d, F_OBSERVER_INGRESS, bytes_str(device));
	doc_word(&d, F_ECS_VERSION, ecs_version);
	write_pairs(&d, F_LABELS, &settings->agent.labels);
	write_pairs(&d, F_FIELDS, &settings->agent.fields);
	doc_end(&d);
	/* The members alone: without the brace in front, the brace and newline behind. */
	must(out.len > 3);
	tail = must_alloc(out.len - 2);
	memcpy(tail, out.at + 1, out.len - 3);
	buf_fini(&out);
	doc_keys_free(keys);
	return tail;
}
