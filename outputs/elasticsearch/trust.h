/*
 * TLS: whom to trust, and who we are. Files are read once, here, so that a wrong one is told at
 * once, and may lie where the program cannot read any more when it has dropped its rights.
 *
 * A certificate named by its fingerprint is an anchor when a host shows it in its chain. Whoever
 * names one and no authorities trusts nobody else.
 *
 * Source   RFC 8446, RFC 5280; OpenSSL's X509_verify_cert
 * Owns     certificates and the key, until trust_fini
 * Errors   a fault that names the option and the file
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_TRUST_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_TRUST_H

#include <curl/curl.h>

#include "outputs/elasticsearch/conf.h"

enum { FINGERPRINT_BYTES = 32 };

struct trust {
	struct x509_store_st *authorities; /* NULL: the system's */
	bool pinned;
	uint8_t pin[FINGERPRINT_BYTES]; /* SHA-256 of a certificate */
	struct x509_st *own;		/* NULL: we show none */
	struct stack_st_X509 *chain;	/* behind it */
	struct evp_pkey_st *key;
	long versions; /* for CURLOPT_SSLVERSION */
	bool verify, verify_name;
};

bool trust_init(struct trust *trust, const struct elastic_conf *conf, struct fault *fault);
void trust_fini(struct trust *trust);

/* Makes it what connections of `easy` go by. Borrows trust for as long. */
bool trust_apply(const struct trust *trust, CURL *easy);

#endif
