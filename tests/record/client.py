"""The client of the recordings that keeps count: what it asked, what it got and when.

It writes requests byte by byte as told and reads answers by its own few lines, so that its log is a
second opinion on what the documents say. Times are the host's clock, which is the packets' clock too.
"""
import itertools
import json
import socket
import time


class Log:
    """One JSON line an exchange."""

    def __init__(self, path):
        self.path, self.rows, self.numbers = path, [], itertools.count(1)

    def number(self):
        return next(self.numbers)

    def add(self, **row):
        self.rows.append(row)

    def save(self):
        with open(self.path, "w") as out:
            for row in self.rows:
                out.write(json.dumps(row) + "\n")


def request(method, target, fields=(), body=b"", version="HTTP/1.1", host="localhost", end="\r\n"):
    lines = [f"{method} {target} {version}"]
    if host:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    return end.join([*lines, "", ""]).encode() + body


def chunks(*pieces, trailer=b""):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n" + trailer + b"\r\n"


class Client:
    def __init__(self, log, host="127.0.0.1", port=8000):
        self.log, self.got = log, b""
        self.socket = socket.create_connection((host, port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port, self.server_port = self.socket.getsockname()[1], port
        self.open, self.at = True, 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    # ---- asking ----

    def ask(self, method, target, fields=(), body=b"", size=None, cut=(), pause=0.0, **how):
        """Sends one request, in pieces when `cut` says where. Returns what read() needs of it."""
        number = self.log.number()
        data = request(method, target, [*fields, ("X-Id", number)], body, **how)
        asked = dict(id=number, port=self.port, server_port=self.server_port, method=method, target=target,
                     request_body=len(body) if size is None else size)
        self.send(asked, data, cut, pause)
        return asked

    def send(self, asked, data, cut=(), pause=0.0):
        asked.setdefault("sent_at", time.time_ns())
        ends = [*cut, len(data)]
        for begin, end in zip([0, *cut], ends):
            self.socket.sendall(data[begin:end])
            if end != len(data):
                time.sleep(pause or 0.001)

    def pipeline(self, *requests, cut=()):
        """Several requests at once. Each is (method, target, fields, body)."""
        asked, data = [], b""
        for method, target, fields, body in requests:
            number = self.log.number()
            data += request(method, target, [*fields, ("X-Id", number)], body)
            asked.append(dict(id=number, port=self.port, server_port=self.server_port, method=method,
                              target=target, request_body=len(body)))
        now = time.time_ns()
        for one in asked:
            one["sent_at"] = now
        self.send({}, data, cut)
        return asked

    # ---- reading ----

    def fill(self):
        more = self.socket.recv(65536)
        self.at = time.time_ns()
        self.open = bool(more)
        self.got += more
        return self.open

    def line(self):
        while b"\n" not in self.got:
            if not self.fill():
                raise EOFError
        line, self.got = self.got.split(b"\n", 1)
        return line.rstrip(b"\r")

    def take(self, size):
        while len(self.got) < size:
            if not self.fill():
                raise EOFError
        self.got = self.got[size:]
        return size

    def head(self):
        status = int(self.line().split()[1])
        fields, name = {}, None
        while line := self.line():
            if line[:1] in b" \t":
                fields[name] += b" " + line.strip()
                continue
            name, value = line.split(b":", 1)
            name = name.lower()
            fields[name] = value.strip()
        return status, fields

    def body(self, method, status, fields):
        if method == "HEAD" or status in (204, 304) or method == "CONNECT" and status < 300:
            return 0
        if fields.get(b"transfer-encoding", b"") == b"chunked":
            total = 0
            while (size := int(self.line().split(b";")[0], 16)) > 0:
                total += self.take(size)
                self.line()
            while self.line():
                pass
            return total
        if b"content-length" in fields:
            return self.take(int(fields[b"content-length"]))
        while self.fill():
            pass
        size, self.got = len(self.got), b""
        return size

    def interim(self):
        """The next interim answer (1xx)."""
        return self.head()[0]

    def read(self, asked):
        """The answer, past interim ones. What is not whole is logged as such."""
        row = dict(asked, status=None, response_body=None, whole=False)
        try:
            status = 100
            while 100 <= status < 200 and status != 101:
                status, fields = self.head()
                row["status"] = status
            row["response_body"] = self.body(asked["method"], status, fields) if status != 101 else 0
            row["whole"] = True
        except (EOFError, ConnectionError, TimeoutError):
            pass
        row["done_at"] = self.at or time.time_ns()
        self.log.add(**row)
        return row

    def get(self, target, method="GET", **how):
        return self.read(self.ask(method, target, **how))

    def post(self, target, body, fields=(), method="POST", **how):
        fields = [*fields, ("Content-Length", len(body))]
        return self.read(self.ask(method, target, fields, body, **how))
