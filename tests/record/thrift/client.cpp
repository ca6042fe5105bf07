// A Thrift client in C++: client PORT PROTOCOL TRANSPORT FIRST_ID, a JSON line for each call.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <arpa/inet.h>

#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/THeaderProtocol.h>
#include <thrift/protocol/TJSONProtocol.h>
#include <thrift/protocol/TMultiplexedProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/THeaderTransport.h>
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

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	string protocol = argv[2], framing = argv[3];
	int id = atoi(argv[4]);
	auto socket = std::make_shared<transport::TSocket>("127.0.0.1", atoi(argv[1]));
	std::shared_ptr<transport::TTransport> transport;
	std::shared_ptr<protocol::TProtocol> p;

	if (framing == "framed")
		transport = std::make_shared<transport::TFramedTransport>(socket);
	else
		transport = std::make_shared<transport::TBufferedTransport>(socket);
	if (framing == "header" || framing == "zlib") {
		auto header = std::make_shared<transport::THeaderTransport>(socket);

		header->setProtocolId(protocol == "compact" ? 2 : 0);
		if (framing == "zlib")
			header->setTransform(transport::THeaderTransport::ZLIB_TRANSFORM);
		transport = header;
		p = std::make_shared<protocol::THeaderProtocol>(header);
	} else if (protocol == "compact") {
		p = std::make_shared<protocol::TCompactProtocol>(transport);
	} else if (protocol == "json") {
		p = std::make_shared<protocol::TJSONProtocol>(transport);
	} else {
		p = std::make_shared<protocol::TBinaryProtocol>(transport);
	}
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
