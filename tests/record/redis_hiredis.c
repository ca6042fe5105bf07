/* What a program that uses hiredis asks and gets, a JSON line each, for record_redis.py. */
#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { DEPTH = 60 };

static int port;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void show(const redisReply *r)
{
	if (r->type == REDIS_REPLY_NIL)
		printf("nil");
	else if (r->type == REDIS_REPLY_INTEGER)
		printf("%lld", r->integer);
	else if (r->type != REDIS_REPLY_ARRAY)
		printf("%s", r->str);
	for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements; i++) {
		printf(i ? ", " : "[");
		show(r->element[i]);
	}
	if (r->type == REDIS_REPLY_ARRAY)
		printf(r->elements ? "]" : "[]");
}

/* A line of the log; what is said has nothing to escape. */
static void say(const char *query, redisReply *r, long long sent_at)
{
	printf("{\"port\": %d, \"server_port\": 6379, \"query\": \"%s\", \"answer\": \"", port,
	       query);
	show(r);
	printf("\", \"error\": %s, \"sent_at\": %lld, \"done_at\": %lld}\n",
	       r->type == REDIS_REPLY_ERROR ? "true" : "false", sent_at, now());
	freeReplyObject(r);
}

static void ask(redisContext *c, const char *query)
{
	long long sent_at = now();
	redisReply *r = redisCommand(c, query);

	if (r == NULL)
		exit(1);
	say(query, r, sent_at);
}

/* All commands before the first answer is read. */
static void pipeline(redisContext *c)
{
	long long sent_at = now();
	char query[64];

	for (int i = 0; i < DEPTH; i++)
		redisAppendCommand(c, i % 3 ? "ECHO id-%d" : "SET id-%d v", i);
	for (int i = 0; i < DEPTH; i++) {
		void *r;

		if (redisGetReply(c, &r) != REDIS_OK)
			exit(1);
		snprintf(query, sizeof query, i % 3 ? "ECHO id-%d" : "SET id-%d v", i);
		say(query, r, sent_at);
	}
}

int main(void)
{
	static const char *const queries[] = {
		"SET id-100 id-100",
		"GET id-100",
		"LPUSH list:id-101 a b id-101",
		"LRANGE list:id-101 0 -1",
		"INCR list:id-101",
		"GET none:id-102",
		"ZADD z:id-103 1 a 2 id-103",
		"ZRANGE z:id-103 0 -1 WITHSCORES",
		"EXISTS id-100 none:id-102",
		"TYPE z:id-103",
		"OBJECT ENCODING id-100",
		"SCAN 0 MATCH none*",
		"MSET a id-104 b id-104",
		"MGET a b id-104",
	};
	redisContext *c = redisConnect("127.0.0.1", 6379);
	struct sockaddr_in name;
	socklen_t len = sizeof name;

	if (c == NULL || c->err)
		return 1;
	getsockname(c->fd, (struct sockaddr *)&name, &len);
	port = ntohs(name.sin_port);
	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
		ask(c, queries[i]);
	pipeline(c);
	redisFree(c);
	return 0;
}
