#include "tests/lib/declared.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

enum { PATH_MAX_BYTES = 256 };

struct check {
	const struct field *own;
	struct fault *fault;
};

/* How much two texts have in common. Not strcmp(): fuzzers watch what it compares, and names of
 * fields against each other would take most of their time. */
static size_t in_common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static bool same(const char *a, const char *b)
{
	size_t n = in_common(a, b);

	return a[n] == b[n];
}

static const struct field *find(const struct field *fields, const char *name)
{
	for (const struct field *f = fields; f && f->name; f++)
		if (same(f->name, name))
			return f;
	return NULL;
}

static bool object_declared(const struct field *fields, const char *name)
{
	size_t len = strlen(name);

	for (const struct field *f = fields; f && f->name; f++)
		if (in_common(f->name, name) == len && f->name[len] == '.')
			return true;
	return false;
}

static bool is_date(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00.000000000Z";

	for (size_t i = 0; i < sizeof shape; i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
	return true;
}

static bool is_ip(const char *text)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, text, &addr) == 1 || inet_pton(AF_INET6, text, &addr) == 1;
}

/* From its text: yajl takes the least 64-bit integer for one that does not fit. */
static bool is_integer(yajl_val v)
{
	char *end;

	if (!YAJL_IS_NUMBER(v))
		return false;
	errno = 0;
	strtoll(YAJL_GET_NUMBER(v), &end, 10);
	return errno == 0 && *end == 0;
}

static bool scalar_fits(yajl_val v, enum field_type type)
{
	const char *text = YAJL_GET_STRING(v);

	switch (type) {
	case FIELD_LONG:
		return is_integer(v);
	case FIELD_DOUBLE:
		return YAJL_IS_NUMBER(v);
	case FIELD_BOOL:
		return YAJL_IS_TRUE(v) || YAJL_IS_FALSE(v);
	case FIELD_DATE:
		return text && is_date(text);
	case FIELD_IP:
		return text && is_ip(text);
	default:
		return text != NULL;
	}
}

static bool list_fits(yajl_val v, enum field_type type)
{
	for (size_t i = 0; i < v->u.array.len; i++)
		if (!scalar_fits(v->u.array.values[i], type))
			return false;
	return v->u.array.len > 0;
}

/* An object with keys of its own: texts, numbers, lists of these. */
static bool object_fits(yajl_val v)
{
	if (!YAJL_IS_OBJECT(v))
		return false;
	for (size_t i = 0; i < v->u.object.len; i++) {
		yajl_val member = v->u.object.values[i];

		if (!YAJL_IS_STRING(member) && !is_integer(member) &&
		    !(YAJL_IS_ARRAY(member) && list_fits(member, FIELD_KEYWORD)))
			return false;
	}
	return v->u.object.len > 0;
}

static bool value_fits(yajl_val v, enum field_type type)
{
	if (type == FIELD_OBJECT)
		return object_fits(v);
	if (YAJL_IS_ARRAY(v))
		return list_fits(v, type);
	return scalar_fits(v, type) && !(YAJL_IS_STRING(v) && YAJL_GET_STRING(v)[0] == 0);
}

static bool keys_differ(yajl_val v, const char *path, struct fault *fault)
{
	if (YAJL_IS_ARRAY(v))
		for (size_t i = 0; i < v->u.array.len; i++)
			if (!keys_differ(v->u.array.values[i], path, fault))
				return false;
	if (!YAJL_IS_OBJECT(v))
		return true;
	for (size_t i = 0; i < v->u.object.len; i++) {
		for (size_t j = 0; j < i; j++)
			if (same(v->u.object.keys[i], v->u.object.keys[j]))
				return fault_set(fault, "%s: key \"%s\" twice", path,
						 v->u.object.keys[i]);
		if (!keys_differ(v->u.object.values[i], v->u.object.keys[i], fault))
			return false;
	}
	return true;
}

static bool check_object(const struct check *c, yajl_val object, const char *path)
{
	char name[PATH_MAX_BYTES];

	for (size_t i = 0; i < object->u.object.len; i++) {
		const char *key = object->u.object.keys[i];
		yajl_val v = object->u.object.values[i];
		int len = snprintf(name, sizeof name, "%s%s%s", path, path[0] ? "." : "", key);

		if (len < 0 || (size_t)len >= sizeof name || strchr(key, '.'))
			return fault_set(c->fault, "%.200s: no declared field has such a name",
					 name);

		const struct field *f = find(fields_common, name);

		f = f ? f : find(c->own, name);
		if (f && !value_fits(v, f->type))
			return fault_set(c->fault, "%s: not of its declared type, or empty", name);
		if (f)
			continue;
		if (!YAJL_IS_OBJECT(v) || v->u.object.len == 0 ||
		    !(object_declared(fields_common, name) || object_declared(c->own, name)))
			return fault_set(c->fault, "%s: not declared", name);
		if (!check_object(c, v, name))
			return false;
	}
	return true;
}

bool declared_check(struct bytes document, const struct field *own, struct fault *fault)
{
	char why[256], *text = strndup((const char *)document.at, document.len);

	/* yajl's strings end at a NUL, and one that begins with it is not empty. */
	for (char *p = text; (p = strstr(p, "\\u0000")); p++)
		p[5] = '1';
	yajl_val tree = yajl_tree_parse(text, why, sizeof why);
	struct check check = {own, fault};
	bool good;

	if (!tree)
		good = fault_set(fault, "not JSON: %s", why);
	else if (!YAJL_IS_OBJECT(tree))
		good = fault_set(fault, "not a JSON object");
	else
		good = keys_differ(tree, "the document", fault) && check_object(&check, tree, "");
	yajl_tree_free(tree);
	free(text);
	return good;
}
