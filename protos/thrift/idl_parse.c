/*
 * Definitions of an IDL file. What documents have no use for (constants, defaults, annotations,
 * namespaces) is read and dropped, but must be written as the language says.
 */
#include "protos/thrift/idl_parse.h"

static bool annotations(struct parser *p);
static struct idl_node *type(struct parser *p);

static bool unexpected(struct parser *p, const char *wanted)
{
	struct bytes found = bytes_head(p->word.text, 40);

	if (p->word.kind == WORD_END)
		return idl_fault(p, p->word.line, p->word.column, "expected %s, but the file ends",
				 wanted);
	return idl_fault(p, p->word.line, p->word.column, "expected %s, found '%.*s'", wanted,
			 (int)found.len, (const char *)found.at);
}

/* A name of its own, without dots. */
static const char *name(struct parser *p, const char *wanted)
{
	const char *text;

	if (p->failed)
		return NULL;
	if (p->word.kind != WORD_NAME || bytes_find(p->word.text, '.') < p->word.text.len) {
		unexpected(p, wanted);
		return NULL;
	}
	text = idl_text(p->idl, p->word.text);
	return idl_next(p) ? text : NULL;
}

/* What may stand between members. */
static bool separator(struct parser *p)
{
	if (idl_is(p, ",") || idl_is(p, ";"))
		idl_next(p);
	return !p->failed;
}

static bool text_word(struct parser *p, const char *wanted)
{
	return !p->failed && p->word.kind == WORD_TEXT ? idl_next(p) : unexpected(p, wanted);
}

/* ---- What is read and dropped ---- */

static bool constant(struct parser *p);

static bool constant_members(struct parser *p, const char *close, bool pairs)
{
	idl_next(p);
	while (!p->failed && !idl_is(p, close)) {
		if (!constant(p) || (pairs && (!idl_expect(p, ":") || !constant(p))))
			return false;
		separator(p);
	}
	return idl_expect(p, close);
}

static bool constant(struct parser *p)
{
	bool good;

	if (p->failed)
		return false;
	switch (p->word.kind) {
	case WORD_NUMBER:
	case WORD_REAL:
	case WORD_TEXT:
	case WORD_NAME:
		return idl_next(p);
	default:
		break;
	}
	if (!idl_is(p, "[") && !idl_is(p, "{"))
		return unexpected(p, "a value");
	if (++p->nested > IDL_NESTED_MAX)
		return idl_fault(p, p->word.line, p->word.column, "nested too deep");
	good = idl_is(p, "[") ? constant_members(p, "]", false) : constant_members(p, "}", true);
	p->nested--;
	return good;
}

/* ( name = "text", name ) */
static bool annotations(struct parser *p)
{
	if (p->failed || !idl_is(p, "("))
		return !p->failed;
	idl_next(p);
	while (!p->failed && !idl_is(p, ")")) {
		if (p->word.kind != WORD_NAME)
			return unexpected(p, "an annotation's name");
		idl_next(p);
		if (idl_take(p, "=") && !text_word(p, "a text"))
			return false;
		separator(p);
	}
	return idl_expect(p, ")");
}

/* ---- Types ---- */

static struct idl_node *node_new(struct parser *p, uint8_t kind)
{
	struct idl_node *node = idl_room(p->idl, sizeof(*node));

	node->type.kind = kind;
	node->file = p->file;
	node->line = p->word.line;
	node->column = p->word.column;
	node->next = p->idl->nodes;
	p->idl->nodes = node;
	return node;
}

static bool base_type(const struct parser *p, uint8_t *kind)
{
	static const struct {
		const char *name;
		uint8_t kind;
	} bases[] = {{"bool", T_BOOL},	   {"byte", T_BYTE},	 {"i8", T_BYTE},
		     {"i16", T_I16},	   {"i32", T_I32},	 {"i64", T_I64},
		     {"double", T_DOUBLE}, {"string", T_STRING}, {"binary", T_STRING},
		     {"slist", T_STRING},  {"uuid", T_UUID},	 {"list", T_LIST},
		     {"set", T_SET},	   {"map", T_MAP}};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (idl_is(p, bases[i].name)) {
			*kind = bases[i].kind;
			return true;
		}
	return false;
}

static bool cpp_type(struct parser *p)
{
	return !idl_take(p, "cpp_type") || text_word(p, "a C++ type in quotes");
}

/* cpp_type may stand before the brackets, and behind them. */
static bool members(struct parser *p, struct idl_node *node)
{
	if (!cpp_type(p) || !idl_expect(p, "<"))
		return false;
	if (node->type.kind == T_MAP) {
		node->key = type(p);
		if (!idl_expect(p, ","))
			return false;
	}
	node->value = type(p);
	return idl_expect(p, ">") && cpp_type(p);
}

static struct idl_node *type(struct parser *p)
{
	struct idl_node *node;
	uint8_t kind = T_NONE;

	if (p->failed)
		return NULL;
	if (p->word.kind != WORD_NAME) {
		unexpected(p, "a type");
		return NULL;
	}
	bool base = base_type(p, &kind);

	node = node_new(p, kind);
	if (!base)
		node->refers = idl_text(p->idl, p->word.text);
	idl_next(p);
	if (++p->nested > IDL_NESTED_MAX)
		idl_fault(p, node->line, node->column, "nested too deep");
	else if (kind == T_LIST || kind == T_SET || kind == T_MAP)
		members(p, node);
	p->nested--;
	annotations(p);
	return p->failed ? NULL : node;
}

/* ---- Fields ---- */

/* Ids by themselves count down from -1. */
static bool field(struct parser *p, struct idl_field *f, int32_t *automatic)
{
	int line = p->word.line, column = p->word.column;

	f->id = *automatic;
	if (p->word.kind == WORD_NUMBER) {
		if (p->word.number < INT16_MIN || p->word.number > INT16_MAX)
			return idl_fault(p, line, column, "a field's id has 16 bits");
		f->id = (int32_t)p->word.number;
		if (!idl_next(p) || !idl_expect(p, ":"))
			return false;
	} else {
		--*automatic;
	}
	if (idl_is(p, "required") || idl_is(p, "optional"))
		idl_next(p);
	struct idl_node *node = type(p);

	idl_take(p, "&"); /* a reference, in C++ */
	f->type = node ? &node->type : NULL;
	f->name = name(p, "a field's name");
	if (idl_take(p, "=") && !constant(p))
		return false;
	idl_take(p, "xsd_optional");
	idl_take(p, "xsd_nillable");
	return annotations(p) && separator(p);
}

static bool fields(struct parser *p, struct idl_type *to, const char *close)
{
	struct idl_field *list = NULL;
	int32_t automatic = -1;

	to->kind = T_STRUCT;
	while (!p->failed && !idl_is(p, close)) {
		int line = p->word.line, column = p->word.column;
		struct idl_field f = {0};

		if (!field(p, &f, &automatic))
			return false;
		size_t at = to->field_count;

		list = idl_grow(p->idl, list, at, sizeof(*list));
		for (; at > 0 && list[at - 1].id >= f.id; at--) {
			if (list[at - 1].id == f.id)
				return idl_fault(p, line, column, "field %d is there twice", f.id);
			list[at] = list[at - 1];
		}
		list[at] = f;
		to->field_count++;
		to->fields = list;
	}
	return idl_expect(p, close);
}

/* ---- Definitions ---- */

static bool define(struct parser *p, const char *called, struct idl_node *node, int line,
		   int column)
{
	if (called == NULL)
		return false;
	for (struct idl_definition *d = p->file->definitions; d; d = d->next)
		if (strcmp(d->name, called) == 0)
			return idl_fault(p, line, column, "%.80s is defined twice", called);
	struct idl_definition *d = idl_room(p->idl, sizeof(*d));

	*d = (struct idl_definition){called, node, p->file->definitions};
	p->file->definitions = d;
	return true;
}

static bool structure(struct parser *p)
{
	int line, column;

	idl_next(p);
	line = p->word.line;
	column = p->word.column;
	struct idl_node *node = node_new(p, T_STRUCT);

	node->type.name = name(p, "a name");
	if (!define(p, node->type.name, node, line, column))
		return false;
	idl_take(p, "xsd_all");
	return idl_expect(p, "{") && fields(p, &node->type, "}") && annotations(p);
}

static bool enumeration(struct parser *p)
{
	struct idl_name *list = NULL;
	int64_t next = 0;

	idl_next(p);
	int line = p->word.line, column = p->word.column;
	struct idl_node *node = node_new(p, T_I32);
	size_t *n = &node->type.name_count;

	node->type.name = name(p, "a name");
	if (!define(p, node->type.name, node, line, column) || !idl_expect(p, "{"))
		return false;
	while (!p->failed && !idl_is(p, "}")) {
		struct idl_name value = {name(p, "a value's name"), next};

		if (idl_take(p, "=")) {
			if (p->word.kind != WORD_NUMBER || p->word.number < INT32_MIN ||
			    p->word.number > INT32_MAX)
				return unexpected(p, "a number of 32 bits");
			value.number = p->word.number;
			idl_next(p);
		}
		next = value.number + 1;
		if (!annotations(p) || !separator(p))
			return false;
		size_t at = *n;

		/* By number; of two names for one, the first comes first. */
		list = idl_grow(p->idl, list, at, sizeof(*list));
		for (; at > 0 && list[at - 1].number > value.number; at--)
			list[at] = list[at - 1];
		list[at] = value;
		++*n;
		node->type.names = list;
	}
	return idl_expect(p, "}") && annotations(p);
}

/* Texts that are values of a string. */
static bool string_enumeration(struct parser *p)
{
	idl_next(p);
	int line = p->word.line, column = p->word.column;
	struct idl_node *node = node_new(p, T_STRING);

	if (!define(p, name(p, "a name"), node, line, column) || !idl_expect(p, "{"))
		return false;
	while (!p->failed && !idl_is(p, "}"))
		if (!text_word(p, "a text") || !separator(p))
			return false;
	return idl_expect(p, "}") && annotations(p);
}

static bool type_definition(struct parser *p)
{
	idl_next(p);
	struct idl_node *node = type(p);
	int line = p->word.line, column = p->word.column;

	return define(p, name(p, "a name"), node, line, column) && annotations(p) && separator(p);
}

static bool constant_definition(struct parser *p)
{
	idl_next(p);
	if (!type(p) || !name(p, "a name"))
		return false;
	return idl_expect(p, "=") && constant(p) && annotations(p) && separator(p);
}

/* ---- Services ---- */

static struct idl_field *returned(struct parser *p)
{
	struct idl_field *value;

	if (idl_take(p, "void"))
		return NULL;
	struct idl_node *node = type(p);

	if (node == NULL)
		return NULL;
	value = idl_room(p->idl, sizeof(*value));
	*value = (struct idl_field){0, "success", &node->type};
	return value;
}

/* The value returned becomes field 0 of the result. */
static bool result(struct parser *p, struct idl_function *f, const struct idl_field *value)
{
	struct idl_field *list;

	if (idl_take(p, "throws") && (!idl_expect(p, "(") || !fields(p, &f->result, ")")))
		return false;
	f->result.kind = T_STRUCT;
	if (value == NULL)
		return true;
	size_t n = f->result.field_count, at = n;

	list = idl_room(p->idl, (n + 1) * sizeof(*list));
	for (; at > 0 && f->result.fields[at - 1].id > 0; at--)
		list[at] = f->result.fields[at - 1];
	list[at] = *value;
	for (size_t i = 0; i < at; i++)
		list[i] = f->result.fields[i];
	f->result.fields = list;
	f->result.field_count = n + 1;
	return true;
}

static bool function(struct parser *p, struct idl_service *service)
{
	struct idl_function *f = idl_room(p->idl, sizeof(*f));

	f->oneway = idl_is(p, "oneway") || idl_is(p, "async");
	if (f->oneway)
		idl_next(p);
	const struct idl_field *value = returned(p);
	int line = p->word.line, column = p->word.column;

	f->service = service->name;
	f->name = name(p, "a function's name");
	if (f->name == NULL)
		return false;
	for (size_t i = 0; i < service->function_count; i++)
		if (strcmp(service->functions[i]->name, f->name) == 0)
			return idl_fault(p, line, column, "%.80s is defined twice", f->name);
	if (!idl_expect(p, "(") || !fields(p, &f->arguments, ")") || !result(p, f, value))
		return false;
	service->functions = idl_grow(p->idl, service->functions, service->function_count,
				      sizeof(service->functions[0]));
	service->functions[service->function_count++] = f;
	p->idl->function_count++;
	return annotations(p) && separator(p);
}

static bool service_definition(struct parser *p)
{
	struct idl_service *service = idl_room(p->idl, sizeof(*service));

	idl_next(p);
	service->file = p->file;
	service->line = p->word.line;
	service->column = p->word.column;
	service->name = name(p, "a name");
	if (!define(p, service->name, NULL, service->line, service->column))
		return false;
	if (idl_take(p, "extends")) {
		if (p->word.kind != WORD_NAME)
			return unexpected(p, "a service's name");
		service->line = p->word.line;
		service->column = p->word.column;
		service->extends = idl_text(p->idl, p->word.text);
		idl_next(p);
	}
	if (!idl_expect(p, "{"))
		return false;
	while (!p->failed && !idl_is(p, "}"))
		if (!function(p, service))
			return false;
	*(p->idl->last_service ? &p->idl->last_service->next : &p->idl->services) = service;
	p->idl->last_service = service;
	return idl_expect(p, "}") && annotations(p);
}

/* ---- Files ---- */

static bool include(struct parser *p)
{
	struct word path;

	idl_next(p);
	path = p->word;
	if (path.kind != WORD_TEXT)
		return unexpected(p, "a file's name in quotes");
	return idl_include(p, path.text, path.line, path.column) && idl_next(p) && separator(p);
}

/* namespace LANGUAGE NAME, also of times when each language had a keyword of its own. */
static bool namespace(struct parser *p)
{
	bool old = !idl_is(p, "namespace");

	idl_next(p);
	if (!old && !idl_take(p, "*")) {
		if (p->word.kind != WORD_NAME)
			return unexpected(p, "a language");
		idl_next(p);
	}
	if (p->word.kind != WORD_NAME && p->word.kind != WORD_TEXT)
		return unexpected(p, "a namespace");
	return idl_next(p) && annotations(p) && separator(p);
}

static bool ends_with(struct bytes b, const char *text)
{
	size_t n = strlen(text);

	return b.len > n && memcmp(b.at + b.len - n, text, n) == 0;
}

static bool definition(struct parser *p)
{
	static const struct {
		const char *keyword;
		bool (*read)(struct parser *p);
	} kinds[] = {
		{"include", include},		{"namespace", namespace},
		{"struct", structure},		{"union", structure},
		{"exception", structure},	{"enum", enumeration},
		{"senum", string_enumeration},	{"typedef", type_definition},
		{"const", constant_definition}, {"service", service_definition},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (idl_is(p, kinds[i].keyword))
			return kinds[i].read(p) && separator(p);
	if (idl_take(p, "cpp_include"))
		return text_word(p, "a file's name in quotes");
	if (p->word.kind == WORD_NAME && ends_with(p->word.text, "_namespace"))
		return namespace(p);
	return unexpected(p, "a definition");
}

bool idl_parse(struct parser *p)
{
	p->line = p->column = 1;
	if (bytes_starts(p->rest, BYTES("\xef\xbb\xbf")))
		p->rest = bytes_skip(p->rest, 3);
	idl_next(p);
	while (!p->failed && p->word.kind != WORD_END)
		definition(p);
	return !p->failed;
}
