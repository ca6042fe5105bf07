"""The program killed with -9 at random moments while documents flow, and what has become of each document."""
import os
import random
import signal
import threading
import time

from cases import waited
from watching import Client, Run, letters, paths, spool, waiting


class Talker:
    """Asks on and on in the background: never the same twice, on connections that begin anew now and then."""

    def __init__(self, pause=0.001):
        self.asked, self.pause, self.silent = set(), pause, False
        self.thread = threading.Thread(target=self.talk, daemon=True)
        self.thread.start()

    def talk(self):
        n = 0
        while not self.silent:
            client = Client()
            for _ in range(40):
                n += 1
                self.asked.add(f"/{n}")
                client.ask(f"/{n}")
                time.sleep(self.pause)
            client.close()

    def end(self):
        self.silent = True
        self.thread.join()


def spooled_in(folder, check):
    code, text, errors = spool("cat", folder)
    check.that(code == 0, f"spool cat: exit {code}: {errors}")
    return set(paths(text.splitlines())) - {None}


def first_document(folder, output, settings):
    """How long it takes until one is in the spool: packets come in blocks, a fifth of a second late, and on a machine that
    is busy all takes longer."""
    program, begin = Run(folder, *settings, output=output, wait=False), time.monotonic()
    waited(lambda: any(name.endswith(".seg") and os.path.getsize(os.path.join(folder, name)) > 1000 for name in os.listdir(folder)))
    took = time.monotonic() - begin
    program.end(signal.SIGKILL)
    return took


def kill_often(check, folder, output, kills, seed, indexed, between=lambda life: None, settings=()):
    """Returns what the last run counted. `indexed` gives the documents that the engine has; `between` is done after
    each kill. What was in the spool at a kill has to be in the engine at the end, or a dead letter, and once."""
    moment, talker, spooled = random.Random(seed), Talker(), set()
    longest = 1.6 * first_document(folder, output, settings)
    spooled |= spooled_in(folder, check)
    for life in range(kills):
        program = Run(folder, *settings, output=output, wait=False)
        # From before its first packet on to when several requests have been answered.
        time.sleep(0.015 + moment.random() * longest)
        code, errors = program.end(signal.SIGKILL)
        check.that(code == -signal.SIGKILL, f"it ended by itself, exit {code}: {errors}")
        spooled |= spooled_in(folder, check)
        between(life)
    last = Run(folder, *settings, output=output)
    talker.end()
    check.that(waited(lambda: waiting(folder) == 0), f"{waiting(folder)} wait: {last.said()}")
    counters = last.settle(check)
    have = [path for path in paths(indexed()) if path is not None]
    dead = {letter["event.id"]: letter["document"] for letter in letters(folder)}
    refused = set(paths(dead.values())) - {None}
    check.that(len(have) == len(set(have)), f"{len(have) - len(set(have))} are there twice")
    check.that(not refused & set(have), f"refused, and there: {sorted(refused & set(have))[:5]}")
    lost = spooled - set(have) - refused
    check.that(not lost, f"{len(lost)} of {len(spooled)} that were spooled are lost: {sorted(lost)[:5]}")
    check.that(set(have) | refused <= talker.asked, "documents were invented")
    check.that(len(have) > kills and len(spooled) > kills // 2, f"{len(have)} indexed, {len(spooled)} seen in the spool: the test "
               "does not test")
    counters.update({"seen.spooled": len(spooled), "seen.indexed": len(have), "seen.refused": len(refused)})
    return counters
