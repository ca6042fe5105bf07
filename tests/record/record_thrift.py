#!/usr/bin/env python3
"""Records the Thrift captures that belong to the project: tests/record/record_thrift.py [CASE...]

Servers and clients made with Thrift's libraries for Python, C (GLib), C++, Go, Java and Node, in each
combination of protocol and transport that they speak, over the loopback of a network namespace made for the
purpose. Leaves tests/captures/thrift/CASE.pcap and CASE.log: what the clients
say of each call, a JSON line each. Needs root, scripts/install-packages record, and by their own package
managers the libraries for Python (pip), and for the cases named after them Go, Java (mvn) and Node (npm).

              binary  compact  JSON  over socket and framed   in headers (zlib: deflated)
  Python      yes*    yes      yes                            binary, compact, both with zlib
  Go          yes     yes      yes                            binary, compact, both with zlib
  Java        yes*    yes      yes                            has none
  Node        yes     yes      yes                            binary
  C (GLib)    yes     yes      has none                       has none
  C++         yes     yes      yes                            binary, compact; deflated, its server of Debian's
                                                              version 0.17 aborts ("malloc(): corrupted top size")
  * also without a version
"""
import contextlib
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.join(HERE, "..", "captures", "thrift")
PORT = 9090

from record_http import enter_namespace, run, tcpdump


def prepare(folder, wanted):
    """Code from the IDL files, the libraries, the programs: before there is no network."""
    idl, source = os.path.join(HERE, "thrift", "calls.thrift"), os.path.join(HERE, "thrift")

    def generate(language, out):
        os.makedirs(out, exist_ok=True)
        run("thrift", "-r", "--gen", language, "--out", out, idl, stderr=subprocess.DEVNULL)

    def cpp():
        generate("cpp:no_skeleton", folder + "/gen-cpp")
        sources = [f"{folder}/gen-cpp/{name}.cpp" for name in ("Calls", "Base", "calls_types")]
        run("g++", "-O0", "-w", "-I" + folder, "-o", folder + "/calls_cpp", source + "/calls.cpp", *sources,
            "-lthriftz", "-lthrift")

    def glib():
        generate("c_glib", folder + "/gen-c_glib")
        flags = run("pkg-config", "--cflags", "--libs", "thrift_c_glib", stdout=subprocess.PIPE).stdout.decode().split()
        sources = [f"{folder}/gen-c_glib/{name}.c" for name in ("calls", "base", "calls_types", "base_types")]
        run("gcc", "-w", "-I" + folder, "-o", folder + "/calls_c", source + "/calls.c", *sources, *flags)

    def go():
        shutil.copytree(source + "/go", folder + "/go")
        generate("go:package_prefix=calls/gen-go/", folder + "/go/gen-go")
        run("go", "build", "-o", folder + "/calls_go", ".", cwd=folder + "/go")

    def java():
        generate("java:generated_annotations=suppress", folder + "/gen-java")
        for artifact in ("org.apache.thrift:libthrift:0.17.0", "org.slf4j:slf4j-api:1.7.36"):
            run("mvn", "-q", "-B", "dependency:copy", "-Dartifact=" + artifact, f"-DoutputDirectory={folder}/jars")
        run("javac", "-nowarn", "-cp", folder + "/jars/*", "-d", folder + "/classes", source + "/Main.java",
            *glob.glob(folder + "/gen-java/*.java"), stderr=subprocess.DEVNULL)

    def node():
        generate("js:node", folder + "/gen-nodejs")
        shutil.copy(source + "/calls.js", folder)
        run("npm", "install", "--silent", "--no-fund", "thrift@0.17.0", cwd=folder, stdout=subprocess.DEVNULL)

    generate("py", folder)
    run(sys.executable, "-m", "pip", "install", "-q", "--target", folder, "thrift", stderr=subprocess.DEVNULL)
    sys.path.insert(0, folder)
    builders = {"c": glib, "go": go, "java": java, "node": node, "cpp": cpp}
    needed = {OTHERS[name][0] for name in wanted if name in OTHERS}
    needed |= {"cpp"} if set(wanted) & set(CASES) else set()
    needed |= {"node"} if "interleaved" in wanted else set()
    needed |= {"go"} if "foreign" in wanted else set()
    for name in sorted(needed):
        builders[name]()


def program(folder, language):
    return {"c": [folder + "/calls_c"], "cpp": [folder + "/calls_cpp"], "go": [folder + "/calls_go"], "node": ["node", folder + "/calls.js"],
            "java": ["java", "-cp", f"{folder}/jars/*:{folder}/classes", "Main"]}[language]


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


def header_factory(protocol, deflates):
    from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
    from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID, THeaderTransformID

    class Factory(THeaderProtocolFactory):
        def getProtocol(self, trans):
            made = super().getProtocol(trans)
            if deflates:
                made.trans.add_transform(THeaderTransformID.ZLIB)
            return made

    return Factory((THeaderClientType.HEADERS,),
                   THeaderSubprotocolID.COMPACT if protocol == "compact" else THeaderSubprotocolID.BINARY)


def factories(protocol, transport):
    from thrift.protocol import TBinaryProtocol, TCompactProtocol, TJSONProtocol
    from thrift.transport import TTransport
    if transport in ("header", "zlib"):
        return TTransport.TTransportFactoryBase(), header_factory(protocol, transport == "zlib")
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
    wait_until_listening()
    return server


def wait_until_listening():
    """Without a connection that the capture would show."""
    for _ in range(200):
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as lines:
                if any(f":{PORT:04X}" in line.split()[1] and line.split()[3] == "0A" for line in list(lines)[1:]):
                    return
        time.sleep(0.05)
    sys.exit("record_thrift.py: no server")


@contextlib.contextmanager
def serving(folder, language, protocol, transport):
    server = subprocess.Popen([*program(folder, language), "serve", str(PORT), protocol, transport],
                              stderr=subprocess.DEVNULL)
    try:
        wait_until_listening()
        yield
    finally:
        server.terminate()
        server.wait()


def client(folder, language, protocol, transport, first, *more):
    done = run(*program(folder, language), "call", str(PORT), protocol, transport, str(first), *more,
               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def python_client(protocol, transport, multiplexed, first):
    from calls import Calls
    from calls.ttypes import Item, Op, Refused
    from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
    from thrift.Thrift import TApplicationException
    from thrift.transport import TSocket
    socket = TSocket.TSocket("127.0.0.1", PORT)
    socket.setTimeout(10000)
    trans, prot = factories(protocol, transport)
    trans = trans.getTransport(socket)
    prot = prot.getProtocol(trans)
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


def plain_client(protocol, transport, first, calls):
    """Writes what no generated client would: fields that the server does not know, texts in Latin-1."""
    from base import Base
    from calls import Calls
    from thrift.Thrift import TApplicationException, TMessageType
    from thrift.transport import TSocket
    socket = TSocket.TSocket("127.0.0.1", PORT)
    socket.setTimeout(10000)
    trans, prot = factories(protocol, transport)
    trans = trans.getTransport(socket)
    prot = prot.getProtocol(trans)
    trans.open()
    rows = []
    for seq_id, (method, write) in enumerate(calls, first):
        row = {"id": f"id-{seq_id}", "port": socket.handle.getsockname()[1], "method": method, "returned": "", "error": ""}
        row["sent_at"] = time.time_ns()
        prot.writeMessageBegin(method, TMessageType.CALL, seq_id)
        prot.writeStructBegin("arguments")
        field(prot, 1, "String", row["id"])
        write(prot)
        prot.writeFieldStop()
        prot.writeStructEnd()
        prot.writeMessageEnd()
        prot.trans.flush()
        _, kind, _ = prot.readMessageBegin()
        if kind == TMessageType.EXCEPTION:
            failed = TApplicationException()
            failed.read(prot)
            row["error"] = failed.message
        else:
            result = Base.ping_result() if method == "ping" else Calls.echo_result()
            result.read(prot)
            row["returned"] = getattr(result, "success", None) or ""
        prot.readMessageEnd()
        row["done_at"] = time.time_ns()
        rows.append(row)
    trans.close()
    return rows


def field(prot, number, kind, value):
    from thrift.Thrift import TType
    prot.writeFieldBegin("field", getattr(TType, {"Binary": "STRING"}.get(kind, kind.upper())), number)
    getattr(prot, "write" + kind)(value)
    prot.writeFieldEnd()


def unknown_fields(prot):
    from thrift.Thrift import TType
    field(prot, 2, "String", "known")
    prot.writeFieldBegin("struct", TType.STRUCT, 9)
    prot.writeStructBegin("inner")
    field(prot, 1, "Bool", True)
    field(prot, 200, "I64", -(2 ** 63))
    field(prot, -3, "Double", 0.25)
    prot.writeFieldStop()
    prot.writeStructEnd()
    prot.writeFieldEnd()
    prot.writeFieldBegin("map", TType.MAP, 300)
    prot.writeMapBegin(TType.I32, TType.LIST, 1)
    prot.writeI32(-70000)
    prot.writeListBegin(TType.STRUCT, 2)
    for _ in range(2):
        prot.writeStructBegin("empty")
        prot.writeFieldStop()
        prot.writeStructEnd()
    prot.writeListEnd()
    prot.writeMapEnd()
    prot.writeFieldEnd()
    prot.writeFieldBegin("set", TType.SET, 4)
    prot.writeSetBegin(TType.I16, 20)
    for i in range(20):
        prot.writeI16(i - 10)
    prot.writeSetEnd()
    prot.writeFieldEnd()


def with_uuids(prot):
    from thrift.Thrift import TType
    one = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    field(prot, 2, "String", "with uuids")
    field(prot, 3, "Uuid", one)
    prot.writeFieldBegin("list", TType.LIST, 4)
    prot.writeListBegin(TType.UUID, 2)
    prot.writeUuid(one)
    prot.writeUuid(uuid.UUID(int=1))
    prot.writeListEnd()
    prot.writeFieldEnd()


def in_latin1(prot):
    field(prot, 2, "Binary", "gr\u00fc\u00df \u20ac".encode("latin-1", "ignore") + b"\x00\x7f")


CASES = {
    "binary_socket": ("binary", "socket", False), "binary_framed": ("binary", "framed", False),
    "compact_socket": ("compact", "socket", False), "compact_framed": ("compact", "framed", False),
    "json_socket": ("json", "socket", False), "json_framed": ("json", "framed", False),
    "old_socket": ("old", "socket", False), "old_framed": ("old", "framed", False),
    "binary_header": ("binary", "header", False), "compact_zlib": ("compact", "zlib", False),
    "compact_header": ("compact", "header", False), "binary_zlib": ("binary", "zlib", False),
    "multiplexed": ("compact", "framed", True),
}


# Language, protocol, transports. Its client calls its server over each, Python's client its server over the
# first, and its client Python's server over the last.
OTHERS = {
    "c_binary": ("c", "binary", ("socket", "framed")), "c_compact": ("c", "compact", ("socket", "framed")),
    "cpp_binary": ("cpp", "binary", ("socket", "framed")), "cpp_compact": ("cpp", "compact", ("framed", "socket")),
    "cpp_json": ("cpp", "json", ("socket", "framed")), "cpp_header": ("cpp", "compact", ("header",)),
    "cpp_header_binary": ("cpp", "binary", ("header",)),
    "go_binary": ("go", "binary", ("socket", "framed")), "go_compact": ("go", "compact", ("framed", "socket")),
    "go_json": ("go", "json", ("socket", "framed")), "go_header": ("go", "compact", ("header", "zlib")),
    "go_header_binary": ("go", "binary", ("header", "zlib")),
    "java_binary": ("java", "binary", ("framed", "socket")), "java_compact": ("java", "compact", ("framed", "socket")),
    "java_json": ("java", "json", ("socket", "framed")), "java_old": ("java", "old", ("socket", "framed")),
    "node_binary": ("node", "binary", ("socket", "framed")), "node_compact": ("node", "compact", ("framed", "socket")),
    "node_json": ("node", "json", ("socket", "framed")), "node_header": ("node", "binary", ("header",)),
}


def record_other(folder, name):
    language, protocol, transports = OTHERS[name]
    rows = []
    for transport in transports:
        with serving(folder, language, protocol, transport):
            rows += client(folder, language, protocol, transport, 100 + len(rows))
            if transport == transports[0] and name != "node_header":  # neither answers the other
                rows += python_client(protocol, transport, False, 100 + len(rows))
    if protocol != "json" and name != "node_header":  # its texts are not all of one mind about what is binary
        serve(protocol, transports[-1], False)
        rows += client(folder, language, protocol, transports[-1], 100 + len(rows))
    return rows


def record_python(folder, name):
    protocol, transport, multiplexed = CASES[name]
    serve(protocol, transport, multiplexed)
    rows = python_client(protocol, transport, multiplexed, 100)
    if protocol != "old" and not multiplexed and transport not in ("header", "zlib"):
        rows += client(folder, "cpp", protocol, transport, 200)
    return rows


def record_interleaved(folder, _):
    rows = []
    # Else the last of several questions is sent again when no answer comes at once.
    with open("/proc/sys/net/ipv4/tcp_early_retrans", "w") as setting:
        setting.write("0")
    for protocol, transport in (("compact", "framed"), ("binary", "socket")):
        with serving(folder, "node", protocol, transport):
            rows += client(folder, "node", protocol, transport, 100 + len(rows), "together")
    return rows


def record_foreign(folder, _):
    rows = []
    for protocol, transport in (("binary", "framed"), ("compact", "socket")):
        with serving(folder, "go", protocol, transport):
            rows += plain_client(protocol, transport, 100 + len(rows),
                                 [("echo", unknown_fields), ("ping", in_latin1), ("ping", unknown_fields),
                                  ("nosuch", unknown_fields), ("ping", lambda prot: None)])
    serve("compact", "framed", False)
    rows += plain_client("compact", "framed", 100 + len(rows), [("echo", with_uuids), ("echo", with_uuids)])
    return rows


RECORD = {**{name: record_python for name in CASES}, **{name: record_other for name in OTHERS},
          "interleaved": record_interleaved, "foreign": record_foreign}


def record(folder, name):
    with tcpdump(f"{CAPTURES}/{name}.pcap"):
        rows = RECORD[name](folder, name)
    with open(f"{CAPTURES}/{name}.log", "w") as log:
        log.writelines(json.dumps(row) + "\n" for row in rows)
    print(f"{name}: {len(rows)} calls")


def main(wanted):
    os.makedirs(CAPTURES, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, wanted or RECORD)
        enter_namespace()
        for name in wanted or RECORD:
            if os.fork() == 0:  # Python's server cannot be stopped: its process can
                record(folder, name)
                sys.stdout.flush()
                os._exit(0)
            if os.wait()[1] != 0:
                sys.exit(f"record_thrift.py: {name} failed")


if __name__ == "__main__":
    main(sys.argv[1:])
