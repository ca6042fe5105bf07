/*
 * Statements of every dialect: the fingerprint keeps its limits, and shows nothing of a literal.
 *
 * Input: the dialect (1 byte), the statement.
 */
#include "protos/sql/fingerprint.h"
#include "shipper/base/must.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static struct sql_print one, two;

	if (len == 0 || len > 4096)
		return -1;
	enum sql_dialect dialect = (enum sql_dialect)(at[0] % 4);
	size_t n = len - 1;
	uint8_t *copy = malloc(n ? n : 1);

	memcpy(copy, at + 1, n);
	sql_fingerprint(dialect, bytes_of(copy, n), &one);
	free(copy);
	must(one.len <= SQL_PRINT_MAX && one.words.method_len <= SQL_METHOD_MAX &&
	     one.words.tables_len <= SQL_TABLES_MAX);
	must(one.cut || n > 0 || one.len == 0);
	/* The whole as a string, its quotes and backslashes doubled: nothing is left of it. */
	uint8_t *text = malloc(2 * n + 9);
	size_t k = 7;

	memcpy(text, "select'", 7);
	for (size_t i = 0; i < n; i++) {
		text[k++] = at[1 + i];
		if (at[1 + i] == '\'' ||
		    (at[1 + i] == '\\' && dialect != SQL_PGSQL && dialect != SQL_MYSQL_PLAIN))
			text[k++] = at[1 + i];
	}
	text[k++] = '\'';
	sql_fingerprint(dialect, bytes_of(text, k), &two);
	free(text);
	must(bytes_eq(sql_print_text(&two), BYTES("select ?")));
	return 0;
}
