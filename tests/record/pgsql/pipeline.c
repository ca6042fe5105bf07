/*
 * The client of the recordings that uses libpq from C: says, a JSON line each, what it asked and
 * got.
 *
 * Plain and prepared statements, parameters in binary, its pipeline mode with an error in the
 * middle, single rows, function calls.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { INT4 = 23, TEXT = 25, ABS_OF_INT4 = 1397, IDS_FROM = 500 };

static PGconn *conn;
static int port, next_id = IDS_FROM;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void quoted(const char *text)
{
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < ' ')
			printf("\\u%04x", *text);
		else
			putchar(*text);
	putchar('"');
}

static void member(const char *name, const char *text)
{
	if (!text || !*text)
		return;
	printf(", \"%s\": ", name);
	quoted(text);
}

static void begin(const char *query, long long sent_at)
{
	printf("{\"port\": %d, \"sent_at\": %lld", port, sent_at);
	member("query", query);
}

static void outcome(const PGresult *r, int rows)
{
	switch (PQresultStatus(r)) {
	case PGRES_TUPLES_OK:
		printf(", \"rows\": %d", rows >= 0 ? rows : PQntuples(r));
		member("tag", PQcmdStatus((PGresult *)r));
		break;
	case PGRES_PIPELINE_ABORTED:
		printf(", \"skipped\": true");
		break;
	case PGRES_FATAL_ERROR:
		member("code", PQresultErrorField(r, PG_DIAG_SQLSTATE));
		member("message", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
		member("detail", PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL));
		member("hint", PQresultErrorField(r, PG_DIAG_MESSAGE_HINT));
		member("table", PQresultErrorField(r, PG_DIAG_TABLE_NAME));
		member("constraint", PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME));
		break;
	default:
		member("tag", PQcmdStatus((PGresult *)r));
		break;
	}
}

static void end(void)
{
	printf(", \"done_at\": %lld}\n", now());
}

static void plain(const char *format)
{
	char query[500];
	long long sent_at = now();

	snprintf(query, sizeof query, format, next_id++);
	PGresult *r = PQexec(conn, query);

	begin(query, sent_at);
	outcome(r, -1);
	end();
	PQclear(r);
}

/* Parameters of an exchange: an id as text, a number in binary. */
struct given {
	char id[16];
	uint32_t number;
	const char *values[2];
	int lengths[2], formats[2];
};

static void give(struct given *g, int number)
{
	snprintf(g->id, sizeof g->id, "id-%d", next_id++);
	g->number = htonl((uint32_t)number);
	g->values[0] = g->id;
	g->values[1] = (const char *)&g->number;
	g->lengths[1] = 4;
	g->formats[0] = 0;
	g->formats[1] = 1;
}

static void params(const struct given *g)
{
	printf(", \"params\": [\"%s\", \"%d\"]", g->id, (int)ntohl(g->number));
}

static const char *const ask = "select $1::text, 100 / $2";
static const Oid types[] = {TEXT, INT4};

static void with_params(int number, const char *prepared, int binary)
{
	struct given g = {0};

	give(&g, number);
	long long sent_at = now();
	PGresult *r =
		prepared
			? PQexecPrepared(conn, prepared, 2, g.values, g.lengths, g.formats, binary)
			: PQexecParams(conn, ask, 2, types, g.values, g.lengths, g.formats, binary);

	int unknown = prepared && PQresultStatus(r) == PGRES_FATAL_ERROR;

	begin(unknown ? NULL : ask, sent_at);
	if (unknown)
		printf(", \"late\": true");
	else
		params(&g);
	outcome(r, -1);
	member("statement", prepared);
	end();
	PQclear(r);
}

static void call_function(int number)
{
	int answer = 0, length = 0;
	PQArgBlock arg = {.len = 4, .isint = 1, .u.integer = number};
	long long sent_at = now();
	PGresult *r = PQfn(conn, ABS_OF_INT4, &answer, &length, 1, &arg, 1);

	begin(NULL, sent_at);
	printf(", \"command\": \"FunctionCall\", \"function\": %d", ABS_OF_INT4);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		outcome(r, -1);
	end();
	PQclear(r);
}

/* Many under way at once; one of them fails, and those behind it up to the next Sync are skipped.
 */
static void pipeline(int broken, int flush)
{
	enum { MANY = 12, SYNC_EVERY = 6 };
	struct given given[MANY] = {0};
	long long sent_at = now();

	PQenterPipelineMode(conn);
	for (int i = 0; i < MANY; i++) {
		give(&given[i], i == broken ? 0 : i + 1);
		struct given *g = &given[i];

		if (i % 2)
			PQsendQueryPrepared(conn, "kept", 2, g->values, g->lengths, g->formats, 0);
		else
			PQsendQueryParams(conn, ask, 2, types, g->values, g->lengths, g->formats,
					  0);
		if (flush) {
			PQsendFlushRequest(conn);
			PQflush(conn);
		}
		if (i % SYNC_EVERY == SYNC_EVERY - 1)
			PQpipelineSync(conn);
	}
	for (int i = 0; i < MANY; i++) {
		PGresult *r = PQgetResult(conn);

		begin(ask, sent_at);
		params(&given[i]);
		outcome(r, -1);
		end();
		PQclear(r);
		PQclear(PQgetResult(conn)); /* NULL: this one's end */
		if (i % SYNC_EVERY == SYNC_EVERY - 1)
			PQclear(PQgetResult(conn)); /* the Sync's */
	}
	PQexitPipelineMode(conn);
}

static void single_rows(void)
{
	char query[100];
	int rows = 0;
	long long sent_at = now();

	snprintf(query, sizeof query, "select 'id-%d', i from generate_series(1, 300) i",
		 next_id++);
	PQsendQuery(conn, query);
	PQsetSingleRowMode(conn);
	for (PGresult *r; (r = PQgetResult(conn)); PQclear(r)) {
		if (PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
			rows++;
			continue;
		}
		begin(query, sent_at);
		outcome(r, rows);
		end();
	}
}

/* A statement prepared and described without being run. */
static void prepare(const char *name, const char *text)
{
	long long sent_at = now();
	PGresult *r = PQprepare(conn, name, text, 0, NULL);

	begin(text, sent_at);
	printf(", \"command\": \"Parse\"");
	outcome(r, -1);
	member("statement", name);
	end();
	int failed = PQresultStatus(r) == PGRES_FATAL_ERROR;

	PQclear(r);
	if (failed)
		return;
	sent_at = now();
	r = PQdescribePrepared(conn, name);
	begin(text, sent_at);
	printf(", \"command\": \"Describe\"");
	member("statement", name);
	end();
	PQclear(r);
}

int main(void)
{
	struct sockaddr_in at;
	socklen_t len = sizeof at;

	conn = PQconnectdb(
		"host=127.0.0.1 user=trusty dbname=shop sslmode=disable gssencmode=disable");
	if (PQstatus(conn) != CONNECTION_OK) {
		fprintf(stderr, "%s", PQerrorMessage(conn));
		return 1;
	}
	getsockname(PQsocket(conn), (struct sockaddr *)&at, &len);
	port = ntohs(at.sin_port);
	plain("select 'id-%d', 1");
	plain("update item set name = name where id < 3 -- id-%d");
	plain("insert into item values (1, 'id-%d')");
	with_params(5, NULL, 0);
	with_params(0, NULL, 1);
	with_params(-7, NULL, 1);
	prepare("kept", ask);
	prepare("broken", "select nowhere");
	for (int i = 1; i < 4; i++)
		with_params(i, "kept", i % 2);
	with_params(1, "unknown", 0);
	pipeline(-1, 0);
	pipeline(3, 0);
	pipeline(6, 1);
	single_rows();
	call_function(-17);
	call_function(42);
	plain("select 'id-%d', 'done'");
	PQfinish(conn);
	return 0;
}
