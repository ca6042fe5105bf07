#include "shipper/txn/doc_keys.h"
#include "shipper/base/must.h"

#include <stdlib.h>

/* An object is known by the text that opens it. */
struct opening {
	const uint8_t *text;
	size_t len;
};

static uint16_t node_of(struct doc_keys *keys, struct opening *openings, uint16_t parent,
			struct bytes text)
{
	size_t i = 1;

	while (i < keys->nodes_count &&
	       !bytes_eq(bytes_of(openings[i].text, openings[i].len), text))
		i++;
	if (i == keys->nodes_count) {
		must(i < KEY_NODES_MAX && keys->nodes[parent].depth < KEY_DEPTH_MAX);
		keys->nodes_count++;
		openings[i] = (struct opening){text.at, text.len};
		keys->nodes[i] = (struct node){.parent = parent,
					       .depth = (uint8_t)(keys->nodes[parent].depth + 1),
					       .len = (uint8_t)text.len};
	}
	return (uint16_t)i;
}

static size_t put_part(uint8_t *to, size_t len, const char *name, size_t name_len,
		       const char *behind)
{
	must(len + name_len + 4 <= KEY_TEXT_MAX);
	to[len++] = '"';
	memcpy(to + len, name, name_len);
	len += name_len;
	memcpy(to + len, behind, strlen(behind));
	return len + strlen(behind);
}

static void key_fill(struct doc_keys *keys, struct opening *openings, const char *name,
		     uint8_t *text)
{
	struct key *key = &keys->keys[keys->keys_count++];
	const char *dot;
	size_t len = 0;
	uint16_t node = 0;

	while ((dot = strchr(name, '.')) != NULL) {
		len = put_part(text, len, name, (size_t)(dot - name), "\":{");
		node = node_of(keys, openings, node, bytes_of(text, len));
		name = dot + 1;
	}
	*key = (struct key){.text = text, .node = node, .leaf = (uint8_t)len};
	key->len = (uint8_t)put_part(text, len, name, strlen(name), "\":");
}

struct doc_keys *doc_keys_new(const struct field *own)
{
	struct doc_keys *keys = must_alloc(sizeof *keys);
	struct opening *openings = must_alloc(KEY_NODES_MAX * sizeof *openings);
	size_t count = FIELD_COMMON_COUNT;
	enum { STEP = KEY_TEXT_MAX + KEY_CHUNK };

	for (const struct field *f = own; f && f->name; f++)
		count++;
	must(count <= KEY_FIELDS_MAX);
	keys->texts = must_alloc(count * STEP);
	keys->nodes_count = 1;
	for (size_t i = 0; i < count; i++)
		key_fill(keys, openings,
			 i < FIELD_COMMON_COUNT ? fields_common[i].name
						: own[i - FIELD_COMMON_COUNT].name,
			 keys->texts + i * STEP);
	free(openings);
	return keys;
}

void doc_keys_free(struct doc_keys *keys)
{
	if (keys)
		free(keys->texts);
	free(keys);
}
