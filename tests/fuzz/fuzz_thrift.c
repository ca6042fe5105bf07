/* Thrift conversations through the real engine: see tests/lib/converse.h. */
#include "tests/lib/converse.h"

extern const struct proto proto_thrift;
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const converse_preset presets[] = {
	{NULL},
	{"send_request=true", "send_response=true", "string_max_size=8", "collection_max_size=2",
	 "drop_after_n_struct_fields=2"},
	{"capture_reply=false", "obfuscate_strings=true", "collection_max_size=0",
	 "string_max_size=0"},
	{"transport_type=socket", "protocol_type=compact", "max_message_size=64"},
	{"transport_type=framed", "protocol_type=binary"},
	{"transport_type=header", "send_response=true", "string_max_size=1000000"},
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	return converse(&proto_thrift, presets, sizeof(presets) / sizeof(presets[0]), at, len);
}
