"""What SIP recordings are played on: SIPps as phones, their ports, Kamailio between them."""
import contextlib
import csv
import itertools
import os
import signal
import subprocess
import sys
import time

from record_http import HERE
from sip_story import Story

# Of a line of the statistics file, those that say something of the whole run.
COUNTS = {"TotalCallCreated": "calls", "SuccessfulCall(C)": "successful", "FailedCall(C)": "failed",
          "Retransmissions(C)": "retransmissions", "FailedMaxUDPRetrans(C)": "unanswered"}
PATIENCE = int(os.environ.get("PATIENCE", 180))  # seconds


class Phone:
    """A SIPp, from its start until its calls are done."""

    numbers = itertools.count(1)

    def __init__(self, stage, text, count=1, port=None, ask=None, transport="u1", rate=4, name="bob", more=()):
        self.stage, self.folder = stage, os.path.join(stage.folder, str(next(self.numbers)))
        self.story = Story(text)
        os.makedirs(self.folder)
        with open(os.path.join(self.folder, "story.xml"), "w") as out:
            out.write(self.story.xml())
        self.port, self.transport = port or stage.port(), transport
        words = ["sipp", "-sf", "story.xml", "-i", stage.address, "-p", str(self.port), "-nostdin",
                 "-m", str(count), "-r", str(rate), "-t", transport, "-s", name, "-timeout", str(PATIENCE),
                 "-max_socket", "500", "-trace_stat", "-stf", "stat", "-fd", "1", "-trace_rtt", "-rtt_freq", "1",
                 "-trace_shortmsg", "-shortmessage_file", "messages", "-trace_err", "-error_file", "errors", *(more or ["-nd"])]
        if not self.story.callee:
            words.append(f"[{stage.address}]:{ask or 5060}" if ":" in stage.address else f"{stage.address}:{ask or 5060}")
        self.process = subprocess.Popen(words, cwd=self.folder, stderr=subprocess.STDOUT,
                                        stdout=open(os.path.join(self.folder, "out"), "w"))
        stage.phones.append(self)
        if self.story.callee:
            time.sleep(0.4)  # until it listens

    def wait(self):
        try:
            code = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            sys.exit(f"record_sip.py: sipp does not end: {self.said('messages')[-1500:]} {self.said('errors')[-500:]}")
        if code not in (0, 1):  # 1: a call failed, which may be the story's point
            sys.exit(f"record_sip.py: sipp ended with {code}: {self.said('errors')}")
        return self

    def said(self, name):
        path = os.path.join(self.folder, name)
        with contextlib.suppress(FileNotFoundError), open(path, encoding="latin-1") as text:
            return text.read()
        return ""

    def row(self):
        """What it says of itself."""
        stat = list(csv.reader(self.said("stat").splitlines(), delimiter=";"))
        if len(stat) < 2:
            sys.exit(f"record_sip.py: sipp says nothing: {self.said('errors')} {self.said('out')}")
        last = dict(zip(stat[0], stat[-1]))
        row = dict(side="callee" if self.story.callee else "caller", port=self.port,
                   own_port=self.transport != "tn", loses=self.story.loses(), first=self.story.steps[0][1][0], outcome=self.story.outcome(), clocks=self.story.clocks(),
                   **{short: int(last[long]) for long, short in COUNTS.items()}, response_ms={}, messages=[])
        for path in os.listdir(self.folder):
            if path.endswith("_rtt.csv"):
                for _, ms, which in (line.split(";") for line in self.said(path).splitlines()[1:]):
                    row["response_ms"].setdefault(which, []).append(float(ms))
        for line in self.said("messages").splitlines():
            _, _, clock, way, call_id, cseq, start = line.split("\t")
            seconds, fraction = clock.split(".")
            row["messages"].append([int(seconds) * 10**9 + int(fraction.ljust(9, "0")), way, call_id,
                                    cseq.removeprefix("CSeq:").strip(), start])
        return row


class Stage:
    """What a case plays on: phones, their ports (`called` and the next are of those that a proxy calls), an address."""

    def __init__(self, folder, first_port, called):
        self.folder, self.ports, self.phones, self.address = folder, itertools.count(first_port), [], "127.0.0.1"
        self.called = called

    def port(self):
        return next(self.ports)

    def pair(self, caller, callee, count=1, port=5060, transport="u1", **how):
        """Both phones of `count` calls, one calling the other directly."""
        called = Phone(self, callee, count, port=port, transport=transport)
        Phone(self, caller, count, ask=port, transport=transport, **how).wait()
        called.wait()

    def play(self, case):
        try:
            case(self)
        finally:
            for phone in self.phones:
                phone.process.terminate()

    def alone(self, text, count=1, **how):
        Phone(self, text, count, **how).wait()


@contextlib.contextmanager
def kamailio(folder):
    words = ["kamailio", "-f", os.path.join(HERE, "kamailio.cfg"), "-DD", "-E", "-Y", folder, "-P",
             os.path.join(folder, "pid")]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    if server.poll() is not None:
        sys.exit("record_sip.py: kamailio does not start")
    try:
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
