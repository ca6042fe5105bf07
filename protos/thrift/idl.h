/*
 * Thrift IDL files: names of parameters, fields, exceptions, enumerations and services.
 *
 * Files are read once, while the program starts, with all that they include. What was read is
 * immutable from then on.
 *
 * Owns     struct idl owns everything that its lookups return, until idl_free
 * Errors   idl_load fills a fault: text begins with FILE:LINE:COLUMN, line and column as numbers
 * Thread   any, once loaded
 */
#ifndef WIRESPAN_THRIFT_IDL_H
#define WIRESPAN_THRIFT_IDL_H

#include "shipper/base/bytes.h"
#include "shipper/base/fault.h"
#include "shipper/base/option.h"

/* The file's bytes for a path, NULL when it cannot be read; the caller frees them. For tests, which
 * have no files. */
struct idl_reader {
	char *(*read)(void *self, const char *path, size_t *len);
	void *self;
};

struct idl_name {
	const char *name;
	int64_t number;
};

/* kind is an enum thrift_type; 0 for void. */
struct idl_type {
	uint8_t kind;
	const char *name; /* of a struct, union, exception or enum; NULL for others */
	const struct idl_type *key, *value;
	const struct idl_field *fields; /* of a struct, by id */
	size_t field_count;
	const struct idl_name *names; /* of an enum, by number */
	size_t name_count;
};

struct idl_field {
	int32_t id;
	const char *name;
	const struct idl_type *type;
};

struct idl_function {
	const char *name, *service;
	bool oneway;
	struct idl_type arguments; /* a struct of the parameters */
	struct idl_type result;	   /* a struct: 0 is the value returned, others are exceptions */
};

struct idl;

/* reader NULL reads files. NULL when there is a fault. */
struct idl *idl_load(const struct texts *paths, const struct idl_reader *reader,
		     struct fault *fault);
void idl_free(struct idl *idl);

/* service may be empty: the first that has the method, in the order of files. */
const struct idl_function *idl_find(const struct idl *idl, struct bytes service,
				    struct bytes method);
const struct idl_field *idl_field(const struct idl_type *type, int32_t id);
/* NULL when the enum has no such value. */
const char *idl_name(const struct idl_type *type, int64_t number);

#endif
