#include "shipper/base/option.h"

#include "shipper/base/amount.h"
#include "shipper/base/bytes.h"
#include "shipper/base/must.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ITEMS_MAX = 1024, SHOWN_MAX = 80 };

static void *member(const struct option *row, void *conf)
{
	return (char *)conf + row->offset;
}

static const void *member_of(const struct option *row, const void *conf)
{
	return (const char *)conf + row->offset;
}

bool option_is_map(const struct option *row)
{
	return row->type == OPTION_PAIRS || row->type == OPTION_SECRETS;
}

bool option_is_list(const struct option *row)
{
	return row->type == OPTION_TEXTS || row->type == OPTION_PORTS || option_is_map(row);
}

/* ---- What is expected ---- */

static void value_text(const struct option *row, int64_t n, char *to, size_t size)
{
	if (row->type == OPTION_DURATION)
		duration_write(n, to, size);
	else if (row->type == OPTION_SIZE)
		size_write(n, to, size);
	else if (n == 0 && row->choices != NULL)
		snprintf(to, size, "%s", row->choices[0]);
	else
		snprintf(to, size, "%" PRId64, n);
}

static void range_text(const struct option *row, char *to, size_t size)
{
	char least[32], most[32];

	to[0] = '\0';
	if (row->min == 0 && row->max == 0)
		return;
	value_text(row, row->min, least, sizeof(least));
	value_text(row, row->max, most, sizeof(most));
	if (row->max == INT64_MAX)
		snprintf(to, size, ", at least %s", least);
	else
		snprintf(to, size, ", from %s to %s", least, most);
}

static void choices_text(const struct option *row, char *to, size_t size)
{
	size_t at = (size_t)snprintf(to, size, "one of ");

	for (size_t i = 0; row->choices[i] != NULL && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%s", i > 0 ? ", " : "",
				       row->choices[i]);
}

void option_expected(const struct option *row, char *to, size_t size)
{
	static const char *const words[] = {
		[OPTION_BOOL] = "true or false",
		[OPTION_INT] = "a whole number",
		[OPTION_SIZE] = "a size such as 64KiB or 10MB",
		[OPTION_DURATION] = "a duration such as 10s",
		[OPTION_TEXT] = "a text",
		[OPTION_SECRET] = "a text",
		[OPTION_TEXTS] = "a list of texts such as [a, b]",
		[OPTION_PAIRS] = "names with values such as {a: b}",
		[OPTION_SECRETS] = "names with values such as {a: b}",
		[OPTION_PORTS] = "ports from 1 to 65535 such as [80, 8080]",
	};
	char range[80];

	if (row->type == OPTION_CHOICE) {
		choices_text(row, to, size);
		return;
	}
	range_text(row, range, sizeof(range));
	snprintf(to, size, "%s%s%s%s", words[row->type], range, row->choices ? ", or " : "",
		 row->choices ? row->choices[0] : "");
}

static bool unexpected(const struct option *row, const char *text, struct fault *fault)
{
	char expected[256];
	bool shown = row->type != OPTION_SECRET && row->type != OPTION_SECRETS;

	option_expected(row, expected, sizeof(expected));
	return fault_set(fault, "expected %s, got \"%.*s%s\"", expected, shown ? SHOWN_MAX : 0,
			 text, strlen(text) > SHOWN_MAX || !shown ? "…" : "");
}

/* ---- Scalars ---- */

static bool bool_parse(const char *text, bool *to)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*to = i % 2 == 1;
			return true;
		}
	return false;
}

static bool amount_parse(const struct option *row, const char *text, int64_t *to)
{
	bool limited = row->min != 0 || row->max != 0;
	int64_t n;

	if (row->type == OPTION_INT && row->choices && strcasecmp(text, row->choices[0]) == 0) {
		*to = 0;
		return true;
	}
	if (row->type == OPTION_INT) {
		if (!bytes_int(bytes_str(text), INT64_MIN, INT64_MAX, &n))
			return false;
	} else if (row->type == OPTION_SIZE ? !size_parse(text, &n) : !duration_parse(text, &n)) {
		return false;
	} else if (n < 0 && !limited) {
		return false;
	}
	if (limited && (n < row->min || n > row->max))
		return false;
	*to = n;
	return true;
}

static bool choice_parse(const struct option *row, const char *text, int *to)
{
	for (int i = 0; row->choices[i] != NULL; i++)
		if (strcasecmp(row->choices[i], text) == 0) {
			*to = i;
			return true;
		}
	return false;
}

/* What may be a secret is wiped before its memory is given away. */
static void text_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void text_set(char **to, const char *text)
{
	text_free(*to);
	*to = must_strdup(text);
}

/* ---- Lists ---- */

void texts_add(struct texts *texts, const char *text)
{
	texts->at = must_realloc(texts->at, (texts->count + 1) * sizeof(texts->at[0]));
	texts->at[texts->count++] = must_strdup(text);
}

void texts_fini(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		text_free(texts->at[i]);
	free(texts->at);
	*texts = (struct texts){0};
}

static bool ports_parse(const char *const *items, size_t count, struct ports *to)
{
	struct ports ports = {0};

	for (size_t i = 0; i < count; i++) {
		bool twice = false;
		int64_t port;

		if (!bytes_int(bytes_str(items[i]), 1, UINT16_MAX, &port))
			return false;
		for (size_t j = 0; j < ports.count; j++)
			twice |= ports.at[j] == port;
		if (twice)
			continue;
		if (ports.count == PORTS_MAX)
			return false;
		ports.at[ports.count++] = (uint16_t)port;
	}
	*to = ports;
	return true;
}

static bool ports_fault(const struct option *row, const char *const *items, size_t count,
			struct fault *fault)
{
	struct ports one;

	for (size_t i = 0; i < count; i++)
		if (!ports_parse(&items[i], 1, &one))
			return unexpected(row, items[i], fault);
	return fault_set(fault, "more than %d ports", PORTS_MAX);
}

bool option_parse_items(const struct option *row, void *conf, const char *const *items,
			size_t count, struct fault *fault)
{
	char expected[256];
	struct texts *texts;

	if (!option_is_list(row)) {
		option_expected(row, expected, sizeof(expected));
		return fault_set(fault, "expected %s, got a list", expected);
	}
	if (count > ITEMS_MAX)
		return fault_set(fault, "more than %d items", ITEMS_MAX);
	if (row->type == OPTION_PORTS)
		return ports_parse(items, count, member(row, conf)) ||
		       ports_fault(row, items, count, fault);
	for (size_t i = 0; option_is_map(row) && i < count; i++)
		if (strchr(items[i], '=') == NULL || items[i][0] == '=')
			return unexpected(row, items[i], fault);
	texts = member(row, conf);
	texts_fini(texts);
	texts->at = must_alloc((count > 0 ? count : 1) * sizeof(texts->at[0]));
	for (; texts->count < count; texts->count++)
		texts->at[texts->count] = must_strdup(items[texts->count]);
	return true;
}

/* Copies one item of a YAML flow list or map, up to a comma or the closing bracket. */
static const char *item_take(const char *p, char close, char *to)
{
	char quote = *p == '"' || *p == '\'' ? *p : '\0';
	char *begin = to;

	if (quote != '\0') {
		for (p++; *p != '\0' && *p != quote; p++)
			*to++ = *p;
		if (*p++ == '\0')
			return NULL;
	} else {
		while (*p != '\0' && *p != ',' && *p != close && strchr("[]{}", *p) == NULL)
			*to++ = *p++;
		while (to > begin && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
	}
	*to = '\0';
	while (*p == ' ')
		p++;
	return p;
}

/* In a map's item "key: value" becomes "key=value". */
static bool pair_join(char *item)
{
	char *colon = strstr(item, ": ");
	char *value;
	size_t len;

	if (colon == NULL)
		return false;
	*colon = '=';
	for (value = colon + 1; *value == ' '; value++)
		;
	len = strlen(value);
	if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
		value++;
		len -= 2;
	}
	memmove(colon + 1, value, len);
	colon[1 + len] = '\0';
	return true;
}

/* A list or map in YAML flow form; quotes are known, escapes and nesting are not. */
static bool flow_split(const char *text, bool pairs, char *to, const char **items, size_t *count)
{
	char close = pairs ? '}' : ']';
	const char *p = text + 1;

	for (*count = 0;; p++) {
		while (*p == ' ')
			p++;
		if (*p == close)
			break;
		if (*count == ITEMS_MAX)
			return false;
		p = item_take(p, close, to);
		if (p == NULL || (*p != ',' && *p != close) || (pairs && !pair_join(to)))
			return false;
		items[(*count)++] = to;
		to += strlen(to) + 1;
		if (*p == close)
			break;
	}
	return p[1] == '\0';
}

static bool list_parse(const struct option *row, void *conf, const char *text, struct fault *fault)
{
	bool pairs = option_is_map(row);
	const char **items;
	size_t count;
	char *copy;
	bool well;

	if (text[0] == '\0')
		return option_parse_items(row, conf, NULL, 0, fault);
	if (text[0] != (pairs ? '{' : '['))
		return option_parse_items(row, conf, &text, 1, fault);
	copy = must_alloc(2 * strlen(text) + 2);
	items = must_alloc(ITEMS_MAX * sizeof(items[0]));
	well = flow_split(text, pairs, copy, items, &count)
		       ? option_parse_items(row, conf, items, count, fault)
		       : unexpected(row, text, fault);
	free(items);
	free(copy);
	return well;
}

bool option_parse(const struct option *row, void *conf, const char *text, struct fault *fault)
{
	void *to = member(row, conf);
	bool well = true;

	switch (row->type) {
	case OPTION_BOOL:
		well = bool_parse(text, to);
		break;
	case OPTION_INT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		well = amount_parse(row, text, to);
		break;
	case OPTION_TEXT:
	case OPTION_SECRET:
		text_set(to, text);
		break;
	case OPTION_CHOICE:
		well = choice_parse(row, text, to);
		break;
	case OPTION_TEXTS:
	case OPTION_PAIRS:
	case OPTION_SECRETS:
	case OPTION_PORTS:
		return list_parse(row, conf, text, fault);
	}
	return well || unexpected(row, text, fault);
}

void option_default(const struct option *table, void *conf)
{
	struct fault fault;

	for (const struct option *row = table; row != NULL && row->name != NULL; row++)
		must(option_parse(row, conf, row->preset, &fault));
}

void option_free(const struct option *table, void *conf)
{
	for (const struct option *row = table; row != NULL && row->name != NULL; row++) {
		char **text = member(row, conf);

		if (row->type == OPTION_TEXTS || option_is_map(row)) {
			texts_fini(member(row, conf));
		} else if (row->type == OPTION_TEXT || row->type == OPTION_SECRET) {
			text_free(*text);
			*text = NULL;
		}
	}
}

/* ---- Printing ---- */

/* Characters that YAML folds or does not take as they are; returns their length in UTF-8. */
static size_t unprintable(const unsigned char *p, unsigned *code)
{
	if (p[0] < 0x20 || p[0] == 0x7f) {
		*code = p[0];
		return 1;
	}
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
		*code = p[1];
		return 2;
	}
	if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		*code = 0x2000u + (p[2] & 0x3fu);
	else if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		*code = 0xfeff;
	else if (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
		*code = 0xffc0u + (p[2] & 0x3fu);
	else
		return 0;
	return 3;
}

/* A text as YAML's double quoted form has it; a value such that no variable is put in again. */
static void quoted_print(const char *text, size_t len, bool value, FILE *to)
{
	unsigned code;
	size_t n;

	fputc('"', to);
	for (size_t i = 0; i < len; i += n) {
		n = unprintable((const unsigned char *)text + i, &code);
		if (n > 0) {
			fprintf(to, "\\u%04x", code);
			continue;
		}
		n = 1;
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', to);
		else if (value && text[i] == '$' && text[i + 1] == '{')
			fputc('$', to);
		fputc(text[i], to);
	}
	fputc('"', to);
}

static void text_print(const char *text, FILE *to)
{
	quoted_print(text, strlen(text), true, to);
}

static void texts_print(char *const *texts, size_t count, size_t skip, FILE *to)
{
	fputc('[', to);
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : "", to);
		text_print(texts[i] + skip, to);
	}
	fputc(']', to);
}

size_t option_pair_run(const struct texts *pairs, size_t at)
{
	size_t key = strcspn(pairs->at[at], "=") + 1, n = 1;

	while (at + n < pairs->count && strncmp(pairs->at[at], pairs->at[at + n], key) == 0)
		n++;
	return n;
}

static void pairs_print(const struct texts *pairs, FILE *to)
{
	fputc('{', to);
	for (size_t i = 0, n; i < pairs->count; i += n) {
		const char *text = pairs->at[i];
		size_t key = strcspn(text, "=");

		n = option_pair_run(pairs, i);
		fputs(i > 0 ? ", " : "", to);
		quoted_print(text, key, false, to);
		fputs(": ", to);
		if (n > 1)
			texts_print(pairs->at + i, n, key + 1, to);
		else
			text_print(text + key + 1, to);
	}
	fputc('}', to);
}

static void ports_print(const struct ports *ports, FILE *to)
{
	fputc('[', to);
	for (size_t i = 0; i < ports->count; i++)
		fprintf(to, "%s%u", i > 0 ? ", " : "", ports->at[i]);
	fputc(']', to);
}

void option_print(const struct option *row, const void *conf, FILE *to)
{
	const void *from = member_of(row, conf);
	const struct texts *texts;
	char amount[32];

	switch (row->type) {
	case OPTION_BOOL:
		fputs(*(const bool *)from ? "true" : "false", to);
		break;
	case OPTION_INT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		value_text(row, *(const int64_t *)from, amount, sizeof(amount));
		fputs(amount, to);
		break;
	case OPTION_TEXT:
		text_print(*(char *const *)from, to);
		break;
	case OPTION_SECRET:
		fputs(**(char *const *)from == '\0' ? "\"\"" : "\"\" # set, not shown", to);
		break;
	case OPTION_CHOICE:
		fputs(row->choices[*(const int *)from], to);
		break;
	case OPTION_TEXTS:
		texts = from;
		texts_print(texts->at, texts->count, 0, to);
		break;
	case OPTION_PAIRS:
		pairs_print(from, to);
		break;
	case OPTION_SECRETS:
		texts = from;
		fputs(texts->count == 0 ? "{}" : "{} # set, not shown", to);
		break;
	case OPTION_PORTS:
		ports_print(from, to);
		break;
	}
}

/* ---- Comparing ---- */

static bool texts_equal(const struct texts *a, const struct texts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return true;
}

bool option_equal(const struct option *row, const void *a, const void *b)
{
	const void *one = member_of(row, a), *other = member_of(row, b);

	switch (row->type) {
	case OPTION_BOOL:
		return *(const bool *)one == *(const bool *)other;
	case OPTION_INT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		return *(const int64_t *)one == *(const int64_t *)other;
	case OPTION_TEXT:
	case OPTION_SECRET:
		return strcmp(*(char *const *)one, *(char *const *)other) == 0;
	case OPTION_CHOICE:
		return *(const int *)one == *(const int *)other;
	case OPTION_TEXTS:
	case OPTION_PAIRS:
	case OPTION_SECRETS:
		return texts_equal(one, other);
	case OPTION_PORTS:
		return ((const struct ports *)one)->count == ((const struct ports *)other)->count &&
		       memcmp(((const struct ports *)one)->at, ((const struct ports *)other)->at,
			      ((const struct ports *)one)->count * sizeof(uint16_t)) == 0;
	}
	return false;
}
