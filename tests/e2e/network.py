"""What tests on real devices share: two network namespaces joined by a veth pair, an HTTP server and its clients in
them, and the program watching a device. Each request has a path of its own."""
import http.client
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import cases
from cases import dig, waited

PORT = 8000
BODY = 20000
PATIENCE = 20  # seconds
HERE, THERE = f"wirespan-here-{os.getpid()}", f"wirespan-there-{os.getpid()}"

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * BODY
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    address_family = 10  # AF_INET6, both kinds of addresses


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def within(namespace, *words, **more):
    return subprocess.Popen(["ip", "netns", "exec", namespace, *words], **more)


def make_network():
    for name in (HERE, THERE):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
    make_pair("v0", 9)


def make_pair(device, net):
    """10.NET.0.1 is HERE, .2 is THERE; and so for IPv6."""
    run("ip", "link", "add", device, "netns", HERE, "type", "veth", "peer", "name", device, "netns", THERE)
    for name, host in ((HERE, 1), (THERE, 2)):
        run("ip", "-n", name, "addr", "add", f"10.{net}.0.{host}/24", "dev", device)
        run("ip", "-n", name, "addr", "add", f"fd{net:02}::{host}/64", "dev", device, "nodad")
        run("ip", "-n", name, "link", "set", device, "up")


def make_overlay():
    for name, host in ((HERE, 1), (THERE, 2)):
        run("ip", "-n", name, "link", "add", "x0", "type", "vxlan", "id", "77", "dstport", "4789", "dev", "v0",
            "local", f"10.9.0.{host}", "remote", f"10.9.0.{3 - host}")
        run("ip", "-n", name, "addr", "add", f"10.10.0.{host}/24", "dev", "x0")
        run("ip", "-n", name, "link", "set", "x0", "up")


def drop_network():
    for name in (HERE, THERE):
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)


class Watch:
    """The program, watching a device in HERE."""

    def __init__(self, folder, device, *settings, says=b"watching", config=None):
        """Several devices stand in one text, with spaces between them."""
        self.path = os.path.join(folder, device + ".json")
        words = [cases.WIRESPAN, "run", "--allow-root", "-o", self.path]
        words += ["-c", config] if config else ["-E", f"protocols.http.ports=[{PORT}]"]
        for name in device.split():
            words += ["-i", name]
        for setting in settings:
            words += ["-E", setting]
        self.errors = tempfile.TemporaryFile()
        self.process = within(HERE, *words, stdout=subprocess.DEVNULL, stderr=self.errors)
        # Its socket is there before it says so, but takes packets only once its filter is.
        waited(lambda: self.process.poll() is not None or says in self.said())

    def said(self):
        return os.pread(self.errors.fileno(), 1 << 16, 0)

    def documents(self):
        try:
            with open(self.path) as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def end(self, expected):
        waited(lambda: self.process.poll() is not None or len(self.documents()) >= expected)
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        self.errors.seek(0)
        return code, self.errors.read().decode(errors="replace")


def why_not():
    """Why nothing can be tried here; None when all is there. Makes the network."""
    if os.geteuid() != 0:
        return "only root may make network namespaces and capture"
    if shutil.which("ip") is None:
        return "Debian package iproute2 is not installed"
    try:
        make_network()
    except subprocess.CalledProcessError as error:
        drop_network()
        return f"no network namespaces here: {error.stdout.decode().strip()}"
    return None


class Serving:
    """An HTTP server in HERE."""

    def __enter__(self):
        self.process = within(HERE, sys.executable, __file__, "serve")
        ready = waited(lambda: within(HERE, sys.executable, __file__, "ask", "127.0.0.1", "ready", "1", "1",
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait() == 0)
        cases.report(ready, "the server answers")
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()


def ask(address, name, first, count):
    """Half of the requests on one connection, each other on its own."""
    kept = http.client.HTTPConnection(address, PORT, timeout=PATIENCE)
    for i in range(first, first + count):
        connection = kept if i % 2 else http.client.HTTPConnection(address, PORT, timeout=PATIENCE)
        connection.request("GET", f"/{name}/{i}")
        answer = connection.getresponse()
        assert answer.status == 200 and len(answer.read()) == BODY
        if connection is not kept:
            connection.close()
    kept.close()


def talk(namespace, address, name, count, at_once=1):
    """So many requests by each of so many clients."""
    clients = [within(namespace, sys.executable, __file__, "ask", address, name, str(k * count), str(count))
               for k in range(at_once)]
    return all([client.wait() == 0 for client in clients])


def differences(documents, wanted, body=BODY):
    """Each path once, and whole."""
    found = []
    have = sorted(dig(d, "url.path", "?") for d in documents)
    if have != sorted(wanted):
        twice = sorted({path for path in have if have.count(path) > 1}) if len(have) > len(set(have)) else []
        found.append(f"{len(have)} documents for {len(wanted)} requests; missing {sorted(set(wanted) - set(have))[:5]}, "
                     f"beside {sorted(set(have) - set(wanted))[:5]}, several times {twice[:5]}")
    for d in documents:
        if dig(d, "http.response.status_code") != 200 or dig(d, "http.response.body.bytes") != body or "notes" in d:
            found.append(f"not whole: {json.dumps(d)[:400]}")
    return found


if __name__ == "__main__" and sys.argv[1] == "serve":
    Server(("::", PORT), Handler).serve_forever()
elif __name__ == "__main__":
    ask(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
