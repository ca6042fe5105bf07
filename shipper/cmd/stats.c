#include "shipper/base/buf.h"
#include "shipper/base/log.h"
#include "shipper/cmd/command.h"
#include "shipper/cmd/configure.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

enum { FLAG_JSON = FLAG_LONG, FLAG_METRICS, FLAG_HEALTH, FLAG_SOCKET };
enum { PATIENCE_SECONDS = 5, ANSWER_MAX = 1 << 20 };

static const struct flag flags[] = {
	CONFIGURE_FLAGS,
	{FLAG_SOCKET, "socket", "PATH", "Where it is, in place of monitor.socket."},
	{FLAG_JSON, "json", NULL, "All counters, as JSON."},
	{FLAG_METRICS, "metrics", NULL, "All counters, as Prometheus reads them."},
	{FLAG_HEALTH, "health", NULL, "Whether it is well: exit code 0, else 1, and why."},
	{0},
};

static size_t take(char *at, size_t one, size_t n, void *self)
{
	struct buf *answer = self;

	if (answer->len + one * n > ANSWER_MAX)
		return 0;
	buf_add(answer, bytes_of(at, one * n));
	return one * n;
}

static enum exit_code ask(const char *socket, const char *page)
{
	char url[64], why[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	struct buf answer;
	long status = 0;

	if (curl == NULL) {
		log_error("libcurl does not start");
		return EXIT_FAILED;
	}
	buf_init(&answer, NULL);
	snprintf(url, sizeof(url), "http://localhost%s", page);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PATIENCE_SECONDS);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	CURLcode code = curl_easy_perform(curl);

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code != CURLE_OK)
		log_error("%s: %s: is wirespan running, and may you ask it?", socket,
			  why[0] ? why : curl_easy_strerror(code));
	else
		fwrite(answer.at, 1, answer.len, stdout);
	buf_fini(&answer);
	return code == CURLE_OK && status == 200 ? EXIT_WELL : EXIT_FAILED;
}

static enum exit_code run(struct arguments *a)
{
	struct configure configure = {.quiet = true};
	const char *page = "/stats.txt", *socket = NULL;
	struct settings settings;
	int got;

	while ((got = arguments_next(a)) >= 0) {
		if (got == FLAG_SOCKET)
			socket = a->value;
		else if (got >= FLAG_JSON && got <= FLAG_HEALTH)
			page = got == FLAG_JSON	     ? "/stats"
			       : got == FLAG_METRICS ? "/metrics"
						     : "/health";
		else if (!configure_flag(&configure, got, a->value))
			return EXIT_USAGE;
	}
	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes options only");
	if (configure.path == NULL && access(CONFIGURE_PATH, R_OK) == 0)
		configure.path = CONFIGURE_PATH;
	if (!configure_load(&configure, &settings))
		return EXIT_USAGE;
	enum exit_code code = ask(socket != NULL ? socket : settings.monitor.socket, page);

	settings_free(&settings);
	return code;
}

const struct command command_stats = {
	.name = "stats",
	.arguments = "",
	.help = "Print what a running wirespan has seen, made and delivered.",
	.more = "Counters that are zero are left out, but for --json and --metrics.\n",
	.flags = flags,
	.run = run,
};
