/*
 * What the files of the IDL reader share. Nobody else includes this.
 *
 *   idl.c        files and their includes, names to types, lookups
 *   idl_lex.c    words of a file, with their places
 *   idl_parse.c  definitions
 *
 * Types are nodes that name what they stand for until all files are read; then names are resolved
 * in place, so that the order of definitions does not matter.
 *
 * Source   Thrift interface description language (thrift.apache.org/docs/idl)
 */
#ifndef WIRESPAN_THRIFT_IDL_PARSE_H
#define WIRESPAN_THRIFT_IDL_PARSE_H

#include "protos/thrift/idl.h"
#include "protos/thrift/thrift.h"

enum {
	IDL_FILE_MAX = 8 << 20, /* bytes */
	IDL_FILES_MAX = 1024,
	IDL_INCLUDES_DEEP_MAX = 64,
	IDL_NESTED_MAX = 64, /* types and constants within others */
};

enum word_kind {
	WORD_END,
	WORD_NAME,   /* with the dots in it */
	WORD_NUMBER, /* whole */
	WORD_REAL,
	WORD_TEXT, /* in quotes, without them */
	WORD_SIGN, /* one character */
};

struct word {
	enum word_kind kind;
	struct bytes text;
	int64_t number;
	int line, column;
};

/* A type as it stands in a file. */
struct idl_node {
	struct idl_type type; /* complete once resolved */
	const char *refers;   /* a name that is to be resolved; NULL for none */
	const struct idl_file *file;
	int line, column;
	bool busy, done;
	struct idl_node *key, *value;
	struct idl_node *next; /* all there are */
};

enum definition_kind { DEFINES_TYPE, DEFINES_SERVICE };

struct idl_service {
	const char *name, *extends; /* NULL for none */
	const struct idl_service *parent;
	const struct idl_file *file;
	int line, column;
	struct idl_function **functions;
	size_t function_count;
	struct idl_service *next;
};

struct idl_definition {
	const char *name;
	struct idl_node *node; /* NULL for a service, a constant */
	struct idl_definition *next;
};

struct idl_file {
	const char *path, *prefix; /* the name before .thrift */
	struct idl_definition *definitions;
	struct idl_file **includes;
	size_t include_count;
	bool open; /* being read: to include it now is a cycle */
	struct idl_file *next;
};

struct idl_block {
	struct idl_block *next;
};

struct idl {
	struct idl_block *blocks; /* all memory */
	struct idl_file *files;
	size_t file_count;
	struct idl_node *nodes;
	struct idl_service *services, *last_service; /* in the order of files */
	const struct idl_function **by_name;	     /* sorted, then in the order of files */
	size_t function_count;
};

struct parser {
	struct idl *idl;
	struct idl_file *file;
	const struct idl_reader *reader;
	struct fault *fault;
	struct bytes rest; /* not read yet */
	int line, column;
	struct word word; /* in hand */
	unsigned nested, includes;
	bool failed;
};

void *idl_room(struct idl *idl, size_t bytes); /* zeroed, for the idl's life */
const char *idl_text(struct idl *idl, struct bytes text);
/* To `count` + 1 members of `size` bytes: a list that grows by doubling. */
void *idl_grow(struct idl *idl, void *list, size_t count, size_t size);

/* The first fault counts; returns false. */
bool idl_fault(struct parser *p, int line, int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool idl_next(struct parser *p);
bool idl_is(const struct parser *p, const char *text); /* the word in hand */
bool idl_take(struct parser *p, const char *text);     /* if it is, goes on */
bool idl_expect(struct parser *p, const char *text);

bool idl_parse(struct parser *p);
/* An include, relative to the file that names it; idl.c. */
bool idl_include(struct parser *p, struct bytes path, int line, int column);

#endif
