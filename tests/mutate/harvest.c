#include "tests/mutate/harvest.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <yajl/yajl_tree.h>

#include "shipper/base/must.h"
#include "shipper/worker.h"

enum { MEMORY = 64 << 20 };

static struct buf *room(void *self)
{
	return self;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	(void)self, (void)at, (void)proto, (void)id;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static enum next no_next(void *self, struct frame *frame, struct fault *fault)
{
	(void)self, (void)frame, (void)fault;
	return NEXT_END;
}

static void no_stats(void *self, struct source_stats *stats)
{
	(void)self;
	*stats = (struct source_stats){0};
}

static void no_close(void *self)
{
	(void)self;
}

static const struct source no_source = {
	.name = "memory", .next = no_next, .stats = no_stats, .close = no_close};

static yajl_val member(yajl_val tree, const char **path, yajl_type type)
{
	return tree ? yajl_tree_get(tree, path, type) : NULL;
}

static int64_t id_of(yajl_val tree, const char *side)
{
	const char *path[] = {"http", side, "headers", "x-id", NULL};
	const char *text = YAJL_GET_STRING(member(tree, path, yajl_t_string));

	return text && *text ? strtoll(text, NULL, 10) : -1;
}

/* Where a protocol has no headers: the number behind "id-", in what was asked and in what was
 * answered (`response`). */
static int64_t word_id(const char *line, bool answered)
{
	const char *response = strstr(line, "\"response\":\"");
	const char *word = strstr(answered && response ? response : line, "id-");

	if (!word || (answered && !response) || (!answered && response && word > response))
		return -1;
	/* What was lost behind "id-10..." may have been more of the number. */
	if (strncmp(word + 3 + strspn(word + 3, "0123456789"), "...", 3) == 0)
		return -1;
	return word[3] >= '0' && word[3] <= '9' ? strtoll(word + 3, NULL, 10) : -1;
}

const char *header_value(const char *text, size_t len, const char *name, size_t *value_len)
{
	const char *at = memmem(text, len, name, strlen(name));

	if (at == NULL)
		return NULL;
	at += strlen(name);
	at += at < text + len && *at == ' ';
	const char *end = memchr(at, '\r', (size_t)(text + len - at));

	*value_len = (size_t)((end ? end : text + len) - at);
	return at;
}

/* Where messages of SIP are shown: what tells a transaction of a call, as a number. */
static int64_t transaction_id(yajl_val tree, const char *side)
{
	const char *path[] = {side, NULL};
	const char *text = YAJL_GET_STRING(member(tree, path, yajl_t_string));
	size_t n = 0, m = 0;
	const char *id = text ? header_value(text, strlen(text), "Call-ID:", &n) : NULL;
	const char *cseq = text ? header_value(text, strlen(text), "CSeq:", &m) : NULL;

	return id && cseq ? (int64_t)(XXH3_64bits_withSeed(cseq, m, XXH3_64bits(id, n)) >> 1) : -1;
}

static uint64_t call_of(yajl_val tree)
{
	const char *path[] = {"sip", "call_id", NULL};
	const char *id = YAJL_GET_STRING(member(tree, path, yajl_t_string));

	return id ? XXH3_64bits(id, strlen(id)) : 0;
}

static uint16_t port_of(yajl_val tree, const char *side)
{
	const char *path[] = {side, "port", NULL};
	yajl_val port = member(tree, path, yajl_t_number);

	return port ? (uint16_t)YAJL_GET_INTEGER(port) : 0;
}

/* Takes out `"key":` and its value, at each place: a number, a text or an object without escapes or
 * objects in it. */
static void take_out(char *text, const char *key)
{
	size_t len = strlen(key);

	for (char *at = strstr(text, key); at; at = strstr(at, key)) {
		char *end = at + len;

		if (*end == '{')
			end += strcspn(end, "}") + 1;
		else if (*end == '"')
			end += strcspn(end + 1, "\"") + 2;
		else
			end += strspn(end, "0123456789");
		if (*end == ',')
			end++;
		else if (at > text && at[-1] == ',')
			at--;
		memmove(at, end, strlen(end) + 1);
	}
}

void harvest_read(struct crop *crop)
{
	const char *notes[] = {"notes", NULL}, *error[] = {"error", NULL};
	char why[200];
	yajl_val tree = yajl_tree_parse(crop->line, why, sizeof why);

	crop->parsed = tree != NULL;
	crop->noted = member(tree, notes, yajl_t_any) || member(tree, error, yajl_t_any);
	crop->client_port = port_of(tree, "client");
	crop->asked = id_of(tree, "request");
	crop->answered = id_of(tree, "response");
	const char *http[] = {"http", NULL}, *sip[] = {"sip", NULL};

	if (tree && member(tree, sip, yajl_t_any)) {
		crop->asked = transaction_id(tree, "request");
		/* Of a message that was cut short, the number may lack its end. */
		crop->answered = strstr(crop->line, "\"wrong length\"")
					 ? -1
					 : transaction_id(tree, "response");
		crop->call = call_of(tree);
	} else if (tree && !member(tree, http, yajl_t_any)) {
		crop->asked = word_id(crop->line, false);
		crop->answered = word_id(crop->line, true);
	}
	yajl_tree_free(tree);
}

static const char *const times[] = {
	"\"@timestamp\":", "\"start\":", "\"end\":", "\"duration\":", "\"timing\":"};

static struct crop crop_of(const char *line, size_t len, enum plain plain)
{
	struct crop crop = {.line = must_alloc(len + 1)};

	memcpy(crop.line, line, len);
	crop.plain = must_strdup(crop.line);
	take_out(crop.plain, "\"packets\":");
	take_out(crop.plain, "\"tcp\":");
	if (plain >= PLAIN_PLACE) {
		take_out(crop.plain, "\"connect\":");
		take_out(crop.plain, "\"id\":");
	}
	for (size_t i = 0; plain == PLAIN_TIMES && i < sizeof times / sizeof *times; i++)
		take_out(crop.plain, times[i]);
	return crop;
}

static uint64_t unbooked(const struct counters *c)
{
	uint64_t sum = c->at[COUNT_PACKETS_DECODED] + c->at[COUNT_FRAMES_FRAGMENT];

	for (size_t i = COUNT_DISCARD_LINK; i <= COUNT_DISCARD_DEPTH; i++)
		sum += c->at[i];
	return c->at[COUNT_FRAMES_RECEIVED] - sum;
}

struct harvest harvest_of(const struct settings *settings, const struct roll *roll,
			  enum plain plain)
{
	struct tap tap = {&no_source, NULL};
	struct harvest harvest = {0};
	struct buf text;
	size_t room_for = 0;

	buf_init(&text, NULL);
	struct worker *worker = worker_new(settings, tap, &sink, &text, MEMORY);

	for (size_t i = 0; i < roll->count; i++)
		worker_frame(worker, &roll->at[i]);
	worker_finish(worker);
	harvest.unbooked = unbooked(worker_counters(worker));
	worker_free(worker);

	*buf_room(&text, 1) = 0;
	harvest.text = must_strdup(text.at ? (char *)text.at : "");
	buf_fini(&text);
	for (const char *line = harvest.text, *end; (end = strchr(line, '\n')); line = end + 1) {
		if (harvest.count == room_for) {
			room_for = room_for ? 2 * room_for : 64;
			harvest.at = must_realloc(harvest.at, room_for * sizeof *harvest.at);
		}
		harvest.at[harvest.count++] = crop_of(line, (size_t)(end - line), plain);
	}
	return harvest;
}

void harvest_fini(struct harvest *harvest)
{
	for (size_t i = 0; i < harvest->count; i++) {
		free(harvest->at[i].line);
		free(harvest->at[i].plain);
	}
	free(harvest->at);
	free(harvest->text);
	*harvest = (struct harvest){0};
}

static int by_plain(const void *a, const void *b)
{
	return strcmp(((const struct crop *)a)->plain, ((const struct crop *)b)->plain);
}

void harvest_sort(struct harvest *harvest)
{
	if (harvest->count > 0)
		qsort(harvest->at, harvest->count, sizeof *harvest->at, by_plain);
}

bool harvest_has(const struct harvest *sorted, const char *plain)
{
	struct crop key = {.plain = must_strdup(plain)};
	bool found = sorted->count > 0 &&
		     bsearch(&key, sorted->at, sorted->count, sizeof *sorted->at, by_plain);

	free(key.plain);
	return found;
}

const struct crop *harvest_find(const struct harvest *harvest, int64_t asked)
{
	for (size_t i = 0; i < harvest->count; i++)
		if (harvest->at[i].asked == asked)
			return &harvest->at[i];
	return NULL;
}
