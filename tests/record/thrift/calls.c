/* A Thrift server or client with the C (GLib) library: serve|call PORT PROTOCOL TRANSPORT
 * [FIRST_ID]; a client prints a JSON line for each call. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol_factory.h>
#include <thrift/c_glib/server/thrift_simple_server.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_buffered_transport_factory.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport_factory.h>
#include <thrift/c_glib/transport/thrift_server_socket.h>
#include <thrift/c_glib/transport/thrift_socket.h>

#include "gen-c_glib/calls.h"

/* ---- Server ---- */

typedef struct {
	CallsHandler parent;
} Handler;
typedef struct {
	CallsHandlerClass parent;
} HandlerClass;

G_DEFINE_TYPE(Handler, handler, TYPE_CALLS_HANDLER)

static gboolean ping(BaseIf *self, const gchar *id, GError **error)
{
	return TRUE;
}

static gboolean echo(CallsIf *self, gchar **result, const gchar *id, const gchar *text,
		     GError **error)
{
	*result = g_strdup_printf("%s %s", id, text);
	return TRUE;
}

static gboolean calculate(CallsIf *self, gint32 *result, const gchar *id, const Op op,
			  const gint32 a, const gint32 b, Refused **refused, GError **error)
{
	if (op == OP_DIVIDE && b == 0) {
		gchar *why = g_strdup_printf("%s divides by 0", id);

		*refused = g_object_new(TYPE_REFUSED, "code", 4, "why", why, NULL);
		g_free(why);
		return FALSE;
	}
	*result = op == OP_ADD ? a + b : op == OP_SUBTRACT ? a - b : a / b;
	return TRUE;
}

static gboolean enrich(CallsIf *self, Item **result, const gchar *id, const Item *item,
		       GError **error)
{
	g_object_set((gpointer)item, "count", item->count + 1, NULL);
	if (*result)
		g_object_unref(*result);
	*result = g_object_ref((gpointer)item);
	return TRUE;
}

static gboolean crash(CallsIf *self, gchar **result, const gchar *id, GError **error)
{
	g_set_error(error, THRIFT_APPLICATION_EXCEPTION_ERROR,
		    THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "%s", id);
	return FALSE;
}

static gboolean many(CallsIf *self, GPtrArray **result, const gchar *id, const gint32 n,
		     GError **error)
{
	for (gint32 i = 0; i < n; i++)
		g_ptr_array_add(*result, g_strdup_printf("%s %d", id, i));
	return TRUE;
}

static gboolean forget(CallsIf *self, const gchar *id, GError **error)
{
	return TRUE;
}

static void handler_init(Handler *self)
{
}

static void handler_class_init(HandlerClass *class)
{
	BASE_HANDLER_CLASS(class)->ping = ping;
	class->parent.echo = echo;
	class->parent.calculate = calculate;
	class->parent.enrich = enrich;
	class->parent.crash = crash;
	class->parent.many = many;
	class->parent.forget = forget;
}

static void serve(int port, gboolean compact, gboolean framed)
{
	gpointer handler = g_object_new(handler_get_type(), NULL);
	gpointer processor = g_object_new(TYPE_CALLS_PROCESSOR, "handler", handler, NULL);
	gpointer socket = g_object_new(THRIFT_TYPE_SERVER_SOCKET, "port", port, NULL);
	gpointer transports = g_object_new(framed ? THRIFT_TYPE_FRAMED_TRANSPORT_FACTORY
						  : THRIFT_TYPE_BUFFERED_TRANSPORT_FACTORY,
					   NULL);
	gpointer protocols = g_object_new(compact ? THRIFT_TYPE_COMPACT_PROTOCOL_FACTORY
						  : THRIFT_TYPE_BINARY_PROTOCOL_FACTORY,
					  NULL);
	gpointer server = g_object_new(
		THRIFT_TYPE_SIMPLE_SERVER, "processor", processor, "server_transport", socket,
		"input_transport_factory", transports, "output_transport_factory", transports,
		"input_protocol_factory", protocols, "output_protocol_factory", protocols, NULL);
	GError *error = NULL;

	thrift_server_serve(THRIFT_SERVER(server), &error);
	fprintf(stderr, "%s\n", error ? error->message : "ended");
}

/* ---- Client ---- */

struct row {
	char id[24];
	const char *method;
	long long sent_at;
};

static int first, local_port;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct row begin(const char *method)
{
	struct row row = {.method = method};

	snprintf(row.id, sizeof row.id, "id-%d", first++);
	row.sent_at = now();
	return row;
}

static void end(const struct row *row, const char *returned, const char *error)
{
	printf("{\"id\": \"%s\", \"port\": %d, \"method\": \"%s\", \"returned\": \"%s\", "
	       "\"error\": \"%s\", "
	       "\"sent_at\": %lld, \"done_at\": %lld}\n",
	       row->id, local_port, row->method, returned, error, row->sent_at, now());
}

static Item *item_named(const char *name)
{
	static const gdouble prices[] = {1.5, -0.1, 1e300};
	Item *item = g_object_new(TYPE_ITEM, NULL);
	GArray *doubles = g_array_new(FALSE, FALSE, sizeof(gdouble));
	GByteArray *raw = g_byte_array_new();

	g_array_append_vals(doubles, prices, 3);
	g_byte_array_append(raw, (const guint8 *)"\xff\0\1", 3);
	g_object_set(item, "name", name, "count", -7, "prices", doubles, "ok", TRUE, "raw", raw,
		     "op", OP_ADD, "small", -300, "tiny", -3, NULL);
	return item;
}

static void call_all(CallsIf *client)
{
	GError *error = NULL;
	gchar *text = NULL, number[16];
	gint32 n = 0;
	Refused *refused = NULL;
	GPtrArray *list = g_ptr_array_new();
	Item *back = g_object_new(TYPE_ITEM, NULL);
	struct row row = begin("ping");

	base_if_ping(BASE_IF(client), row.id, &error);
	end(&row, "", "");
	row = begin("echo");
	calls_if_echo(client, &text, row.id, "gr\u00fc\u00df", &error);
	end(&row, text, "");
	row = begin("calculate");
	calls_if_calculate(client, &n, row.id, OP_SUBTRACT, 4, 9, &refused, &error);
	snprintf(number, sizeof number, "%d", n);
	end(&row, number, "");
	row = begin("calculate");
	calls_if_calculate(client, &n, row.id, OP_DIVIDE, 1, 0, &refused, &error);
	end(&row, "", refused->why);
	g_clear_error(&error);
	row = begin("enrich");
	calls_if_enrich(client, &back, row.id, item_named(row.id), &error);
	end(&row, back->name, "");
	row = begin("crash");
	calls_if_crash(client, &text, row.id, &error);
	end(&row, "", error->message);
	g_clear_error(&error);
	row = begin("many");
	calls_if_many(client, &list, row.id, 20, &error);
	end(&row, g_ptr_array_index(list, 0), "");
	row = begin("forget");
	calls_if_forget(client, row.id, &error);
	end(&row, "", "");
	row = begin("ping");
	base_if_ping(BASE_IF(client), row.id, &error);
	end(&row, "", "");
}

static void call(int port, gboolean compact, gboolean framed)
{
	ThriftSocket *socket =
		g_object_new(THRIFT_TYPE_SOCKET, "hostname", "127.0.0.1", "port", port, NULL);
	ThriftTransport *transport =
		g_object_new(framed ? THRIFT_TYPE_FRAMED_TRANSPORT : THRIFT_TYPE_BUFFERED_TRANSPORT,
			     "transport", socket, NULL);
	ThriftProtocol *protocol =
		g_object_new(compact ? THRIFT_TYPE_COMPACT_PROTOCOL : THRIFT_TYPE_BINARY_PROTOCOL,
			     "transport", transport, NULL);
	struct sockaddr_in addr;
	socklen_t len = sizeof addr;
	GError *error = NULL;

	if (!thrift_transport_open(transport, &error)) {
		fprintf(stderr, "%s\n", error->message);
		exit(1);
	}
	getsockname(socket->sd, (struct sockaddr *)&addr, &len);
	local_port = ntohs(addr.sin_port);
	call_all(g_object_new(TYPE_CALLS_CLIENT, "input_protocol", protocol, "output_protocol",
			      protocol, NULL));
	thrift_transport_close(transport, NULL);
}

int main(int argc, char **argv)
{
	int port = argc > 4 ? atoi(argv[2]) : 0;
	gboolean compact = argc > 4 && strcmp(argv[3], "compact") == 0;
	gboolean framed = argc > 4 && strcmp(argv[4], "framed") == 0;

	first = argc > 5 ? atoi(argv[5]) : 0;
	if (port == 0)
		return 2;
	if (strcmp(argv[1], "serve") == 0)
		serve(port, compact, framed);
	else
		call(port, compact, framed);
	return 0;
}
