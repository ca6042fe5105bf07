#!/usr/bin/env python3
"""Records the Redis captures that belong to the project: tests/record/record_redis.py [CASE...]

Redis servers of Debian and three clients (redis-cli with redis-benchmark, redis-py, ioredis), and one
that writes bytes as told, talk over the loopback of a network namespace, while tcpdump listens. Leaves
tests/captures/redis/CASE.pcap, nanosecond time stamps, and CASE.log: what the clients say of each command,
a JSON line each. Needs root, redis-server, redis-tools, node, and the registries: the clients are put into a
folder of their own.
"""
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from client import Log
from record_http import HERE, enter_namespace, run, tcpdump

CAPTURES = os.path.join(HERE, "..", "captures", "redis")
TOOLS = "/tmp/wirespan-redis-clients"
PORT, REPLICA, CLUSTER = 6379, 6380, (6391, 6392, 6393)


def tools():
    """redis-py and ioredis, once."""
    if not os.path.exists(TOOLS + "/py/bin/pip"):
        run("python3", "-m", "venv", TOOLS + "/py")
        run(TOOLS + "/py/bin/pip", "install", "-q", "redis")
        os.makedirs(TOOLS + "/node", exist_ok=True)
        run("npm", "install", "--silent", "--prefix", TOOLS + "/node", "ioredis")
    sys.path[:0] = [f"{TOOLS}/py/lib/{name}/site-packages" for name in os.listdir(TOOLS + "/py/lib")]


@contextlib.contextmanager
def server(folder, port, *options):
    path = os.path.join(folder, str(port))
    os.makedirs(path, exist_ok=True)
    process = subprocess.Popen(["redis-server", "--port", str(port), "--dir", path, "--save", "", *options],
                               stdout=subprocess.DEVNULL)
    for _ in range(100):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            break
        time.sleep(0.05)
    yield
    process.send_signal(signal.SIGTERM)
    process.wait()


def shown(value):
    """An answer as documents show it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple, set)):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value)


def row(log, port, words, answer, sent_at, done_at, server_port=PORT):
    error = isinstance(answer, Exception)
    log.add(port=port, server_port=server_port, query=" ".join(map(shown, words)), answer=shown(answer),
            error=error, sent_at=sent_at, done_at=done_at)


# ---- redis-py ----


class Python:
    """redis-py, answers as they came."""

    def __init__(self, log, **how):
        import redis
        self.redis, self.log = redis, log
        self.client = redis.Redis(port=PORT, socket_timeout=5, single_connection_client=True, **how)
        self.client.response_callbacks.clear()
        self.client.connection.connect()
        self.port = self.client.connection._sock.getsockname()[1]

    def ask(self, *words):
        sent_at = time.time_ns()
        try:
            answer = self.client.execute_command(*words)
        except self.redis.ResponseError as error:
            answer = error if str(error).split(" ")[0] in ERRORS else Exception(f"ERR {error}")
        row(self.log, self.port, words, answer, sent_at, time.time_ns())
        return answer

    def many(self, commands, transaction):
        pipe = self.client.pipeline(transaction=transaction)
        pipe.response_callbacks = {}
        for words in commands:
            pipe.execute_command(*words)
        sent_at = time.time_ns()
        answers = pipe.execute(raise_on_error=False)
        done_at = time.time_ns()
        # A pipeline has a connection of its own, given back by now.
        port = self.client.connection_pool._available_connections[-1]._sock.getsockname()[1]
        if transaction:
            row(self.log, port, ["MULTI"], b"OK", sent_at, done_at)
        for words, answer in zip(commands, answers):
            row(self.log, port, words, answer, sent_at, done_at)
        if transaction:
            row(self.log, port, ["EXEC"], f"{len(commands)} results", sent_at, done_at)


def commands(first, count):
    """Of which question and answer carry the same number."""
    for i in range(first, first + count):
        yield ["SET", f"id-{i}", f"id-{i} {'v' * (i * 37 % 900)}"]
        yield ["GET", f"id-{i}"]
        yield ["ECHO", f"id-{i}"]
        yield ["RPUSH", f"list:id-{i}", f"id-{i}", "b", "c"]
        yield ["LRANGE", f"list:id-{i}", 0, -1]


def case_python(log):
    two = Python(log)
    for words in commands(1, 8):
        two.ask(*words)
    two.ask("LPOP", "id-1")
    two.ask("NOSUCH", "id-1")
    two.ask("SELECT", 3)
    two.ask("GET", "id-1")
    two.ask("EVAL", "return {KEYS[1], ARGV[1], {1, 2}}", 1, "id-9", "x")
    two.ask("XADD", "stream:id-10", "1-1", "id", "id-10")
    two.ask("XREAD", "COUNT", 2, "STREAMS", "stream:id-10", "0")
    two.ask("BLPOP", "empty:id-11", "0.2")
    two.ask("SET", "big:id-12", "id-12" + "y" * 60000)
    two.ask("GET", "big:id-12")
    two.ask("SET", "raw:id-13", bytes(range(256)))


def case_pipelines(log):
    client = Python(log)
    # Each in one packet or two: what a server reads at one go it answers at one go.
    for first in range(1, 41, 4):
        client.many([words[:2] + [words[2][:60]] if words[0] == "SET" else words for words in commands(first, 4)],
                    False)
    client.many(list(commands(50, 10)), True)
    client.many([["SET", "id-70", "id-70"], ["LPUSH", "id-70", "x"], ["GET", "id-70"]], True)


def case_resp3(log):
    client = Python(log, protocol=3)
    client.ask("HSET", "hash:id-1", "name", "id-1", "n", 2)
    client.ask("HGETALL", "hash:id-1")
    client.ask("ZADD", "z:id-2", 1.5, "id-2")
    client.ask("ZRANGE", "z:id-2", 0, -1, "WITHSCORES")
    client.ask("ZSCORE", "z:id-2", "nobody")
    client.ask("SADD", "set:id-3", "id-3")
    client.ask("SMEMBERS", "set:id-3")
    client.ask("GET", "nothing:id-4")
    client.many(list(commands(5, 5)), True)


# ---- ioredis ----


def case_node(log):
    out = run("node", os.path.join(HERE, "record_redis.js"), env={**os.environ, "NODE_PATH": TOOLS + "/node/node_modules"},
              stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        log.add(**json.loads(line))


# ---- redis-cli, redis-benchmark ----


def case_cli(log):
    script = ["SET id-1 id-1", "GET id-1", "ECHO id-2", "RPUSH list:id-3 id-3 x", "LRANGE list:id-3 0 -1", "GET no:id-4",
              "INCR id-1", "PING id-5", "STRLEN id-1"]
    answers = ["OK", "id-1", "id-2", "2", "[id-3, x]", "nil", "ERR value is not an integer or out of range", "id-5", "4"]
    for words, answer in zip(script, answers):
        sent_at = time.time_ns()
        run("redis-cli", *words.split(), stdout=subprocess.DEVNULL)
        log.add(server_port=PORT, query=words, answer=answer, error=answer.startswith("ERR"), sent_at=sent_at,
                done_at=time.time_ns())


def case_benchmark(log):
    run("redis-benchmark", "-q", "-n", "400", "-c", "4", "-P", "16", "-d", "20", "-r", "1000", "-t", "set,get",
        stdout=subprocess.DEVNULL)
    log.add(counts={"SET": 400, "GET": 400})


# ---- Byte by byte ----


class Raw:
    """Writes what it is told. It logs what it says of itself: the answer is part of the script."""

    def __init__(self, log, port=PORT):
        self.log, self.server_port = log, port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]

    def say(self, text, answers, rows):
        """Inline commands; the answers' bytes, exactly; rows of (query, answer), None for what is not answered."""
        sent_at = time.time_ns()
        self.socket.sendall(text.encode())
        self.hear(answers)
        for query, answer in rows:
            error = answer is not None and answer.split(" ")[0].isupper() and answer.split(" ")[0] in ERRORS
            self.log.add(port=self.port, server_port=self.server_port, query=query, answer=answer, error=error,
                         sent_at=sent_at, done_at=time.time_ns())

    def hear(self, answers):
        got = b""
        while len(got) < len(answers):
            more = self.socket.recv(len(answers) - len(got))
            if not more:
                break
            got += more
        if got.decode() != answers:
            sys.exit(f"record_redis.py: {got!r} instead of {answers!r}")


ERRORS = ("ERR", "WRONGTYPE", "EXECABORT", "WRONGPASS", "NOPERM", "MOVED")


def bulk(*words):
    return "".join(f"${len(w)}\r\n{w}\r\n" for w in words)


def array(*words):
    return f"*{len(words)}\r\n" + bulk(*words)


def confirm(kind, channel, count):
    return f"*3\r\n{bulk(kind, channel)}:{count}\r\n"


def case_channels(log):
    ears, mouth = Raw(log), Raw(log)
    ears.say("SUBSCRIBE id-1 b\r\n", confirm("subscribe", "id-1", 1) + confirm("subscribe", "b", 2),
             [("SUBSCRIBE id-1 b", "[subscribe, id-1, 1], [subscribe, b, 2]")])
    ears.say("PSUBSCRIBE p.*\r\n", confirm("psubscribe", "p.*", 3), [("PSUBSCRIBE p.*", "[psubscribe, p.*, 3]")])
    mouth.say("PUBLISH id-1 id-1\r\n", ":1\r\n", [("PUBLISH id-1 id-1", "1")])
    ears.say("", array("message", "id-1", "id-1"), [("message id-1", "[message, id-1, id-1]")])
    mouth.say("PUBLISH p.x hi\r\n", ":1\r\n", [("PUBLISH p.x hi", "1")])
    ears.say("", array("pmessage", "p.*", "p.x", "hi"), [("pmessage p.* p.x", "[pmessage, p.*, p.x, hi]")])
    ears.say("PING\r\n", "*2\r\n" + bulk("pong", ""), [("PING", "[pong, ]")])
    ears.say("PUNSUBSCRIBE\r\n", confirm("punsubscribe", "p.*", 2), [("PUNSUBSCRIBE", "[punsubscribe, p.*, 2]")])
    ears.say("UNSUBSCRIBE b id-1\r\n", confirm("unsubscribe", "b", 1) + confirm("unsubscribe", "id-1", 0),
             [("UNSUBSCRIBE b id-1", "[unsubscribe, b, 1], [unsubscribe, id-1, 0]")])
    ears.say("ECHO id-2\r\n", bulk("id-2"), [("ECHO id-2", "id-2")])


def case_silences(log):
    one = Raw(log)
    one.say("CLIENT REPLY SKIP\r\nSET k id-1\r\nECHO id-2\r\n", bulk("id-2"),
            [("CLIENT REPLY SKIP", None), ("SET k id-1", None), ("ECHO id-2", "id-2")])
    one.say("CLIENT REPLY OFF\r\nECHO id-3\r\nECHO id-4\r\nCLIENT REPLY ON\r\nECHO id-5\r\n", "+OK\r\n" + bulk("id-5"),
            [("CLIENT REPLY OFF", None), ("ECHO id-3", None), ("ECHO id-4", None), ("CLIENT REPLY ON", "OK"),
             ("ECHO id-5", "id-5")])
    one.say("MULTI\r\nSET k id-6\r\nDISCARD\r\nWATCH k\r\n", "+OK\r\n+QUEUED\r\n+OK\r\n+OK\r\n",
            [("MULTI", "OK"), ("SET k id-6", "QUEUED"), ("DISCARD", "OK"), ("WATCH k", "OK")])
    two = Raw(log)
    two.say("SET k id-7\r\n", "+OK\r\n", [("SET k id-7", "OK")])
    one.say("MULTI\r\nGET k\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*-1\r\n", [("MULTI", "OK"), ("GET k", "QUEUED"), ("EXEC", "nil")])
    two.say("AUTH ada hunter2\r\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
            [("AUTH ada xxxxx", "WRONGPASS invalid username-password pair or user is disabled.")])
    two.say("ACL SETUSER ada on >hunter2 ~* &* +@all\r\nAUTH ada hunter2\r\nECHO id-8\r\n",
            "+OK\r\n+OK\r\n" + bulk("id-8"),
            [("ACL SETUSER ada on xxxxx ~* &* +@all", "OK"), ("AUTH ada xxxxx", "OK"), ("ECHO id-8", "id-8")])
    two.say("RESET\r\nECHO id-9\r\n", "+RESET\r\n" + bulk("id-9"), [("RESET", "RESET"), ("ECHO id-9", "id-9")])


def main(wanted):
    cases = {name[len("case_"):]: made for name, made in globals().items() if name.startswith("case_")}
    tools()
    os.makedirs(CAPTURES, exist_ok=True)
    enter_namespace()
    with tempfile.TemporaryDirectory() as folder, server(folder, PORT):
        for name in wanted or cases:
            subprocess.run(["redis-cli", "FLUSHALL"], stdout=subprocess.DEVNULL, check=True)
            # No two cases share a client's port: all of them are replayed in one run, too.
            first = 20000 + 1000 * list(cases).index(name)
            with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as ports:
                ports.write(f"{first} {first + 999}")
            log = Log(os.path.join(CAPTURES, name + ".log"))
            path = os.path.join(CAPTURES, name + ".pcap")
            with tcpdump(path):
                cases[name](log)
                gc.collect()  # connections end within their case
                time.sleep(0.5)  # for a busy machine's tcpdump
            log.save()
            print(f"{name}: {len(log.rows)} rows, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
