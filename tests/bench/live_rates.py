"""At which rate the first packet is lost, and what is said of it above that."""
import json
import os
import time

import watched
import cases  # of tests/e2e

DEVICE = "r0"
SECONDS = 2  # at each rate
LIMIT = 390  # seconds for all of them: on a busy machine some are left out
FIRST, STEPS = 50_000, 2  # packets a second; how often what lies between good and bad is halved
CLOSE = 0.93  # of the rate that was asked for: less, and the sender has no more to give
LOADS = (  # title, protocol, options of the generator, rounds as needed, settings
    ("HTTP, 819 bytes a packet", "http", ["-n", "15000"], True, ()),
    ("MySQL", "mysql", ["-n", "30000"], True, ()),
    ("PostgreSQL", "pgsql", ["-n", "30000"], True, ()),
    ("Redis, values of 64 bytes", "redis", ["-n", "200000", "-s", "64"], True, ()),
    ("Thrift", "thrift", ["-n", "60000"], True, ()),
    # Call-IDs are not made anew, so there is one round. Its calls pass within a second or two, so all of them are
    # open at the end: with the usual limit on memory some would be let go, and written in parts.
    ("SIP", "sip", ["-n", "400000"], False, ("memory.max=1GiB",)),
)
HEAD = ("| load | workers | none lost at | some lost at | CPU a million packets | memory | documents |\n"
        "| --- | --- | --- | --- | --- | --- | --- |")

wrong = []


class Load:
    def __init__(self, folder, title, protocol, options, rounds, settings):
        self.title, self.rounds, self.settings = title, rounds, settings
        self.what = watched.generate(protocol, options, os.path.join(folder, protocol + ".pcap"))

    def whole(self):
        """What the documents of a replay say, or None: what SIP's say of calls has times everywhere."""
        if not self.rounds:
            return None
        lines = cases.wirespan("replay", "-q", self.what["path"]).encode().splitlines()
        return {told(line) for line in lines}

    def send(self, rate, workers, share, documents="/dev/null"):
        """Its own figures and the program's, of one run; rate 0: as fast as can be."""
        watching = watched.Watching(DEVICE, workers, *self.settings, share=share, documents=documents)
        rounds = max(1, round((rate or 600_000) * SECONDS / self.what["packets"])) if self.rounds else 1
        sent = watched.resend(DEVICE, "-r", rate, "-n", rounds, self.what["path"])
        seen = watching.end()
        seen["sent"], seen["rate"] = sent["sent"], sent["sent"] / sent["seconds"]
        seen["wanted"] = rounds * (self.what["exchanges"] - self.what.get("progress", 0))
        seen["lost"] = seen["sent"] - seen["packets"]
        self.check(seen)
        return seen

    def check(self, seen):
        if seen["code"] != 0:
            wrong.append(f"{self.title}: exit {seen['code']}: {seen['text'][-1500:]}")
        if seen["lost"] != seen["dropped"]:
            wrong.append(f"{self.title}: {seen['lost']} packets lost, {seen['dropped']} counted by the kernel")
        if not seen["lost"] and seen["documents"] + seen["late"] != seen["wanted"]:
            wrong.append(f"{self.title}: {seen['documents']} documents and {seen['late']} dropped of {seen['wanted']}")

    def good(self, seen):
        return seen["lost"] == 0 and seen["late"] == 0


def thousands(rate):
    return f"{rate / 1000:,.0f} k/s"


def first_loss(load, workers, share, quick):
    """The best run without a loss, the first with one or None."""
    rate, best, bad = FIRST, None, None
    while bad is None:
        seen = load.send(rate, workers, share)
        if not load.good(seen):
            bad = seen
        elif rate == 0 or quick:
            return (seen if best is None or seen["rate"] > best["rate"] else best), None
        else:
            best = seen
            rate = 2 * rate if seen["rate"] > CLOSE * rate else 0
    for _ in range(STEPS if best and best["rate"] < bad["rate"] else 0):
        seen = load.send(int((best["rate"] + bad["rate"]) / 2), workers, share)
        if load.good(seen):
            best = seen if seen["rate"] > best["rate"] else best
        elif seen["rate"] < bad["rate"]:
            bad = seen
    return best, bad


def row(load, workers, best, bad):
    seen = best or bad
    print(f"| {load.title} | {workers} | {thousands(best['rate']) if best else 'no rate'} | "
          f"{thousands(bad['rate']) if bad else 'no rate that is sent'} | {seen['cpu'] / seen['packets'] * 1e6:.2f} s | "
          f"{seen['memory']} | {seen['documents']:,} of {seen['wanted']:,} |", flush=True)


def told(line):
    """What a document says of an exchange, without where and when it was."""
    document = json.loads(line)
    for name in ("@timestamp", "timing", "related", "agent", "host", "observer", "tcp"):
        document.pop(name, None)
    for part, names in (("event", ("id", "start", "end", "duration")), ("network", ("packets", "community_id", "direction"))):
        for name in names:
            document[part].pop(name, None)
    for end in ("client", "server", "source", "destination"):
        for name in ("ip", "port", "packets"):
            document[end].pop(name, None)
    document.get("url", {}).pop("full", None)
    return json.dumps(document, sort_keys=True)


def noted(path, whole):
    """Documents, those of them that say that they are not whole, and those that do not say so and are not."""
    every = marked = broken = 0
    with open(path, "rb") as lines:
        for line in lines:
            every += 1
            if b'"notes":' in line:
                marked += 1
            elif whole is not None:
                broken += told(line) not in whole
    return every, marked, broken


def above(folder, load, workers, bad, share):
    """Half as fast again as what lost something: what is there, and what is said to be missing."""
    path = os.path.join(folder, "documents")
    seen = load.send(int(bad["rate"] * 1.5), workers, share, documents=path)
    every, marked, broken = noted(path, load.whole())
    os.unlink(path)
    if broken:
        wrong.append(f"{load.title}: {broken} documents are not whole and do not say so")
    counted = seen["dropped"] / (seen["packets"] + seen["dropped"])
    return (f"| {load.title} | {workers} | {thousands(seen['rate'])} | {seen['lost']:,} of {seen['sent']:,} | "
            f"{seen['dropped']:,}, {100 * counted:.1f} % | {every:,} of {seen['wanted']:,} | {marked:,} | {seen['late']:,} |")


def measure(folder, loads, workers, share, quick, end):
    lines = []
    print(HEAD)
    for description in loads:
        if time.monotonic() > end:
            print(f"| {description[0]} | | not measured: too slow a machine | | | | |")
            continue
        load = Load(folder, *description)
        for n in workers:
            best, bad = first_loss(load, n, share, quick)
            row(load, n, best, bad)
            if bad:
                lines.append(above(folder, load, n, bad, share))
        os.unlink(load.what["path"])
    if lines:
        print("\nHalf as fast again as that:\n\n| load | workers | sent | lost | counted by the kernel | documents | of them with "
              "a note | dropped at the queue |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
        print("\n".join(lines), flush=True)


def rates(folder, quick):
    watched.make_bare_pair(DEVICE)
    print("\n### The first packet that is lost\n")
    end = time.monotonic() + LIMIT
    loads = [(title, protocol, ["-n", "2000"] if quick else options, *rest) for title, protocol, options, *rest in LOADS]
    measure(folder, loads, (1, 2), None, quick, end)
    share = watched.Share(0.25)
    try:
        if share.trouble:
            print(f"\nBy a quarter of a processor: not measured, {share.trouble}")
            return
        print("\nThe program held to a quarter of one processor:\n")
        measure(folder, loads[:1], (1, 2), share, quick, end)
    finally:
        share.end()
