#!/usr/bin/env python3
"""Records the Thrift captures that belong to the project: tests/record/record_thrift.py [CASE...]

A server and a client made with Thrift's Python library, and a client made with its C++ library, in each
combination of protocol and transport that they speak, over the loopback of a network namespace made for
the purpose. Leaves tests/captures/thrift/CASE.pcap and CASE.log: what the clients say of each call, a JSON
line each. Needs root, tcpdump, thrift-compiler, libthrift-dev and g++ (Debian), and PyPI for `thrift`.
"""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.join(HERE, "..", "captures", "thrift")
PORT = 9090

from record_http import enter_namespace, run, tcpdump


def prepare(folder):
    """Code from the IDL files, the C++ client, the Python library: before there is no network."""
    idl = os.path.join(HERE, "thrift", "calls.thrift")
    run("thrift", "-r", "--gen", "py", "--out", folder, idl)
    os.makedirs(folder + "/gen-cpp")
    run("thrift", "-r", "--gen", "cpp:no_skeleton", "--out", folder + "/gen-cpp", idl)
    run(sys.executable, "-m", "pip", "install", "-q", "--target", folder, "thrift")
    sources = [f"{folder}/gen-cpp/{name}.cpp" for name in ("Calls", "Base", "calls_types")]
    run("g++", "-O0", "-w", "-I" + folder, "-o", folder + "/client", os.path.join(HERE, "thrift", "client.cpp"),
        *sources, "-lthriftz", "-lthrift")
    sys.path.insert(0, folder)


class Handler:
    def ping(self, id):
        pass

    def echo(self, id, text):
        return f"{id} {text}"

    def calculate(self, id, op, a, b):
        from calls.ttypes import Op, Refused
        if op == Op.DIVIDE and b == 0:
            raise Refused(code=4, why=f"{id} divides by 0")
        return {Op.ADD: a + b, Op.SUBTRACT: a - b}.get(op) if op != Op.DIVIDE else a // b

    def enrich(self, id, item):
        item.count += 1
        return item

    def crash(self, id):
        raise RuntimeError(id)

    def many(self, id, n):
        return [f"{id} {i}" for i in range(n)]

    def forget(self, id):
        pass


def header_factory(protocol):
    from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
    from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID
    return THeaderProtocolFactory((THeaderClientType.HEADERS,),
                                  THeaderSubprotocolID.COMPACT if protocol == "compact" else THeaderSubprotocolID.BINARY)


def factories(protocol, transport):
    from thrift.protocol import TBinaryProtocol, TCompactProtocol, TJSONProtocol
    from thrift.transport import TTransport
    if transport in ("header", "zlib"):
        return TTransport.TTransportFactoryBase(), header_factory(protocol)
    make = {"binary": TBinaryProtocol.TBinaryProtocolFactory, "compact": TCompactProtocol.TCompactProtocolFactory,
            "json": TJSONProtocol.TJSONProtocolFactory,
            "old": lambda: TBinaryProtocol.TBinaryProtocolFactory(strictRead=False, strictWrite=False)}[protocol]
    framed = transport == "framed"
    return (TTransport.TFramedTransportFactory if framed else TTransport.TBufferedTransportFactory)(), make()


def serve(protocol, transport, multiplexed):
    import logging
    from calls import Calls
    from thrift.server import TServer
    from thrift.TMultiplexedProcessor import TMultiplexedProcessor
    from thrift.transport import TSocket
    logging.disable(logging.CRITICAL)
    processor = Calls.Processor(Handler())
    if multiplexed:
        several = TMultiplexedProcessor()
        several.registerProcessor("Calls", processor)
        processor = several
    server = TServer.TThreadedServer(processor, TSocket.TServerSocket("127.0.0.1", PORT),
                                     *factories(protocol, transport), daemon=True)
    threading.Thread(target=server.serve, daemon=True).start()
    time.sleep(0.3)  # a client that comes too early fails, and so does the recording
    return server


def python_client(protocol, transport, multiplexed, first):
    from calls import Calls
    from calls.ttypes import Item, Op, Refused
    from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
    from thrift.Thrift import TApplicationException
    from thrift.transport import TSocket
    from thrift.transport.THeaderTransport import THeaderTransformID
    socket = TSocket.TSocket("127.0.0.1", PORT)
    trans, prot = factories(protocol, transport)
    trans = trans.getTransport(socket)
    prot = prot.getProtocol(trans)
    if transport == "zlib":
        prot.trans.add_transform(THeaderTransformID.ZLIB)
    client = Calls.Client(TMultiplexedProtocol(prot, "Calls") if multiplexed else prot)
    trans.open()
    rows, port = [], socket.handle.getsockname()[1]

    def call(method, *arguments, of=lambda value: value):
        name = f"id-{first + len(rows)}"
        row = {"id": name, "port": port, "method": method, "returned": "", "error": ""}
        row["sent_at"] = time.time_ns()
        try:
            got = getattr(client, method)(name, *(a(name) if callable(a) else a for a in arguments))
            row["returned"] = "" if got is None else str(of(got))
        except Refused as refused:
            row["error"] = refused.why
        except TApplicationException as failed:
            row["error"] = failed.message
        row["done_at"] = time.time_ns()
        if multiplexed:
            row["service"] = "Calls"
        rows.append(row)

    item = lambda name: Item(name=name, count=-7, prices=[1.5, -0.1], tags={"a": {1, -2}}, ok=True, raw=b"\xff\x00",
                             op=Op.ADD, small=-300, tiny=-3, nested=[{Op.DIVIDE: [True, False]}, {}])
    call("ping")
    call("echo", "gr\u00fc\u00df \"quoted\"")
    call("calculate", Op.SUBTRACT, 4, 9)
    call("calculate", Op.DIVIDE, 1, 0)
    if protocol != "json":
        call("enrich", item, of=lambda value: value.name)
    call("crash")
    call("many", 40, of=lambda value: value[0])
    call("forget")
    call("echo", "x" * 3000, of=lambda value: value[:9])
    trans.close()
    return rows


def cpp_client(folder, protocol, transport, first):
    done = run(folder + "/client", str(PORT), protocol, transport, str(first), stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


CASES = {
    "binary_socket": ("binary", "socket", False), "binary_framed": ("binary", "framed", False),
    "compact_socket": ("compact", "socket", False), "compact_framed": ("compact", "framed", False),
    "json_socket": ("json", "socket", False), "json_framed": ("json", "framed", False),
    "old_socket": ("old", "socket", False), "old_framed": ("old", "framed", False),
    "binary_header": ("binary", "header", False), "compact_zlib": ("compact", "zlib", False),
    "multiplexed": ("compact", "framed", True),
}


def record(folder, name):
    protocol, transport, multiplexed = CASES[name]
    with tcpdump(f"{CAPTURES}/{name}.pcap"):
        serve(protocol, transport, multiplexed)
        rows = python_client(protocol, transport, multiplexed, 100)
        if protocol != "old" and not multiplexed and transport not in ("header", "zlib"):
            rows += cpp_client(folder, protocol, transport, 200)
    with open(f"{CAPTURES}/{name}.log", "w") as log:
        log.writelines(json.dumps(row) + "\n" for row in rows)
    print(f"{name}: {len(rows)} calls")


def main(wanted):
    os.makedirs(CAPTURES, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        enter_namespace()
        for name in wanted or CASES:
            if os.fork() == 0:  # a server cannot be stopped: its process can
                record(folder, name)
                sys.stdout.flush()
                os._exit(0)
            if os.wait()[1] != 0:
                sys.exit(f"record_thrift.py: {name} failed")


if __name__ == "__main__":
    main(sys.argv[1:])
