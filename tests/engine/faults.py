"""What goes wrong between the program and a real engine, and in it; and the reckoning by id."""
import os
import random
import socket
import tempfile
import threading

import cases
import killing
import shipping
import watching
from shipping import check

KILLS = 30


def arrived(engine, run, index, made, refused=()):
    """Every document is in the index, as it was made, or was refused and kept."""
    got = engine.documents(index)
    check(set(got) == set(made) - set(refused), f"{len(set(made) - set(refused) - set(got))} of {len(made)} are missing, "
          f"{len(set(got) - set(made))} were invented, {len(set(got) & set(refused))} that were refused are there")
    check(set(run.letters) == set(refused), f"{len(run.letters)} dead letters, {len(set(refused))} refused")
    wrong = [id for id, document in got.items() if document != shipping.json.loads(made[id])]
    check(not wrong, f"{len(wrong)} are not as they were made: {wrong[:3]}")


class Breaker:
    """A way to an engine that breaks: the first connections are closed after so many bytes, of requests or of answers."""

    def __init__(self, url, breaks, seed):
        self.to, self.left, self.broken, self.chance = int(url.rpartition(":")[2]), breaks, 0, random.Random(seed)
        self.url = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{url.partition(':')[0]}://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            limits = [None, None]
            if self.left > 0:
                self.left -= 1
                # A request is some 20 kB, its answer some 3.
                limits[self.left % 2] = self.chance.randrange(40000 if self.left % 2 else 6000)
            for source, sink, limit in ((near, far, limits[1]), (far, near, limits[0])):
                threading.Thread(target=self.pump, args=(source, sink, limit), daemon=True).start()

    def pump(self, source, sink, limit):
        try:
            while True:
                more = source.recv(65536 if limit is None else max(1, min(65536, limit)))
                if not more:
                    break
                sink.sendall(more)
                if limit is not None:
                    limit -= len(more)
                    if limit <= 0:
                        self.broken += 1
                        break
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def connections_that_break(engine):
    """connections that break in the middle of requests and of answers: every document is there once"""
    engine.lean("broken")
    way = Breaker(engine.url, 30, 6)
    run = shipping.Run(way.url, index="broken", **engine.options(bulk_max_size="100")).end(300).ends_well()
    way.close()
    check(way.broken >= 10, f"{way.broken} connections broke: the test does not test")
    arrived(engine, run, "broken", shipping.MADE)


def engines_with_little_room(engine):
    """an engine that takes only small requests (413), and few at a time (429): every document is there once"""
    engine.stop_process()
    # All nodes know the first; the second is younger than 7.9.
    engine.start({"http.max_content_length": "150kb", "indexing_pressure.memory.limit": "500kb"})
    try:
        engine.lean("pinched")
        run = shipping.Run(engine.url, index="pinched", **engine.options(bulk_max_size="1600", workers="8", compression="none"))
        run.end(300).ends_well()
        largest = max(len(text) for text in shipping.MADE.values())
        check(largest < 150 << 10, f"a document of {largest} bytes can never get there: the test does not test")
        check("413" in run.err or "429" in run.err, f"neither 413 nor 429: the test does not test: {run.err}")
        arrived(engine, run, "pinched", shipping.MADE)
    finally:
        engine.stop_process()
        engine.start()


def killed_while_it_ships(engine):
    """the program killed with -9 at random moments while documents flow, and the engine once: each that was spooled is there once"""
    if os.geteuid() != 0:
        raise shipping.Skipped("only root may capture")
    engine.lean("killed")
    with socket.create_server(("127.0.0.1", 0)) as one:
        watching.PORT = one.getsockname()[1]
    watching.serve()
    wrong = watching.Checks()

    def between(life):
        if life == KILLS // 2:
            engine.kill()
            engine.start()

    with tempfile.TemporaryDirectory(prefix="wirespan-engine-") as folder:
        settings = [f"output.{engine.output}.{name.replace('__', '.')}={value}" for name, value in
                    {**engine.options(index="killed", bulk_max_size="20"), **shipping.WAITS}.items() if name != "output"]
        counters = killing.kill_often(wrong, folder, f"{engine.output}.hosts=['{engine.url}']", KILLS, 6,
                                      lambda: engine.documents("killed").values(), between=between, settings=settings)
    check(not wrong.wrong, "\n".join(wrong.wrong)[:3000])
    print(f"# {counters['seen.indexed']} indexed, {counters['seen.spooled']} seen in the spool")


FAULTS = [connections_that_break, engines_with_little_room, killed_while_it_ships]
