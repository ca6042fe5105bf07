/*
 * Statements and what is left of them: fingerprint, method, tables.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "protos/sql/fingerprint.h"

/* From a block of exactly its size. */
static void print_of(enum sql_dialect dialect, struct bytes text, struct sql_print *p)
{
	uint8_t *copy = malloc(text.len ? text.len : 1);

	memcpy(copy, text.at, text.len);
	sql_fingerprint(dialect, bytes_of(copy, text.len), p);
	free(copy);
}

static void becomes(enum sql_dialect dialect, const char *text, const char *want)
{
	struct sql_print *p = malloc(sizeof(*p));

	print_of(dialect, bytes_str(text), p);
	cr_expect(bytes_eq(sql_print_text(p), bytes_str(want)), "%s\nis\n%.*s\nnot\n%s", text,
		  (int)p->len, (const char *)p->text, want);
	free(p);
}

static void both(const char *text, const char *want)
{
	becomes(SQL_MYSQL, text, want);
	becomes(SQL_PGSQL, text, want);
}

static void says(enum sql_dialect dialect, const char *text, const char *method, const char *tables)
{
	struct sql_print *p = malloc(sizeof(*p));

	print_of(dialect, bytes_str(text), p);
	cr_expect(bytes_eq(sql_print_method(p), bytes_str(method)), "%s: method %.*s", text,
		  (int)p->words.method_len, (const char *)p->words.method);
	cr_expect(bytes_eq(sql_print_tables(p), bytes_str(tables)), "%s: tables %.*s", text,
		  (int)p->words.tables_len, (const char *)p->words.tables);
	free(p);
}

Test(sql, literals_become_question_marks)
{
	both("SELECT * FROM post WHERE id = 66 LIMIT 1", "select * from post where id = ? limit ?");
	both("select 'a', 'it''s', '', 1.5, .5, 1e10, 1.5E-3, 0xFF",
	     "select ?, ?, ?, ?, ?, ?, ?, ?");
	both("select X'00ff', b'01', N'x'", "select ?, ?, ?");
	both("select 'one' 'string'", "select ?");
	both("insert into t values (null, TRUE, 'x')", "insert into t values (?, ?, ?)");
	both("select a from t where b is null and c is not null",
	     "select a from t where b is null and c is not null");
	becomes(SQL_MYSQL, "select \"a\\\"b\", 'a\\'b', _utf8'x'", "select ?, ?, ?");
	becomes(SQL_MYSQL_PLAIN, "select 'a\\', 'b'", "select ?, ?");
	becomes(SQL_PGSQL, "select 'a\\', E'a\\'b', U&'x'", "select ?, ?, ?");
	becomes(SQL_PGSQL_ESCAPES, "select 'a\\'b'", "select ?");
	becomes(SQL_PGSQL, "select $$it's$$, $a$ $b$ $$ $a$, \"A b\"", "select ?, ?, \"A b\"");
	becomes(SQL_PGSQL, "select '1'::int, x::text", "select ?::int, x::text");
}

Test(sql, signs_belong_to_numbers_where_no_value_stands_before)
{
	both("select -5, a-5, a - -5, (-5), +1", "select ?, a - ?, a - ?, (?), ?");
	both("update t set a=-1, b=b+1 where c>=-2.5",
	     "update t set a = ?, b = b + ? where c >= ?");
	both("select 3-4, -(5)", "select ? - ?, - (?)");
}

Test(sql, placeholders)
{
	becomes(SQL_MYSQL, "select a from t where b=? and c=:name",
		"select a from t where b = ? and c = ?");
	becomes(SQL_PGSQL, "select a from t where b=$1 and c=$22 and d[1:2]=x",
		"select a from t where b = ? and c = ? and d[? : ?] = x");
	becomes(SQL_MYSQL, "set @a:=5, b=@@c.d", "set @a := ?, b = @@c.d");
	becomes(SQL_MYSQL, "select * from t where a=@b", "select * from t where a = @b");
	becomes(SQL_MYSQL, "grant all on a.* to 'b'@'%'", "grant all on a.* to ? @?");
}

Test(sql, comments_go)
{
	both("select /* 'x */ 1 -- 'end\n, 2", "select ?, ?");
	becomes(SQL_MYSQL, "select 1 # don't\n from t", "select ? from t");
	becomes(SQL_MYSQL, "select 5--1", "select ? - ?");
	becomes(SQL_PGSQL, "select 5--1", "select ?");
	becomes(SQL_PGSQL, "select /* a /* b */ c */ 1", "select ?");
	becomes(SQL_MYSQL, "select /* a /* b */ c", "select c");
	becomes(SQL_MYSQL, "/*!40101 SET NAMES utf8 */;", "set names utf8");
	becomes(SQL_MYSQL, "create table t (a int) /*M!100100 engine=x */",
		"create table t(a int) engine = x");
	becomes(SQL_MYSQL, "select /*+ hint(t) */ a from t", "select a from t");
}

Test(sql, lists_and_rows_become_one)
{
	both("select a from t where b in (1, 2,3,'x')", "select a from t where b in (?)");
	both("select a from t where b not in(1)and c=2",
	     "select a from t where b not in (?) and c = ?");
	both("select a from t where b in (-1,-2)", "select a from t where b in (?)");
	both("select a from t where (b, c) in ((1,2), (3,4))",
	     "select a from t where (b, c) in ((?, ?))");
	both("select a from t where b in (select c from u where d in (1,2))",
	     "select a from t where b in (select c from u where d in (?))");
	both("insert into t(a,b) values (1,'x)'),(2,'('), ( 3 , now() )",
	     "insert into t(a, b) values (?, ?)");
	both("INSERT INTO t (a) VALUES (1), (2);", "insert into t(a) values (?)");
	becomes(SQL_MYSQL,
		"insert into t values (1),(2) on duplicate key update a=values(a), b=values(b)",
		"insert into t values (?) on duplicate key update a = values (a), b = values (b)");
	becomes(SQL_MYSQL, "values row(1,2), row(3,4)", "values row(?, ?)");
	becomes(SQL_PGSQL, "insert into t values (1),(2) returning id",
		"insert into t values (?) returning id");
	becomes(SQL_PGSQL, "select array[1,2,3], f(1,2)", "select array[?], f(?, ?)");
}

Test(sql, space_and_case_are_made_one)
{
	both("SELECT\tA ,b\r\n FROM  T.U where a<>b and x||y>=z",
	     "select a, b from t.u where a <> b and x || y >= z");
	both("select count( * ),t.* from t", "select count(*), t.* from t");
	both("select 1;;select 2;", "select ?; select ?");
	becomes(SQL_PGSQL, "select a->'b'->>'c', d @> '{}'", "select a -> ? ->> ?, d @> ?");
	becomes(SQL_MYSQL, "select `A b` from `t`.`U`", "select `A b` from `t`.`U`");
	becomes(SQL_MYSQL, "select 2fa from 1t", "select 2fa from 1t");
	both("", "");
	both("  -- nothing", "");
}

Test(sql, a_text_cut_in_the_middle_shows_no_literal)
{
	both("select 'secr", "select ?");
	both("insert into t values (1,2),(3,'se", "insert into t values (?, ?)");
	both("select /* secr", "select");
	becomes(SQL_PGSQL, "select $a$ secret $", "select ?");
	becomes(SQL_PGSQL, "select E'secr\\", "select ?");
	becomes(SQL_MYSQL, "select a from `t", "select a from `t");
}

Test(sql, every_cut_is_safe_and_none_shows_a_secret)
{
	static const char text[] =
		"insert into t /* c */ (a,`b`) values (1,'SECRET\\' \"SECRET'),(-2e+5,X'SECRET') "
		"-- x\n"
		"on duplicate key update a=\"SECRET\", b = $q$SECRET$q$ ; select .5, 0x12, :a";
	struct sql_print *p = malloc(sizeof(*p));

	for (int dialect = SQL_MYSQL; dialect <= SQL_PGSQL_ESCAPES; dialect++) {
		for (size_t n = 0; n < sizeof(text); n++) {
			print_of((enum sql_dialect)dialect, bytes_of(text, n), p);
			cr_assert(p->len <= SQL_PRINT_MAX);
			if (dialect == SQL_MYSQL)
				cr_assert(!memmem(p->text, p->len > 160 ? 160 : p->len, "SECR", 4),
					  "%.*s", (int)p->len, (const char *)p->text);
		}
	}
	free(p);
}

Test(sql, what_is_long_ends_at_the_limit)
{
	size_t n = 3 << 20;
	char *text = malloc(n);
	struct sql_print *p = malloc(sizeof(*p));

	for (size_t i = 0; i < n; i++)
		text[i] = "a,"[i % 2];
	sql_fingerprint(SQL_MYSQL, bytes_of(text, n), p);
	cr_assert_eq(p->len, SQL_PRINT_MAX);
	cr_assert(p->cut);
	memset(text, 'b', n);
	memcpy(text, "select ", 7);
	sql_fingerprint(SQL_MYSQL, bytes_of(text, n), p);
	cr_assert_eq(p->len, SQL_PRINT_MAX);
	memset(text, '(', n);
	sql_fingerprint(SQL_PGSQL, bytes_of(text, n), p);
	cr_assert_eq(p->len, SQL_PRINT_MAX);
	memcpy(text, "values (1)", 10);
	memset(text + 10, ' ', n - 10);
	for (size_t i = 10; i + 8 < n; i += 8)
		memcpy(text + i, ",('(',2)", 8);
	sql_fingerprint(SQL_PGSQL, bytes_of(text, n), p);
	cr_assert(!p->cut && bytes_eq(sql_print_text(p), BYTES("values (?)")), "%.*s", (int)p->len,
		  (const char *)p->text);
	free(text);
	free(p);
}

Test(sql, methods)
{
	says(SQL_MYSQL, "/* x */ (select 1)", "SELECT", "");
	says(SQL_MYSQL, "/*!40000 alter TABLE `t` disable keys */", "ALTER", "t");
	says(SQL_PGSQL, "with x as (select 1 from a) delete from t using x", "DELETE", "a,t");
	says(SQL_PGSQL, "WITH x as (select 1", "WITH", "");
	says(SQL_PGSQL, "begin", "BEGIN", "");
	says(SQL_PGSQL, "  ", "", "");
	says(SQL_PGSQL, "'no", "", "");
}

Test(sql, tables)
{
	says(SQL_MYSQL, "select * from a, b as x, `C d`.`e` where f in (select 1 from g)", "SELECT",
	     "a,b,C d.e,g");
	says(SQL_MYSQL, "select * from Post p join Tag t on p.id=t.id left join Post q using (id)",
	     "SELECT", "Post,Tag");
	says(SQL_MYSQL, "insert ignore into db.t (a, b) select a, b from u", "INSERT", "db.t,u");
	says(SQL_MYSQL, "insert t values (1)", "INSERT", "t");
	says(SQL_MYSQL, "update low_priority a, b set a.x=b.x, c=1", "UPDATE", "a,b");
	says(SQL_MYSQL, "select a from t for update", "SELECT", "t");
	says(SQL_MYSQL, "insert into t values (1) on duplicate key update a=1", "INSERT", "t");
	says(SQL_MYSQL, "delete from t where a=1", "DELETE", "t");
	says(SQL_MYSQL, "create table if not exists t (a int, b int)", "CREATE", "t");
	says(SQL_MYSQL, "drop table a, b", "DROP", "a,b");
	says(SQL_MYSQL, "alter table t add column a int, add column b int", "ALTER", "t");
	says(SQL_MYSQL, "lock tables a read, b write", "LOCK", "a,b");
	says(SQL_MYSQL, "show tables from db", "SHOW", "");
	says(SQL_MYSQL, "show columns from t", "SHOW", "t");
	says(SQL_MYSQL, "create index i on t (a)", "CREATE", "t");
	says(SQL_MYSQL, "truncate table t", "TRUNCATE", "t");
	says(SQL_MYSQL, "select a into outfile 'x' from t", "SELECT", "t");
	says(SQL_MYSQL, "select a from (select b from c) d, e", "SELECT", "c,e");
	says(SQL_PGSQL, "select extract(year from d), trim(both from x) from t", "SELECT", "t");
	says(SQL_PGSQL, "select a is distinct from b from t", "SELECT", "t");
	says(SQL_PGSQL, "select * from generate_series(1,2) g, t", "SELECT", "t");
	says(SQL_PGSQL, "select * from only \"S\".\"T\" , lateral (select 1 from u) x", "SELECT",
	     "S.T,u");
	says(SQL_PGSQL, "copy t (a, b) from stdin", "COPY", "t");
	says(SQL_PGSQL, "select * from information_schema.tables", "SELECT",
	     "information_schema.tables");
	says(SQL_PGSQL, "merge into t using u on a=b when matched then update set c=1", "MERGE",
	     "t");
	says(SQL_PGSQL, "update t set a=1 from u where t.b=u.b", "UPDATE", "t,u");
}

Test(sql, tables_that_do_not_fit_are_left_out_whole)
{
	char text[4096] = "select 1 from t0";
	struct sql_print *p = malloc(sizeof(*p));

	for (int i = 1; i < 200; i++)
		snprintf(text + strlen(text), 24, ", table%d", i);
	print_of(SQL_MYSQL, bytes_str(text), p);
	struct bytes tables = sql_print_tables(p);

	cr_assert(tables.len <= SQL_TABLES_MAX && tables.len > SQL_TABLES_MAX - 16);
	cr_assert(memcmp(tables.at + tables.len - 3, "e3", 2) == 0 ||
		  tables.at[tables.len - 1] != ',');
	free(p);
}

/* A word out of its slot would be no keyword. */
Test(sql, every_word_that_matters_is_found)
{
	static const char words[] = "in or on as by is do if and not set for any all row key add "
				    "from join into with like "
				    "when then else case over some drop show lock copy desc only "
				    "full null true where limit "
				    "order group union fetch table using array value alter merge "
				    "index quick local false "
				    "select insert update delete values having window offset "
				    "except exists ignore create "
				    "tables return filter unique between replace lateral delayed "
				    "default primary outfile "
				    "truncate describe distinct interval dumpfile extended "
				    "returning intersect low_priority "
				    "concurrently";
	struct bytes left = BYTES(words);

	while (left.len > 0) {
		struct bytes word = bytes_head(left, bytes_find(left, ' '));
		uint8_t lower[16] = {0};

		memcpy(lower, word.at, word.len);
		cr_expect(sql_word_of(lower, word.len) != SQL_OTHER, "%.*s", (int)word.len,
			  (const char *)word.at);
		lower[0] = 'x';
		cr_expect(sql_word_of(lower, word.len) == SQL_OTHER);
		left = bytes_skip(left, word.len + 1);
	}
}

Test(sql, a_word_that_does_not_fit_says_so)
{
	struct sql_print p;
	uint8_t text[SQL_PRINT_MAX + 20];

	memset(text, 'a', sizeof(text));
	for (size_t len = SQL_PRINT_MAX - 10; len <= sizeof(text); len++) {
		print_of(SQL_MYSQL, bytes_of(text, len), &p);
		cr_expect_eq(p.cut, len > SQL_PRINT_MAX);
		cr_expect_eq(p.len, len > SQL_PRINT_MAX ? SQL_PRINT_MAX : len);
	}
}
