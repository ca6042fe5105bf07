#!/usr/bin/env python3
"""Records the MySQL captures that belong to the project: tests/record/record_mysql.py [CASE...]

A MariaDB server in a temporary folder and real clients (MariaDB's own command line and C library,
PyMySQL, MySQL's connector for Python, Go's driver, MySQL's and MariaDB's drivers for Java; all but the
first two from their registries into that folder) talk over the loopback of a network namespace made for the purpose, while tcpdump listens. Leaves
tests/captures/mysql/CASE.pcap and CASE.log: what the clients say they asked and got, a JSON line each.
Needs root, scripts/install-packages record, pip and, for case go, Go.
"""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from client import Log
from record_http import enter_namespace, run, tcpdump

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.join(HERE, "..", "captures", "mysql")
PORT = 3306
USER = dict(user="shop", password="t0psecret")

SCHEMA = """
create database shop; create database other;
create user shop@'%' identified by 't0psecret'; grant all on *.* to shop@'%' with grant option;
create user slow@'%' identified by 't0psecret'; grant all on shop.* to slow@'%';
use shop;
create table item (id int primary key auto_increment, name varchar(200), price decimal(10,2), made datetime(6),
    note text, data blob, weight double, flags bigint unsigned, took time, day date, ratio float, tiny tinyint);
create table line (id int primary key, item int, n int);
create procedure two_results() begin select 'one' as a; select 'two' as b, 2 as n union all select 'three', 3; end;
"""


@contextlib.contextmanager
def mariadb(folder):
    data = os.path.join(folder, "data")
    run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
        "--skip-test-db", "--user=root", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-keyout", key, "-out", cert, stderr=subprocess.DEVNULL)
    server = subprocess.Popen(
        ["mariadbd", "--no-defaults", f"--datadir={data}", "--user=root", f"--port={PORT}", "--bind-address=127.0.0.1",
         f"--socket={folder}/socket", "--local-infile=1", "--log-bin=bin", "--server-id=1", "--binlog-format=row",
         f"--ssl-cert={cert}", f"--ssl-key={key}", "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", PORT)).close()
            break
        time.sleep(0.05)
    statements = SCHEMA.split("create procedure")
    run("mariadb", "--no-defaults", f"--socket={folder}/socket", "-uroot", input=statements[0].encode())
    run("mariadb", "--no-defaults", f"--socket={folder}/socket", "-uroot", "shop",
        input=("delimiter //\ncreate procedure" + statements[1].rstrip()[:-1] + "//\n").encode())
    try:
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def plain(value):
    return value if value is None or isinstance(value, (int, str)) else str(value)


class Session:
    """A client's connection, by whichever driver, that writes down what it does."""

    def __init__(self, log, driver, **how):
        self.log, self.driver = log, driver
        if driver == "pymysql":
            import pymysql
            self.errors = pymysql.err.Error
            self.db = pymysql.connect(host="127.0.0.1", port=PORT, autocommit=None,
                                      **dict(ssl_disabled=True) | USER | how)
            self.port = self.db._sock.getsockname()[1]
        else:
            import mysql.connector
            self.errors = mysql.connector.Error
            self.db = mysql.connector.connect(host="127.0.0.1", port=PORT, use_pure=driver == "connector",
                                              **dict(ssl_disabled=True) | USER | how)
            self.port = self.db._socket.sock.getsockname()[1] if driver == "connector" else None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.db.close()

    def row(self, query, **more):
        self.log.add(client=self.driver, port=self.port, query=query, **more)

    def ask(self, query, params=None, cursor=None, **how):
        """One statement, all its rows read."""
        mine = cursor or self.db.cursor(**how)
        sent_at = time.time_ns()
        more = {}
        try:
            mine.execute(query, params) if params is not None else mine.execute(query)
            rows = list(mine.fetchall()) if mine.description else []
            more = dict(rows=len(rows)) if mine.description else dict(affected=mine.rowcount)
            if mine.lastrowid:
                more["insert_id"] = mine.lastrowid
        except self.errors as error:
            more = dict(code=error.args[0], message=error.args[1] if self.driver == "pymysql" else error.msg)
        done_at = time.time_ns()
        if params is not None:
            more["params"] = [plain(p) for p in params]
        self.row(query, sent_at=sent_at, done_at=done_at, **more)
        if cursor is None:
            mine.close()
        return more


# ---- the cases, from the plain to the odd ----

def case_plain(log):
    with Session(log, "pymysql", database="shop") as s:
        s.ask("select 'id-1' as id")
        s.ask("insert into item (name, price) values ('id-2', 9.99), ('two', 1), ('Zoë, \"x\"', null)")
        s.ask("select id, name, price from item where price > 0.5 order by id")
        s.ask("update item set price = price + 1 where name = 'two'")
        s.ask("select * from nowhere")
        s.ask("selec 1")
        s.ask("insert into item (id, name) values (1, 'id-8')")
        s.ask("select 1 from item where 1 = 0")
        s.ask("delete from item where id in (1, 2, 3)")
        s.ask("use other")
        s.ask("select database(), 'id-11'")
        s.ask("begin")
        s.ask("select 'id-12', null, '', 'a,b', 'say \"x\"'")
        s.ask("commit")
        s.db.ping(reconnect=False)
        s.db.select_db("shop")
        s.ask("do sleep(0.01)")
        s.ask("call two_results()")


def case_connector(log):
    with Session(log, "connector", database="shop") as s:
        for i in range(20, 26):
            s.ask(f"select 'id-{i}', {i}")
        s.ask("select * from missing")
        s.db.cmd_ping()
        s.db.cmd_statistics()
        s.db.cmd_init_db("other")
        s.ask("select 'id-30', database()")
        s.db.cmd_reset_connection()
        s.db.cmd_change_user("slow", "t0psecret", "shop")
        s.ask("select 'id-31', user()")


def case_prepared(log):
    import datetime
    import decimal
    with Session(log, "connector", database="shop") as s:
        insert = s.db.cursor(prepared=True)
        text = ("insert into item (name, price, made, note, data, weight, flags, took, day, tiny) "
                "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678900)
        s.ask(text, ("id-40", decimal.Decimal("12.50"), moment, None, b"\x00\xff", 1.5, 2**40,
                     datetime.timedelta(hours=-30, seconds=5), datetime.date(2026, 5, 6), -7), insert)
        s.ask(text, ("id-41", decimal.Decimal("0.01"), moment.replace(microsecond=0), "n" * 300, None, -0.1, 3,
                     datetime.timedelta(days=2, microseconds=77), None, 8), insert)
        insert.close()
        select = s.db.cursor(prepared=True)
        for i in (42, 43, 44):
            s.ask("select ? as id, name, price, made, weight, flags, took, day, tiny, note from item where name like ?",
                  (f"id-{i}", "id-4%"), select)
        select.close()
        none = s.db.cursor(prepared=True)
        s.ask("select 'id-45', null, count(*) from item", (), none)
        none.close()
        broken = s.db.cursor(prepared=True)
        s.ask("select ? from nowhere", ("id-46",), broken)


def case_several(log):
    import pymysql
    with Session(log, "pymysql", database="shop", client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as s:
        for query in ("select 'id-50'; select 2, 3; update item set n = 1", "select 'id-51'; insert into line values "
                      "(1, 2, 3), (4, 5, 6); select * from line order by id", "set @a = 1; select 'id-52', @a"):
            cursor, rows, results, code = s.db.cursor(), 0, 1, None
            sent_at = time.time_ns()
            try:
                cursor.execute(query)
                rows += len(cursor.fetchall())
                while cursor.nextset():
                    results += 1
                    rows += len(cursor.fetchall())
            except s.errors as error:
                code = error.args[0]
            s.row(query, rows=rows, sent_at=sent_at, done_at=time.time_ns(), **dict(code=code) if code else {})


def case_wide(log):
    """More columns than one byte counts, and more rows than one packet holds."""
    with Session(log, "pymysql", database="shop") as s:
        s.ask("select 'id-60', " + ", ".join(f"{i} as c{i}" for i in range(299)))
        s.ask("select 'id-61', repeat('x', 9000)")
        s.ask("select concat('id-62'), seq from seq_1_to_600")
        s.ask("insert into item (note, name) values ('" + "y" * 17000 + "', 'id-63')")


def case_compressed(log):
    with Session(log, "connector", database="shop", compress=True) as s:
        s.ask("select 'id-70'")
        s.ask("select 'id-71', repeat('abc', 2000)")
        s.ask("select 'id-72', seq from seq_1_to_3000")
        s.ask("insert into item (note, name) values ('" + "long text " * 900 + "', 'id-73')")
        s.ask("select * from nowhere")
        cursor = s.db.cursor(prepared=True)
        s.ask("select ?, repeat('z', 400)", ("id-74",), cursor)
        cursor.close()
    queries = ["select 'id-75'", "select 'id-76', repeat('q', 3000)", "select 'id-77', seq from seq_1_to_200"]
    cli(log, queries, "--compress")


def cli(log, queries, *options):
    run("mariadb", "--no-defaults", "-h127.0.0.1", f"-P{PORT}", "-ushop", "-pt0psecret", "shop", "--skip-ssl", "--force",
        *options, input=";\n".join([*queries, ""]).encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for query in queries:
        log.add(client="mariadb", port=None, query=query)


def case_cli(log):
    cli(log, ["select 'id-80'", "create table t (a int, b varchar(9))", "insert into t values (1, 'x'), (2, 'y')",
              "select * from t, item where t.a = item.id", "show tables", "explain select * from t", "drop table t"])


def case_infile(log):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as table:
        table.writelines(f"{i}\t{i * 2}\t{i * 3}\n" for i in range(100, 400))
        table.flush()
        with Session(log, "pymysql", database="shop", local_infile=True) as s:
            query = f"load data local infile '{table.name}' into table line"
            s.ask(query)
            s.log.rows[-1]["infile"] = os.path.getsize(table.name)
            s.ask("select 'id-90', count(*) from line")
            s.ask("load data local infile '/nowhere/at/all' into table line")
            s.ask("select 'id-91'")


def case_login(log):
    import pymysql
    for how in (dict(password="wrong"), dict(user="nobody"), dict(database="nowhere"), {}):
        with contextlib.suppress(pymysql.err.Error):
            with Session(log, "pymysql", **how) as s:
                s.ask("select 'id-100', current_user()")
    with Session(log, "pymysql") as s:
        s.ask("create user 'new'@'%' identified by 'hunter2'")
        s.log.rows[-1]["query"] = "create user ? @? identified by ?"
        s.ask("set password for 'new'@'%' = password('hunter2')")
        s.log.rows[-1]["query"] = "set password for ? @? = password(?)"
        s.ask("drop user 'new'@'%'")


def case_pipelined(log):
    """Questions sent before the answers to earlier ones were read."""
    with Session(log, "pymysql", database="shop") as s:
        for burst in (3, 7, 12):
            queries = [f"select 'id-{110 + burst * 10 + i}', repeat('p', {i * 50})" for i in range(burst)]
            sent_at = time.time_ns()
            s.db._sock.sendall(b"".join(packet(query) for query in queries))
            for query in queries:
                s.db._next_seq_id = 1
                s.db._read_query_result()
                s.row(query, rows=1, sent_at=sent_at, done_at=time.time_ns())


def packet(query):
    body = b"\x03" + query.encode()
    return len(body).to_bytes(3, "little") + b"\0" + body


def case_binlog(log):
    path = tempfile.mkdtemp()
    run("mariadb-binlog", "--no-defaults", "-h127.0.0.1", f"-P{PORT}", "-ushop", "-pt0psecret", "--skip-ssl",
        "--read-from-remote-server", "--raw", f"--result-file={path}/", "bin.000001", stderr=subprocess.DEVNULL)
    run("rm", "-r", path)


def case_crowd(log):
    def one(which):
        with Session(log, ("pymysql", "connector")[which % 2], database="shop") as s:
            for i in range(8):
                s.ask(f"select 'id-{300 + which * 10 + i}', repeat('c', {which * i * 30})")
            if which % 3 == 0:
                s.ask("insert into line values (%d, 1, 1)" % (5000 + which))

    threads = [threading.Thread(target=one, args=(which,)) for which in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def case_go(log):
    """Go's driver: prepared statements, parameters put into the text, transactions, contexts."""
    folder = os.environ["GO_CLIENT"]
    said = run(os.path.join(folder, "client"), stdout=subprocess.PIPE).stdout.decode()
    import json
    for line in said.splitlines():
        log.add(client="go", **json.loads(line))


def clients_own_log(log, *command):
    import json
    for line in run(*command, stdout=subprocess.PIPE).stdout.decode().splitlines():
        log.add(**json.loads(line))


def case_bulk(log):
    """MariaDB's own library: many rows in one message, with NULLs and defaults among them."""
    clients_own_log(log, os.environ["C_CLIENT"], "bulk")


def case_cursor(log):
    clients_own_log(log, os.environ["C_CLIENT"], "cursor")


def case_metadata(log):
    clients_own_log(log, os.environ["C_CLIENT"], "metadata")


def case_progress(log):
    clients_own_log(log, os.environ["C_CLIENT"], "progress")


def case_direct(log):
    """Prepared and executed at one go, before the server has numbered the statement."""
    clients_own_log(log, os.environ["C_CLIENT"], "direct")


def java(log, name, url):
    clients_own_log(log, "java", "-XX:TieredStopAtLevel=1", "-cp", os.environ["JAVA_CLIENT"] + ":" +
                    os.environ["JAVA_CLIENT"] + "/*", "Client", name, f"jdbc:{url}")


def case_java(log):
    """MySQL's driver: prepared by the server, rows fetched from cursors."""
    java(log, "mysql-java", f"mysql://127.0.0.1:{PORT}/shop?sslMode=DISABLED&useServerPrepStmts=true&"
         "emulateUnsupportedPstmts=false&useCursorFetch=true&defaultFetchSize=2&allowMultiQueries=true")


def case_java_compressed(log):
    java(log, "mysql-java", f"mysql://127.0.0.1:{PORT}/shop?sslMode=DISABLED&useCompression=true&"
         "useServerPrepStmts=true&emulateUnsupportedPstmts=false&allowMultiQueries=true")


def case_java_mariadb(log):
    """MariaDB's driver: statements executed before they are prepared, bulk, metadata left out."""
    java(log, "mariadb-java", f"mariadb://127.0.0.1:{PORT}/shop?sslMode=disable&useServerPrepStmts=true&"
         "useBulkStmts=true&allowMultiQueries=true")


def case_broken(log):
    """Errors in the middle of rows."""
    with Session(log, "pymysql", database="shop") as s:
        s.ask("select 'id-1', seq, repeat('r', 50), (select s.seq from seq_1_to_2 s where s.seq <= if(t.seq = 40, 2, 1)) "
              "from seq_1_to_80 t")
        s.ask("select 'id-2'")


def case_tls(log):
    run("mariadb", "--no-defaults", "-h127.0.0.1", f"-P{PORT}", "-ushop", "-pt0psecret", "shop", "--ssl",
        "--skip-ssl-verify-server-cert", "-e", "select 'never seen', repeat('x', 3000)", stdout=subprocess.DEVNULL)


class Raw:
    """Packets as they are, for what no driver does."""

    def __init__(self):
        import pymysql
        self.db = pymysql.connect(host="127.0.0.1", port=PORT, database="shop", ssl_disabled=True, autocommit=None, **USER)
        self.socket = self.db._sock
        self.port = self.socket.getsockname()[1]
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self):
        self.db._next_seq_id = 1
        self.db._read_query_result()


def case_windowed(log):
    """A client that keeps several questions under way, each in a segment of its own."""
    raw = Raw()
    queries = [f"select 'id-{i + 1}', repeat('w', {i * 37 % 500})" for i in range(40)]
    sent, waiting = [], 4
    for i, query in enumerate(queries):
        sent.append(time.time_ns())
        raw.socket.sendall(packet(query))
        time.sleep(0.0005)
        if i >= waiting:
            raw.read()
            log.add(client="raw", port=raw.port, query=queries[i - waiting], rows=1, sent_at=sent[i - waiting],
                    done_at=time.time_ns())
    for i in range(len(queries) - waiting, len(queries)):
        raw.read()
        log.add(client="raw", port=raw.port, query=queries[i], rows=1, sent_at=sent[i], done_at=time.time_ns())
    raw.db.close()


def build_c(folder):
    os.environ["C_CLIENT"] = os.path.join(folder, "c_client")
    flags = run("mariadb_config", "--cflags", "--libs", stdout=subprocess.PIPE).stdout.decode().split()
    run("cc", "-o", os.environ["C_CLIENT"], os.path.join(HERE, "mysql_c", "client.c"), *flags)


def build_java(folder):
    os.environ["JAVA_CLIENT"] = to = os.path.join(folder, "mysql_java")
    for name in ("com.mysql:mysql-connector-j:9.1.0", "org.mariadb.jdbc:mariadb-java-client:3.5.1"):
        run("mvn", "-q", "dependency:copy", f"-Dartifact={name}", f"-DoutputDirectory={to}")
    run("javac", "-d", to, os.path.join(HERE, "mysql_java", "Client.java"))


def build_go(folder):
    run("cp", "-r", os.path.join(HERE, "mysql_go"), folder)
    os.environ["GO_CLIENT"] = os.path.join(folder, "mysql_go")
    run("go", "build", "-o", "client", ".", cwd=os.environ["GO_CLIENT"])


def record(server, cases, wanted, prefix=""):
    """While the server runs in a network of its own, the cases, each into a capture and a log."""
    enter_namespace()
    os.makedirs(CAPTURES, exist_ok=True)
    with server:
        for name in wanted or cases:
            log = Log(os.path.join(CAPTURES, f"{prefix}{name}.log"))
            path = os.path.join(CAPTURES, f"{prefix}{name}.pcap")
            signal.alarm(30)  # a client that waits for ever ends the recording
            with tcpdump(path):
                cases[name](log)
            signal.alarm(0)
            log.save()
            print(f"{prefix}{name}: {len(log.rows)} exchanges, {os.path.getsize(path)} bytes")


def main(wanted):
    cases = {name[len("case_"):]: made for name, made in globals().items() if name.startswith("case_")}
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "pip", "install", "-q", "--target", folder + "/python", "pymysql",
            "mysql-connector-python", stderr=subprocess.DEVNULL)
        sys.path.insert(0, folder + "/python")
        if not wanted or "go" in wanted:
            build_go(folder)
        if not wanted or {"bulk", "cursor", "metadata", "progress", "direct"} & set(wanted):
            build_c(folder)
        if not wanted or [name for name in wanted if name.startswith("java")]:
            build_java(folder)
        record(mariadb(folder), cases, wanted)


if __name__ == "__main__":
    main(sys.argv[1:])
