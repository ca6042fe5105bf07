/*
 * IDL files: any text, with another beside it to include.
 *
 * Asserts that what is read can be looked up, and that a fault says where it is.
 */
#include "protos/thrift/idl.h"
#include "shipper/base/must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

struct shelf {
	struct bytes text; /* of the first file; behind a NUL, of all others */
};

/* Each in a block of its own size. */
static char *read_text(void *self, const char *path, size_t *len)
{
	const struct shelf *shelf = self;
	size_t n = bytes_find(shelf->text, 0);
	struct bytes text = strcmp(path, "a.thrift") == 0 ? bytes_head(shelf->text, n)
							  : bytes_skip(shelf->text, n + 1);
	char *copy = malloc(text.len ? text.len : 1);

	if (strstr(path, "none")) {
		free(copy);
		return NULL;
	}
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	*len = text.len;
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct shelf shelf = {bytes_of(at, len)};
	struct idl_reader reader = {read_text, &shelf};
	char name[] = "a.thrift", *names[] = {name};
	struct texts paths = {names, 1};
	struct fault fault = {0};
	struct idl *idl = idl_load(&paths, &reader, &fault);

	if (idl == NULL) {
		must(fault.text[0] != 0 && fault.line > 0 && fault.column > 0);
		return 0;
	}
	const struct idl_function *f = idl_find(idl, BYTES("S"), BYTES("f"));

	if (f) {
		for (int32_t id = -2; id < 4; id++) {
			const struct idl_field *field = idl_field(&f->arguments, id);

			if (field && field->type->names)
				must(idl_name(field->type, 0) == NULL || field->type->kind == 8);
			if (field)
				must(field->id == id && field->name && field->type);
		}
		(void)idl_field(&f->result, 0);
	}
	idl_free(idl);
	return 0;
}
