/*
 * The fields of documents, each declared once: name, type, unit, meaning, example. From these
 * tables come the field reference, the index template, and the check that no document carries an
 * undeclared field.
 *
 * A table is indexed by an enum with designated initializers and ends with a row without a name.
 * A protocol's enum begins at 0 and is handed to the doc_ functions as FIELD_OWN(i); fields common
 * to all types are in `fields_common`, indexed by enum common_field.
 *
 * Rows of one table must keep fields of one object together, so that the writer opens each object
 * once: http.request.* beside http.request.*.
 */
#ifndef WIRESPAN_TXN_FIELD_H
#define WIRESPAN_TXN_FIELD_H

enum field_type {
	FIELD_KEYWORD,
	FIELD_TEXT,	/* searched by its words as well as whole */
	FIELD_WILDCARD, /* searched by any part of it, however long */
	FIELD_LONG,
	FIELD_DOUBLE,
	FIELD_BOOL,
	FIELD_DATE, /* date_nanos */
	FIELD_IP,
	FIELD_POINT,  /* geo_point: an engine's pipeline makes it, no document has it */
	FIELD_OBJECT, /* any keys, values are keywords: flattened, flat_object */
};

struct field {
	const char *name; /* dotted: "http.request.method" */
	enum field_type type;
	const char *unit;    /* "nanoseconds", "bytes"; NULL for none */
	const char *help;    /* a sentence */
	const char *example; /* as in JSON, for the reference; may be NULL */
};

/* X(enumerator, name, type, unit, sentence, example): in the order in which documents carry them.
 */
#define FIELDS_COMMON_HEAD(X)                                                                     \
	X(TIMESTAMP, "@timestamp", FIELD_DATE, NULL, "When the request's first packet was seen.", \
	  "\"2026-01-02T03:04:05.123456789Z\"")                                                   \
	X(TYPE, "type", FIELD_KEYWORD, NULL, "The protocol.", "\"http\"")                         \
	X(STATUS, "status", FIELD_KEYWORD, NULL,                                                  \
	  "Whether it went well: OK, Error, Client Error or Server Error.", "\"OK\"")             \
	X(EVENT_ID, "event.id", FIELD_KEYWORD, NULL,                                              \
	  "Made from the conversation and the exchange's place in it: the same exchange has the " \
	  "same id whenever it is read again.",                                                   \
	  "\"18f0a1b2c3d4e5f60011223344556677\"")                                                 \
	X(EVENT_KIND, "event.kind", FIELD_KEYWORD, NULL, "Always event.", "\"event\"")            \
	X(EVENT_CATEGORY, "event.category", FIELD_KEYWORD, NULL,                                  \
	  "network, and web or database where that fits.", "[\"network\",\"web\"]")               \
	X(EVENT_TYPE, "event.type", FIELD_KEYWORD, NULL, "connection and protocol.",              \
	  "[\"connection\",\"protocol\"]")                                                        \
	X(EVENT_DATASET, "event.dataset", FIELD_KEYWORD, NULL, "The protocol.", "\"http\"")       \
	X(EVENT_OUTCOME, "event.outcome", FIELD_KEYWORD, NULL,                                    \
	  "success, failure, or unknown when the exchange was not seen whole.", "\"success\"")    \
	X(EVENT_START, "event.start", FIELD_DATE, NULL,                                           \
	  "When the request's first packet was seen.", NULL)                                      \
	X(EVENT_END, "event.end", FIELD_DATE, NULL,                                               \
	  "When the response's last packet that was used was seen.", NULL)                        \
	X(EVENT_DURATION, "event.duration", FIELD_LONG, "nanoseconds",                            \
	  "The response time: request's first byte to response's last byte.", "1545000")          \
	X(TIMING_FIRST_BYTE, "timing.first_byte", FIELD_LONG, "nanoseconds",                      \
	  "Request's first byte to response's first byte.", "1498000")                            \
	X(TIMING_REQUEST, "timing.request", FIELD_LONG, "nanoseconds",                            \
	  "Request's first byte to request's last byte.", "0")                                    \
	X(TIMING_WAIT, "timing.wait", FIELD_LONG, "nanoseconds",                                  \
	  "Request's last byte to response's first byte: the server's own time.", "1498000")      \
	X(TIMING_RESPONSE, "timing.response", FIELD_LONG, "nanoseconds",                          \
	  "Response's first byte to response's last byte.", "47000")                              \
	X(TIMING_CONNECT, "timing.connect", FIELD_LONG, "nanoseconds",                            \
	  "SYN to the ACK that ends the handshake; on a connection's first exchange.", "210000")  \
	X(METHOD, "method", FIELD_KEYWORD, NULL, "The verb.", "\"GET\"")                          \
	X(QUERY, "query", FIELD_TEXT, NULL, "The request as a person would write it.",            \
	  "\"GET /users/17\"")                                                                    \
	X(RESOURCE, "resource", FIELD_KEYWORD, NULL, "What the request acts on.", "\"user:17\"")  \
	X(PATH, "path", FIELD_KEYWORD, NULL,                                                      \
	  "The path, table or service that the request acts on.", "\"/users/17\"")                \
	X(QUERY_FINGERPRINT, "query_fingerprint", FIELD_KEYWORD, NULL,                            \
	  "The request without what varies from call to call: what top-N reports group by.",      \
	  "\"GET /users/?\"")                                                                     \
	X(QUERY_HASH, "query_hash", FIELD_KEYWORD, NULL,                                          \
	  "A 64-bit hash of query_fingerprint, in hex.", "\"1f0c6b3a9d27e485\"")

#define FIELDS_COMMON_TAIL(X)                                                                      \
	X(CLIENT_IP, "client.ip", FIELD_IP, NULL, "Who asked.", "\"192.0.2.10\"")                  \
	X(CLIENT_PORT, "client.port", FIELD_LONG, NULL, "The port that asked.", "51340")           \
	X(CLIENT_BYTES, "client.bytes", FIELD_LONG, "bytes", "Length of the request on the wire.", \
	  "48")                                                                                    \
	X(CLIENT_PACKETS, "client.packets", FIELD_LONG, "packets",                                 \
	  "Packets that carried the request.", "1")                                                \
	X(SERVER_IP, "server.ip", FIELD_IP, NULL, "Who answered.", "\"192.0.2.20\"")               \
	X(SERVER_PORT, "server.port", FIELD_LONG, NULL, "The port that answered.", "5432")         \
	X(SERVER_DOMAIN, "server.domain", FIELD_KEYWORD, NULL,                                     \
	  "The server's name, as the client said it.", "\"www.example.com\"")                      \
	X(SERVER_BYTES, "server.bytes", FIELD_LONG, "bytes",                                       \
	  "Length of the response on the wire.", "361")                                            \
	X(SERVER_PACKETS, "server.packets", FIELD_LONG, "packets",                                 \
	  "Packets that carried the response.", "1")                                               \
	X(SOURCE_IP, "source.ip", FIELD_IP, NULL, "As client.ip.", NULL)                           \
	X(SOURCE_PORT, "source.port", FIELD_LONG, NULL, "As client.port.", NULL)                   \
	X(SOURCE_BYTES, "source.bytes", FIELD_LONG, "bytes", "As client.bytes.", NULL)             \
	X(SOURCE_PACKETS, "source.packets", FIELD_LONG, "packets", "As client.packets.", NULL)     \
	X(DESTINATION_IP, "destination.ip", FIELD_IP, NULL, "As server.ip.", NULL)                 \
	X(DESTINATION_PORT, "destination.port", FIELD_LONG, NULL, "As server.port.", NULL)         \
	X(DESTINATION_DOMAIN, "destination.domain", FIELD_KEYWORD, NULL, "As server.domain.",      \
	  NULL)                                                                                    \
	X(DESTINATION_BYTES, "destination.bytes", FIELD_LONG, "bytes", "As server.bytes.", NULL)   \
	X(DESTINATION_PACKETS, "destination.packets", FIELD_LONG, "packets", "As server.packets.", \
	  NULL)                                                                                    \
	X(NETWORK_TYPE, "network.type", FIELD_KEYWORD, NULL, "ipv4 or ipv6.", "\"ipv4\"")          \
	X(NETWORK_TRANSPORT, "network.transport", FIELD_KEYWORD, NULL, "tcp or udp.", "\"tcp\"")   \
	X(NETWORK_PROTOCOL, "network.protocol", FIELD_KEYWORD, NULL, "The protocol.", "\"http\"")  \
	X(NETWORK_DIRECTION, "network.direction", FIELD_KEYWORD, NULL,                             \
	  "ingress, egress, internal or unknown, seen from this host; only live.", "\"ingress\"")  \
	X(NETWORK_BYTES, "network.bytes", FIELD_LONG, "bytes", "Both directions.", "409")          \
	X(NETWORK_PACKETS, "network.packets", FIELD_LONG, "packets", "Both directions.", "2")      \
	X(NETWORK_COMMUNITY_ID, "network.community_id", FIELD_KEYWORD, NULL,                       \
	  "Community ID version 1 with seed 0.", "\"1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=\"")             \
	X(NETWORK_VLAN_ID, "network.vlan.id", FIELD_KEYWORD, NULL, "The outer 802.1Q tag.",        \
	  "\"42\"")                                                                                \
	X(NETWORK_INNER_VLAN_ID, "network.inner.vlan.id", FIELD_KEYWORD, NULL,                     \
	  "The inner tag of two.", "\"7\"")                                                        \
	X(NETWORK_FORWARDED_IP, "network.forwarded_ip", FIELD_IP, NULL,                            \
	  "The client's address as a proxy said it (real_ip_header).", "\"198.51.100.7\"")         \
	X(TUNNEL_TYPE, "tunnel.type", FIELD_KEYWORD, NULL,                                         \
	  "The tunnels that were opened, outermost first.", "[\"vxlan\"]")                         \
	X(TUNNEL_ID, "tunnel.id", FIELD_KEYWORD, NULL, "Their keys or network identifiers.",       \
	  "[\"5001\"]")                                                                            \
	X(TUNNEL_SOURCE_IP, "tunnel.source.ip", FIELD_IP, NULL, "Their senders.",                  \
	  "[\"192.0.2.1\"]")                                                                       \
	X(TUNNEL_DESTINATION_IP, "tunnel.destination.ip", FIELD_IP, NULL, "Their receivers.",      \
	  "[\"192.0.2.2\"]")                                                                       \
	X(TCP_RTT, "tcp.rtt", FIELD_LONG, "nanoseconds",                                           \
	  "The connection's smoothed round trip time when the exchange ended.", "180000")          \
	X(TCP_RETRANSMITS, "tcp.retransmits", FIELD_LONG, "segments",                              \
	  "Retransmitted on the connection while the exchange ran, both directions.", "2")         \
	X(TCP_OUT_OF_ORDER, "tcp.out_of_order", FIELD_LONG, "segments",                            \
	  "That came too early while the exchange ran, both directions.", "1")                     \
	X(TCP_GAP_BYTES, "tcp.gap_bytes", FIELD_LONG, "bytes",                                     \
	  "That the capture lacks of the connection while the exchange ran.", "1448")              \
	X(PROCESS_PID, "process.pid", FIELD_LONG, NULL,                                            \
	  "The process on this host that holds the connection: the server's, else the client's.",  \
	  "812")                                                                                   \
	X(PROCESS_NAME, "process.name", FIELD_KEYWORD, NULL, "Its name.", "\"nginx\"")             \
	X(PROCESS_EXECUTABLE, "process.executable", FIELD_KEYWORD, NULL, "Its file.",              \
	  "\"/usr/sbin/nginx\"")                                                                   \
	X(CONTAINER_ID, "container.id", FIELD_KEYWORD, NULL, "The container that it runs in.",     \
	  NULL)                                                                                    \
	X(RELATED_IP, "related.ip", FIELD_IP, NULL, "All addresses of the exchange.",              \
	  "[\"192.0.2.10\",\"192.0.2.20\"]")                                                       \
	X(ERROR_MESSAGE, "error.message", FIELD_TEXT, NULL,                                        \
	  "What the server said went wrong, or what kept the exchange from being complete.",       \
	  "\"Unmatched request\"")                                                                 \
	X(NOTES, "notes", FIELD_KEYWORD, NULL, "Remarks on how sure the document is.",             \
	  "[\"packet loss\"]")                                                                     \
	X(REQUEST, "request", FIELD_TEXT, NULL,                                                    \
	  "The raw request, only when asked for (send_request).", NULL)                            \
	X(RESPONSE, "response", FIELD_TEXT, NULL,                                                  \
	  "The raw response, only when asked for (send_response).", NULL)                          \
	X(AGENT_NAME, "agent.name", FIELD_KEYWORD, NULL,                                           \
	  "The shipper's name (`name`; the host's by default).", "\"web-1\"")                      \
	X(AGENT_TYPE, "agent.type", FIELD_KEYWORD, NULL, "Always wirespan.", "\"wirespan\"")       \
	X(AGENT_VERSION, "agent.version", FIELD_KEYWORD, NULL, "The shipper's version.",           \
	  "\"0.1.0\"")                                                                             \
	X(HOST_NAME, "host.name", FIELD_KEYWORD, NULL, "The host that the shipper runs on.",       \
	  "\"web-1\"")                                                                             \
	X(OBSERVER_INGRESS, "observer.ingress.interface.name", FIELD_KEYWORD, NULL,                \
	  "The device that the exchange was seen on.", "\"eth0\"")                                 \
	X(ECS_VERSION, "ecs.version", FIELD_KEYWORD, NULL,                                         \
	  "The version of ECS that names follow.", "\"8.11.0\"")                                   \
	X(LABELS, "labels", FIELD_OBJECT, NULL, "From the configuration, as ECS has them.",        \
	  "{\"team\":\"shop\"}")                                                                   \
	X(FIELDS, "fields", FIELD_OBJECT, NULL, "From the configuration.", "{\"team\":\"shop\"}")  \
	X(TAGS, "tags", FIELD_KEYWORD, NULL, "From the configuration.", "[\"production\"]")

#define COMMON_FIELD_ENUM(id, name, type, unit, text, example) F_##id,
enum common_field {
	FIELDS_COMMON_HEAD(COMMON_FIELD_ENUM) FIELDS_COMMON_TAIL(COMMON_FIELD_ENUM)
		FIELD_COMMON_COUNT
};
#undef COMMON_FIELD_ENUM

#define FIELD_OWN(i) (FIELD_COMMON_COUNT + (i))

extern const struct field fields_common[FIELD_COMMON_COUNT + 1];

#endif
