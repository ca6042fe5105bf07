/*
 * The client of the recordings that uses MariaDB's own library: says, a JSON line each, what it
 * asked and got. `client CASE`, where CASE is bulk, cursor, metadata, progress or direct.
 */
#include <mysql.h>

#include "said.h"

/* ---- the cases ---- */

static void case_bulk(void)
{
	static const char query[] =
		"insert into item (id, name, price, weight) values (?, ?, ?, ?)";
	MYSQL_STMT *statement = prepare(query);
	unsigned rows = 5;
	int ids[] = {701, 702, 703, 704, 705};
	const char *names[] = {"id-1", "two", NULL, "it's", "five"};
	unsigned long lengths[] = {4, 3, 0, 4, 4};
	char name_is[] = {STMT_INDICATOR_NTS, STMT_INDICATOR_NTS, STMT_INDICATOR_NULL,
			  STMT_INDICATOR_NTS, STMT_INDICATOR_NTS};
	char price_is[] = {STMT_INDICATOR_NONE, STMT_INDICATOR_DEFAULT, STMT_INDICATOR_NONE,
			   STMT_INDICATOR_NULL, STMT_INDICATOR_NONE};
	int prices[] = {1, 2, 3, 4, 5};
	double weights[] = {0.5, 1.5, -2.5, 1e100, 0};
	MYSQL_BIND binds[4] = {number(ids),
			       {.buffer_type = MYSQL_TYPE_STRING},
			       number(prices),
			       {.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = weights}};

	binds[1].buffer = names;
	binds[1].length = lengths;
	binds[1].u.indicator = name_is;
	binds[2].u.indicator = price_is;
	mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows);
	mysql_stmt_bind_param(statement, binds);
	execute(statement, query,
		"[701, \"id-1\", 1, \"0.5\", 702, \"two\", \"DEFAULT\", \"1.5\", 703, null, 3, "
		"\"-2.5\", "
		"704, \"it's\", null, \"1e+100\", 705, \"five\", 5, 0]");
	for (int i = 0; i < 5; i++)
		ids[i] += 10;
	rows = 2;
	mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows);
	mysql_stmt_bind_param(statement, binds);
	execute(statement, query,
		"[711, \"id-1\", 1, \"0.5\", 712, \"two\", \"DEFAULT\", \"1.5\"]");
	mysql_stmt_close(statement);
	ask("select 'id-2', count(*) from item where id between 701 and 712");
}

/* Server-side cursors: rows come a few at a time. */
static void case_cursor(void)
{
	static const char query[] =
		"select seq, ? as who, seq * 1.5 from seq_1_to_10 where seq > ?";
	MYSQL_STMT *statement = prepare(query);
	unsigned long type = CURSOR_TYPE_READ_ONLY, few = 4, length = 4;
	char name[] = "id-1";
	int from = 1;
	MYSQL_BIND binds[2] = {
		{.buffer_type = MYSQL_TYPE_STRING, .buffer = name, .length = &length},
		number(&from)};

	mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &type);
	mysql_stmt_attr_set(statement, STMT_ATTR_PREFETCH_ROWS, &few);
	mysql_stmt_bind_param(statement, binds);
	sent_at = now();
	mysql_stmt_execute(statement);
	say(query, "[\"id-1\", 1]", "rows", 0);
	/* The library asks for four more when it has none. */
	for (long long rows = 0, more = 1; more; rows = 0) {
		char asked[200];

		sent_at = now();
		while (rows < (long long)few && (more = mysql_stmt_fetch(statement) == 0))
			rows++;
		snprintf(asked, sizeof(asked), "STMT_FETCH %s", query);
		say(asked, NULL, "rows", rows);
	}
	mysql_stmt_close(statement);
	ask("select 'id-2'");
}

/* The server leaves column definitions out that the client has; two statements take turns. */
static void case_metadata(void)
{
	static const char one[] = "select ? + 0 as n, 'id-1' as id";
	static const char other[] = "select 'x' as s, current_date as d, ? + 1.5 as f";
	MYSQL_STMT *first = prepare(one), *second = prepare(other);
	int value = 0;
	MYSQL_BIND bind = number(&value);

	for (int i = 0; i < 3; i++) {
		char params[16];

		value = i;
		snprintf(params, sizeof(params), "[%d]", i);
		mysql_stmt_bind_param(first, &bind);
		execute(first, one, params);
		mysql_stmt_bind_param(second, &bind);
		execute(second, other, params);
	}
	mysql_stmt_close(first);
	mysql_stmt_close(second);
}

static int reports;

static void progress(const MYSQL *mysql, unsigned stage, unsigned stages, double share,
		     const char *what, unsigned length)
{
	(void)mysql, (void)stage, (void)stages, (void)share, (void)what, (void)length;
	reports++;
}

static void case_progress(void)
{
	ask("create table big (id int primary key, name char(200)) engine=aria");
	ask("insert into big select seq, 'id-1' from seq_1_to_20000");
	ask("alter table big add index (name), engine=myisam");
	ask("check table big extended");
	ask("select 'id-2'");
	ask("drop table big");
	fprintf(stderr, "%d progress reports\n", reports);
	if (reports == 0)
		exit(1);
}

/* Statements executed before the server has said their number. */
static void case_direct(void)
{
	static const char *const queries[] = {"select ? as a, 'id-1' as b",
					      "insert into line values (?, 1, 2)",
					      "select 'id-2', ? from nowhere"};

	for (int i = 0; i < 3; i++) {
		MYSQL_STMT *statement = mysql_stmt_init(db);
		unsigned params = 1;
		int value = 8000 + i, failed;
		MYSQL_BIND bind = number(&value);
		char values[16];

		snprintf(values, sizeof(values), "[%d]", value);
		mysql_stmt_attr_set(statement, STMT_ATTR_PREBIND_PARAMS, &params);
		mysql_stmt_bind_param(statement, &bind);
		sent_at = now();
		failed = mariadb_stmt_execute_direct(statement, queries[i], strlen(queries[i]));
		if (failed) {
			say(queries[i], NULL, "code", mysql_stmt_errno(statement));
		} else if (mysql_stmt_field_count(statement) == 0) {
			say(queries[i], values, "affected",
			    (long long)mysql_stmt_affected_rows(statement));
		} else {
			mysql_stmt_store_result(statement);
			say(queries[i], values, "rows", (long long)mysql_stmt_num_rows(statement));
		}
		mysql_stmt_close(statement);
	}
}

static const struct client_case cases[] = {
	{"bulk", case_bulk},	     {"cursor", case_cursor}, {"metadata", case_metadata},
	{"progress", case_progress}, {"direct", case_direct}, {NULL, NULL},
};

int main(int argc, char **argv)
{
	db = mysql_init(NULL);
	mysql_optionsv(db, MYSQL_PROGRESS_CALLBACK, (void *)progress);
	return client_run(cases, argc > 1 ? argv[1] : "");
}
