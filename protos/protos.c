#include "protos/protos.h"

extern const struct proto proto_http;
extern const struct proto proto_redis;
extern const struct proto proto_mysql;
extern const struct proto proto_pgsql;
extern const struct proto proto_sip;
extern const struct proto proto_thrift;

const struct proto *const protos[] = {
	&proto_http, &proto_redis, &proto_mysql, &proto_pgsql, &proto_sip, &proto_thrift, NULL,
};
