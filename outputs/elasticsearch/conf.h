/*
 * What is configured under `output.elasticsearch` or `output.opensearch`. Names are Packetbeat's
 * where the meaning is the same.
 *
 * Owns     nothing: texts are the settings', until they are freed
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_CONF_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_CONF_H

#include "outputs/output.h"

enum elastic_protocol { PROTOCOL_HTTP, PROTOCOL_HTTPS };
enum elastic_compression { COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_NONE };
enum elastic_verification { VERIFY_FULL, VERIFY_CERTIFICATE, VERIFY_NONE };

struct elastic_conf {
	struct texts hosts;
	int protocol; /* enum elastic_protocol, of hosts that name none */
	char *path;   /* in front of every request's */
	char *index;  /* may hold %{+yyyy.MM.dd} and %{[agent.version]} */
	char *pipeline;
	struct texts parameters; /* OPTION_PAIRS */
	struct texts headers;	 /* OPTION_SECRETS */
	char *username, *password, *api_key, *bearer_token;
	char *aws_region, *aws_service, *aws_key_id, *aws_key, *aws_token;
	char *proxy_url, *proxy_username, *proxy_password;
	bool proxy_disable;
	int64_t bulk_documents; /* of one request, at most */
	int64_t bulk_bytes;	/* of one request before compression; one document may be larger */
	int64_t workers;	/* requests under way for each host */
	bool loadbalance;
	int compression; /* enum elastic_compression */
	int64_t compression_level;
	nsec timeout;
	nsec backoff_first, backoff_limit;
	struct texts ca; /* files */
	char *ca_fingerprint;
	char *certificate, *key, *key_passphrase;
	int verification; /* enum elastic_verification */
	struct texts protocols;
};

extern const struct option elastic_options[];

/* Does it ask for TLS material that only https can use? The option's name, or NULL. */
const char *elastic_tls_option(const struct elastic_conf *conf);

/* Whether the options go together and what they name is there; files are read. */
bool elastic_check(const void *conf, struct fault *fault);

#endif
