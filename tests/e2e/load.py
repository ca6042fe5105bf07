"""What the tests at full speed share: a network namespace, the program that watches its loopback, and waiting."""
import os
import re
import signal
import subprocess
import time

import cases
from cases import waited

PATIENCE, SILENCE = 60, 10  # seconds


class Namespace:
    """A loopback of our own. `trouble` says why there is none."""

    def __init__(self, name):
        self.name = f"wirespan-{name}-{os.getpid()}"
        made = subprocess.run(["ip", "netns", "add", self.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.trouble = made.stdout.decode().strip() if made.returncode else None

    def __enter__(self):
        self.said("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *error):
        subprocess.run(["ip", "netns", "del", self.name], check=False)

    def start(self, *words, **more):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *words], **more)

    def said(self, *words):
        return self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).communicate()[0].decode()


def lines(path):
    try:
        with open(path, "rb") as documents:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: documents.read(1 << 20), b""))
    except FileNotFoundError:
        return 0


def watches(errors):
    """Whether the program said so. Its socket is there before that, but takes packets only once its filter is."""
    return b"watching" in os.pread(errors.fileno(), 4096, 0)


class Watch:
    """The program on the namespace's loopback."""

    def __init__(self, namespace, path, *settings):
        self.path, self.errors = path, open(path + ".errors", "w+")
        more = [word for setting in (*settings, "queue.batches=1024") for word in ("-E", setting)]
        self.program = namespace.start(cases.WIRESPAN, "run", "--allow-root", "-i", "lo", "-o", path, *more, stdout=subprocess.DEVNULL,
                                       stderr=self.errors)
        self.watching = waited(lambda: self.program.poll() is not None or watches(self.errors))

    def end(self, wanted):
        """Once so many documents are there, or none has come for some time: its exit status and its summary."""
        seen, since = 0, time.monotonic()
        while self.program.poll() is None and seen < wanted and time.monotonic() < since + SILENCE:
            time.sleep(0.1)
            now = lines(self.path)
            if now > seen:
                seen, since = now, time.monotonic()
        self.program.send_signal(signal.SIGTERM)
        code = self.program.wait(timeout=PATIENCE)
        self.errors.seek(0)
        return code, self.errors.read()


def dropped(summary, what):
    found = re.search(rf"([\d,]+) {what}", summary)
    return int(found.group(1).replace(",", "")) if found else 0
