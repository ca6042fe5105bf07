"""What the tests of the program at work share, with its spool: it watches loopback, where each request is a document
with a path of its own, so that documents can be told apart."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import books
import cases
from cases import dig, waited

PORT = 8000
PATIENCE = 30  # seconds
FAST = ["queue.flush_interval=20ms", "queue.retry_wait=20ms", "queue.retry_wait_limit=50ms", "queue.fsync_interval=20ms",
        "monitor.interval=0"]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
NOBODY = "elasticsearch.hosts=['http://127.0.0.1:9']"
EAGER = ["output.elasticsearch.backoff.init=20ms", "output.elasticsearch.backoff.max=100ms"]


# ---- Requests ----

def serve():
    """Answers each request with a few bytes, in the background."""
    listener = socket.create_server(("127.0.0.1", PORT), backlog=128)

    def one(connection):
        with connection:
            while True:
                asked = connection.recv(65536)
                if not asked:
                    return
                # Whoever asks waits for the answer, so what is read is whole.
                connection.sendall(ANSWER * asked.count(b"\r\n\r\n"))

    def accept():
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


class Client:
    """A connection on which requests are sent, one after the other."""

    def __init__(self):
        self.connection = socket.create_connection(("127.0.0.1", PORT), PATIENCE)

    def ask(self, path):
        self.connection.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        answer = b""
        while len(answer) < len(ANSWER):
            answer += self.connection.recv(len(ANSWER))

    def close(self):
        self.connection.close()


def ask(name, requests, more=""):
    client = Client()
    for i in range(requests):
        client.ask(f"/{name}/{i}{more}")
    client.close()
    return [f"/{name}/{i}" for i in range(requests)]


def path_of(document):
    return dig(document if isinstance(document, dict) else json.loads(document), "url.path")


def paths(documents):
    return [path_of(document) for document in documents]


# ---- The program ----

def spool(command, folder, *more):
    done = subprocess.run([cases.WIRESPAN, "spool", command, "-p", folder, *more], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=PATIENCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def waiting(folder):
    code, text, _ = spool("status", folder)
    found = re.search(r"^waiting +(\d+) documents", text, re.M)
    return int(found.group(1)) if code == 0 and found else -1


def letters(folder):
    """Dead letters, the last line left out where it is not whole."""
    try:
        with open(os.path.join(folder, "dead-letters.ndjson")) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


def to(engine):
    return f"elasticsearch.hosts=['{engine if isinstance(engine, str) else engine.url}']"


class Run:
    """The program, watching loopback. `before` is a command that it is run by."""

    def __init__(self, folder, *settings, output=NOBODY, before=(), wait=True):
        self.folder = folder
        words = [*before, cases.WIRESPAN, "run", "--allow-root", "-i", "lo", "--bpf", f"tcp port {PORT}"]
        for setting in (f"queue.path={folder}", f"protocols.http.ports=[{PORT}]", "output." + output, *FAST, *settings):
            words += ["-E", setting]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=self.errors)
        if wait:
            waited(lambda: self.process.poll() is not None or "watching lo" in self.said())

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=PATIENCE), self.said()

    def settle(self, check):
        """Ends it in order, and adds up its books; what it counted."""
        code, errors = self.end()
        _, counters = books.told(errors)
        check.that(code == 0, f"exit {code}: {errors}")
        check.that("Sanitizer" not in errors, errors)
        wrong = books.wrong(counters, queued=max(waiting(self.folder), 0))
        check.that(not wrong, wrong)
        return counters


class Checks:
    def __init__(self):
        self.wrong = []

    def that(self, good, what):
        if not good:
            self.wrong.append(str(what))

    def report(self, name):
        cases.report(not self.wrong, name, "\n".join(text[:1500] for text in self.wrong))


def within(name, script):
    """Goes on in namespaces of its own; False: there are none, which is said."""
    if os.geteuid() != 0:
        cases.skip(name, "only root may make namespaces and capture")
        return False
    for program, package in (("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            cases.skip(name, f"Debian package {package} is not installed")
            return False
    if sys.argv[1:2] != ["within"]:
        if subprocess.run(["unshare", "-n", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            cases.skip(name, "no namespaces here")
            return False
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, script, "within", *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    serve()
    return True
