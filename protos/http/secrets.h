/*
 * What must not leave: credentials, cookie values, and parameters named in hide_keywords, wherever
 * they stand. Each function appends its text to `out` with every secret replaced by "xxxxx".
 *
 * In doubt more is replaced than needed: a value runs to the end that the most lenient reader
 * would give it, a text whose kind cannot be told is withheld whole if it names a keyword.
 *
 * A parameter is secret when its name, percent-decoded, in any case, is a keyword, or a part of it
 * is that stands in brackets or between dots: user[password], user.password.
 *
 * Borrows  all texts; `hide` is in lower case
 * Errors   none
 */
#ifndef WIRESPAN_HTTP_SECRETS_H
#define WIRESPAN_HTTP_SECRETS_H

#include "shipper/base/buf.h"
#include "shipper/base/option.h"

#define SECRET_MASK BYTES("xxxxx")

bool secret_name(const struct texts *hide, struct bytes name);
/* Does the text hold a keyword anywhere, also percent-encoded (twice at most)? */
bool secret_mentioned(const struct texts *hide, struct bytes text);

/* A URL or part of one: user information, and parameters up to the next '&'. */
void secret_url(struct buf *out, struct bytes url, const struct texts *hide);
/* Words among which URLs and parameters may stand. */
void secret_text(struct buf *out, struct bytes text, const struct texts *hide);
/* Authorization: only a well-known scheme is kept, and that only if `scheme`. */
void secret_credentials(struct buf *out, struct bytes value, bool scheme);
void secret_cookie(struct buf *out, struct bytes value);
void secret_set_cookie(struct buf *out, struct bytes value);

/* A body of that Content-Type. False when it was withheld. */
bool secret_body(struct buf *out, struct bytes type, struct bytes body, const struct texts *hide);

/* secrets_json.c: false when the text is not JSON, whatever was written then. */
bool secret_json(struct buf *out, struct bytes json, const struct texts *hide);

/* A parameter of a header value, as in `form-data; name="a"`; NO_BYTES when there is none. */
struct bytes secret_param(struct bytes value, struct bytes name);

#endif
