/*
 * The document of a call.
 */
#include "protos/thrift/thrift.h"
#include "shipper/base/hash.h"

#include <stdio.h>

enum {
	THRIFT_SERVICE,
	THRIFT_PARAMS,
	THRIFT_RETURN,
	THRIFT_EXCEPTIONS,
	THRIFT_SEQ_ID,
	THRIFT_PROTOCOL,
	THRIFT_TRANSPORT
};

#define OWN_FIELD(id) FIELD_OWN(THRIFT_##id)

const struct field thrift_fields[THRIFT_FIELDS + 1] = {
	[THRIFT_SERVICE] = {"thrift.service", FIELD_KEYWORD, NULL,
			    "The service, as a multiplexed call names it, or as the IDL files do.",
			    "\"Calculator\""},
	[THRIFT_PARAMS] = {"thrift.params", FIELD_TEXT, NULL,
			   "The call's parameters, by name where an IDL file has them.",
			   "\"(num1: 1, num2: 2)\""},
	[THRIFT_RETURN] = {"thrift.return_value", FIELD_TEXT, NULL, "What the call returned.",
			   "\"3\""},
	[THRIFT_EXCEPTIONS] =
		{"thrift.exceptions", FIELD_TEXT, NULL,
		 "The exception in place of a value: a declared one, or Thrift's own.",
		 "\"(ouch: (whatOp: 4, why: \\\"Cannot divide by 0\\\"))\""},
	[THRIFT_SEQ_ID] = {"thrift.seq_id", FIELD_LONG, NULL, "The call's sequence id.", "17"},
	[THRIFT_PROTOCOL] = {"thrift.protocol", FIELD_KEYWORD, NULL,
			     "How values were written: binary, binary_old (without a version), "
			     "compact or json.",
			     "\"compact\""},
	[THRIFT_TRANSPORT] = {"thrift.transport", FIELD_KEYWORD, NULL,
			      "How messages were framed: socket, framed or header.", "\"framed\""},
	[THRIFT_FIELDS] = {0},
};

/* By type of a TApplicationException. */
static const char *const failures[] = {
	"unknown failure",   "unknown method",	 "invalid message type",   "wrong method name",
	"bad sequence id",   "missing result",	 "internal error",	   "protocol error",
	"invalid transform", "invalid protocol", "unsupported client type"};

static void add(struct buf *to, const char *text)
{
	buf_add(to, bytes_str(text));
}

/* What kind of exception it was, and its first text. */
static void settle_error(struct exchange *x)
{
	const struct thrift *own = x->own;
	struct bytes all = exchange_text(x, &own->exceptions);
	struct bytes said = bytes_head(bytes_skip(all, own->error_at), own->error_len);
	size_t known = sizeof(failures) / sizeof(failures[0]);
	struct buf text = {0};

	x->status = STATUS_ERROR;
	if (!x->begun[CLIENT])
		return; /* that it is unasked says more */
	if (own->failed)
		add(&text, own->failure >= 0 && (size_t)own->failure < known
				   ? failures[own->failure]
				   : failures[0]);
	else if (own->thrown && own->thrown->name)
		add(&text, own->thrown->name);
	if (text.len > 0 && said.len > 0)
		add(&text, ": ");
	buf_add(&text, said);
	if (text.len == 0)
		add(&text, "exception");
	exchange_keep(x, &x->error, buf_bytes(&text));
	buf_fini(&text);
}

static void settle_raw(struct exchange *x, struct clip *raw, const struct clip *first,
		       const struct clip *second)
{
	struct buf text = {0};

	buf_add(&text, exchange_text(x, first));
	buf_add(&text, exchange_text(x, second));
	exchange_keep(x, raw, buf_bytes(&text));
	buf_fini(&text);
}

void thrift_settle(struct exchange *x)
{
	const struct thrift_conf *conf = conn_conf(x->conn);
	const struct thrift *own = x->own;

	if (own->failed || own->threw)
		settle_error(x);
	if (conf->common.send_request && x->begun[CLIENT])
		settle_raw(x, &x->raw[CLIENT], &own->method, &x->said[CLIENT]);
	if (conf->common.send_response && x->begun[SERVER])
		settle_raw(x, &x->raw[SERVER], &x->said[SERVER], &own->exceptions);
}

/* The parameters' place in the document. */
struct place {
	size_t from, to;
};

static struct place write_query(const struct exchange *x, struct doc *d)
{
	struct place place = {0};
	const struct thrift *own = x->own;
	struct bytes method = exchange_text(x, &own->method);
	struct bytes service = exchange_text(x, &own->service);
	struct bytes params = exchange_text(x, &x->said[CLIENT]);
	uint8_t print[2 * METHOD_MAX + 1];
	size_t n = service.len < METHOD_MAX ? service.len : METHOD_MAX;

	doc_text(d, F_METHOD, method);
	if (x->begun[CLIENT]) {
		doc_text_begin(d, F_QUERY);
		doc_text_more(d, method);
		place.from = doc_text_place(d);
		doc_text_more(d, params);
		place.to = doc_text_place(d);
		doc_text_end(d);
	}
	doc_text(d, F_PATH, service);
	if (n > 0) {
		memcpy(print, service.at, n);
		print[n++] = '.';
	}
	method = bytes_head(method, METHOD_MAX);
	memcpy(print + n, method.at, method.len);
	n += method.len;
	doc_text(d, F_QUERY_FINGERPRINT, bytes_of(print, n));
	doc_hex(d, F_QUERY_HASH, hash_bytes(bytes_of(print, n)));
	return place;
}

void thrift_write(const struct exchange *x, struct doc *d)
{
	static const char *const transports[] = {"", "socket", "framed", "header"};
	static const char *const protocols[] = {"", "binary", "compact", "json", "binary_old"};
	const struct thrift *own = x->own;

	struct place params = {0};

	if (own->method.len > 0)
		params = write_query(x, d);
	doc_text(d, OWN_FIELD(SERVICE), exchange_text(x, &own->service));
	doc_text_again(d, OWN_FIELD(PARAMS), params.from, params.to);
	doc_text(d, OWN_FIELD(RETURN), exchange_text(x, &x->said[SERVER]));
	doc_text(d, OWN_FIELD(EXCEPTIONS), exchange_text(x, &own->exceptions));
	doc_int(d, OWN_FIELD(SEQ_ID), own->seq_id);
	doc_word(d, OWN_FIELD(PROTOCOL), protocols[own->format.protocol]);
	doc_word(d, OWN_FIELD(TRANSPORT), transports[own->format.transport]);
}
