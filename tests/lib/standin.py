"""A stand-in for Elasticsearch that keeps what it is sent, and misbehaves as it is told to.

    with Standin() as engine:                       # listens on 127.0.0.1, engine.url
        engine.behave = lambda request: Answer(500, {"error": "no"})
        …
        engine.documents                            # what was indexed: {id: document}

`behave` is asked about each bulk request, in the connection's thread: what it returns is sent, and
None leaves it to `index`, which does what the engine would. Whatever is indexed stays indexed, also
when the answer is not sent to its end, as with the engine.
"""
import base64
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time


class Answer:
    def __init__(self, status=200, body=b"", type="application/json", headers=(), cut=None, close=False):
        self.status, self.type, self.headers = status, type, dict(headers)
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.cut = cut      # send so many bytes of the body, then close
        self.close = close


class Silence:
    """No answer, and the connection stays."""


class Hangup:
    """The connection is closed, by RST, without an answer."""


class Request:
    def __init__(self, number, method, path, headers, raw):
        self.number, self.method, self.path, self.headers, self.raw = number, method, path, headers, raw
        self.at = time.monotonic()
        self._lines = None

    @property
    def lines(self):
        if self._lines is None:
            body, packing = self.raw, self.headers.get("content-encoding")
            if packing == "gzip":
                body = gzip.decompress(body)
            elif packing == "zstd":
                body = subprocess.run(["zstd", "-dc"], input=body, stdout=subprocess.PIPE, check=True).stdout
            self._lines = body.split(b"\n")
            if self._lines.pop() != b"":
                raise ValueError("a bulk body ends with a newline")
        return self._lines

    @property
    def pairs(self):
        """Of each document: index, id, text."""
        for action, document in zip(self.lines[::2], self.lines[1::2]):
            create = json.loads(action)["create"]
            yield create.get("_index") or self.path.split("/")[-2], create["_id"], document

    def __len__(self):
        return len(self.lines) // 2


def error(status, type, reason, **more):
    return {"create": {"status": status, "error": {"type": type, "reason": reason, **more}}}


def items(list):
    return Answer(200, {"took": 1, "errors": any("error" in i["create"] for i in list), "items": list})


class Standin:
    def __init__(self, behave=None, tls=None, port=0, login=None, largest=None):
        self.behave, self.tls, self.login, self.largest = behave, tls, login, largest
        self.documents, self.places, self.repeated = {}, {}, 0
        self.requests, self.probes, self.connections = [], 0, 0
        self.lock = threading.Lock()
        self.open_sockets = set()
        self.port = port
        self.listener = None
        self.listen()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def listen(self):
        """From the beginning, or again after `stop`, on the same port."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        if self.listener is None:
            return
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self.lock:
            for connection in self.open_sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open_sockets.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        plain = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb", 1 << 16) as reader:
                while self.one(connection, reader):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open_sockets.discard(plain)
            plain.close()

    def one(self, connection, reader):
        line = reader.readline().split()
        if len(line) != 3:
            return False
        headers = {}
        while True:
            header = reader.readline().rstrip(b"\r\n")
            if not header:
                break
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        raw = reader.read(int(headers.get("content-length", 0)))
        method, path = line[0].decode(), line[1].decode()
        with self.lock:
            request = Request(len(self.requests), method, path.partition("?")[0], headers, raw)
            request.parameters = path.partition("?")[2]
            if method == "POST":
                self.requests.append(request)
            else:
                self.probes += 1
        return self.send(connection, self.decide(request))

    def send(self, connection, answer):
        if answer is Silence:
            while connection.recv(1):
                pass
            return False
        if answer is Hangup:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        head = [f"HTTP/1.1 {answer.status} Status", f"Content-Length: {len(answer.body)}"]
        head += [f"Content-Type: {answer.type}"] if answer.type else []
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        head += ["Connection: close"] if answer.close else []
        body = answer.body if answer.cut is None else answer.body[:answer.cut]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        return not answer.close and answer.cut is None

    def decide(self, request):
        if self.login is not None and request.headers.get("authorization") != self.login:
            return Answer(401, {"error": {"type": "security_exception", "reason": "missing or wrong login"}, "status": 401})
        if self.largest is not None and len(request.raw) > self.largest:
            return Answer(413, b"<html>413 Request Entity Too Large</html>", "text/html")
        if request.method != "POST":
            return Answer(200, {"version": {"number": "8.0.0"}})
        answer = self.behave(request) if self.behave else None
        return self.index(request) if answer is None else answer

    def index(self, request, refuse=lambda id, document: None):
        """Takes every document but those for which `refuse` gives an item."""
        list = []
        for place, id, document in request.pairs:
            item = refuse(id, document)
            if item is None:
                item = self.take(place, id, document)
            list.append(item)
        return items(list)

    def take(self, place, id, document):
        with self.lock:
            if id in self.documents:
                self.repeated += 1
                return error(409, "version_conflict_engine_exception", f"[{id}]: version conflict, document already exists")
            self.documents[id] = document
            self.places[id] = place
        return {"create": {"_id": id, "status": 201}}


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Authority:
    """Certificates for tests, made by openssl in `folder`."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.certificate, self.key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                     "30", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr.decode()}")
        return done.stdout.decode()

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", expired=False):
        """A certificate with its key; the paths of both."""
        key, request, certificate = (f"{self.folder}/{name}.{end}" for end in ("key", "csr", "pem"))
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                     f"/CN={name}", "-keyout", key, "-out", request)
        with open(f"{self.folder}/{name}.ext", "w") as file:
            file.write(f"subjectAltName={names}\n")
        when = ["-not_before", "20200101000000Z", "-not_after", "20210101000000Z"] if expired else ["-days", "20"]
        # `openssl x509` can date a certificate back only from version 3.4 on; `openssl ca` always could.
        if expired:
            self.sign_expired(name, request, certificate)
        else:
            self.openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                         "-CAcreateserial", "-extfile", f"{self.folder}/{name}.ext", "-out", certificate, *when)
        return certificate, key

    def sign_expired(self, name, request, certificate):
        with open(f"{self.folder}/ca.cnf", "w") as file:
            file.write("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\n"
                       "default_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n")
        open(f"{self.folder}/index.txt", "w").close()
        with open(f"{self.folder}/serial", "w") as file:
            file.write("1000\n")
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-in", request, "-cert", self.certificate,
                     "-keyfile", self.key, "-extfile", f"{name}.ext", "-startdate", "20200101000000Z", "-enddate",
                     "20210101000000Z", "-out", certificate)

    def server(self, name="server", client=False, **more):
        """What a Standin takes as tls; `client` asks for a certificate of this authority."""
        certificate, key = self.issue(name, **more)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with open(f"{self.folder}/{name}.chain", "w") as chain:
            for path in (certificate, self.certificate):
                with open(path) as file:
                    chain.write(file.read())
        context.load_cert_chain(chain.name, key)
        if client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.certificate)
        return context

    def fingerprint(self):
        return self.openssl("x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256").strip().partition("=")[2]
