#!/usr/bin/env python3
"""Records docs/story/slow-page.pcap, the capture of the manual's story: tests/record/record_story.py

A shop: visitors ask a web server, which asks Redis and PostgreSQL, each at an address of its own in a network
namespace. One of its pages is slow, and the cause is real: a statement that reads a whole table again for each
row of another, since an index is missing. Needs root, scripts/install-packages record, and pip.
"""
import http.client
import http.server
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

import record_pgsql
from record_http import enter_namespace, run, tcpdump

PATH = os.path.join(record_pgsql.HERE, "..", "..", "docs", "story", "slow-page.pcap")
WEB, DATABASE, CACHE = "192.0.2.20", "192.0.2.30", "192.0.2.40"
VISITORS = [f"198.51.100.{n}" for n in range(11, 19)]
SECONDS = 45
SCHEMA = """
create table person (id int primary key, name text, mail text, town text);
create table item (id int primary key, name text, price numeric(8,2));
create table orders (id serial primary key, mail text, item int, day date, note text);
insert into person select i, 'Person ' || i, 'p' || i || '@example.org', (array['Ghent', 'Porto', 'Turku', 'Split', 'Brno'])[i % 5 + 1]
    from generate_series(1, 400) i;
insert into item select i, 'Item ' || i, i * 1.25 from generate_series(1, 300) i;
insert into orders (mail, item, day, note) select 'p' || (i * 7919) % 400 + 1 || '@example.org', i % 300 + 1, date '2026-01-01' + i % 300, repeat('n', 60)
    from generate_series(1, 50000) i;
create role shop login;
create role trusty; -- record_pgsql's server has grants for it
grant all on all tables in schema public to shop;
grant all on all sequences in schema public to shop;
analyze;
"""
TOWN = """select p.name, (select count(*) from orders o where o.mail = p.mail and o.day >= '{day}') as orders
from person p where p.town = '{town}'
order by orders desc limit 10"""


class Cache:
    """As much of Redis as the shop speaks."""

    def __init__(self):
        self.socket = socket.create_connection((CACHE, 6379), source_address=(WEB, 0))
        self.file = self.socket.makefile("rb")

    def __call__(self, *words):
        parts = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        line = self.file.readline()
        if line[:1] != b"$" or line == b"$-1\r\n":
            return None
        return self.file.read(int(line[1:]) + 2)[:-2]


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    own = threading.local()

    def log_message(self, *_):
        pass

    def ask(self, statement):
        if not hasattr(self.own, "database"):
            self.own.database = pg8000.native.Connection("shop", host=DATABASE, database="shop", source_address=(WEB, 0), application_name="shop-web")
        try:
            return self.own.database.run(statement)
        except pg8000.native.DatabaseError:
            return None

    def cache(self, *words):
        if not hasattr(self.own, "cache"):
            self.own.cache = Cache()
        return self.own.cache(*words)

    def page(self):
        """What a page shows, or None when there is no such page."""
        what, _, which = self.path.strip("/").partition("/")
        number = int(which) if which.isdigit() else 0
        if what == "":
            return self.cache("GET", "page:front") or self.ask("select id, name, price from item order by id desc limit 12")
        if what == "item":
            known = self.cache("GET", f"item:{number}")
            rows = known or self.ask(f"select name, price from item where id = {number}")
            if rows and not known:
                self.cache("SETEX", f"item:{number}", 60, rows)
            return rows or None
        if what == "account":
            return self.ask(f"select name, mail, town from person where id = {number}")
        if what == "statistics":
            return self.ask(TOWN.format(town=which, day="2026-02-01"))
        return None

    def answer(self, code, body):
        text = str(body).encode()[:600]
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        rows = self.page()
        self.answer(404 if rows is None else 200, rows)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        number = self.path.rpartition("/")[2]
        # Some orders are sent twice: the second one is refused.
        rows = self.ask(f"insert into orders (id, mail, item, day) values ({number}, 'p7@example.org', 4, '2026-11-22') returning id")
        self.answer(500 if rows is None else 201, rows)


def visit(address, until, chance):
    web = http.client.HTTPConnection(WEB, 8080, source_address=(address, 0))
    while time.monotonic() < until:
        path = chance.choice(["/", "/", f"/item/{chance.randrange(1, 310)}", f"/item/{chance.randrange(1, 40)}", f"/account/{chance.randrange(1, 400)}"])
        method = "GET"
        if chance.random() < 0.04:
            path = "/statistics/" + chance.choice(["Ghent", "Porto", "Turku"])
        elif chance.random() < 0.06:
            method, path = "POST", f"/order/{900000 + chance.randrange(30)}"
        web.request(method, path, body=b"item=4&count=1" if method == "POST" else None, headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"})
        web.getresponse().read()
        time.sleep(chance.expovariate(1 / 1.2))
    web.close()


def record():
    server = http.server.ThreadingHTTPServer((WEB, 8080), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    until = time.monotonic() + SECONDS
    visitors = [threading.Thread(target=visit, args=(address, until, random.Random(address))) for address in VISITORS]
    with tcpdump(PATH):
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
    server.shutdown()


def main():
    record_pgsql.SCHEMA = SCHEMA
    record_pgsql.SETTINGS += ["listen_addresses=" + DATABASE]
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "pip", "install", "-q", "--target", folder + "/python", "pg8000", stderr=subprocess.DEVNULL)
        sys.path.insert(0, folder + "/python")
        globals()["pg8000"] = __import__("pg8000.native")
        enter_namespace()
        for address in (WEB, DATABASE, CACHE, *VISITORS):
            run("ip", "address", "add", address + "/32", "dev", "lo")
        os.makedirs(os.path.dirname(PATH), exist_ok=True)
        redis = subprocess.Popen(["redis-server", "--bind", CACHE, "--protected-mode", "no", "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            with record_pgsql.server(folder):
                record()
        finally:
            redis.terminate()
            redis.wait()
    print(f"slow-page: {os.path.getsize(PATH)} bytes")


if __name__ == "__main__":
    main()
