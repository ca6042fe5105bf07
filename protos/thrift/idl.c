/*
 * IDL files and what they include, names to types, lookups.
 */
#include "protos/thrift/idl_parse.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "shipper/base/must.h"

/* ---- Memory: given back all at once ---- */

void *idl_room(struct idl *idl, size_t bytes)
{
	struct idl_block *block = must_alloc(sizeof(*block) + bytes);

	block->next = idl->blocks;
	idl->blocks = block;
	return block + 1;
}

const char *idl_text(struct idl *idl, struct bytes text)
{
	char *to = idl_room(idl, text.len + 1);

	if (text.len > 0)
		memcpy(to, text.at, text.len);
	return to;
}

void *idl_grow(struct idl *idl, void *list, size_t count, size_t size)
{
	bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
	void *more;

	if (!full)
		return list;
	more = idl_room(idl, (count < 4 ? 4 : 2 * count) * size);
	if (count > 0)
		memcpy(more, list, count * size);
	return more;
}

void idl_free(struct idl *idl)
{
	if (idl == NULL)
		return;
	for (struct idl_block *block = idl->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(idl->by_name);
	free(idl);
}

/* ---- Files ---- */

static char *read_file(void *self, const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;

	(void)self;
	if (file == NULL)
		return NULL;
	text = must_alloc(IDL_FILE_MAX + 1);
	*len = fread(text, 1, IDL_FILE_MAX + 1, file);
	if (ferror(file)) {
		free(text);
		text = NULL;
		errno = EIO;
	} else {
		text = must_realloc(text, *len + 1);
	}
	fclose(file);
	return text;
}

static const struct idl_reader files = {read_file, NULL};

static struct idl_file *find_file(const struct idl *idl, const char *path)
{
	struct idl_file *file = idl->files;

	while (file && strcmp(file->path, path) != 0)
		file = file->next;
	return file;
}

static struct idl_file *add_file(struct idl *idl, const char *path)
{
	struct idl_file *file = idl_room(idl, sizeof(*file));
	const char *slash = strrchr(path, '/');
	struct bytes prefix = bytes_str(slash ? slash + 1 : path);
	static const char ending[] = ".thrift";

	if (prefix.len >= sizeof(ending) &&
	    memcmp(prefix.at + prefix.len - sizeof(ending) + 1, ending, sizeof(ending) - 1) == 0)
		prefix.len -= sizeof(ending) - 1;
	file->path = path;
	file->prefix = idl_text(idl, prefix);
	file->next = idl->files;
	idl->files = file;
	idl->file_count++;
	return file;
}

/* Reads a file that was not read before. */
static bool parse_file(struct parser *p, struct idl_file *file)
{
	struct parser inner = {.idl = p->idl,
			       .file = file,
			       .reader = p->reader,
			       .fault = p->fault,
			       .includes = p->includes + 1};
	size_t len = 0;
	bool good;

	errno = 0;
	char *text = p->reader->read(p->reader->self, file->path, &len);

	if (text == NULL)
		return false;
	file->open = true;
	inner.rest = bytes_of(text, len);
	good = len <= IDL_FILE_MAX
		       ? idl_parse(&inner)
		       : idl_fault(&inner, 1, 1, "more than %d MiB", IDL_FILE_MAX >> 20);
	p->failed = p->failed || !good;
	file->open = false;
	free(text);
	return true;
}

static const char *beside(struct idl *idl, const char *file, struct bytes name)
{
	const char *slash = strrchr(file, '/');
	struct bytes folder = slash && name.len > 0 && name.at[0] != '/'
				      ? bytes_of(file, (size_t)(slash - file) + 1)
				      : NO_BYTES;
	char *path = idl_room(idl, folder.len + name.len + 1);

	if (folder.len > 0)
		memcpy(path, folder.at, folder.len);
	if (name.len > 0)
		memcpy(path + folder.len, name.at, name.len);
	return path;
}

/* One path for each file: FOLDER/../NAME is NAME, ./NAME is NAME. */
static void tidy(char *path)
{
	char *to = path, *root = path + (*path == '/');

	to = root;
	for (const char *from = root; *from;) {
		size_t n = strcspn(from, "/");
		bool up = n == 2 && memcmp(from, "..", 2) == 0;
		char *before = to;

		while (before > root && (before == to || before[-1] != '/'))
			before--;
		if (up && to > root && !(to - before == 3 && memcmp(before, "../", 3) == 0)) {
			to = before;
		} else if (n > 0 && !(n == 1 && *from == '.')) {
			memmove(to, from, n);
			to += n;
			if (from[n])
				*to++ = '/';
		}
		from += n + (from[n] != '\0');
	}
	*to = '\0';
}

bool idl_include(struct parser *p, struct bytes name, int line, int column)
{
	char *path;
	struct idl_file *file;

	if (memchr(name.at, '\0', name.len) || name.len == 0 || name.len > PATH_MAX)
		return idl_fault(p, line, column, "not a file's name");
	path = must_strdup(beside(p->idl, p->file->path, name));
	tidy(path);
	const char *kept = idl_text(p->idl, bytes_str(path));

	free(path);
	file = find_file(p->idl, kept);
	if (file && file->open)
		return idl_fault(p, line, column, "%.120s includes itself", kept);
	if (file == NULL) {
		if (p->idl->file_count >= IDL_FILES_MAX || p->includes >= IDL_INCLUDES_DEEP_MAX)
			return idl_fault(p, line, column, "too many files");
		file = add_file(p->idl, kept);
		if (!parse_file(p, file))
			return idl_fault(p, line, column, "cannot read %.120s: %s", kept,
					 errno ? strerror(errno) : "not there");
	}
	if (p->failed)
		return false;
	p->file->includes = idl_grow(p->idl, p->file->includes, p->file->include_count,
				     sizeof(p->file->includes[0]));
	p->file->includes[p->file->include_count++] = file;
	return true;
}

/* ---- Names to types ---- */

/* What a name stands for in a file: its own, or PREFIX.NAME of an include. */
static const struct idl_file *scope_of(const struct idl_file *file, const char **name)
{
	const char *dot = strrchr(*name, '.');

	if (dot == NULL)
		return file;
	for (size_t i = 0; i < file->include_count; i++) {
		const char *prefix = file->includes[i]->prefix;

		if (strlen(prefix) == (size_t)(dot - *name) &&
		    memcmp(prefix, *name, strlen(prefix)) == 0) {
			*name = dot + 1;
			return file->includes[i];
		}
	}
	return NULL;
}

static struct idl_node *find_type(const struct idl_file *file, const char *name)
{
	const struct idl_file *scope = scope_of(file, &name);
	const struct idl_definition *d = scope ? scope->definitions : NULL;

	while (d && strcmp(d->name, name) != 0)
		d = d->next;
	return d ? d->node : NULL;
}

static bool fail_at(const struct idl_file *file, int line, int column, struct fault *fault,
		    const char *what, const char *name)
{
	fault_set(fault, "%.180s:%d:%d: %s %.80s", file->path, line, column, what, name);
	if (fault) {
		fault->line = line;
		fault->column = column;
	}
	return false;
}

enum { ALIASES_MAX = 1000 }; /* types named by types, one behind the other */

static bool resolve(struct idl_node *node, unsigned depth, struct fault *fault)
{
	struct idl_node *to;

	if (node->done || node->refers == NULL) {
		node->type.key = node->key ? &node->key->type : NULL;
		node->type.value = node->value ? &node->value->type : NULL;
		node->done = true;
		return true;
	}
	to = find_type(node->file, node->refers);
	if (to == NULL)
		return fail_at(node->file, node->line, node->column, fault,
			       "no such type:", node->refers);
	if (node->busy || depth > ALIASES_MAX)
		return fail_at(node->file, node->line, node->column, fault,
			       "a type that is made of itself:", node->refers);
	node->busy = true;
	if (!resolve(to, depth + 1, fault))
		return false;
	node->busy = false;
	node->type = to->type;
	node->done = true;
	return true;
}

static bool resolve_types(struct idl *idl, struct fault *fault)
{
	for (struct idl_node *node = idl->nodes; node; node = node->next)
		if (!resolve(node, 0, fault))
			return false;
	return true;
}

static const struct idl_service *find_service(const struct idl *idl, const struct idl_file *file,
					      const char *name)
{
	const struct idl_file *scope = scope_of(file, &name);
	const struct idl_service *service = idl->services;

	while (service && (service->file != scope || strcmp(service->name, name) != 0))
		service = service->next;
	return service;
}

static bool resolve_services(struct idl *idl, struct fault *fault)
{
	for (struct idl_service *s = idl->services; s; s = s->next) {
		if (s->extends == NULL)
			continue;
		s->parent = find_service(idl, s->file, s->extends);
		if (s->parent == NULL)
			return fail_at(s->file, s->line, s->column, fault,
				       "no such service:", s->extends);
	}
	for (const struct idl_service *s = idl->services; s; s = s->next) {
		/* One step and two: they meet in a circle. */
		const struct idl_service *slow = s, *fast = s->parent;

		while (fast && fast != slow) {
			slow = slow->parent;
			fast = fast->parent ? fast->parent->parent : NULL;
		}
		if (fast)
			return fail_at(s->file, s->line, s->column, fault,
				       "a service that extends itself:", s->name);
	}
	return true;
}

/* ---- Lookups ---- */

struct ordered {
	const struct idl_function *function;
	size_t place;
};

static int by_name(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	int order = strcmp(x->function->name, y->function->name);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static void sort_functions(struct idl *idl)
{
	struct ordered *list = must_alloc((idl->function_count + 1) * sizeof(*list));
	size_t n = 0;

	for (const struct idl_service *s = idl->services; s; s = s->next)
		for (size_t i = 0; i < s->function_count; i++, n++)
			list[n] = (struct ordered){s->functions[i], n};
	qsort(list, n, sizeof(*list), by_name);
	idl->by_name = must_alloc((n + 1) * sizeof(idl->by_name[0]));
	for (size_t i = 0; i < n; i++)
		idl->by_name[i] = list[i].function;
	idl->function_count = n;
	free(list);
}

static int compare(struct bytes text, const char *name)
{
	size_t len = strlen(name), n = text.len < len ? text.len : len;
	int order = n > 0 ? memcmp(text.at, name, n) : 0;

	return order ? order : (text.len > len) - (text.len < len);
}

/* Whether the service has it, or one that it extends. */
static bool has_function(const struct idl *idl, struct bytes service, const struct idl_function *f)
{
	for (const struct idl_service *s = idl->services; s; s = s->next) {
		if (compare(service, s->name) != 0)
			continue;
		for (const struct idl_service *up = s; up; up = up->parent)
			for (size_t i = 0; i < up->function_count; i++)
				if (up->functions[i] == f)
					return true;
	}
	return false;
}

const struct idl_function *idl_find(const struct idl *idl, struct bytes service,
				    struct bytes method)
{
	size_t from = 0, to = idl->function_count;

	while (from < to) {
		size_t half = from + (to - from) / 2;

		if (compare(method, idl->by_name[half]->name) > 0)
			from = half + 1;
		else
			to = half;
	}
	const struct idl_function **at = idl->by_name + from,
				  **end = idl->by_name + idl->function_count;

	if (at == end || compare(method, (*at)->name) != 0)
		return NULL;
	for (const struct idl_function **i = at;
	     service.len > 0 && i < end && compare(method, (*i)->name) == 0; i++)
		if (has_function(idl, service, *i))
			return *i;
	/* A name that services are registered by need not be the one in the file. */
	return *at;
}

const struct idl_field *idl_field(const struct idl_type *type, int32_t id)
{
	size_t from = 0, to = type->field_count;

	while (from < to) {
		size_t half = from + (to - from) / 2;

		if (type->fields[half].id == id)
			return &type->fields[half];
		if (type->fields[half].id < id)
			from = half + 1;
		else
			to = half;
	}
	return NULL;
}

const char *idl_name(const struct idl_type *type, int64_t number)
{
	size_t from = 0, to = type->name_count;

	while (from < to) {
		size_t half = from + (to - from) / 2;

		if (type->names[half].number < number)
			from = half + 1;
		else
			to = half;
	}
	return from < type->name_count && type->names[from].number == number
		       ? type->names[from].name
		       : NULL;
}

/* ---- Loading ---- */

static bool load_path(struct parser *p, const char *path)
{
	char *copy = must_strdup(path);

	tidy(copy);
	const char *kept = idl_text(p->idl, bytes_str(copy));

	free(copy);
	if (find_file(p->idl, kept))
		return true; /* included by one before */
	if (!parse_file(p, add_file(p->idl, kept)))
		return fault_set(p->fault, "%.200s: %s", path,
				 errno ? strerror(errno) : "cannot be read");
	return !p->failed;
}

struct idl *idl_load(const struct texts *paths, const struct idl_reader *reader,
		     struct fault *fault)
{
	struct idl *idl = must_alloc(sizeof(*idl));
	struct parser p = {.idl = idl, .reader = reader ? reader : &files, .fault = fault};
	bool good = true;

	for (size_t i = 0; i < paths->count && good; i++)
		good = load_path(&p, paths->at[i]);
	if (good && resolve_types(idl, fault) && resolve_services(idl, fault)) {
		sort_functions(idl);
		return idl;
	}
	idl_free(idl);
	return NULL;
}
