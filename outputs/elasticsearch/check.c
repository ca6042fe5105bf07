#include <stdlib.h>
#include <string.h>

#include "outputs/elasticsearch/address.h"
#include "outputs/elasticsearch/bulk.h"
#include "outputs/elasticsearch/hosts.h"
#include "outputs/elasticsearch/trust.h"

static bool given(const char *text)
{
	return text[0] != '\0';
}

static bool check_login(const struct elastic_conf *c, struct fault *fault)
{
	const struct {
		const char *option;
		bool given;
	} ways[] = {
		{"username", given(c->username)},
		{"api_key", given(c->api_key)},
		{"bearer_token", given(c->bearer_token)},
		{"aws.region", given(c->aws_region)},
	};
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].given && first != NULL)
			return fault_set(fault, "%s and %s: one way to log in is enough", first,
					 ways[i].option);
		first = ways[i].given ? ways[i].option : first;
	}
	if (given(c->password) && !given(c->username))
		return fault_set(fault, "password is set, username is not");
	if (given(c->username) && strchr(c->username, ':') != NULL)
		return fault_set(fault, "username: no colon can be in it");
	if (given(c->proxy_password) && !given(c->proxy_username))
		return fault_set(fault, "proxy_password is set, proxy_username is not");
	return true;
}

static bool check_aws(const struct elastic_conf *c, struct fault *fault)
{
	bool wanted = given(c->aws_region);

	if (wanted != given(c->aws_key_id) || wanted != given(c->aws_key))
		return fault_set(fault, "aws.region, aws.access_key_id and aws.secret_access_key "
					"go together: not all are set");
	if (given(c->aws_token) && !wanted)
		return fault_set(fault, "aws.session_token is set, aws.region is not");
	return true;
}

static bool check_proxy(const struct elastic_conf *c, struct fault *fault)
{
	struct fault why = {0};

	if (!given(c->proxy_url))
		return true;
	if (c->proxy_disable)
		return fault_set(fault, "proxy_url and proxy_disable contradict each other");
	return address_check_proxy(c->proxy_url, &why) ||
	       fault_set(fault, "proxy_url: %s", why.text);
}

/* A header is sent as it is: a line's end in it would be another header. */
static bool check_headers(const struct texts *headers, struct fault *fault)
{
	static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < headers->count; i++) {
		const char *text = headers->at[i];
		size_t len = strcspn(text, "=");

		if (strspn(text, name_chars) != len || strcspn(text, "\r\n") != strlen(text))
			return fault_set(fault, "headers: %.*s cannot be a header",
					 (int)(len < 40 ? len : 40), text);
	}
	return true;
}

const char *elastic_tls_option(const struct elastic_conf *c)
{
	return c->ca.count > 0		  ? "ssl.certificate_authorities"
	       : given(c->ca_fingerprint) ? "ssl.ca_trusted_fingerprint"
	       : given(c->certificate)	  ? "ssl.certificate"
					  : NULL;
}

/* Whoever says whom to trust does not mean to send in the clear. */
static bool check_hosts(const struct elastic_conf *c, struct fault *fault)
{
	const char *tls = elastic_tls_option(c);
	struct hosts hosts;
	struct fault why = {0};
	bool clear = true;

	if (!hosts_init(&hosts, c, &why))
		return fault_set(fault, "hosts: %s", why.text);
	for (size_t i = 0; i < hosts.count; i++)
		clear = clear && strncmp(hosts.at[i].url, "https:", 6) != 0;
	hosts_fini(&hosts);
	if (tls == NULL || !clear)
		return true;
	return fault_set(fault,
			 "%s is set, but no host is https: say https://NAME, or protocol: "
			 "https",
			 tls);
}

static bool check_trust(const struct elastic_conf *c, struct fault *fault)
{
	struct trust trust;

	if (!trust_init(&trust, c, fault))
		return false;
	trust_fini(&trust);
	return true;
}

bool elastic_check(const void *conf, struct fault *fault)
{
	const struct elastic_conf *c = conf;

	return check_trust(c, fault) && check_hosts(c, fault) && check_login(c, fault) &&
	       check_aws(c, fault) && check_proxy(c, fault) && check_headers(&c->headers, fault) &&
	       bulk_check_index(c->index, fault);
}
