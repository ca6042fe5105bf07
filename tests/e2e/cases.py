"""What the end-to-end tests share: the program, the recorded cases, reporting in TAP."""
import datetime
import glob
import json
import os
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CAPTURES = os.path.join(ROOT, "tests", "captures")
GOLDEN = os.path.join(ROOT, "tests", "golden")
WIRESPAN = os.environ.get("WIRESPAN", os.path.join(ROOT, "build", "wirespan"))

failed = False


def report(good, name, why=""):
    global failed
    print(f"{'ok' if good else 'not ok'} - {name}", flush=True)
    if not good:
        failed = True
        for line in str(why).splitlines():
            print("# " + line)


def relay(text):
    """What another process has reported."""
    global failed
    print(text, end="", flush=True)
    failed = failed or "not ok" in text or "ok" not in text


def skip(name, why):
    print(f"ok - {name} # SKIP {why}", flush=True)


def waited(condition, patience=60):
    """Whether it holds, sooner or later."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def protocols():
    return sorted(os.listdir(CAPTURES))


def names(protocol):
    """Recorded cases: http/slow."""
    return sorted(f"{protocol}/{os.path.basename(path)[:-len('.pcap')]}"
                  for path in glob.glob(f"{CAPTURES}/{protocol}/*.pcap"))


def capture(name):
    return os.path.join(CAPTURES, name + ".pcap")


def config(name):
    own = os.path.join(GOLDEN, name + ".yml")
    return own if os.path.exists(own) else os.path.join(GOLDEN, os.path.dirname(name), "all.yml")


def wirespan(*arguments):
    """What the program prints."""
    done = subprocess.run([WIRESPAN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"wirespan {' '.join(arguments)}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def replay(name):
    """What the program prints of a case."""
    return wirespan("replay", "-c", config(name), capture(name))


def documents(name):
    return [json.loads(line) for line in replay(name).splitlines()]


def client_log(name):
    with open(os.path.join(CAPTURES, name + ".log")) as lines:
        return [json.loads(line) for line in lines]


def dig(document, path, default=None):
    """A field by its dotted name."""
    for part in path.split("."):
        if not isinstance(document, dict) or part not in document:
            return default
        document = document[part]
    return document


def nanoseconds(time):
    """Since the epoch, of 2026-01-02T03:04:05.123456789Z."""
    whole, fraction = time.rstrip("Z").split(".")
    seconds = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
