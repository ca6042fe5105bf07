#!/usr/bin/env python3
"""Records what MariaDB does not speak from a MySQL 9 server: tests/record/record_mysql9.py [CASE...]

Query attributes, zstd, result sets without their metadata, dumps of the binary log by GTID, and MySQL's own
clients. Debian 12 has no MySQL, Debian unstable has: its server, clients and library are put in a folder
by debootstrap (MYSQL9_ROOT keeps one from run to run) and run there, on the loopback of a network namespace made
for the purpose. Leaves tests/captures/mysql/mysql9_CASE.pcap and .log, as record_mysql.py does, with the clients that
it uses beside. Needs root, scripts/install-packages record, pip and, for case go, Go.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import record_mysql
from record_http import run
from record_mysql import HERE, PORT, SCHEMA, Session, build_go, build_java, clients_own_log, java, record

PACKAGES = "mysql-server-core,mysql-client-core,libmysqlclient-dev,gcc,libc6-dev"
# Tables of numbers, which MariaDB has built in.
NUMBERS = "".join(f"create view seq_1_to_{n} as with recursive r (seq) as (select 1 union all select seq + 1 from r "
                  f"where seq < {n}) select seq from r;\n" for n in (3, 5, 800))


def make_root(folder):
    root = os.environ.get("MYSQL9_ROOT") or os.path.join(folder, "unstable")
    if not os.path.exists(os.path.join(root, "usr/sbin/mysqld")):
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "sid", root, stdout=subprocess.DEVNULL)
    work = os.path.join(root, "record")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    for name in ("mysql9.c", "said.h"):
        shutil.copy(os.path.join(HERE, "mysql_c", name), work)
    run("chroot", root, "sh", "-c", "cd /record && cc -o mysql9 mysql9.c $(mysql_config --cflags --libs)")
    return root


@contextlib.contextmanager
def mysqld(root):
    options = ["--no-defaults", "--user=root", "--datadir=/record/data", "--mysqlx=off", "--secure-file-priv="]
    run("chroot", root, "mysqld", *options, "--initialize-insecure", stderr=subprocess.DEVNULL)
    server = subprocess.Popen(
        ["chroot", root, "mysqld", *options, f"--port={PORT}", "--bind-address=127.0.0.1", "--socket=/record/socket",
         "--gtid-mode=on", "--enforce-gtid-consistency=on", "--server-id=1", "--log-bin=bin", "--sync-binlog=0",
         "--innodb-flush-log-at-trx-commit=0", "--local-infile=1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while server.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", PORT)).close()
            break
        time.sleep(0.05)
    else:
        sys.exit("record_mysql9.py: mysqld does not start: run its command line by hand to see why")
    statements, procedure = SCHEMA.split("create procedure")
    mysql = ["chroot", root, "mysql", "--no-defaults", "--socket=/record/socket", "-uroot"]
    run(*mysql, input=(statements + NUMBERS +
                       "install component 'file://component_query_attributes';").encode())
    run(*mysql, "shop", input=("delimiter //\ncreate procedure" + procedure.rstrip()[:-1] + "//\n").encode())
    try:
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def inside(*command, **how):
    return run("chroot", os.environ["MYSQL9_ROOT"], *command, **how)


HOW = ["--no-defaults", "-h127.0.0.1", f"-P{PORT}", "-ushop", "-pt0psecret", "--ssl-mode=DISABLED", "--get-server-public-key"]


def cli(log, queries, *options):
    """`queries` may hold commands of the client itself, without a semicolon, which are no statements."""
    lines = [q if q.startswith("query_attributes") else q + ";" for q in queries]
    inside("mysql", *HOW, "shop", "--force", "--commands", "--named-commands", *options, input="\n".join([*lines, ""]).encode(), stdout=subprocess.DEVNULL,
           stderr=subprocess.DEVNULL)
    for query in queries:
        if not query.startswith("query_attributes"):
            log.add(client="mysql", port=None, query=query)


# ---- the cases ----

def case_cli(log):
    cli(log, ["select 'id-1'", "query_attributes trace 00-4bf92f35 span 7", "select 'id-2', mysql_query_attribute_string('span')",
              "create table t (a int, b varchar(9))", "insert into t values (1, 'x'), (2, 'y')", "select * from t",
              "show tables", "select * from nowhere", "explain format=tree select * from t", "drop table t"])


def case_zstd(log):
    for level in ("1", "19"):
        cli(log, [f"select 'id-{level}'", "select 'id-2', repeat('abc', 3000)", "select 'id-3', seq from seq_1_to_800",
                  "insert into item (note, name) values ('" + "long text " * 900 + "', 'id-4')", "select * from nowhere",
                  "select 'id-5'"], "--compression-algorithms=zstd", f"--zstd-compression-level={level}")


def case_zlib(log):
    cli(log, ["select 'id-1'", "select 'id-2', repeat('abc', 3000)", "select 'id-3', seq from seq_1_to_800", "select 'id-4'"],
        "--compression-algorithms=zlib")


def case_binlog(log):
    inside("mysqlbinlog", *HOW, "--read-from-remote-source=BINLOG-DUMP-GTIDS", "--raw", "--result-file=/record/", "bin.000001",
           "--exclude-gtids=00000000-0000-0000-0000-000000000001:1-5", stderr=subprocess.DEVNULL)


def own_client(log, case):
    clients_own_log(log, "chroot", os.environ["MYSQL9_ROOT"], "/record/mysql9", case)


def case_attributes(log):
    own_client(log, "attributes")


def case_metadata(log):
    """Column definitions left out when the session asks for that."""
    own_client(log, "metadata")


def case_cursor(log):
    own_client(log, "cursor")


def case_session(log):
    """OK packets with changes of the session's state; two logins' rounds with a public key."""
    own_client(log, "session")


def case_python(log):
    """Connector with attributes; PyMySQL with the server's public key."""
    with Session(log, "connector", database="shop") as s:
        for i, attribute in enumerate(["00-aa-01", 7, None, 1.5]):
            cursor = s.db.cursor()
            cursor.add_attribute("trace", attribute)
            s.ask(f"select 'id-{i}', mysql_query_attribute_string('trace')", cursor=cursor)
            cursor.close()
        prepared = s.db.cursor(prepared=True)
        for i in (5, 6):
            s.ask("select ? as id, ? + 1 as n", (f"id-{i}", i), prepared)
        prepared.close()
        s.db.cmd_reset_connection()
        s.db.cmd_change_user("slow", "t0psecret", "shop")
        s.ask("select 'id-7', user()")
    with Session(log, "pymysql", database="shop") as s:
        s.ask("select 'id-8'")
        s.ask("select * from nowhere")
        s.ask("insert into item (name, price) values ('id-9', 9.99), ('two', 1)")
        s.ask("select name, price from item")


def case_go(log):
    record_mysql.case_go(log)


def case_java(log):
    java(log, "mysql-java", f"mysql://127.0.0.1:{PORT}/shop?sslMode=DISABLED&allowPublicKeyRetrieval=true&useServerPrepStmts=true&"
         "emulateUnsupportedPstmts=false&useCursorFetch=true&defaultFetchSize=2&allowMultiQueries=true")


def main(wanted):
    cases = {name[len("case_"):]: made for name, made in globals().items() if name.startswith("case_")}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MYSQL9_ROOT"] = root = make_root(folder)
        run(sys.executable, "-m", "pip", "install", "-q", "--target", folder + "/python", "pymysql", "cryptography",
            "mysql-connector-python", stderr=subprocess.DEVNULL)
        sys.path.insert(0, folder + "/python")
        if not wanted or "go" in wanted:
            build_go(folder)
        if not wanted or "java" in wanted:
            build_java(folder)
        record(mysqld(root), cases, wanted, "mysql9_")


if __name__ == "__main__":
    main(sys.argv[1:])
