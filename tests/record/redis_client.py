"""Clients of the Redis recordings that are written by hand: one writes bytes as told, one asks with arrays and reads
the values of both protocol versions by its own few lines. So their logs are second opinions on what documents say.
"""
import socket
import sys
import time

PORT = 6379
ERRORS = ("ERR", "WRONGTYPE", "EXECABORT", "WRONGPASS", "NOPERM", "MOVED")


class Error(Exception):
    pass


class Pairs(list):
    """A map: keys may be of any kind."""


class Push(list):
    pass


def shown(value):
    """An answer as documents show it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (dict, Pairs)):
        pairs = value.items() if isinstance(value, dict) else value
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in pairs) + "}"
    if isinstance(value, (list, tuple, set)):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value)


def row(log, port, words, answer, sent_at, done_at, server_port=PORT):
    error = isinstance(answer, Exception)
    log.add(port=port, server_port=server_port, query=" ".join(map(shown, words)), answer=shown(answer),
            error=error, sent_at=sent_at, done_at=done_at)


class Raw:
    """Writes what it is told. It logs what it says of itself: the answer is part of the script."""

    def __init__(self, log, port=PORT):
        self.log, self.server_port = log, port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]

    def say(self, text, answers, rows):
        """Inline commands; the answers' bytes, exactly; rows of (query, answer), None for what is not answered."""
        sent_at = time.time_ns()
        self.socket.sendall(text.encode())
        self.hear(answers)
        for query, answer in rows:
            error = answer is not None and answer.split(" ")[0].isupper() and answer.split(" ")[0] in ERRORS
            self.log.add(port=self.port, server_port=self.server_port, query=query, answer=answer, error=error,
                         sent_at=sent_at, done_at=time.time_ns())

    def hear(self, answers):
        got = b""
        while len(got) < len(answers):
            more = self.socket.recv(len(answers) - len(got))
            if not more:
                break
            got += more
        if got.decode() != answers:
            sys.exit(f"record_redis.py: {got!r} instead of {answers!r}")


class Plain(Raw):
    """Asks with arrays, reads values of both protocol versions by its own few lines, and logs what they are."""

    def __init__(self, log, port=PORT):
        super().__init__(log, port)
        self.file = self.socket.makefile("rb")

    def value(self):
        line = self.file.readline()
        if not line:
            raise EOFError
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"$" or kind == b"=" or kind == b"!":
            data = self.file.read(int(text) + 2)[:-2] if int(text) >= 0 else None
            if kind == b"!":
                return Error(data.decode())
            return data[4:] if kind == b"=" else data
        if kind in b"*~>":
            values = None if text == "-1" else [self.value() for _ in range(int(text))]
            return Push(values) if kind == b">" else values
        if kind == b"%":
            return Pairs((self.value(), self.value()) for _ in range(int(text)))
        if kind == b"#":
            return text == "t"
        return None if kind == b"_" else Error(text) if kind == b"-" else int(text) if kind == b":" else text

    def pushed(self, value):
        """What nobody asked for: a row of its own."""
        words = [w for w in value[:-1] if isinstance(w, bytes)]
        self.log.add(port=self.port, server_port=self.server_port, query=" ".join(map(shown, words)),
                     answer=shown(list(value)), error=False)

    def send(self, *words):
        self.words, self.sent_at = words, time.time_ns()
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(w), w) for w in (w if isinstance(w, bytes) else str(w).encode() for w in words)))

    def read(self, says=None, answer=None):
        """The answer to what was sent. `says` and `answer`: as documents show them, where that is not as sent."""
        value = self.value()
        while isinstance(value, Push):
            self.pushed(value)
            value = self.value()
        self.log.add(port=self.port, server_port=self.server_port, query=says or " ".join(map(shown, self.words)),
                     answer=answer or shown(value), error=isinstance(value, Error), sent_at=self.sent_at,
                     done_at=time.time_ns())
        return value

    def ask(self, *words, **how):
        self.send(*words)
        return self.read(**how)

    def transaction(self, *commands):
        self.ask("MULTI")
        begun = []
        for words in commands:
            self.send(*words)
            begun.append((words, self.sent_at))
            assert self.value() == "QUEUED"
        self.send("EXEC")
        begun.append((["EXEC"], self.sent_at))
        answers = self.value()
        for (words, sent_at), answer in zip(begun, [*answers, f"{len(answers)} results"]):
            row(self.log, self.port, words, answer, sent_at, time.time_ns(), self.server_port)

    def gone(self):
        """Ends without the answer."""
        self.log.add(port=self.port, server_port=self.server_port, query=" ".join(map(shown, self.words)), answer=None,
                     error=True, sent_at=self.sent_at)
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()
