/* HTTP conversations through the real engine: see tests/lib/converse.h. */
#include "tests/lib/converse.h"

extern const struct proto proto_http;
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const converse_preset presets[] = {
	{NULL},
	{"send_all_headers=true", "send_request=true", "send_response=true"},
	{"include_body_for=[text, json, form, octet]", "max_message_size=300"},
	{"hide_keywords=[password, token]", "send_all_headers=true", "send_request=true",
	 "send_response=true", "include_body_for=[text, json, form, octet, x]",
	 "redact_headers=[x-secret]", "real_ip_header=x-forwarded-for"},
	{"hide_keywords=[password]", "include_body_for=[text, json, form]", "decode_body=false",
	 "send_headers=[cookie, host]", "split_cookie=true", "redact_authorization=true"},
	{"send_all_headers=true", "split_cookie=true", "max_message_size=64",
	 "real_ip_header=X-Real-IP", "send_request=true", "include_request_body_for=a"},
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	return converse(&proto_http, presets, sizeof(presets) / sizeof(presets[0]), at, len);
}
