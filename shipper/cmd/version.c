#include "shipper/cmd/command.h"

#include <brotli/decode.h>
#include <curl/curl.h>
#include <pcap/pcap.h>
#include <xxhash.h>
#include <yajl/yajl_version.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

static enum exit_code run(struct arguments *a)
{
	uint32_t brotli = BrotliDecoderVersion();
	int yajl = yajl_version(), got = arguments_next(a);

	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes no arguments");
	printf("wirespan %s\n", WIRESPAN_VERSION);
	printf("  %s\n", pcap_lib_version());
	printf("  libcurl %s\n", curl_version_info(CURLVERSION_NOW)->version);
	printf("  yajl %d.%d.%d\n", yajl / 10000, yajl / 100 % 100, yajl % 100);
	printf("  libyaml %s\n", yaml_get_version_string());
	printf("  zlib %s\n", zlibVersion());
	printf("  brotli %u.%u.%u\n", brotli >> 24, brotli >> 12 & 0xfff, brotli & 0xfff);
	printf("  zstd %s\n", ZSTD_versionString());
	printf("  xxHash %u.%u.%u\n", XXH_versionNumber() / 10000, XXH_versionNumber() / 100 % 100,
	       XXH_versionNumber() % 100);
	return EXIT_WELL;
}

const struct command command_version = {
	.name = "version",
	.arguments = "",
	.help = "Print the version, and those of the libraries in use.",
	.run = run,
};
