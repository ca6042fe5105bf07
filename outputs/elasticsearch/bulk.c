#include "outputs/elasticsearch/bulk.h"

#include <stdio.h>
#include <string.h>

static const char time_key[] = "{\"@timestamp\":\"";

/* ---- The index ---- */

/* A part of the pattern: "%{…}", or one character. */
static size_t part_len(const char *at)
{
	const char *end = at[0] == '%' && at[1] == '{' ? strchr(at, '}') : NULL;

	return end != NULL ? (size_t)(end - at) + 1 : 1;
}

static bool part_is(const char *at, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(at, text, len) == 0;
}

static bool is_date(const char *at, size_t len)
{
	return len > 4 && memcmp(at, "%{+", 3) == 0;
}

/* Letters of a date pattern, and where their digits stand in a document's time. */
static const struct {
	const char *letters;
	size_t at;
} date_parts[] = {{"yyyy", 0}, {"YYYY", 0}, {"MM", 5}, {"dd", 8}, {"HH", 11}};

static size_t date_part(const char *at, size_t *digits)
{
	for (size_t i = 0; i < sizeof(date_parts) / sizeof(date_parts[0]); i++) {
		size_t len = strlen(date_parts[i].letters);

		if (strncmp(at, date_parts[i].letters, len) == 0) {
			*digits = date_parts[i].at;
			return len;
		}
	}
	return 0;
}

static bool check_date(const char *at, const char *end, struct fault *fault)
{
	size_t digits, len;

	for (; at < end; at += len) {
		len = date_part(at, &digits);
		if (len == 0 && strchr("._-", *at) != NULL)
			len = 1;
		if (len == 0)
			return fault_set(fault, "index: a date is made of yyyy, MM, dd, HH and "
						"one of . - _ between, such as %%{+yyyy.MM.dd}");
	}
	return true;
}

bool bulk_check_index(const char *index, struct fault *fault)
{
	size_t len;

	for (const char *at = index; *at != '\0'; at += len) {
		len = part_len(at);
		if (is_date(at, len)) {
			if (!check_date(at + 3, at + len - 1, fault))
				return false;
		} else if (len > 1 && !part_is(at, len, "%{[agent.version]}")) {
			return fault_set(fault,
					 "index: %.*s is not known; there are "
					 "%%{+yyyy.MM.dd} and %%{[agent.version]}",
					 (int)len, at);
		} else if (len == 1 && (*at <= ' ' || strchr("\\/*?\"<>|,#:%", *at) != NULL ||
					(*at >= 'A' && *at <= 'Z'))) {
			return fault_set(fault, "index: %.80s: no %c in the name of an index",
					 index, *at);
		}
	}
	if (index[0] == '\0' || strchr("-_+.", index[0]) != NULL)
		return fault_set(fault, "index: a name that does not begin with - _ + or . is "
					"needed");
	return strlen(index) <= INDEX_MAX / 2 || fault_set(fault, "index: the name is too long");
}

bool bulk_index_varies(const char *index)
{
	return strstr(index, "%{+") != NULL;
}

static char *put(char *to, const char *end, const char *text, size_t len)
{
	if ((size_t)(end - to) < len)
		return to;
	memcpy(to, text, len);
	return to + len;
}

void bulk_index(const char *index, const char *day, char to[INDEX_MAX + 1])
{
	const char *end = to + INDEX_MAX;
	size_t len, digits;

	for (const char *at = index; *at != '\0'; at += len) {
		len = part_len(at);
		if (len == 1) {
			to = put(to, end, at, 1);
		} else if (!is_date(at, len)) {
			to = put(to, end, WIRESPAN_VERSION, strlen(WIRESPAN_VERSION));
		} else {
			for (const char *in = at + 3; in < at + len - 1;) {
				size_t letters = date_part(in, &digits);

				to = letters > 0 ? put(to, end, day + digits, letters)
						 : put(to, end, in, 1);
				in += letters > 0 ? letters : 1;
			}
		}
	}
	*to = '\0';
}

/* ---- The body ---- */

void bulk_init(struct bulk *b, const struct elastic_conf *conf)
{
	*b = (struct bulk){0};
	b->index = bulk_index_varies(conf->index) ? conf->index : NULL;
	pack_init(&b->pack, conf);
}

void bulk_fini(struct bulk *b)
{
	pack_fini(&b->pack);
	*b = (struct bulk){0};
}

void bulk_begin(struct bulk *b)
{
	b->documents = b->bytes = 0;
	pack_begin(&b->pack);
}

/* A document begins with its time: {"@timestamp":"2026-11-22T05:… */
static const char *day_of(struct bytes text)
{
	static const char none[DAY_BYTES] = "1970-01-01T00";
	size_t key = sizeof(time_key) - 1;

	return text.len > key + DAY_BYTES && memcmp(text.at, time_key, key) == 0
		       ? (const char *)text.at + key
		       : none;
}

/* The action up to the identifier, anew when the index is another. */
static void action_fit(struct bulk *b, struct bytes text)
{
	char index[INDEX_MAX + 1];

	if (b->index == NULL) {
		if (b->action_len == 0)
			b->action_len = (size_t)snprintf(b->action, sizeof(b->action),
							 "{\"create\":{\"_id\":\"");
		return;
	}
	if (b->action_len > 0 && memcmp(b->day, day_of(text), DAY_BYTES) == 0)
		return;
	memcpy(b->day, day_of(text), DAY_BYTES);
	bulk_index(b->index, b->day, index);
	b->action_len = (size_t)snprintf(b->action, sizeof(b->action),
					 "{\"create\":{\"_index\":\"%s\",\"_id\":\"", index);
}

void bulk_add(struct bulk *b, const struct batch *batch, const struct entry *e)
{
	struct bytes text = {batch->text.at + e->at, e->len};
	char line[sizeof(b->action) + sizeof(e->id) + 8];
	static const char tail[] = "\"}}\n";
	size_t len;

	action_fit(b, text);
	len = b->action_len;
	memcpy(line, b->action, len);
	memcpy(line + len, e->id, sizeof(e->id));
	len += sizeof(e->id);
	memcpy(line + len, tail, sizeof(tail) - 1);
	pack_add(&b->pack, bytes_of(line, len + sizeof(tail) - 1));
	pack_add(&b->pack, text);
	b->documents++;
	b->bytes += text.len;
}
