"""The Python server of the recordings: http.server with answers of every shape.

A path says what the answer looks like. Every answer repeats the request's X-Id, so that a document
shows by itself whether an answer met its own question.
"""
import gzip
import http.server
import json
import socket
import struct
import subprocess
import threading
import time
import urllib.parse
import zlib


def text(length, seed=0):
    """Letters, the same for the same length and seed."""
    line = f"{seed:08d} the quick brown fox jumps over the lazy dog, wirespan reads along.\n".encode()
    return (line * (length // len(line) + 1))[:length]


def coded(coding, body):
    if coding == "gzip":
        return gzip.compress(body, mtime=0)
    if coding == "deflate":
        return zlib.compress(body)
    if coding == "rawdeflate":
        raw = zlib.compressobj(wbits=-15)
        return raw.compress(body) + raw.flush()
    tool = {"br": ["brotli", "-c", "-"], "zstd": ["zstd", "-q", "-c", "-"]}[coding]
    return subprocess.run(tool, input=body, stdout=subprocess.PIPE, check=True).stdout


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "recorded/1"
    sys_version = ""
    wbufsize = 1 << 16  # a head and its body in one piece, unless flushed between

    def log_message(self, *arguments):
        pass

    def date_time_string(self, timestamp=None):
        return "Thu, 01 Jan 2026 00:00:00 GMT"

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # ---- pieces ----

    def number(self, name, default=0):
        return int(self.ask.get(name, [default])[0])

    def head(self, status, fields=(), phrase=None):
        self.send_response(status, phrase)
        self.tag()
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def tag(self):
        if self.headers is not None and self.headers.get("X-Id"):
            self.send_header("X-Id", self.headers["X-Id"])

    def answer(self, status, body=b"", fields=(), phrase=None):
        self.head(status, [*fields, ("Content-Length", str(len(body)))], phrase)
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def raw(self, first_line, lines, body=b"", end="\r\n"):
        """An answer of exactly these lines."""
        lines = [first_line, *lines, f"X-Id: {self.headers.get('X-Id', '')}", "", ""]
        self.wfile.write(end.join(lines).encode() + body)
        self.wfile.flush()

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while (size := int(self.rfile.readline().split(b";")[0], 16)) > 0:
            whole += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return whole

    # ---- requests ----

    def handle_one(self):
        url = urllib.parse.urlsplit(self.path)
        self.ask = urllib.parse.parse_qs(url.query)
        word = url.path.strip("/").split("/")[0] or "plain"
        time.sleep(self.number("wait_ms") / 1000)
        getattr(self, "on_" + word, self.on_unknown)(url.path)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_PURGE = handle_one

    def on_unknown(self, path):
        self.body()
        self.answer(404, b"no such thing\n", [("Content-Type", "text/plain")])

    def on_plain(self, path):
        self.body()
        self.answer(200, text(self.number("n", 20)), [("Content-Type", "text/plain")])

    def on_status(self, path):
        self.body()
        code = int(path.split("/")[2])
        if code in (204, 304):
            self.head(code, [("Content-Length", "55")] if code == 304 else [])
            self.wfile.flush()
        else:
            self.answer(code, text(self.number("n", 12)), [("Content-Type", "text/plain")])

    def on_echo(self, path):
        got = self.body()
        said = json.dumps({"bytes": len(got), "type": self.headers.get("Content-Type")}).encode()
        self.answer(200, said, [("Content-Type", "application/json")])

    def on_chunked(self, path):
        trailers = self.number("trailers")
        self.head(200, [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked"),
                        *([("Trailer", "X-Sum")] if trailers else [])])
        for i in range(self.number("chunks", 3)):
            piece = text(self.number("n", 100) + i, i)
            size = f"{len(piece):X}" if i % 2 else f"{len(piece):04x}"
            self.wfile.write(f"{size}{';part=' + str(i) if self.number('ext') else ''}\r\n".encode())
            self.wfile.write(piece + b"\r\n")
            if self.number("pause_ms"):
                self.wfile.flush()
                time.sleep(self.number("pause_ms") / 1000)
        self.wfile.write(b"0\r\n" + (b"X-Sum: 42\r\nX-Last: yes\r\n" if trailers else b"") + b"\r\n")
        self.wfile.flush()

    def on_close(self, path):
        """Ends with the connection."""
        self.close_connection = True
        self.head(200, [("Content-Type", "text/plain"), ("Connection", "close")])
        self.wfile.write(text(self.number("n", 300)))
        self.wfile.flush()

    def on_both(self, path):
        """Transfer-Encoding wins over Content-Length."""
        self.raw("HTTP/1.1 200 OK", ["Content-Length: 3", "Transfer-Encoding: chunked"],
                 b"a\r\n0123456789\r\n5\r\nabcde\r\n0\r\n\r\n")

    def on_fold(self, path):
        self.raw("HTTP/1.1 200 OK", ["Content-Type: text/plain;", "\tcharset=utf-8", "X-Folded: one", "  two",
                                     "Content-Length: 4"], b"fold")

    def on_lf(self, path):
        self.raw("HTTP/1.1 200 OK", ["Content-Type: text/plain", "Content-Length: 5"], b"lines", "\n")

    def on_noreason(self, path):
        self.raw("HTTP/1.1 200", ["Content-Length: 2"], b"ok")

    def on_longhead(self, path):
        self.raw("HTTP/1.1 200 OK", [f"X-Long-{i}: " + "v" * 400 for i in range(12)] + ["Content-Length: 1"], b"x")

    def on_coded(self, path):
        body = text(self.number("n", 2000), 7)
        codings = path.split("/")[2].split("+")
        for coding in codings:
            body = coded(coding, body)
        name = ", ".join(c.replace("rawdeflate", "deflate") for c in codings)
        fields = [("Content-Type", "text/plain"), ("Content-Encoding", name)]
        if not self.number("chunked"):
            return self.answer(200, body, fields)
        self.head(200, [*fields, ("Transfer-Encoding", "chunked")])
        for i in range(0, len(body), 37):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body[i:i + 37]), body[i:i + 37]))
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def on_slow(self, path):
        """Its head, a wait, then its body piece by piece."""
        pieces, each = self.number("pieces", 4), self.number("n", 50)
        self.head(200, [("Content-Length", str(pieces * each))])
        for i in range(pieces):
            self.wfile.flush()
            time.sleep(self.number("pause_ms", 4) / 1000)
            self.wfile.write(text(each, i))
        self.wfile.flush()

    def on_hints(self, path):
        self.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        self.wfile.flush()
        time.sleep(0.002)
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self.wfile.flush()
        time.sleep(0.002)
        self.answer(200, b"after hints\n")

    def on_early(self, path):
        """Refuses before the body has come; takes the body all the same."""
        self.answer(413, b"too much\n")
        self.body()

    def on_refuse(self, path):
        """Refuses before the body has come, and takes none of it."""
        self.close_connection = True
        self.answer(413, b"far too much\n", [("Connection", "close")])

    def handle_expect_100(self):
        if self.path.startswith("/expectation"):
            self.ask = {}
            self.answer(417, b"not that\n")
            return False
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def on_silent(self, path):
        self.close_connection = True

    def on_short(self, path):
        self.close_connection = True
        self.head(200, [("Content-Length", "1000")])
        self.wfile.write(text(400))
        self.wfile.flush()

    def on_reset(self, path):
        self.on_short(path)
        time.sleep(0.01)  # so that the reset does not take the answer with it
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def on_login(self, path):
        self.body()
        self.answer(200, b'{"token":"t0psecret"}', [("Content-Type", "application/json"),
                                                    ("Set-Cookie", "session=s3cr3t; HttpOnly; Path=/"),
                                                    ("Set-Cookie", "theme=dark")])

    # ---- what is HTTP no longer ----

    def shout(self):
        """Sends back in capitals what comes, until the client ends."""
        self.close_connection = True
        while data := self.connection.recv(4096):
            self.connection.sendall(data.upper())

    def on_upgrade(self, path):
        if self.headers.get("Upgrade") != "shout":
            return self.answer(200, b"as you were\n")
        self.head(101, [("Connection", "Upgrade"), ("Upgrade", "shout")])
        self.wfile.flush()
        self.shout()

    def do_CONNECT(self):
        if self.path.startswith("forbidden"):
            return self.answer(403, b"not there\n")
        self.head(200, phrase="Connection established")
        self.wfile.flush()
        self.shout()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host, port):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of some recordings
