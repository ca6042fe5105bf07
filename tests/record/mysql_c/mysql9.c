/*
 * The client of the recordings that uses MySQL's own library: says, a JSON line each, what it asked
 * and got. `mysql9 CASE`, where CASE is attributes, metadata, cursor or session.
 */
#include <mysql/mysql.h>

#include "said.h"

static MYSQL_BIND string(char *value, unsigned long *length)
{
	*length = strlen(value);
	return (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = value, .length = length};
}

/* ---- the cases ---- */

/* Attributes of plain and of prepared statements, with a name and without, NULL among them. */
static void case_attributes(void)
{
	static const char prepared[] =
		"select ? + 0, 'id-3', mysql_query_attribute_string('trace')";
	static const char *names[] = {"trace", "n", "none"};
	char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-01";
	int n = -7, value = 42;
	unsigned long length;
	bool yes = true;
	MYSQL_BIND binds[3] = {string(trace, &length),
			       number(&n),
			       {.buffer_type = MYSQL_TYPE_NULL, .is_null = &yes}};

	ask("select 'id-1'");
	mysql_bind_param(db, 3, binds, names);
	ask("select 'id-2', mysql_query_attribute_string('trace'), "
	    "mysql_query_attribute_string('n')");
	MYSQL_STMT *statement = prepare(prepared);
	const char *all[] = {"", "trace"};
	MYSQL_BIND both[2] = {number(&value), string(trace, &length)};

	mysql_stmt_bind_named_param(statement, both, 2, all);
	execute(statement, prepared, "[42]");
	value = 43;
	execute(statement, prepared, "[43]"); /* types are not sent again */
	mysql_stmt_close(statement);
	static const char without[] = "select 'id-4', mysql_query_attribute_string('trace')";
	const char *one[] = {"trace"};

	statement = prepare(without);
	mysql_stmt_bind_named_param(statement, both + 1, 1, one);
	execute(statement, without, NULL);
	mysql_stmt_close(statement);
	mysql_bind_param(db, 3, binds, names);
	ask("select 'id-5' from nowhere");
	ask("select 'id-6'");
}

/* Column definitions are left out when the session says so. */
static void case_metadata(void)
{
	static const char prepared[] = "select ? + 0 as n, 'id-3' as id union all select 2, 'x'";
	int value = 1;
	MYSQL_BIND bind = number(&value);

	ask("select 'id-1', 2, 3");
	ask("set resultset_metadata = none");
	ask("select 'id-2', 2, 3 union all select 4, 5, 6");
	ask("select 'id-4' from item where 1 = 0");
	MYSQL_STMT *statement = prepare(prepared);

	mysql_stmt_bind_param(statement, &bind);
	execute(statement, prepared, "[1]");
	value = 5;
	execute(statement, prepared, "[5]");
	mysql_stmt_close(statement);
	ask("set resultset_metadata = full");
	ask("select 'id-5', 'and so on'");
}

static void case_cursor(void)
{
	static const char query[] =
		"with recursive r (n) as (select 1 union all select n + 1 from r where n < 10) "
		"select n, ? as who, n * 1.5 from r where n > ?";
	MYSQL_STMT *statement = prepare(query);
	unsigned long type = CURSOR_TYPE_READ_ONLY, few = 4, length;
	char name[] = "id-1";
	int from = 1;
	MYSQL_BIND binds[2] = {string(name, &length), number(&from)};

	mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &type);
	mysql_stmt_attr_set(statement, STMT_ATTR_PREFETCH_ROWS, &few);
	mysql_stmt_bind_param(statement, binds);
	sent_at = now();
	mysql_stmt_execute(statement);
	say(query, "[\"id-1\", 1]", "rows", 0);
	for (long long rows = 0, more = 1; more; rows = 0) {
		char asked[300];

		sent_at = now();
		while (rows < (long long)few && (more = mysql_stmt_fetch(statement) == 0))
			rows++;
		snprintf(asked, sizeof(asked), "STMT_FETCH %s", query);
		say(asked, NULL, "rows", rows);
	}
	mysql_stmt_close(statement);
	static const char insert[] = "insert into item (name, note) values (?, ?)";
	MYSQL_BIND parts[2] = {string(name, &length), {.buffer_type = MYSQL_TYPE_STRING}};

	statement = prepare(insert);
	mysql_stmt_bind_param(statement, parts);
	for (int i = 0; i < 3; i++)
		mysql_stmt_send_long_data(statement, 1, "piece by piece ", 15);
	execute(statement, insert, "[\"id-1\", \"piece by piece piece by piece piece by piece \"]");
	mysql_stmt_close(statement);
	ask("select 'id-2', count(*) from item");
}

/* What OK packets say of the session, and commands beside queries. */
static void case_session(void)
{
	ask("set session_track_state_change = 1, session_track_transaction_info = "
	    "'CHARACTERISTICS', "
	    "session_track_gtids = OWN_GTID");
	ask("use other");
	ask("select 'id-1', database()");
	ask("use shop");
	ask("start transaction with consistent snapshot");
	ask("insert into line values (9001, 1, 2), (9002, 3, 4)");
	ask("select 'id-2', n from line where id > 9000");
	ask("commit");
	ask("delete from line where id > 9000");
	ask("update item set price = 1 where name = 'nobody'");
	ask("call two_results()");
	while (mysql_next_result(db) == 0)
		mysql_free_result(mysql_store_result(db));
	ask("drop table if exists never_there");
	ask("show warnings");
	mysql_ping(db);
	mysql_reset_connection(db);
	if (mysql_change_user(db, "slow", "t0psecret", "shop"))
		fail("change user", mysql_error(db));
	ask("select 'id-3', current_user()");
	ask("select sleep(0.01), 'id-4'");
	ask("select cast('9' as json), 'id-5', st_geomfromtext('POINT(1 2)'), "
	    "string_to_vector('[1,2,3]')");
	ask("select 1 + ");
	ask("signal sqlstate '45000' set message_text = 'id-6', mysql_errno = 4000");
}

static const struct client_case cases[] = {{"attributes", case_attributes},
					   {"metadata", case_metadata},
					   {"cursor", case_cursor},
					   {"session", case_session},
					   {NULL, NULL}};

int main(int argc, char **argv)
{
	enum mysql_ssl_mode off = SSL_MODE_DISABLED;
	bool yes = true;

	db = mysql_init(NULL);
	mysql_options(db, MYSQL_OPT_SSL_MODE, &off);
	mysql_options(db, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &yes);
	mysql_options(db, MYSQL_OPT_OPTIONAL_RESULTSET_METADATA, &yes);
	return client_run(cases, argc > 1 ? argv[1] : "");
}
