/* MySQL conversations through the real engine: see tests/lib/converse.h. */
#include "tests/lib/converse.h"

extern const struct proto proto_mysql;
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const converse_preset presets[] = {
	{NULL},
	{"send_request=true", "send_response=true"},
	{"send_request=true", "send_response=true", "statements=fingerprint"},
	{"send_response=true", "max_rows=2", "max_row_length=5", "max_query_length=64",
	 "max_message_size=100"},
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	return converse(&proto_mysql, presets, sizeof(presets) / sizeof(presets[0]), at, len);
}
