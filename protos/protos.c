#include "protos/protos.h"

extern const struct proto proto_http;

const struct proto *const protos[] = {
	&proto_http,
	NULL,
};
