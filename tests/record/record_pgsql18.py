#!/usr/bin/env python3
"""Records protocol 3.2 from a PostgreSQL 18 server: tests/record/record_pgsql18.py [CASE...]

Long cancel keys, logins and statements under that version, and a server of Debian 12 that is asked for it. Debian
unstable has 18: its server, psql and libpq are put in a folder by debootstrap (PGSQL18_ROOT keeps one from run to run)
and run there, on the loopback of a network namespace made for the purpose; the libpq in psycopg's wheel is 18 too.
Leaves tests/captures/pgsql/pg18_CASE.pcap and .log, as record_pgsql.py does. Needs root, scripts/install-packages
record and pip.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from record_http import enter_namespace, run
from record_pgsql import HERE, build_python, record, server

PACKAGES = "postgresql-18,postgresql-client-18,libpq-dev,gcc,libc6-dev"
AGAINST_DEBIANS = ("older",)


def make_root(folder):
    root = os.environ.get("PGSQL18_ROOT") or os.path.join(folder, "unstable")
    if not os.path.exists(os.path.join(root, "usr/lib/postgresql/18/bin/postgres")):
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "sid", root, stdout=subprocess.DEVNULL)
    work = os.path.join(root, "record")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    shutil.copy(os.path.join(HERE, "pgsql", "pipeline.c"), work)
    run("chroot", root, "cc", "-o", "/record/pipeline", "-I/usr/include/postgresql", "/record/pipeline.c", "-lpq")
    return root


def main(wanted):
    with tempfile.TemporaryDirectory() as folder:
        root = make_root(folder)
        build_python(folder)
        from pgsql18_cases import CASES
        enter_namespace()
        os.environ.update(PGMINPROTOCOLVERSION="3.2", PGMAXPROTOCOLVERSION="3.2")
        wanted = wanted or list(CASES)
        for of, at, names in ((root, "/record", [name for name in wanted if name not in AGAINST_DEBIANS]),
                              ("/", folder, [name for name in wanted if name in AGAINST_DEBIANS])):
            os.environ["PGSQL_ROOT"] = of
            with server(at):
                record(CASES, names, prefix="pg18_")


if __name__ == "__main__":
    main(sys.argv[1:])
