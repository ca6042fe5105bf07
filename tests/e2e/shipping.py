"""What the tests of shipping share: a run of the program that ships all captures to stand-ins or
engines, and the reckoning afterwards, document by document."""
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import books
import cases

sys.path.insert(0, os.path.join(cases.ROOT, "tests", "lib"))
import standin  # noqa: E402
from standin import Answer, Hangup, Silence, Standin  # noqa: E402,F401

FILES = sorted(glob.glob(f"{cases.CAPTURES}/*/*.pcap"))
LIMIT = 90
# A minute becomes a tenth of a second.
WAITS = {"backoff.init": "20ms", "backoff.max": "100ms"}
QUICK = {**WAITS, "timeout": "10s", "bulk_max_size": "100"}
# Sanitizers and instrumentation slow the program down, not the stand-in's clock.
SLOW = 4 if "-asan" in cases.WIRESPAN or "-tsan" in cases.WIRESPAN else 1


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(good, why):
    if not good:
        raise Failed(why)


def made(files=FILES):
    """The documents that captures make: {id: line}."""
    lines = cases.wirespan("replay", "-q", *files).encode().splitlines()
    documents = {json.loads(line)["event"]["id"]: line for line in lines}
    assert len(documents) == len(lines), f"{len(lines) - len(documents)} documents have the id of another"
    return documents


MADE = made()


def reckon(engines, run, refused=(), made=MADE):
    """Every document is in one engine, once and as it was made, or was refused and kept."""
    engines = [engines] if isinstance(engines, Standin) else engines
    got = {}
    for engine in engines:
        got.update(engine.documents)
    check(set(got) <= set(made), f"{len(set(got) - set(made))} documents were invented")
    missing = set(made) - set(got)
    check(missing == set(refused), f"{len(missing - set(refused))} of {len(made)} documents are missing, "
          f"{len(set(refused) - missing)} that were refused are there")
    check(set(run.letters) == set(refused), f"{len(run.letters)} dead letters, {len(set(refused))} refused")
    check(run.counters.get("documents.made", 0) == len(made), f"{run.counters.get('documents.made')} made of {len(made)}")
    wrong = [id for id, text in got.items() if text != made[id]]
    wrong += [id for id, letter in run.letters.items() if letter["document"] != json.loads(made[id])]
    check(not wrong, f"{len(wrong)} documents are not as they were made: {wrong[:3]}")


class Run:
    """The program, shipping. `options` are the output's; what else is set comes in `more`."""

    def __init__(self, hosts, output="elasticsearch", files=FILES, more=(), env=None, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="wirespan-shipping-")
        hosts = [hosts] if isinstance(hosts, (str, Standin)) else hosts
        urls = [host if isinstance(host, str) else host.url for host in hosts]
        self.dead = os.path.join(self.folder.name, "dead.ndjson")
        settings = {f"output.{output}.hosts": json.dumps(urls), "queue.dead_letters": self.dead}
        settings.update({f"output.{output}.{name.replace('__', '.')}": value
                         for name, value in {**QUICK, **options}.items()})
        words = [word for name, value in settings.items() for word in ("-E", f"{name}={value}")]
        for one in more:
            words += ["-E", one]
        self.begin = time.monotonic()
        self.child = subprocess.Popen([cases.WIRESPAN, "replay", *words, *files], env=env,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, limit=LIMIT):
        try:
            out, err = self.child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            self.child.kill()
            out, err = self.child.communicate()
            raise Failed(f"it does not end: {err.decode()[-1500:]}")
        self.seconds = time.monotonic() - self.begin
        self.code, self.out, self.err = self.child.returncode, out.decode(), err.decode()
        self.err, self.counters = books.told(self.err)
        self.letters = {}
        if os.path.exists(self.dead):
            with open(self.dead) as file:
                self.letters = {letter["event.id"]: letter for letter in map(json.loads, file)}
        check(self.code >= 0 and "Sanitizer" not in self.err, f"it crashed ({self.code}): {self.err[-3000:]}")
        self.folder.cleanup()
        if self.code != 2:  # it went to work
            wrong = books.wrong(self.counters, letters=len(self.letters))
            check(not wrong, wrong)
        return self

    def give_up(self):
        """Told to end once it has said that documents wait, as a person would."""
        lines = []
        while not lines or b"documents wait" not in lines[-1]:
            check(self.child.poll() is None or not lines or lines[-1], "it ended by itself: " + repr(lines))
            lines.append(self.child.stderr.readline())
        self.child.send_signal(signal.SIGINT)
        told = time.monotonic()
        self.end()
        self.err = b"".join(lines).decode() + self.err
        self.took = time.monotonic() - told
        return self

    def says(self, *texts):
        for text in texts:
            check(text in self.err, f"lacks {text!r}: {self.err[-1500:]}")
        return self

    def ends_well(self):
        check(self.code == 0, f"exit code {self.code}: {self.err[-1500:]}")
        return self


def case(function):
    """Runs it at once; its first line is its name."""
    name = function.__doc__.splitlines()[0]
    if len(sys.argv) > 1 and not any(word in function.__name__ for word in sys.argv[1:]):
        return
    try:
        function()
        cases.report(True, name)
    except Exception as error:  # whatever happens is an outcome to report
        cases.report(False, name, f"{type(error).__name__}: {error}")


def later(seconds, action):
    """Does it in a while, beside what goes on."""
    import threading
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer
