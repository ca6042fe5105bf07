/* PostgreSQL conversations through the real engine: see tests/lib/converse.h. */
#include "tests/lib/converse.h"

extern const struct proto proto_pgsql;
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const converse_preset presets[] = {
	{NULL},
	{"send_request=true", "send_response=true"},
	{"statements=fingerprint", "send_response=true", "max_query_length=64"},
	{"send_response=true", "max_rows=100000", "max_row_length=16", "max_message_size=64"},
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	return converse(&proto_pgsql, presets, sizeof(presets) / sizeof(presets[0]), at, len);
}
