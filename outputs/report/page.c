#include "outputs/report/page.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "outputs/report/pack.h"
#include "outputs/report/template.h"
#include "shipper/base/fd.h"
#include "shipper/base/must.h"
#include "shipper/txn/json_text.h"

/* Sizes are of base64, as it stands in the page. */
enum {
	ROWS_MAX = 150000,
	ROWS_BYTES_MAX = 1250000,
	WORDS_BYTES_MAX = 250000,
	CALLS_MAX = 1000,
	CALLS_BYTES_MAX = 200000,
	HEAD_BYTES_MAX = 60000,
	TICK_MIN = 1000, /* ns */
};

struct parts {
	struct buf rows, words, documents, calls;
	nsec origin, tick;
	bool counts; /* rows have them */
};

static void __attribute__((format(printf, 2, 3))) add(struct buf *out, const char *format, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	must(len >= 0 && len < (int)sizeof(text));
	buf_add(out, bytes_of(text, (size_t)len));
}

/* ---- words: {"types":["http"],"kinds":[[1,"GET /a"]],…}, cut texts with an ellipsis, others null
 * ---- */

static void add_word(struct buf *out, const struct word *word, bool typed)
{
	if (typed)
		add(out, "[%u,", word->type);
	if (word->text != NULL) {
		buf_add(out, BYTES("\""));
		json_text(out, bytes_of(word->text, word->len));
		buf_add(out, word->cut ? BYTES("…\"") : BYTES("\""));
	} else {
		buf_add(out, BYTES("null"));
	}
	if (typed)
		buf_add(out, BYTES("]"));
}

static void add_words(struct buf *out, const char *name, const struct words *words, bool typed)
{
	add(out, "\"%s\":[", name);
	for (size_t i = 1; i < words->count; i++) {
		if (i > 1)
			buf_add(out, BYTES(","));
		add_word(out, &words->at[i], typed);
	}
	buf_add(out, BYTES("]"));
}

static void pack_words(struct buf *out, const struct ledger *l)
{
	static const struct {
		const char *name;
		bool typed;
	} names[BY_COUNT] = {{"kinds", true},  {"servers", false}, {"clients", false},
			     {"errors", true}, {"hosts", false},   {"statuses", false}};
	struct buf json;

	buf_init(&json, NULL);
	buf_add(&json, BYTES("{"));
	add_words(&json, "types", &l->types, false);
	for (int i = 0; i < BY_COUNT; i++) {
		buf_add(&json, BYTES(","));
		add_words(&json, names[i].name, &l->by[i], names[i].typed);
	}
	buf_add(&json, BYTES("}"));
	out->len = 0;
	pack_deflated(out, buf_bytes(&json));
	buf_fini(&json);
}

/* ---- rows ---- */

static void pack_sorted(struct buf *out, struct rows *rows, const struct parts *p, bool counts)
{
	struct buf raw;

	buf_init(&raw, NULL);
	pack_rows(&raw, rows, p->origin, p->tick, counts);
	out->len = 0;
	pack_deflated(out, buf_bytes(&raw));
	buf_fini(&raw);
}

/* Ticks as fine as a span lets them be. Calls may begin before the first exchange. */
static void set_clock(struct parts *p, const struct ledger *l)
{
	const struct kept *all[] = {&l->documents, &l->calls};
	nsec first = INT64_MAX, last = INT64_MIN;

	for (size_t i = 0; i < l->rows.count; i++) {
		first = l->rows.at[i].at < first ? l->rows.at[i].at : first;
		last = l->rows.at[i].at > last ? l->rows.at[i].at : last;
	}
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < all[k]->count; i++) {
			nsec at = all[k]->at[i].row.at;

			first = at < first ? at : first;
			last = at > last ? at : last;
		}
	p->origin = first > last ? 0 : first;
	p->tick = first > last ? TICK_MIN : (last - first) / (nsec)UINT32_MAX + 1;
	if (p->tick < TICK_MIN)
		p->tick = TICK_MIN;
}

static void pack_exchanges(struct parts *p, struct ledger *l)
{
	while (l->rows.count > ROWS_MAX && ledger_coarsen(l))
		;
	do {
		p->counts = l->level > 0;
		rows_sort(&l->rows);
		set_clock(p, l);
		pack_sorted(&p->rows, &l->rows, p, p->counts);
		pack_words(&p->words, l);
	} while ((p->rows.len > ROWS_BYTES_MAX || p->words.len > WORDS_BYTES_MAX) &&
		 ledger_coarsen(l));
}

/* ---- documents: their rows' columns, and their lines ---- */

static int by_time(const void *x, const void *y)
{
	const struct document *a = x, *b = y;

	if (a->row.at != b->row.at)
		return a->row.at < b->row.at ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static void add_documents(struct buf *out, const struct kept *k)
{
	for (size_t i = 0; i < k->count; i++) {
		buf_add(out, bytes_of(k->at[i].text, k->at[i].len));
		buf_add(out, BYTES("\n"));
	}
}

static void pack_kept(struct buf *out, struct kept *k, const struct parts *p)
{
	struct rows rows = {0};
	struct buf raw;

	if (k->count > 0)
		qsort(k->at, k->count, sizeof(k->at[0]), by_time);
	for (size_t i = 0; i < k->count; i++)
		rows_add(&rows, &k->at[i].row);
	buf_init(&raw, NULL);
	pack_rows(&raw, &rows, p->origin, p->tick, false);
	add_documents(&raw, k);
	out->len = 0;
	pack_deflated(out, buf_bytes(&raw));
	buf_fini(&raw);
	rows_fini(&rows);
}

/* As many as fit in `room`. */
static void pack_within(struct buf *out, struct kept *k, const struct parts *p, size_t limit,
			size_t room)
{
	kept_prune(k, limit);
	pack_kept(out, k, p);
	while (out->len > room && k->count > 0) {
		double share = (double)room / (double)out->len;

		kept_prune(k, (size_t)((double)k->count * share * 0.95));
		pack_kept(out, k, p);
	}
}

/* ---- the head: what there is, and what is left out ---- */

static void add_sources(struct buf *out, const struct ledger *l)
{
	size_t begun = out->len, shown = 0;

	buf_add(out, BYTES("\"sources\":["));
	for (; shown < l->sources_count && shown < SOURCES_MAX; shown++) {
		if (out->len - begun > HEAD_BYTES_MAX / 2)
			break;
		buf_add(out, shown > 0 ? BYTES(",\"") : BYTES("\""));
		json_text(out, bytes_head(bytes_str(l->sources[shown]), WORD_BYTES_MAX));
		buf_add(out, BYTES("\""));
	}
	add(out, "],\"sources_more\":%zu", l->sources_count - shown);
}

static void add_head(struct buf *out, const struct ledger *l, const struct parts *p)
{
	struct level level = rows_level(l->level);

	add(out, "{\"version\":\"%s\",\"origin\":\"%" PRId64 "\",\"tick\":%" PRId64,
	    WIRESPAN_VERSION, p->origin, p->tick);
	add(out,
	    ",\"exchanges\":%" PRIu64 ",\"rows\":%zu,\"counts\":%s,\"classes\":%u,\"times\":%u",
	    l->rows.exchanges, l->rows.count, p->counts ? "true" : "false", level.classes,
	    level.times);
	add(out, ",\"documents\":%zu,\"calls\":%zu,\"calls_seen\":%" PRIu64, l->documents.count,
	    l->calls.count, l->calls.seen);
	add(out,
	    ",\"too_large\":%" PRIu64 ",\"others\":%" PRIu64 ",\"untimed\":%" PRIu64
	    ",\"not_json\":%" PRIu64,
	    l->documents.too_large + l->calls.too_large, l->others, l->untimed, l->not_json);
	for (int i = 0; i < BY_COUNT; i++)
		add(out, "%s%" PRIu64, i == 0 ? ",\"folded\":[" : ",", l->by[i].folded);
	buf_add(out, BYTES("],"));
	add_sources(out, l);
}

static void add_part(struct buf *out, const char *name, const struct buf *part)
{
	add(out, ",\n\"%s\":\"", name);
	buf_add(out, buf_bytes(part));
	buf_add(out, BYTES("\""));
}

/* JSON within HTML: no "<" of a file's name opens anything. */
static void add_escaped(struct buf *out, struct bytes json)
{
	while (json.len > 0) {
		size_t n = bytes_find(json, '<');

		buf_add(out, bytes_head(json, n));
		if (n < json.len)
			buf_add(out, BYTES("\\u003c"));
		json = bytes_skip(json, n + 1);
	}
}

static void add_content(struct buf *out, struct ledger *l, size_t template_len)
{
	struct parts p = {0};
	struct buf head;
	size_t used;

	buf_init(&head, NULL);
	kept_prune(&l->documents, KEPT_MAX);
	pack_exchanges(&p, l);
	pack_within(&p.calls, &l->calls, &p, CALLS_MAX, CALLS_BYTES_MAX);
	used = template_len + HEAD_BYTES_MAX + p.rows.len + p.words.len + p.calls.len;
	pack_within(&p.documents, &l->documents, &p, KEPT_MAX, PAGE_BYTES_MAX - used);
	add_head(&head, l, &p);
	add_escaped(out, buf_bytes(&head));
	add_part(out, "packed_rows", &p.rows);
	add_part(out, "packed_words", &p.words);
	add_part(out, "packed_documents", &p.documents);
	add_part(out, "packed_calls", &p.calls);
	buf_add(out, BYTES("}"));
	buf_fini(&head);
	buf_fini(&p.rows);
	buf_fini(&p.words);
	buf_fini(&p.documents);
	buf_fini(&p.calls);
}

/* ---- the page ---- */

/* What stands in the first element of this name, by which a browser knows it. */
static void add_hash(struct buf *out, struct bytes page, const char *begin, const char *end)
{
	const uint8_t *from = memmem(page.at, page.len, begin, strlen(begin)), *to;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	must(from != NULL);
	from += strlen(begin);
	to = memmem(from, page.len - (size_t)(from - page.at), end, strlen(end));
	must(to != NULL);
	must(EVP_Digest(from, (size_t)(to - from), digest, &len, EVP_sha256(), NULL) == 1);
	buf_add(out, BYTES("sha256-"));
	pack_base64(out, bytes_of(digest, len));
}

/* Everything before the mark, which is taken out of `rest`. */
static void add_until(struct buf *out, struct bytes *rest, const char *mark)
{
	const uint8_t *at = memmem(rest->at, rest->len, mark, strlen(mark));

	must(at != NULL);
	buf_add(out, bytes_head(*rest, (size_t)(at - rest->at)));
	*rest = bytes_skip(*rest, (size_t)(at - rest->at) + strlen(mark));
}

void page_make(struct buf *out, struct ledger *l)
{
	struct bytes page = template_page(), rest = page;

	add_until(out, &rest, "{{script}}");
	add_hash(out, page, "<script>", "</script>");
	add_until(out, &rest, "{{style}}");
	add_hash(out, page, "<style>", "</style>");
	add_until(out, &rest, "{{content}}");
	add_content(out, l, page.len);
	buf_add(out, rest);
	must(out->len <= PAGE_BYTES_MAX);
}

bool page_is_printed(const char *path)
{
	return strcmp(path, "-") == 0;
}

const char *page_name(const char *path)
{
	return page_is_printed(path) ? "standard output" : path;
}

static int open_page(const char *path)
{
	return page_is_printed(path) ? dup(STDOUT_FILENO)
				     : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

bool page_write(const char *path, struct ledger *l, size_t *bytes, struct fault *fault)
{
	struct buf page;
	bool well;
	int fd = open_page(path);

	if (fd < 0)
		return fault_set(fault, "%s cannot be written: %s", page_name(path),
				 strerror(errno));
	buf_init(&page, NULL);
	page_make(&page, l);
	*bytes = page.len;
	well = fd_write(fd, buf_bytes(&page)) == page.len;
	well = well || (page_is_printed(path) && errno == EPIPE);
	if (close(fd) != 0 || !well)
		well = fault_set(fault, "%s cannot be written: %s", page_name(path),
				 strerror(errno));
	buf_fini(&page);
	return well;
}
