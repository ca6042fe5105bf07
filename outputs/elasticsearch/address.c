#include "outputs/elasticsearch/address.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipper/base/must.h"

enum { SHOWN_MAX = 80 };

static bool has(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0';

	curl_free(text);
	return there;
}

/* What stands before an @ may be a password: it is not shown. */
static const char *shown(const char *text)
{
	const char *at = strrchr(text, '@');

	return at != NULL ? at + 1 : text;
}

static bool is_http(CURLU *url)
{
	char *scheme = NULL;
	bool well = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	return well;
}

static bool parse(CURLU *url, const char *text, const char *scheme, struct fault *fault)
{
	char *whole;
	bool named = strstr(text, "://") != NULL;
	CURLUcode code;

	must(asprintf(&whole, "%s%s%s", named ? "" : scheme, named ? "" : "://", text) > 0);
	code = curl_url_set(url, CURLUPART_URL, whole, CURLU_NON_SUPPORT_SCHEME);
	free(whole);
	if (code != CURLUE_OK || strcspn(text, " \t\r\n") != strlen(text))
		return fault_set(fault, "%.*s is not a host or URL such as https://es1:9200",
				 SHOWN_MAX, shown(text));
	if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
		return fault_set(fault,
				 "%.*s: no user or password in a URL, where logs show it; there "
				 "are options for both",
				 SHOWN_MAX, shown(text));
	return true;
}

/* The two paths, one behind the other, with one slash where they meet and none at the end. */
static char *path_join(const char *front, const char *back)
{
	char *whole;
	size_t len;

	front += strspn(front, "/");
	back += strspn(back, "/");
	len = strlen(front);
	while (len > 0 && front[len - 1] == '/')
		len--;
	must(asprintf(&whole, "/%.*s%s%s", (int)len, front, len > 0 && back[0] ? "/" : "", back) >
	     0);
	len = strlen(whole);
	while (len > 0 && whole[len - 1] == '/')
		whole[--len] = '\0';
	return whole;
}

static char *print(CURLU *url)
{
	char *text = NULL, *copy = NULL;

	if (curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK)
		copy = must_strdup(text);
	curl_free(text);
	for (size_t len = copy != NULL ? strlen(copy) : 0; len > 0 && copy[len - 1] == '/';)
		copy[--len] = '\0';
	return copy;
}

char *address_url(const char *text, const char *scheme, const char *port, const char *path,
		  struct fault *fault)
{
	CURLU *url = curl_url();
	char *own = NULL, *result = NULL;

	must(url != NULL);
	if (!parse(url, text, scheme, fault)) {
		curl_url_cleanup(url);
		return NULL;
	}
	if (!is_http(url)) {
		fault_set(fault, "%.*s: expected http or https", SHOWN_MAX, text);
	} else if (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT)) {
		fault_set(fault, "%.*s: parameters are given in parameters", SHOWN_MAX, text);
	} else {
		if (!has(url, CURLUPART_PORT))
			must(curl_url_set(url, CURLUPART_PORT, port, 0) == CURLUE_OK);
		must(curl_url_get(url, CURLUPART_PATH, &own, 0) == CURLUE_OK);
		char *whole = path_join(path, own);

		must(curl_url_set(url, CURLUPART_PATH, whole, 0) == CURLUE_OK);
		free(whole);
		result = print(url);
		must(result != NULL);
	}
	curl_free(own);
	curl_url_cleanup(url);
	return result;
}

bool address_check_proxy(const char *text, struct fault *fault)
{
	static const char *const schemes[] = {"http", "https", "socks5", "socks5h"};
	CURLU *url = curl_url();
	char *scheme = NULL;
	bool well = parse(url, text, "http", fault), known = false;

	if (well && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK)
		for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
			known |= strcmp(scheme, schemes[i]) == 0;
	if (well && !known)
		well = fault_set(fault, "%.*s: expected http, https, socks5 or socks5h", SHOWN_MAX,
				 text);
	curl_free(scheme);
	curl_url_cleanup(url);
	return well;
}

char *address_encode(const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "-._~";
	char *to = must_alloc(3 * strlen(text) + 1), *at = to;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (letter || (c >= '0' && c <= '9') || strchr(plain, c) != NULL) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = digits[c >> 4];
			*at++ = digits[c & 15];
		}
	}
	*at = '\0';
	return to;
}
