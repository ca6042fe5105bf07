#include "outputs/elasticsearch/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "shipper/base/bytes.h"
#include "shipper/base/must.h"

enum { REASON_BYTES = 160 };

/* What OpenSSL says of its last failure; nothing is left behind. */
static const char *openssl_reason(char to[REASON_BYTES])
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(to, REASON_BYTES, "%s", text != NULL ? text : "not what was expected");
	ERR_clear_error();
	return to;
}

static BIO *open_pem(const char *option, const char *path, struct fault *fault)
{
	BIO *bio = BIO_new_file(path, "r");

	if (bio == NULL)
		fault_set(fault, "%s: cannot read %s: %s%s", option, path, strerror(errno),
			  fault_advice(errno));
	ERR_clear_error();
	return bio;
}

/* ---- Authorities ---- */

static bool authorities_add(X509_STORE *store, const char *path, struct fault *fault)
{
	static const char option[] = "ssl.certificate_authorities";
	BIO *bio = open_pem(option, path, fault);
	size_t count = 0;
	X509 *one;

	if (bio == NULL)
		return false;
	while ((one = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
		X509_STORE_add_cert(store, one);
		X509_free(one);
		count++;
	}
	BIO_free(bio);
	ERR_clear_error();
	return count > 0 || fault_set(fault, "%s: %s holds no PEM certificate", option, path);
}

static bool read_authorities(struct trust *t, const struct elastic_conf *conf, struct fault *fault)
{
	if (conf->ca.count == 0 && !t->pinned)
		return true;
	t->authorities = X509_STORE_new();
	must(t->authorities != NULL);
	for (size_t i = 0; i < conf->ca.count; i++)
		if (!authorities_add(t->authorities, conf->ca.at[i], fault))
			return false;
	return true;
}

/* ---- The client's own ---- */

static int give_passphrase(char *to, int size, int writing, void *passphrase)
{
	size_t len = strlen(passphrase);

	(void)writing;
	if (size < 0 || len > (size_t)size)
		return -1;
	memcpy(to, passphrase, len);
	return (int)len;
}

static bool read_certificate(struct trust *t, const struct elastic_conf *conf, struct fault *fault)
{
	BIO *bio = open_pem("ssl.certificate", conf->certificate, fault);
	X509 *more;

	if (bio == NULL)
		return false;
	t->own = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	t->chain = sk_X509_new_null();
	must(t->chain != NULL);
	while (t->own != NULL && (more = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		must(sk_X509_push(t->chain, more) > 0);
	BIO_free(bio);
	ERR_clear_error();
	return t->own != NULL ||
	       fault_set(fault, "ssl.certificate: %s holds no PEM certificate", conf->certificate);
}

static bool read_key(struct trust *t, const struct elastic_conf *conf, struct fault *fault)
{
	char reason[REASON_BYTES];
	BIO *bio = open_pem("ssl.key", conf->key, fault);

	if (bio == NULL)
		return false;
	t->key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, conf->key_passphrase);
	BIO_free(bio);
	if (t->key == NULL)
		return fault_set(fault, "ssl.key: %s holds no PEM key that can be opened%s: %s",
				 conf->key,
				 conf->key_passphrase[0] ? " with ssl.key_passphrase" : "",
				 openssl_reason(reason));
	if (X509_check_private_key(t->own, t->key) != 1) {
		ERR_clear_error();
		return fault_set(fault, "ssl.key: %s is not the key of %s", conf->key,
				 conf->certificate);
	}
	return true;
}

static bool read_own(struct trust *t, const struct elastic_conf *conf, struct fault *fault)
{
	if ((conf->certificate[0] != '\0') != (conf->key[0] != '\0'))
		return fault_set(fault, "ssl.certificate and ssl.key go together: one is missing");
	return conf->certificate[0] == '\0' ||
	       (read_certificate(t, conf, fault) && read_key(t, conf, fault));
}

/* ---- What is no file ---- */

static bool read_pin(struct trust *t, const char *text, struct fault *fault)
{
	size_t n = 0;
	const char *at = text;
	uint64_t byte;

	for (; *at != '\0' && n < FINGERPRINT_BYTES; at += 2) {
		at += *at == ':';
		if (at[0] == '\0' || !bytes_hex(bytes_of(at, 2), UINT8_MAX, &byte))
			break;
		t->pin[n++] = (uint8_t)byte;
	}
	t->pinned = n == FINGERPRINT_BYTES;
	if (text[0] == '\0' || (t->pinned && *at == '\0'))
		return true;
	return fault_set(fault,
			 "ssl.ca_trusted_fingerprint: expected the %d hexadecimal digits "
			 "of a SHA-256, as `openssl x509 -fingerprint -sha256` prints them",
			 2 * FINGERPRINT_BYTES);
}

static bool read_versions(struct trust *t, const struct texts *names, struct fault *fault)
{
	static const struct {
		const char *name;
		long least, most;
	} known[] = {
		{"TLSv1.1", CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_1},
		{"TLSv1.2", CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_2},
		{"TLSv1.3", CURL_SSLVERSION_TLSv1_3, CURL_SSLVERSION_MAX_TLSv1_3},
	};
	long least = LONG_MAX, most = 0;

	for (size_t i = 0; i < names->count; i++) {
		size_t k = 0;

		while (k < 3 && strcmp(known[k].name, names->at[i]) != 0)
			k++;
		if (k == 3)
			return fault_set(fault,
					 "ssl.supported_protocols: expected TLSv1.1, "
					 "TLSv1.2 or TLSv1.3, got \"%.40s\"",
					 names->at[i]);
		least = known[k].least < least ? known[k].least : least;
		most = known[k].most > most ? known[k].most : most;
	}
	if (names->count == 0)
		return fault_set(fault, "ssl.supported_protocols: none is named");
	t->versions = least | most;
	return true;
}

bool trust_init(struct trust *t, const struct elastic_conf *conf, struct fault *fault)
{
	*t = (struct trust){
		.verify = conf->verification != VERIFY_NONE,
		.verify_name = conf->verification == VERIFY_FULL,
	};
	if (read_pin(t, conf->ca_fingerprint, fault) && read_versions(t, &conf->protocols, fault) &&
	    read_authorities(t, conf, fault) && read_own(t, conf, fault))
		return true;
	trust_fini(t);
	return false;
}

void trust_fini(struct trust *t)
{
	X509_STORE_free(t->authorities);
	X509_free(t->own);
	sk_X509_pop_free(t->chain, X509_free);
	EVP_PKEY_free(t->key);
	*t = (struct trust){0};
}

/* ---- Connections ---- */

static bool is_pinned(const struct trust *t, const X509 *one)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return X509_digest(one, EVP_sha256(), sum, &len) == 1 && len == FINGERPRINT_BYTES &&
	       memcmp(sum, t->pin, FINGERPRINT_BYTES) == 0;
}

/* Adds the pinned certificate to the anchors when the host has shown it, then goes by the rules. */
static int verify_pinned(X509_STORE_CTX *store, void *trust)
{
	const struct trust *t = trust;
	STACK_OF(X509) *shown = X509_STORE_CTX_get0_untrusted(store);

	for (int i = 0; i < sk_X509_num(shown); i++) {
		X509 *one = sk_X509_value(shown, i);

		if (!is_pinned(t, one))
			continue;
		X509_STORE_add_cert(t->authorities, one);
		/* What is pinned need not be a root. */
		X509_STORE_CTX_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	}
	return X509_verify_cert(store);
}

static CURLcode prepare(CURL *easy, void *context, void *trust)
{
	const struct trust *t = trust;
	SSL_CTX *ctx = context;

	(void)easy;
	if (t->authorities != NULL)
		SSL_CTX_set1_cert_store(ctx, t->authorities);
	if (t->pinned && t->verify)
		SSL_CTX_set_cert_verify_callback(ctx, verify_pinned, trust);
	if (t->own != NULL && SSL_CTX_use_cert_and_key(ctx, t->own, t->key, t->chain, 1) != 1)
		return CURLE_SSL_CERTPROBLEM;
	return CURLE_OK;
}

bool trust_apply(const struct trust *t, CURL *easy)
{
	bool well = true;

	if (t->authorities != NULL) {
		well = well && curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK;
		well = well && curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	}
	well = well && curl_easy_setopt(easy, CURLOPT_SSLVERSION, t->versions) == CURLE_OK;
	well = well &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, t->verify ? 1L : 0L) == CURLE_OK;
	well = well &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, t->verify_name ? 2L : 0L) == CURLE_OK;
	well = well && curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare) == CURLE_OK;
	return well && curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t) == CURLE_OK;
}
