// A Thrift server or client with the C++ library: serve|call PORT PROTOCOL TRANSPORT [FIRST_ID]; a
// client prints a JSON line for each call.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <arpa/inet.h>

#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/THeaderProtocol.h>
#include <thrift/protocol/TJSONProtocol.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/THeaderTransport.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

#include "gen-cpp/Calls.h"

using namespace apache::thrift;
using std::string;

static int64_t now()
{
	return std::chrono::duration_cast<std::chrono::nanoseconds>(
		       std::chrono::system_clock::now().time_since_epoch())
		.count();
}

static int client_port(transport::TSocket &socket)
{
	sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	getsockname(socket.getSocketFD(), (sockaddr *)&addr, &len);
	return addr.ss_family == AF_INET6 ? ntohs(((sockaddr_in6 *)&addr)->sin6_port)
					  : ntohs(((sockaddr_in *)&addr)->sin_port);
}

// ---- Server ----

class Handler : public calls::CallsIf {
	void ping(const string &) override {}
	void echo(string &to, const string &id, const string &text) override { to = id + " " + text; }
	int32_t calculate(const string &id, const calls::Op::type op, const int32_t a, const int32_t b) override
	{
		if (op == calls::Op::DIVIDE && b == 0) {
			calls::Refused refused;

			refused.code = 4;
			refused.why = id + " divides by 0";
			throw refused;
		}
		return op == calls::Op::ADD ? a + b : op == calls::Op::SUBTRACT ? a - b : a / b;
	}
	void enrich(calls::Item &to, const string &, const calls::Item &item) override
	{
		to = item;
		to.count++;
	}
	void crash(string &, const string &id) override { throw std::runtime_error(id); }
	void many(std::vector<string> &to, const string &id, const int32_t n) override
	{
		for (int32_t i = 0; i < n; i++)
			to.push_back(id + " " + std::to_string(i));
	}
	void forget(const string &) override {}
};

static bool in_headers(const string &framing)
{
	return framing == "header" || framing == "zlib";
}

static std::shared_ptr<protocol::TProtocolFactory> protocols(const string &protocol, const string &framing)
{
	if (in_headers(framing))
		return std::make_shared<protocol::THeaderProtocolFactory>();
	if (protocol == "compact")
		return std::make_shared<protocol::TCompactProtocolFactory>();
	if (protocol == "json")
		return std::make_shared<protocol::TJSONProtocolFactory>();
	return std::make_shared<protocol::TBinaryProtocolFactory>();
}

static std::shared_ptr<transport::TTransportFactory> transports(const string &framing)
{
	if (in_headers(framing))
		return std::make_shared<transport::TTransportFactory>();
	if (framing == "framed")
		return std::make_shared<transport::TFramedTransportFactory>();
	return std::make_shared<transport::TBufferedTransportFactory>();
}

static void serve(int port, const string &protocol, const string &framing)
{
	GlobalOutput.setOutputFunction([](const char *) {});
	server::TThreadedServer server(
		std::make_shared<calls::CallsProcessor>(std::make_shared<Handler>()),
		std::make_shared<transport::TServerSocket>("127.0.0.1", port), transports(framing),
		protocols(protocol, framing));

	server.serve();
}

// ---- Client ----

// In headers a protocol makes its own transport, of which it is told what to put into them.
static std::shared_ptr<protocol::TProtocol> header_protocol(std::shared_ptr<transport::TTransport> socket,
							    const string &protocol, const string &framing)
{
	auto p = std::make_shared<protocol::THeaderProtocol>(
		socket, protocol == "compact" ? protocol::T_COMPACT_PROTOCOL : protocol::T_BINARY_PROTOCOL);
	auto header = std::dynamic_pointer_cast<transport::THeaderTransport>(p->getTransport());

	if (framing == "zlib")
		header->setTransform(transport::THeaderTransport::ZLIB_TRANSFORM);
	return p;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	string protocol = argv[3], framing = argv[4];

	if (strcmp(argv[1], "serve") == 0) {
		serve(atoi(argv[2]), protocol, framing);
		return 0;
	}
	int id = argc > 5 ? atoi(argv[5]) : 0;
	auto socket = std::make_shared<transport::TSocket>("127.0.0.1", atoi(argv[2]));
	auto transport = transports(framing)->getTransport(socket);
	auto p = in_headers(framing) ? header_protocol(socket, protocol, framing)
				     : protocols(protocol, framing)->getProtocol(transport);

	transport->open();
	int port = client_port(*socket);
	calls::CallsClient client(p);

	auto call = [&](const char *method, std::function<string(string)> make) {
		string name = "id-" + std::to_string(id++), returned, error;
		int64_t sent = now();

		try {
			returned = make(name);
		} catch (calls::Refused &refused) {
			error = refused.why;
		} catch (TApplicationException &failed) {
			error = failed.what();
		}
		printf("{\"id\": \"%s\", \"port\": %d, \"method\": \"%s\", \"returned\": \"%s\", "
		       "\"error\": \"%s\", \"sent_at\": %lld, \"done_at\": %lld}\n",
		       name.c_str(), port, method, returned.c_str(), error.c_str(), (long long)sent,
		       (long long)now());
	};

	call("ping", [&](string name) { client.ping(name); return string(); });
	call("echo", [&](string name) { string s; client.echo(s, name, "gr\u00fc\u00df"); return s; });
	call("calculate", [&](string name) {
		return std::to_string(client.calculate(name, calls::Op::SUBTRACT, 4, 9));
	});
	call("calculate", [&](string name) {
		return std::to_string(client.calculate(name, calls::Op::DIVIDE, 1, 0));
	});
	call("enrich", [&](string name) {
		calls::Item item, back;

		item.name = name;
		item.count = -7;
		item.prices = {1.5, -0.1, 1e300};
		item.tags["a"] = {1, -2, 1LL << 40};
		item.ok = true;
		item.raw = string("\xff\x00\x01", 3);
		item.op = calls::Op::ADD;
		item.__set_small(-300);
		item.__set_tiny(-3);
		item.nested = {{{calls::Op::DIVIDE, {true, false}}}, {}};
		client.enrich(back, name, item);
		return back.name;
	});
	call("crash", [&](string name) { string s; client.crash(s, name); return s; });
	call("many", [&](string name) {
		std::vector<string> all;

		client.many(all, name, 40);
		return all.front();
	});
	call("forget", [&](string name) { client.forget(name); return string(); });
	call("echo", [&](string name) { string s; client.echo(s, name, string(3000, 'x')); return s.substr(0, 9); });
	transport->close();
	return 0;
}
