"""The program on a device of a veth pair, and the figures that it gives at its end; what the benchmarks of live capture and
the soak share."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import books  # noqa: E402
import cases  # noqa: E402
import network  # noqa: E402
from cases import waited  # noqa: E402
from network import HERE, THERE, within  # noqa: E402

BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
PERIOD_US = 10000


class Share:
    """A group of processes that may use so much of one processor; `trouble` says why there is none."""

    def __init__(self, of_one):
        old = os.path.isdir("/sys/fs/cgroup/cpu")
        self.path = f"/sys/fs/cgroup/{'cpu/' if old else ''}wirespan-live-{os.getpid()}"
        quota = int(PERIOD_US * of_one)
        self.trouble = None
        try:
            os.mkdir(self.path)
            for name, text in ((("cpu.cfs_period_us", PERIOD_US), ("cpu.cfs_quota_us", quota)) if old else
                               (("cpu.max", f"{quota} {PERIOD_US}"),)):
                self.write(name, text)
        except OSError as error:
            self.trouble = f"no share of a processor: {error}"

    def write(self, name, text):
        with open(f"{self.path}/{name}", "w") as to:
            to.write(str(text))

    def end(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.path)


def make_bare_pair(device):
    """Without addresses, so that nobody answers what is sent on it, and for frames of any length."""
    network.run("ip", "link", "add", device, "netns", HERE, "type", "veth", "peer", "name", device, "netns", THERE)
    for name in (HERE, THERE):
        within(name, "sysctl", "-q", f"net.ipv6.conf.{device}.disable_ipv6=1", stderr=subprocess.DEVNULL).wait()
        network.run("ip", "-n", name, "link", "set", device, "up", "mtu", "65535")


class Watching:
    """The program, as it is without a configuration, and what it said at its end."""

    def __init__(self, device, workers, *settings, documents="/dev/null", share=None):
        self.errors = tempfile.TemporaryFile()
        more = [word for setting in ("monitor.socket=", *settings) for word in ("-E", setting)]
        self.process = within(HERE, cases.WIRESPAN, "run", "--allow-root", "-i", device, "-w", str(workers), "-o",
                              documents, *more, stdout=subprocess.DEVNULL, stderr=self.errors)
        if share:
            share.write("cgroup.procs", self.process.pid)
        if not waited(lambda: self.process.poll() is not None or b"watching" in self.said()) or self.process.poll() is not None:
            sys.exit(self.said().decode())

    def said(self):
        return os.pread(self.errors.fileno(), 1 << 16, 0)

    def end(self):
        """Its figures. What lies in its rings is read first."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=120)
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace")
        return dict(figures(text), code=code, text=text)


def figures(text):
    def number(pattern):
        found = re.search(pattern, text, re.M)
        return int(found.group(1)) if found else 0

    cpu = re.search(r"processor +([\d.]+) s user, ([\d.]+) s system", text)
    memory = re.search(r"memory +([\d.]+ [kMG]B)", text)
    _, counters = books.told(text)
    return {"packets": counters.get("frames.received", 0), "counters": counters,
            "dropped": number(r"^losses .*?(\d+) packets dropped by the kernel"),
            "documents": counters.get("documents.delivered", 0), "late": counters.get("documents.dropped", 0),
            "cpu": float(cpu.group(1)) + float(cpu.group(2)), "memory": memory.group(1)}


def generate(protocol, options, path):
    said = subprocess.run([f"{BUILD}/bench/gen_{protocol}", *options, path], check=True, stdout=subprocess.PIPE).stdout
    return dict(json.loads(said), protocol=protocol, path=path)


def told(process, pipe=None):
    """What a sender said at its end."""
    with pipe or process.stdout as said:
        text = said.read()
    process.wait()
    return json.loads(text)


def resend(device, *words):
    """Sends captures; what it says of that."""
    return told(within(THERE, f"{BUILD}/bench/resend", "-i", device, *map(str, words), stdout=subprocess.PIPE))
