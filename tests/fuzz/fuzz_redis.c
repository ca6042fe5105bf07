/* Redis conversations through the real engine: see tests/lib/converse.h. */
#include "tests/lib/converse.h"

extern const struct proto proto_redis;
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const converse_preset presets[] = {
	{NULL},
	{"send_request=true", "send_response=true", "max_value_length=100000"},
	{"send_request=true", "send_response=true", "keys=hash"},
	{"send_request=true", "send_response=true", "statements=fingerprint"},
	{"send_request=true", "send_response=true", "max_value_length=5", "max_message_size=100"},
	{"send_response=true", "max_message_size=64", "keys=hash", "max_value_length=3"},
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	return converse(&proto_redis, presets, sizeof(presets) / sizeof(presets[0]), at, len);
}
