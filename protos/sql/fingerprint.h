/*
 * A statement without what varies from call to call, its verb and its tables, in one pass.
 *
 *   SELECT a  FROM t WHERE id IN (1, 2) -- x     →  select a from t where id in (?)
 *   INSERT INTO t (a,b) VALUES (1,'x'),(2,'y')   →  insert into t(a, b) values (?, ?)
 *
 * Literals (strings, numbers with their signs, NULL but for IS NULL, TRUE, FALSE) and placeholders
 * become '?'. Runs of them in IN (…) and ARRAY[…] become one, further rows of VALUES or IN go.
 * Comments and optimizer hints go, MySQL's conditional comments stay as what they hold. Words
 * become lower case, quoted names stay as they are; space is made one. No text of a literal is ever
 * part of a fingerprint, also where the statement is cut in the middle.
 *
 * Source   MySQL 8 manual "Literal Values", "Comments", "Identifiers"; PostgreSQL manual section
 *          4.1 "Lexical Structure"
 * Owns     nothing
 * Errors   none: anything is a statement
 */
#ifndef WIRESPAN_SQL_FINGERPRINT_H
#define WIRESPAN_SQL_FINGERPRINT_H

#include "protos/sql/words.h"

enum { SQL_PRINT_MAX = 2048, SQL_PRINT_SLACK = 32 };

enum sql_dialect {
	SQL_MYSQL,
	SQL_MYSQL_PLAIN, /* sql_mode NO_BACKSLASH_ESCAPES */
	SQL_PGSQL,
	SQL_PGSQL_ESCAPES, /* standard_conforming_strings off */
};

struct sql_print {
	size_t len;
	bool cut; /* the fingerprint ends at its limit */
	uint8_t text[SQL_PRINT_MAX + SQL_PRINT_SLACK];
	struct sql_words words; /* method and tables */
};

void sql_fingerprint(enum sql_dialect dialect, struct bytes statement, struct sql_print *to);

static inline struct bytes sql_print_text(const struct sql_print *p)
{
	return bytes_of(p->text, p->len);
}

static inline struct bytes sql_print_method(const struct sql_print *p)
{
	return bytes_of(p->words.method, p->words.method_len);
}

static inline struct bytes sql_print_tables(const struct sql_print *p)
{
	return bytes_of(p->words.tables, p->words.tables_len);
}

#endif
