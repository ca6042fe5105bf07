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
    """A way to an engine that breaks: the first connections are closed after so many bytes, of requests or of answers.
    Keeps the answers that it hands on."""

    def __init__(self, url, breaks, seed):
        self.to, self.left, self.broken, self.chance = int(url.rpartition(":")[2]), breaks, 0, random.Random(seed)
        self.heard = []
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
            self.heard.append(bytearray())
            for source, sink, limit, heard in ((near, far, limits[1], None), (far, near, limits[0], self.heard[-1])):
                threading.Thread(target=self.pump, args=(source, sink, limit, heard), daemon=True).start()

    def pump(self, source, sink, limit, heard):
        try:
            while True:
                more = source.recv(65536 if limit is None else max(1, min(65536, limit)))
                if not more:
                    break
                sink.sendall(more)
                if heard is not None:
                    heard += more
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

    def answers(self):
        """(status, text) of each answer to a request."""
        for heard in self.heard:
            for text in bytes(heard).split(b"HTTP/1.1 ")[1:]:
                yield int(text[:3]), text

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


def kinds(way):
    """How often a request was too large, refused as a whole for now, and refused for now in some of its documents."""
    said = list(way.answers())
    return (sum(status == 413 for status, _ in said), sum(status == 429 for status, _ in said),
            sum(status == 200 and b'"status":429' in text for status, text in said))


def engines_with_little_room(engine):
    """an engine that takes only small requests (413), few bytes at a time (429), and few tasks (429 for documents): all is there once"""
    engine.stop_process()
    # A request of more than 100 kB is refused each time; one for eight shards needs eight places in a queue that has one.
    engine.start({"http.max_content_length": "150kb", "indexing_pressure.memory.limit": "100kb",
                  "thread_pool.write.size": "1", "thread_pool.write.queue_size": "1"})
    files = shipping.FILES[::8]
    made = shipping.made(files)
    largest = max(len(text) for text in made.values())
    check(largest < 100 << 10, f"a document of {largest} bytes can never get there: the test does not test")
    # What is said within TLS is not for others.
    way = Breaker(engine.url, 0, 6) if engine.url.startswith("http:") else None
    try:
        engine.lean("pinched", 8)
        run = shipping.Run(way.url if way else engine.url, files=files, index="pinched",
                           **engine.options(bulk_max_size="1600", compression="none"))
        run.end(300).ends_well().says("429")
        if way:
            check(all(kinds(way)), f"413, 429 as a whole, 429 in part: {kinds(way)}: the test does not test")
            print(f"# 413, 429 as a whole, 429 in part: {kinds(way)}")
        arrived(engine, run, "pinched", made)
    finally:
        if way:
            way.close()
        engine.stop_process()
        engine.start()


def hosts_that_are_dead(engine):
    """three hosts that refuse connections, of which one comes back: every document is there once, and the dead ones are told"""
    engine.lean("revived")
    engine.stop_process()
    dead = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as one:
            dead.append(f"{engine.url.partition(':')[0]}://127.0.0.1:{one.getsockname()[1]}")
    run = shipping.Run([dead[0], engine.url, dead[1]], index="revived", **engine.options())
    line = run.child.stderr.readline().decode()
    check("documents wait" in line and "refused" in line.lower(), line)
    engine.start()
    run.end(300).ends_well().says("works again")
    arrived(engine, run, "revived", shipping.MADE)


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


FAULTS = [connections_that_break, engines_with_little_room, hosts_that_are_dead, killed_while_it_ships]
