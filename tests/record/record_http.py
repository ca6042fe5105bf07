#!/usr/bin/env python3
"""Records the HTTP captures that belong to the project: tests/record/record_http.py [CASE...]

Real servers (nginx, Python's http.server) and real clients (curl, wrk, and one that counts what it
sends) talk over the loopback of a network namespace made for the purpose, while tcpdump listens.
Leaves tests/captures/http/CASE.pcap, nanosecond time stamps, and CASE.log: what the clients say of each
exchange, a JSON line each. Needs root and scripts/install-packages record.
"""
import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from client import Client, Log, chunks
from server import Server, text

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.join(HERE, "..", "captures", "http")
CLONE_NEWNET = 0x40000000


def run(*command, **how):
    return subprocess.run(command, check=True, **how)


def enter_namespace():
    """A loopback of our own, with packets as long as on Ethernet."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"record_http.py: no network namespace: {os.strerror(ctypes.get_errno())}; run it as root")
    run("ip", "link", "set", "lo", "mtu", "1500", "gso_max_size", "1500", "up")


@contextlib.contextmanager
def tcpdump(path, what="tcp"):
    # In immediate mode the ring has slots as long as -s allows: few of them lose packets.
    dump = subprocess.Popen(["tcpdump", "-i", "lo", "-w", path, "-s", "2048", "-B", "32768", "--immediate-mode", "-U",
                             "--time-stamp-precision=nano", "-Z", "root", what], stderr=subprocess.PIPE)
    while b"listening on" not in dump.stderr.readline():
        pass
    try:
        yield
        time.sleep(0.3)  # for the last FIN and its ACK
    finally:
        dump.send_signal(signal.SIGINT)
        dump.wait()


@contextlib.contextmanager
def nginx(folder):
    for name in ("www/put", "www/private"):
        os.makedirs(os.path.join(folder, name))
    for name, size in (("index.txt", 700), ("big.bin", 60000), ("private/page.txt", 90), ("small.txt", 40)):
        with open(os.path.join(folder, "www", name), "wb") as out:
            out.write(text(size, size))
    with open(os.path.join(folder, "users"), "w") as out:
        out.write("alice:{PLAIN}wonder\n")
    with open(os.path.join(HERE, "nginx.conf")) as conf, open(os.path.join(folder, "nginx.conf"), "w") as out:
        out.write(conf.read().replace("DIR", folder))
    server = subprocess.Popen(["nginx", "-c", os.path.join(folder, "nginx.conf")], stderr=subprocess.DEVNULL)
    for _ in range(100):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 8080)).close()
            break
        time.sleep(0.05)
    yield
    server.send_signal(signal.SIGTERM)
    server.wait()


def curl(log, *transfers):
    """One curl, its transfers one after the other on one connection where that can be. Each transfer is
    its method, its URL and further arguments."""
    command, rows = ["curl", "-s", "--max-time", "5"], []
    for i, (method, url, *more) in enumerate(transfers):
        number = log.number()
        command += ["--next", "-s"] if i else []
        command += [*more, "-H", f"X-Id: {number}", "-o", "/dev/null", "-w", "%{json}\\n", url]
        rows.append(dict(id=number, method=method, target="/" + url.split("/", 3)[3]))
    sent_at = time.time_ns()
    said = subprocess.run(command, stdout=subprocess.PIPE).stdout.decode().splitlines()
    for row, line, transfer in zip(rows, said, transfers):
        got = json.loads(line)
        # curl counts chunk framing as uploaded; its log shall have the body's length.
        size = got["size_upload"] if "-T" not in transfer else min(
            got["size_upload"], os.path.getsize(transfer[transfer.index("-T") + 1]))
        log.add(**row, client="curl", port=got["local_port"], server_port=got["remote_port"],
                request_body=size, status=got["http_code"], whole=got["exitcode"] == 0,
                response_body=got["size_download"], sent_at=sent_at,
                duration=int((got["time_total"] - got["time_connect"]) * 1e9), done_at=time.time_ns())


def crowd(client, size):
    """So many clients at a time; each is told which it is."""
    threads = [threading.Thread(target=client, args=(which,)) for which in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextlib.contextmanager
def losing(percent):
    """Packets are lost on their way from where they are captured to who shall have them."""
    rules = f"""add table inet lossy
        add chain inet lossy arriving {{ type filter hook input priority 0; }}
        add rule inet lossy arriving meta l4proto tcp numgen random mod 100 < {percent} drop
        """
    run("nft", "-f", "-", input=rules.encode())
    yield
    run("nft", "delete", "table", "inet", "lossy")


# ---- the cases, from the plain to the odd ----

def case_nginx(log):
    site = "http://127.0.0.1:8080"
    curl(log, ("GET", site + "/index.txt"), ("HEAD", site + "/index.txt", "-I"),
         ("GET", site + "/small.txt?a=1&b=%20two"), ("GET", site + "/nowhere"))
    curl(log, ("GET", site + "/index.txt", "-H", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"),
         ("GET", site + "/index.txt", "-r", "10-29"), ("GET", site + "/index.txt", "-r", "9000-"),
         ("GET", site + "/moved"), ("GET", site + "/empty"), ("GET", site + "/gone"))
    curl(log, ("GET", site + "/index.txt", "-H", "Accept-Encoding: gzip"))
    curl(log, ("GET", site + "/small.txt", "--http1.0"))
    curl(log, ("POST", site + "/index.txt", "-d", "name=value"), ("OPTIONS", site + "/", "-X", "OPTIONS"))
    curl(log, ("GET", site + "/private/page.txt"), ("GET", site + "/private/page.txt", "-u", "alice:wonder"),
         ("GET", site + "/private/page.txt", "-u", "alice:wrong"))
    with tempfile.NamedTemporaryFile() as body, tempfile.NamedTemporaryFile() as large:
        body.write(text(5000))
        body.flush()
        large.write(text(120000))
        large.flush()
        curl(log, ("PUT", site + "/put/a.txt", "-T", body.name),
             ("PUT", site + "/put/a.txt", "-T", body.name, "-H", "Transfer-Encoding: chunked"),
             ("PUT", site + "/put/a.txt", "-T", body.name, "-H", "Expect: 100-continue"),
             ("DELETE", site + "/put/a.txt", "-X", "DELETE"))
        curl(log, ("PUT", site + "/put/b.txt", "-T", large.name))


def case_proxy(log):
    site = "http://127.0.0.1:8080/api"
    curl(log, ("GET", site + "/plain/1?n=33"), ("GET", site + "/chunked?chunks=2"),
         ("POST", site + "/echo", "-d", "a=b"), ("GET", site + "/status/404"))
    curl(log, ("GET", site + "/plain/2?n=44", "-H", "X-Forwarded-For: 198.51.100.7"))


def case_ipv6(log):
    curl(log, ("GET", "http://[::1]:8080/index.txt"), ("GET", "http://[::1]:8080/nowhere"))
    with Client(log, "::1", 8002) as c:
        c.get("/plain/6?n=66", host="[::1]:8002")
        c.post("/echo", b"six", host="[::1]:8002")


def case_wrk(log):
    path = log.path + ".wrk"
    run("wrk", "-t1", "-c3", "-d1s", "-s", os.path.join(HERE, "wrk.lua"), "http://127.0.0.1:8000/",
        env=dict(os.environ, WRK_LOG=path), stdout=subprocess.DEVNULL)
    with open(path) as rows:
        for line in rows:
            row = json.loads(line)
            log.add(**row, client="wrk", method="GET", target=f"/plain/{row['id']}?wait_ms=15&n={50 + row['id']}",
                    request_body=0, server_port=8000, whole=True)
    os.unlink(path)


def case_framing(log):
    with Client(log) as c:
        c.get("/plain?n=0")
        c.get("/plain?n=1500")
        c.get("/plain?n=77", method="HEAD")
        c.get("/chunked?chunks=4&n=300&ext=1&trailers=1")
        c.get("/chunked?chunks=0")
        c.get("/chunked?chunks=3&n=20&pause_ms=2")
        c.get("/status/204")
        c.get("/status/304")
        c.get("/both")
        c.get("/fold", fields=[("X-Folded", "one\r\n two\r\n\tthree")])
        c.get("/lf", end="\n")
        c.get("/noreason")
        c.get("/longhead", fields=[(f"X-Long-{i}", "q" * 500) for i in range(10)])
        c.get("http://localhost:8000/plain?n=5")
        c.get("/plain?n=6", host="[::1]:8000")
        c.post("/echo", text(3000), cut=(50, 500, 1800))
        c.read(c.ask("POST", "/echo", [("Transfer-Encoding", "chunked")], chunks(b"one", b"fourteen bytes"), size=17))
        c.read(c.ask("PUT", "/echo", [("Transfer-Encoding", "chunked")],
                     chunks(text(900), text(31), trailer=b"X-Sum: 9\r\n"), size=931, cut=(20, 90, 300)))
        c.get("/plain?n=9", method="PURGE")
        c.get("*", method="OPTIONS")
        c.get("/plain/caf%C3%A9/%E2%82%AC?q=%22quoted%22&n=8")
    with Client(log) as c:
        c.get("/close?n=2500")
    with Client(log) as c:
        c.get("/close?n=0")
    with Client(log) as c:
        c.get("/plain?n=31", version="HTTP/1.0")
    with Client(log) as c:
        c.get("/plain?n=32", version="HTTP/1.0", fields=[("Connection", "keep-alive")])
        c.get("/plain?n=33", fields=[("Connection", "close")])


def case_pipelining(log):
    def get(target, method="GET"):
        return method, target, [], b""

    def post(body):
        return "POST", "/echo", [("Content-Length", len(body))], body

    with Client(log) as c:
        for asked in c.pipeline(*[get(f"/plain/{i}?n={i * 10}") for i in range(12)]):
            c.read(asked)
        mixed = [get("/plain?n=61", "HEAD"), get("/status/204"), post(b"in line"), get("/status/304"),
                 get("/chunked?chunks=2&n=40"), get("/hints"), get("/status/404?n=0"), post(text(700)),
                 get("/plain?n=2000")]
        for asked in c.pipeline(*mixed, cut=(5, 123, 260, 700)):
            c.read(asked)
    with Client(log) as c:
        for asked in c.pipeline(get("/plain/a?n=21&wait_ms=5"), get("/plain/b?n=22&wait_ms=3"), get("/close?n=23")):
            c.read(asked)


def case_interim(log):
    expect = [("Expect", "100-continue"), ("Content-Length", 400)]
    body = text(400)
    with Client(log) as c:
        # Waits for its 100, then sends the body; then does not wait; then is refused.
        asked = c.ask("POST", "/echo", expect, size=400)
        c.interim()
        c.socket.sendall(body)
        c.read(asked)
        c.read(c.ask("POST", "/echo", expect, body))
        c.read(c.ask("POST", "/expectation", expect, size=0))
        c.get("/hints")
        c.get("/plain?n=3")
    with Client(log) as c:
        # Answered before the body has come; the body follows all the same, then another request.
        asked = c.ask("POST", "/early", [("Content-Length", 400)], size=400)
        row = c.read(asked)
        c.socket.sendall(body)
        time.sleep(0.005)
        row["late_body_at"] = time.time_ns()
        c.get("/plain?n=4")
    with Client(log) as c:
        c.read(c.ask("POST", "/refuse", [("Content-Length", 100000)], text(1000), size=1000))


def case_upgrade(log):
    for method, target, fields in (("GET", "/upgrade", [("Connection", "Upgrade"), ("Upgrade", "shout")]),
                                   ("CONNECT", "db.example.com:5432", [])):
        with Client(log) as c:
            c.get("/plain?n=14")
            c.get(target, method=method, fields=fields)
            for word in (b"\x00\x01binary\xff", b"GET /not-a-request HTTP/1.1\r\nHost: tunnel\r\n\r\n"):
                c.socket.sendall(word)
                c.take(len(word))
    with Client(log) as c:
        c.get("/upgrade", fields=[("Connection", "Upgrade"), ("Upgrade", "h2c")])
        c.get("/plain?n=15")
        c.get("forbidden.example.com:443", method="CONNECT")
        c.get("/plain?n=16")


def case_bodies(log):
    with Client(log) as c:
        for coding in ("gzip", "deflate", "rawdeflate", "br", "zstd", "deflate+gzip"):
            c.get(f"/coded/{coding}")
        c.get("/coded/gzip?chunked=1")
        c.get("/coded/br?chunked=1&n=900")
        c.get("/coded/gzip?n=100000")
        c.post("/echo", '{"name":"Zoë","list":[1,2]}'.encode(), [("Content-Type", "application/json; charset=utf-8")])
        c.post("/echo", b"\xff\xfe not text \x00", [("Content-Type", "text/plain")])
        c.post("/echo", text(600), [("Content-Type", "application/octet-stream")])


def case_secrets(log):
    with Client(log) as c:
        c.get("/plain?user=bob&pass=hunter2&n=10",
              fields=[("Authorization", "Basic Ym9iOmh1bnRlcjI="), ("Cookie", "session=s3cr3t; theme=dark")])
        c.post("/login?token=t0psecret", b"user=bob&pass=hunter2&remember=1",
               [("Content-Type", "application/x-www-form-urlencoded")])
        c.post("/login", b'{"user": "bob", "pass": "hunter2", "deep": {"token": "t0psecret"}}',
               [("Content-Type", "application/json")])
        parts = (b'--edge\r\nContent-Disposition: form-data; name="user"\r\n\r\nbob\r\n'
                 b'--edge\r\nContent-Disposition: form-data; name="pass"\r\n\r\nhunter2\r\n--edge--\r\n')
        c.post("/login", parts, [("Content-Type", "multipart/form-data; boundary=edge")])
        c.get("/plain?n=11", fields=[("Authorization", "Bearer t0psecret"), ("Proxy-Authorization", "Basic t0psecret")])


def case_slow(log):
    with Client(log) as c:
        c.get("/plain?wait_ms=30&n=70")
        c.get("/slow?pieces=5&n=40&pause_ms=6")
        c.post("/echo", text(500), cut=(100, 300), pause=0.008)
        c.get("/chunked?chunks=5&n=64&pause_ms=7&wait_ms=4")
        c.get("/plain?n=71", cut=(4, 17), pause=0.005)


def case_broken(log):
    for target in ("/silent", "/short", "/reset"):
        with Client(log) as c:
            c.get("/plain?n=12")
            c.get(target)
    with Client(log) as c:
        # Goes away before the answer.
        asked = c.ask("GET", "/plain?wait_ms=30&n=13")
        log.add(**asked, status=None, response_body=None, whole=False, left=True, done_at=time.time_ns())
    time.sleep(0.05)
    with Client(log) as c:
        # Goes away within its own request.
        asked = c.ask("POST", "/echo", [("Content-Length", 900)], text(300), size=300)
        log.add(**asked, status=None, response_body=None, whole=False, left=True, done_at=time.time_ns())
    with Client(log) as c:
        c.send({}, b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        while c.fill():
            pass
    with Client(log, port=8080) as c:
        c.send({}, b"\r\n\r\n")  # nginx passes over empty lines before a request
        c.get("/small.txt")
    for code in (400, 401, 403, 409, 418, 429, 500, 502, 504):
        with Client(log) as c:
            c.get(f"/status/{code}?n={code}")


def case_bulk(log):
    """Long segments, as a host with segmentation offload sees them."""
    run("ip", "link", "set", "lo", "mtu", "65536", "gso_max_size", "65536")
    with Client(log) as c:
        c.get("/plain?n=90000")
        c.post("/echo", text(70000))
        c.get("/chunked?chunks=4&n=12000")
    run("ip", "link", "set", "lo", "mtu", "1500", "gso_max_size", "1500")


def case_crowd(log):
    """Six connections at a time."""
    def client(which):
        with Client(log) as c:
            for i in range(8):
                c.get(f"/plain/{which}/{i}?n={100 * which + i}&wait_ms={(which * i) % 5}")

    crowd(client, 6)


def case_lossy(log):
    """A network that loses packets under clients that ask several things at one go: questions and answers
    are sent again, with newer acknowledgements than the first time."""
    def client(which):
        dice = random.Random(which)
        with Client(log) as c:
            for i in range(7):
                body = text(dice.choice((0, 0, 40, 900, 3000)), which)
                asks = [("POST", f"/echo/{which}/{i}/{k}", [("Content-Length", len(body))], body) if body and k % 2
                        else ("GET", f"/plain/{which}/{i}/{k}?n={dice.choice((0, 20, 400, 2500))}", [], b"")
                        for k in range(dice.randint(1, 6))]
                for asked in c.pipeline(*asks):
                    c.read(asked)

    with losing(percent=12):
        crowd(client, 6)


def main(wanted):
    cases = {name[len("case_"):]: made for name, made in globals().items() if name.startswith("case_")}
    enter_namespace()
    Server("127.0.0.1", 8000)
    Server("::1", 8002)
    with tempfile.TemporaryDirectory() as folder, nginx(folder):
        for name in wanted or cases:
            log = Log(os.path.join(CAPTURES, name + ".log"))
            path = os.path.join(CAPTURES, name + ".pcap")
            with tcpdump(path):
                cases[name](log)
            log.save()
            print(f"{name}: {len(log.rows)} exchanges, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
