/*
 * What the clients of the recordings share: what is asked is said, a JSON line each, with what came
 * back. To be included after the library's own header, once.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static MYSQL *db;
static long long sent_at;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void text(const char *what)
{
	putchar('"');
	for (; *what; what++) {
		if (*what == '"' || *what == '\\')
			putchar('\\');
		putchar(*what);
	}
	putchar('"');
}

/* The library tells no descriptor: the connection is this process's only one. */
static int port(void)
{
	struct sockaddr_in me;
	socklen_t size = sizeof(me);

	for (int fd = 3; fd < 64; fd++)
		if (getsockname(fd, (struct sockaddr *)&me, &size) == 0 && me.sin_family == AF_INET)
			return ntohs(me.sin_port);
	return 0;
}

/* `params` is JSON already. */
static void say(const char *query, const char *params, const char *name, long long value)
{
	printf("{\"client\": \"c\", \"port\": %d, \"query\": ", port());
	text(query);
	if (params)
		printf(", \"params\": %s", params);
	printf(", \"%s\": %lld", name, value);
	if (strcmp(name, "code") == 0) {
		printf(", \"message\": ");
		text(mysql_error(db));
	}
	printf(", \"sent_at\": %lld, \"done_at\": %lld}\n", sent_at, now());
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static void ask(const char *query)
{
	MYSQL_RES *result;

	sent_at = now();
	if (mysql_query(db, query) == 0 && (result = mysql_store_result(db))) {
		say(query, NULL, "rows", (long long)mysql_num_rows(result));
		mysql_free_result(result);
	} else if (mysql_errno(db)) {
		say(query, NULL, "code", mysql_errno(db));
	} else {
		say(query, NULL, "affected", (long long)mysql_affected_rows(db));
	}
}

static MYSQL_STMT *prepare(const char *query)
{
	MYSQL_STMT *statement = mysql_stmt_init(db);

	if (mysql_stmt_prepare(statement, query, strlen(query)))
		fail(query, mysql_stmt_error(statement));
	return statement;
}

static MYSQL_BIND number(int *value)
{
	return (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = value};
}

/* Rows are read and forgotten. */
static void execute(MYSQL_STMT *statement, const char *query, const char *params)
{
	sent_at = now();
	if (mysql_stmt_execute(statement))
		fail(query, mysql_stmt_error(statement));
	if (mysql_stmt_field_count(statement) == 0) {
		say(query, params, "affected", (long long)mysql_stmt_affected_rows(statement));
		return;
	}
	mysql_stmt_store_result(statement);
	say(query, params, "rows", (long long)mysql_stmt_num_rows(statement));
	mysql_stmt_free_result(statement);
}

struct client_case {
	const char *name;
	void (*run)(void);
};

/* Connects, runs the case of this name, and ends. */
static int client_run(const struct client_case *cases, const char *name)
{
	if (!mysql_real_connect(db, "127.0.0.1", "shop", "t0psecret", "shop", 3306, NULL, 0))
		fail("connect", mysql_error(db));
	for (; cases->name != NULL; cases++)
		if (strcmp(cases->name, name) == 0)
			cases->run();
	mysql_close(db);
	return 0;
}
