#!/usr/bin/env python3
"""Records the PostgreSQL captures that belong to the project: tests/record/record_pgsql.py [CASE...]

A server in a temporary folder and real clients (psql, pgbench, pg_receivewal, a C program with libpq,
psycopg 3, asyncpg, pg8000, Go's pgx, Java's JDBC driver, postgres.js and node-postgres; those of other
registries installed into that folder) talk over the loopback of a network namespace made for the purpose, while tcpdump listens.
Leaves tests/captures/pgsql/CASE.pcap and CASE.log: what the clients say they asked and got, a JSON
line each. Needs root, scripts/install-packages record, pip, and for cases go, java and node these languages.
"""
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from client import Log
from record_http import enter_namespace, run, tcpdump

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.join(HERE, "..", "captures", "pgsql")
CASE_SECONDS = 60
NEEDS = {"go": "go", "java": "mvn", "node": "npm"}  # without these such a case is left out
SCHEMA = """
create table item (id int primary key, name text, price numeric(10,2), constraint cheap check (price < 1000000));
create table sale (item int references item deferrable initially deferred, at timestamptz, note text);
insert into item select i, 'name ' || i, i * 1.25 from generate_series(1, 200) i;
create role trusty login replication; create role md login; create role scram login; create role clear login;
set password_encryption = md5; alter role md password 'hunter2';
set password_encryption = 'scram-sha-256';
alter role scram password 'hunter2'; alter role clear password 'hunter2';
grant all on item, sale to trusty, md, scram, clear;
grant all on schema public to trusty;
"""
HBA = """host all md all md5
host all scram all scram-sha-256
host all clear all password
host all all all trust
host replication all all trust
local all all trust
"""
SETTINGS = ["fsync=off", "wal_level=logical", "timezone=UTC", "log_min_messages=panic", "autovacuum=off",
            "ssl_ciphers=HIGH"]


def root():
    """Where PostgreSQL is installed: this system, or another in a folder of it."""
    return os.environ.get("PGSQL_ROOT", "/")


def program(name, *how):
    """The command that runs one of PostgreSQL's own."""
    found = sorted(glob.glob(os.path.join(root(), "usr/lib/postgresql/*/bin", name))) or [name]
    return ["chroot", *how, root(), "/" + os.path.relpath(found[-1], root())]


@contextlib.contextmanager
def server(folder):
    """Its data in `folder`, as the root has it."""
    data = os.path.join(folder, "data")
    there = root().rstrip("/") + data
    os.makedirs(there)
    os.chmod(os.path.dirname(there), 0o755)
    run("chroot", root(), "chown", "postgres", data)
    as_postgres = "--userspec=postgres:postgres"
    run(*program("initdb", as_postgres), "-D", data, "-A", "trust", "--no-locale", "-E", "UTF8", stdout=subprocess.DEVNULL)
    run("openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost", "-out",
        there + "/server.crt", "-keyout", there + "/server.key", stderr=subprocess.DEVNULL)
    run("chroot", root(), "chown", "postgres", data + "/server.crt", data + "/server.key")
    with open(there + "/pg_hba.conf", "w") as hba:
        hba.write(HBA)
    options = [part for setting in SETTINGS for part in ("-c", setting)]
    process = subprocess.Popen([*program("postgres", as_postgres), "-D", data, "-h", "127.0.0.1", "-k", data, *options],
                               stderr=subprocess.DEVNULL)
    os.environ["SERVER_FOLDER"] = data
    try:
        for _ in range(200):
            if subprocess.run([*program("pg_isready"), "-q", "-h", data], check=False).returncode == 0:
                break
            time.sleep(0.1)
        admin("create database shop", database="postgres")
        admin(SCHEMA)
        run(*program("pgbench"), "-h", data, "-U", "postgres", "-i", "-q", "shop", stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        admin("grant all on all tables in schema public to trusty")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def admin(script, database="shop"):
    """By the server's socket, unseen by the capture."""
    run(*program("psql"), "-X", "-q", "-h", os.environ["SERVER_FOLDER"], "-U", "postgres", "-d", database,
        input=script.encode(), stdout=subprocess.DEVNULL)


def build_python(folder):
    run(sys.executable, "-m", "pip", "install", "-q", "--target", folder + "/python", "psycopg[binary]", "asyncpg",
        "pg8000", stderr=subprocess.DEVNULL)
    sys.path.insert(0, folder + "/python")


def build(folder):
    """The clients that are not Debian's."""
    build_python(folder)
    os.environ["CLIENTS_FOLDER"] = folder
    sources = os.path.join(HERE, "pgsql")
    run("cc", "-o", folder + "/pipeline", "-I/usr/include/postgresql", sources + "/pipeline.c", "-lpq")
    if shutil.which(NEEDS["go"]):
        run("cp", "-r", sources + "/go", folder)
        run("go", "build", "-o", "client", ".", cwd=folder + "/go")
    if shutil.which(NEEDS["node"]):
        run("cp", sources + "/client.js", folder)
        run("npm", "install", "--silent", "--prefix", folder, "postgres@3", "pg@8", stdout=subprocess.DEVNULL)
    if shutil.which(NEEDS["java"]):
        run("mvn", "-q", "dependency:copy", "-Dartifact=org.postgresql:postgresql:42.7.4",
            "-DoutputDirectory=" + folder + "/java", stdout=subprocess.DEVNULL)
        run("javac", "-cp", folder + "/java/*", "-d", folder + "/java", sources + "/Client.java")


def record(cases, wanted, before=(), prefix=""):
    """The cases, each into a capture and a log. `before`: what a capture does not show."""
    os.makedirs(CAPTURES, exist_ok=True)
    for name in wanted:
        log = Log(os.path.join(CAPTURES, f"{prefix}{name}.log"))
        path = os.path.join(CAPTURES, f"{prefix}{name}.pcap")
        signal.alarm(CASE_SECONDS)  # a client that waits for ever ends the recording
        given = [before[name]()] if name in before else []
        with tcpdump(path):
            cases[name](log, *given)
        signal.alarm(0)
        log.save()
        print(f"{prefix}{name}: {len(log.rows)} rows, {os.path.getsize(path)} bytes", flush=True)


def main(wanted):
    with tempfile.TemporaryDirectory() as folder:
        build(folder)
        from pgsql_cases import BEFORE, CASES
        enter_namespace()
        with server(folder):
            record(CASES, wanted or [name for name in CASES if shutil.which(NEEDS.get(name, "sh"))], BEFORE)


if __name__ == "__main__":
    main(sys.argv[1:])
