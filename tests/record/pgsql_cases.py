"""The recorded PostgreSQL cases, from the plain to the odd: what record_pgsql.py runs.

A row of a log is one exchange as its client saw it: `query` the text that the server got, `params` as
the server prints them (null: not compared), `rows`, `tag`, `code`, `message` and the error's further
parts, `first` the first row's values, `notices`, `skipped` behind an error of a pipeline, `fetch` where
a portal was read so many rows at a time, `copy_bytes`. `port` is left out where the client does not
tell. ID in a text becomes the row's number, which its answer repeats.
"""
import asyncio
import contextlib
import datetime
import decimal
import itertools
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time
import uuid

import asyncpg
import pg8000.native
import psycopg
from psycopg.types.json import Jsonb

from record_http import run
from record_pgsql import admin, program

HOST = dict(host="127.0.0.1", dbname="shop")
PARTS = dict(D="detail", H="hint", t="table", n="constraint", s="schema")


def number(log, text):
    n = log.number()
    return text.replace("ID", f"id-{n}") if isinstance(text, str) else text, n


# ---- psql: what it prints is what it got ----

TAG = re.compile(r"^(SELECT|INSERT|UPDATE|DELETE|COPY|FETCH|[A-Z]+( [A-Z]+)*)( \d+)*$")
COUNT = re.compile(r"^\((\d+) rows?\)$")
ERROR = re.compile(r"^(?:ERROR|FATAL): +(\w{5}): (.*)$")
MORE = re.compile(r"^(DETAIL|HINT|SCHEMA NAME|TABLE NAME|CONSTRAINT NAME): +(.*)$")


def outcomes(said):
    """Of what psql prints (VERBOSITY verbose): one for each statement that was answered."""
    found, notices = [], 0
    for line in said.splitlines():
        more = MORE.match(line)
        if COUNT.match(line):
            found.append(dict(rows=int(COUNT.match(line)[1]), notices=notices))
        elif ERROR.match(line):
            found.append(dict(code=ERROR.match(line)[1], message=ERROR.match(line)[2], notices=notices))
        elif more and found and "code" in found[-1]:
            found[-1][more[1].split()[0].lower()] = more[2]
        elif line.startswith(("NOTICE:", "WARNING:")):
            notices += 1
            continue
        elif TAG.match(line):
            found.append(dict(tag=line, notices=notices))
        else:
            continue
        notices = 0
    return found


def said_by_psql(text, at_once=False, user="trusty", env=()):
    return subprocess.run([*program("psql"), "-X", "-A", "-h", "127.0.0.1", "-U", user, "-d", "shop", "-v", "VERBOSITY=verbose",
                           *(["-c", text] if at_once else [])], input=None if at_once else text.encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={**os.environ, "PGPASSWORD": "hunter2", "PGSSLMODE": "disable",
                               "PGGSSENCMODE": "disable", **dict(env)}).stdout.decode()


def psql(log, *queries, script=None, at_once=True, user="trusty", env=(), **more):
    """At once: all in one Query. Otherwise one after the other; `script` adds what COPY reads."""
    queries = [number(log, query)[0] for query in queries]
    text = "; ".join(queries) if at_once else ";\n".join(queries) + ";\n" + (script or "")
    sent_at = time.time_ns()
    said = said_by_psql(text, at_once, user, env)
    done_at = time.time_ns()
    for query, got in zip(queries, outcomes(said)):
        log.add(client="psql", query=query, **got, **more, sent_at=sent_at, done_at=done_at)


def case_psql(log):
    psql(log, "select 'ID' as id, 1")
    psql(log, "select 'ID' as id", "insert into item values (1000, '; $$') /* ID */", "select id, name, 'ID' from item where id > 990 -- ;")
    psql(log, "select 'ID'", "select 'ID', 1/0", "select 'never'")
    psql(log, "insert into item values (1, 'ID')")
    psql(log, "insert into item values (3000, 'ID', 1000000)")
    psql(log, "select 'ID', nam from item")
    psql(log, "do $$ begin raise notice 'hello; ID'; raise warning 'twice'; end $$", "drop table if exists nowhere /* ID */",
         at_once=False)
    psql(log, "create function f() returns int language sql begin atomic; select 1; select 2 /* ID */; end",
         "drop function f() /* ID */")
    psql(log, "begin /* ID */", "select 'ID' from nowhere", "select 'ID'", "rollback /* ID */", at_once=False)
    psql(log, "copy item from stdin /* ID */", script="2001\tone\t1.5\n2002\ttwo\t2.5\n\\.\n", at_once=False)
    psql(log, "copy item from stdin /* ID */", script="2003\tone\tx\n2004\ttwo\t2.5\n\\.\n", at_once=False)
    psql(log, "delete from item where id >= 1000 /* ID */", "declare c cursor with hold for select 'x', id from item /* ID */",
         "fetch 7 from c /* ID */", "move 3 from c /* ID */", "close c /* ID */", at_once=False)
    psql(log, "selec 'ID'; select 1")  # an error of reading is about the whole text
    psql(log, "select 'ID', repeat('long ', 4000), i from generate_series(1, 3) i")
    psql(log, "select 'ID', i from generate_series(1, 1500) i")


def case_empty(log):
    """Nothing asked, and nothing but comments."""
    with connect3() as conn:
        for query in ("", ";;", "-- ID", "/* ID */", " \n"):
            ask3(log, conn, query)
        for query in ("select 'ID'; ; -- nothing", "; select 'ID'"):
            ask3(log, conn, query)
            log.rows[-1]["query"] = re.search("select 'id-[0-9]+'", log.rows[-1]["query"])[0]
        ask3(log, conn, "select 'ID'", binary=True)


# ---- psycopg 3 ----

def connect3(user="trusty", **how):
    return psycopg.connect(user=user, **{**HOST, **dict(autocommit=True, sslmode="disable", gssencmode="disable"), **how})


def port_of(conn):
    with socket.socket(fileno=os.dup(conn.fileno())) as s:
        return s.getsockname()[1]


def error_of(error):
    said = error.diag
    names = dict(code="sqlstate", message="message_primary", detail="message_detail", hint="message_hint",
                 table="table_name", constraint="constraint_name", schema="schema_name")
    return {name: getattr(said, of) for name, of in names.items() if getattr(said, of)}


def plain(row):
    """Of a row, what all formats show alike."""
    return [v if v is None or isinstance(v, str) else str(v) if isinstance(v, int) and not isinstance(v, bool) else "?"
            for v in row] if row else None


def ask3(log, conn, query, params=None, echo=None, **how):
    """`echo`: the answer's second column is the parameter as the server prints it."""
    query, n = number(log, query)
    params = None if params is None else [p.replace("ID", f"id-{n}") if isinstance(p, str) else p for p in params]
    sent = query if params is None else re.sub("%[sb]", lambda m, i=itertools.count(1): f"${next(i)}", query)
    notices, row = [], dict(client="psycopg3", port=port_of(conn), query=sent.strip())
    conn.add_notice_handler(notices.append)
    row["sent_at"] = time.time_ns()
    got = []
    try:
        cursor = conn.execute(query, params, **how)
        while True:
            rows = cursor.fetchall() if cursor.description else None
            got.append(dict(tag=cursor.statusmessage, **({} if rows is None else dict(rows=len(rows), first=plain(rows and rows[0])))))
            if echo and rows:
                params[1] = rows[0][1]
            if not cursor.nextset():
                break
    except psycopg.Error as error:
        got.append(error_of(error))
    row["done_at"] = time.time_ns()
    conn.remove_notice_handler(notices.append)
    if params is not None:
        row["params"] = ["NULL" if p is None else p if isinstance(p, str) else str(p) if type(p) is int else None for p in params]
    texts = row.pop("query").split("; ") if len(got) > 1 else [row.pop("query")]
    for text, one in zip(texts, got):
        log.add(**row, query=text, **one, notices=len(notices) if len(got) == 1 else 0)


ZONE = datetime.timezone.utc
TYPED = [("int", 7), ("bigint", -2 ** 40), ("smallint", -3), ("numeric", decimal.Decimal("-1234.5600")),
         ("numeric", decimal.Decimal("0.000012")), ("numeric", decimal.Decimal("100000000000000000000")), ("numeric", decimal.Decimal("NaN")),
         ("float8", 2.5), ("float8", 1e-9), ("float8", 1e300), ("float8", float("-inf")), ("text", "Zoë 'x', \"y\""),
         ("bytea", b"\x00\xff"), ("uuid", uuid.UUID(int=5)), ("date", datetime.date(2026, 1, 2)), ("date", datetime.date(1, 1, 1)),
         ("timestamp", datetime.datetime(2026, 1, 2, 3, 4, 5, 678)), ("timestamp", datetime.datetime(1969, 12, 31, 23, 59, 59)),
         ("jsonb", Jsonb({"a": [1, None]})), ("int[]", [1, 2, None]), ("text[]", ["a", "b,c", 'd"', "null", ""]),
         ("int[]", [[1, 2], [3, 4]]), ("text", None), ("time", datetime.time(1, 2, 3))]
BINARY_TYPED = [("float4", psycopg.types.numeric.Float4(0.1)), ("interval", datetime.timedelta(days=1, seconds=3)),
                ("interval", datetime.timedelta(days=-400, microseconds=5)),
                ("timestamptz", datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=ZONE))]


def case_types(log):
    with connect3() as conn:
        for mark, typed in (("%s", TYPED), ("%b", TYPED + BINARY_TYPED)):
            for kind, param in typed:
                ask3(log, conn, f"select {mark}::text, {mark}::{kind}::text", ["ID", param], echo=True, binary=mark == "%b")
        for value in (True, False):
            ask3(log, conn, "select %b::text, %b::bool", ["ID", value], binary=True)


def case_psycopg3(log):
    with connect3() as conn:
        ask3(log, conn, "select 'ID', 1; select 'ID', 2; update item set name = name where id < 5 -- ID")
        ask3(log, conn, "select %s::text, 1/0", ["ID"])
        for i in range(4):
            ask3(log, conn, "select %s::text, name from item where id = %s", ["ID", i], prepare=True)
        ask3(log, conn, "update item set name = name where id < %s and 'ID' <> %s", [4, "ID"])
        ask3(log, conn, "select 'ID' from nowhere")
        ask3(log, conn, "insert into sale values (99999, now(), 'ID')")  # deferred: fails at its end
        ask3(log, conn, "insert into sale values (%s, now(), %s)", [99999, "ID"])  # and this at Sync
        ask3(log, conn, "insert into item values (%s, %s)", [5, "ID"])
        ask3(log, conn, "do $$ begin raise notice 'one: ID'; end $$")
        with conn.transaction():
            ask3(log, conn, "select 'ID', %s::int", [3])
            ask3(log, conn, "create temp table t as select 'ID' as id")
        ask3(log, conn, "select count(*), 'ID' from item, t where t.id <> item.name")


def case_pipeline(log):
    """psycopg's pipeline mode: libpq's."""
    query = "select %s::text, 10 / %s::int"
    with connect3() as conn:
        for broken in (None, 5):
            asked = []
            with contextlib.suppress(psycopg.Error), conn.pipeline() as pipeline:
                for i in range(10):
                    text, n = number(log, "id-ID")
                    params = [text[3:], 0 if i == broken else 2]
                    row = dict(client="psycopg3", port=port_of(conn), query="select $1::text, 10 / $2::int",
                               params=[str(p) for p in params], sent_at=time.time_ns())
                    asked.append((row, conn.execute(query, params, prepare=False)))
                    if i == 7:
                        with contextlib.suppress(psycopg.Error):
                            pipeline.sync()
            done_at = time.time_ns()
            for i, (row, cursor) in enumerate(asked):
                if i == broken:
                    got = dict(code="22012", message="division by zero")
                elif broken is not None and broken < i <= 7:
                    got = dict(skipped=True)
                else:
                    rows = cursor.fetchall()
                    got = dict(tag=cursor.statusmessage, rows=len(rows), first=plain(rows[0]))
                log.add(**row, **got, done_at=done_at)


def case_cursors(log):
    """A server's cursor by DECLARE and FETCH."""
    with connect3() as conn, conn.transaction(), conn.cursor(name="c1") as cursor:
        query, _ = number(log, "select i, 'ID' from generate_series(1, 50) i")
        port = port_of(conn)
        times = [time.time_ns()]
        cursor.execute(query)
        times.append(time.time_ns())
        log.add(client="psycopg3", port=port, query=f'DECLARE "c1" CURSOR FOR {query}', tag="DECLARE CURSOR",
                sent_at=times[0], done_at=times[1])
        for many in (20, 20, 20):
            sent_at = time.time_ns()
            rows = cursor.fetchmany(many)
            log.add(client="psycopg3", port=port, query=f'FETCH FORWARD {many} FROM "c1"', rows=len(rows),
                    tag=f"FETCH {len(rows)}", sent_at=sent_at, done_at=time.time_ns())


def case_copy(log):
    with connect3() as conn, conn.cursor() as cursor:
        def copied(query, rows, bytes_, sent_at, **more):
            log.add(client="psycopg3", port=port_of(conn), query=query, copy_bytes=bytes_, sent_at=sent_at,
                    done_at=time.time_ns(), **({} if "code" in more else dict(tag=f"COPY {rows}")), **more)

        def send(query, lines, binary=False):
            query, _ = number(log, query)
            sent_at, size = time.time_ns(), 0
            try:
                with cursor.copy(query) as copy:
                    for line in lines:
                        copy.write(line)
                        size += len(line)
                copied(query, cursor.rowcount, size, sent_at)
            except psycopg.Error as error:
                copied(query, 0, None, sent_at, **error_of(error))

        send("copy item (id, name) from stdin /* ID */", [b"%d\t%s\n" % (5000 + i, b"x" * (i % 90)) for i in range(300)])
        query, _ = number(log, "copy (select *, 'ID' from item where id >= 5000) to stdout")
        sent_at = time.time_ns()
        with cursor.copy(query) as copy:
            size = sum(len(line) for line in copy)
        copied(query, 300, size, sent_at)
        head = b"PGCOPY\n\xff\r\n\0" + bytes(8)
        send("copy item (id, name) from stdin (format binary) /* ID */",
             [head, struct.pack(">hiiis", 2, 4, 6000, 3, b"s") + b"ix", b"\xff\xff"])
        send("copy item (id, name) from stdin /* ID */", [b"6000\tagain\n"])
        send("copy item (id, name) from stdin /* ID */", [b"%d\tbig %s\n" % (7000 + i, b"y" * 5000) for i in range(6)])
        with contextlib.suppress(psycopg.Error):
            query, _ = number(log, "copy item (id, name) from stdin /* ID */")
            sent_at = time.time_ns()
            with cursor.copy(query) as copy:
                copy.write(b"8000\tgiven up\n")
                raise psycopg.Error("the client thinks better of it")
        copied(query, 0, 14, sent_at, code="57014")
        ask3(log, conn, "delete from item where id >= 5000 -- ID")


# ---- pg8000 and asyncpg: clients of their own make ----

def case_pg8000(log):
    conn = pg8000.native.Connection("trusty", host="127.0.0.1", database="shop", ssl_context=False)
    port = conn._usock.getsockname()[1]

    def ask(query, statement=None, text=None, **params):
        query, n = number(log, query)
        row = dict(client="pg8000", port=port, query=(text or query).replace("ID", f"id-{n}"), sent_at=time.time_ns())
        if params:
            row["params"] = [str(p) for p in params.values()]
        try:
            rows = statement.run(**params) if statement else conn.run(query, **params)
            row.update(rows=len(rows), first=plain(rows and rows[0])) if rows is not None else row.update(affected=None if conn.row_count < 0 else conn.row_count)
        except pg8000.native.DatabaseError as error:
            said = error.args[0]
            row.update(code=said["C"], message=said["M"], **{name: said[key] for key, name in PARTS.items() if key in said})
        log.add(**row, done_at=time.time_ns())

    ask("select 'ID', 1")
    ask("select 'ID', name from item where id < :top", text="select 'ID', name from item where id < $1", top=10)
    ask("select 'ID', cast(:a as int) / cast(:b as int)", text="select 'ID', cast($1 as int) / cast($2 as int)", a=1, b=0)
    ask("insert into item values (5, 'ID')")
    ask("update item set name = name where id <= :top -- ID", text="update item set name = name where id <= $1 -- ID", top=5)
    statement = conn.prepare("select cast(:id as text), name from item where id = :at")
    for i in range(3):
        ask("ID", statement, text="select cast($1 as text), name from item where id = $2", id=f"id-{900 + i}", at=i)
    statement.close()
    ask("begin -- ID")
    ask("select 'ID' from nowhere")
    ask("select 'ID'")
    ask("rollback -- ID")
    conn.close()


def case_asyncpg(log):
    asyncio.run(with_asyncpg(log))


async def with_asyncpg(log):
    conn = await asyncpg.connect(host="127.0.0.1", user="trusty", database="shop", ssl=False)
    port = conn._transport.get_extra_info("sockname")[1]

    async def ask(query, *params, call=conn.fetch, text=None, **more):
        query, n = number(log, query)
        params = [f"id-{n}" if p == "ID" else p for p in params]
        row = dict(client="asyncpg", port=port, query=query, sent_at=time.time_ns(), **more)
        if params:
            row["params"] = ["NULL" if p is None else str(p) for p in params]
        try:
            rows = await call(query, *params)
            row.update(dict(tag=rows) if isinstance(rows, str) else dict(rows=len(rows), first=plain(rows and list(rows[0]))))
        except asyncpg.PostgresError as error:
            row.update(code=error.sqlstate, message=error.message, **{name: error.as_dict().get(of) for name, of in (
                ("detail", "detail"), ("hint", "hint"), ("table", "table_name"), ("constraint", "constraint_name"))
                if error.as_dict().get(of)})
        log.add(**row, done_at=time.time_ns())

    for i in range(3):
        await ask("select $1::text, name, price::text from item where id < $2", "ID", 5 + i)
    await ask("select 'ID', $1::int8, $2::float8, $3::text", 2 ** 40, 0.25, None)
    await ask("update item set name = name where id < $1 -- ID", 4, call=conn.execute)
    await ask("insert into item values ($1, 'ID')", 5, call=conn.execute)
    await ask("select 'ID', 1 / $1::int", 0)
    await ask("select 'ID', nowhere.x from item")
    # Pipelined: a Bind and an Execute each, one Sync.
    query, sent_at = "insert into item values ($1, $2)", time.time_ns()
    await conn.executemany(query, [(9000 + i, f"many {i}") for i in range(12)])
    for i in range(12):
        log.add(client="asyncpg", port=port, query=query, params=[str(9000 + i), f"many {i}"], tag="INSERT 0 1",
                sent_at=sent_at, done_at=time.time_ns())
    async with conn.transaction():
        query, n = number(log, "select i, 'ID' from generate_series(1, $1::int) i")
        sent_at, count = time.time_ns(), 0
        async for _ in conn.cursor(query, 47, prefetch=10):
            count += 1
        log.add(client="asyncpg", port=port, query=query, params=["47"], rows=count, fetch=10, sent_at=sent_at,
                done_at=time.time_ns())
    await ask("delete from item where id >= 9000 -- ID", call=conn.execute)
    await conn.close()


# ---- clients in other languages, which log by themselves ----

def foreign(log, client, *command):
    said = run(*command, stdout=subprocess.PIPE).stdout.decode()
    for line in said.splitlines():
        log.add(client=client, **json.loads(line))


def case_libpq(log):
    foreign(log, "libpq", os.environ["CLIENTS_FOLDER"] + "/pipeline")


def case_go(log):
    foreign(log, "pgx", os.environ["CLIENTS_FOLDER"] + "/go/client")


def before_java():
    folder = os.environ["CLIENTS_FOLDER"]
    client = subprocess.Popen(["java", "-cp", f"{folder}/java:{folder}/java/*", "Client"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    client.stdout.readline()
    return client


def case_java(log, client):
    for line in client.communicate("go")[0].splitlines():
        log.add(client="jdbc", **json.loads(line))


def case_node(log):
    foreign(log, "node", "node", os.environ["CLIENTS_FOLDER"] + "/client.js")


# ---- logins ----

def login(log, user, wants=None, database="shop", **how):
    row = dict(client="psycopg3", command="Startup", user=user, db=database, sent_at=time.time_ns())
    try:
        with connect3(user, dbname=database, **how) as conn:
            row.update(port=port_of(conn), server_pid=conn.info.backend_pid, authentication=wants, done_at=time.time_ns(),
                       protocol="{}.{}".format(*divmod(conn.info.full_protocol_version, 10000)))
            log.add(**row)
            ask3(log, conn, "select 'ID'")
    except psycopg.OperationalError as error:
        refused = {"code": wants} if wants else {}  # otherwise it is the client that does not go on
        log.add(**row, **refused, failed=str(error).rsplit("FATAL:  ", 1)[-1].strip(), done_at=time.time_ns())


def case_login(log):
    for user, wants in (("trusty", None), ("md", "md5"), ("scram", "SCRAM-SHA-256"), ("clear", "password")):
        login(log, user, wants, password="hunter2")
    for user in ("md", "scram", "clear"):
        login(log, user, "28P01", password="wrong")
    login(log, "nobody", "28000")
    login(log, "trusty", "3D000", database="nowhere")
    login(log, "scram", "SCRAM-SHA-256", password="hunter2", sslmode="prefer", gssencmode="prefer")
    login(log, "trusty", None, sslmode="prefer", application_name="a shop's till")
    log.add(client="asyncpg", command="Startup", user="scram", authentication="SCRAM-SHA-256", **asyncio.run(asyncpg_login()))


async def asyncpg_login():
    sent_at = time.time_ns()
    conn = await asyncpg.connect(host="127.0.0.1", user="scram", password="hunter2", database="shop", ssl=False)
    done_at, port = time.time_ns(), conn._transport.get_extra_info("sockname")[1]
    pid = conn.get_server_pid()
    await conn.close()
    return dict(port=port, server_pid=pid, sent_at=sent_at, done_at=done_at)


def before_tls():
    admin("alter system set ssl = on; select pg_reload_conf();")
    time.sleep(0.5)


def case_tls(log, _):
    for how in (dict(sslmode="require"), dict(sslmode="prefer", gssencmode="prefer")):
        sent_at = time.time_ns()
        with connect3(**how) as conn:
            log.add(client="psycopg3", command="SSLRequest", port=port_of(conn), sent_at=sent_at, done_at=time.time_ns())
            conn.execute("select 'hidden'")
    login(log, "trusty", None, sslmode="allow")
    admin("alter system set ssl = off; select pg_reload_conf();")


# ---- what the server says by itself, and what clients say without an answer ----

def cancelled(log, conn, cancel):
    timer = threading.Timer(0.05, cancel)
    timer.start()
    ask3(log, conn, "select pg_sleep(5), 'ID'")
    timer.join()
    log.add(client="psycopg3", command="CancelRequest", server_pid=conn.info.backend_pid)


def case_notify(log):
    with connect3() as listener, connect3() as speaker:
        ask3(log, listener, "listen jobs -- ID")
        port, pid = port_of(listener), speaker.info.backend_pid
        for i in range(3):
            ask3(log, speaker, f"notify jobs, 'number {i}' -- ID")
        for notice in listener.notifies(timeout=2, stop_after=3):
            log.add(client="psycopg3", command="NotificationResponse", port=port, channel=notice.channel,
                    payload=notice.payload, server_pid=notice.pid)
        cancelled(log, speaker, speaker.cancel)
        ask3(log, listener, "select 'ID', pg_terminate_backend(%s)::text", [pid])
        time.sleep(0.1)
        with contextlib.suppress(psycopg.Error):
            speaker.execute("select 1")


def streaming(application, command, env):
    """The command, which goes on; it streams when this returns, so that what begins after it comes after it on the wire, too."""
    stream = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    admin(f"""do $$ begin
        while not exists (select from pg_stat_replication where application_name = '{application}' and state = 'streaming') loop
            perform pg_sleep(0.02), pg_stat_clear_snapshot();
        end loop;
    end $$""")
    return stream


def case_replication(log):
    """Streams: a logical one by pg_recvlogical, then pg_receivewal."""
    admin("select pg_create_logical_replication_slot('slot', 'test_decoding'); select pg_switch_wal();")
    folder = os.environ["CLIENTS_FOLDER"] + "/wal"
    os.makedirs(folder, exist_ok=True)
    how = ["-h", "127.0.0.1", "-U", "trusty", "--no-loop"]
    env = dict(os.environ, PGSSLMODE="disable", PGGSSENCMODE="disable")
    streams = [streaming("pg_recvlogical", [*program("pg_recvlogical"), *how, "-d", "shop", "--slot", "slot", "--start", "-f", "-"],
                         env),
               streaming("pg_receivewal", [*program("pg_receivewal"), *how, "-D", folder], env)]
    with connect3() as conn:
        for _ in range(3):
            ask3(log, conn, "update item set name = name where id = 1 -- ID")
    time.sleep(0.5)
    for stream, name in zip(streams, ("START_REPLICATION SLOT \"slot\" LOGICAL", "START_REPLICATION")):
        stream.terminate()
        stream.wait()
        log.add(client="pg_receive", query=name, stream=True)
    admin("select pg_drop_replication_slot('slot');")


# ---- others ----

def case_pgbench(log):
    for mode in ("simple", "extended", "prepared"):
        pgbench(log, mode, "-c", "2", "-t", "3")
    script = os.environ["CLIENTS_FOLDER"] + "/piped.sql"
    with open(script, "w") as out:
        out.write("\\set a random(1, 100000)\n\\startpipeline\nselect abalance from pgbench_accounts where aid = :a;\n"
                  "update pgbench_accounts set abalance = abalance + 1 where aid = :a;\nselect 1;\n\\endpipeline\n")
    pgbench(log, "prepared", "-c", "2", "-t", "4", "-f", script)


def pgbench(log, mode, *options):
    said = run(*program("pgbench"), "-h", "127.0.0.1", "-U", "trusty", "-n", "-r", "-M", mode, *options, "shop",
               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
               env=dict(os.environ, PGSSLMODE="disable", PGGSSENCMODE="disable")).stdout.decode()
    done = re.search(r"actually processed: (\d+)", said)
    each = len(re.findall(r"^ +\d+\.\d+ +\d+ +[^\\ ]", said, re.M))
    log.add(client="pgbench", mode=mode, transactions=int(done[1]), statements=each)


def before_late():
    """A session whose statements were prepared before anybody listened."""
    conn = connect3()
    for _ in range(2):
        conn.execute("select %s::text, name from item where id = %s", ["x", 1], prepare=True)
    return conn


def case_late(log, conn):
    with conn:
        for i in range(3):
            ask3(log, conn, "select %s::text, name from item where id = %s", ["ID", i], prepare=True)
            log.rows[-1].update(late=True, params=[log.rows[-1]["params"][0], None])  # its type was not seen
        ask3(log, conn, "select 'ID', 1")
        ask3(log, conn, "select %s::text, 'new'", ["ID"], prepare=True)
        # The first may be one of several under way when the capture begins: its answer stands alone.
        log.rows[0] = dict(client="psycopg3", unasked=True, tag=log.rows[0]["tag"], port=log.rows[0]["port"])
        for row in log.rows[3:]:
            row["unknown"] = True  # who logged in


def case_crowd(log):
    def one(which):
        with connect3() as conn:
            for i in range(8):
                ask3(log, conn, "select %s::text, repeat('c', %s)", ["ID", which * i * 30], prepare=which % 2 == 0)
            ask3(log, conn, f"select 'ID', {which}; select 'ID', 2")

    threads = [threading.Thread(target=one, args=(which,)) for which in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def case_wide(log):
    with connect3() as conn:
        ask3(log, conn, "select 'ID', " + ", ".join(f"{i} as c{i}" for i in range(1200)))
        ask3(log, conn, "select 'ID', '" + "y" * 70000 + "' <> ''")
        ask3(log, conn, "select %s::text, length(%s)", ["ID", "z" * 80000])
        ask3(log, conn, "select %s::text, i, null, '' from generate_series(1, 2000) i", ["ID"], binary=True)


CASES = {name[len("case_"):]: made for name, made in list(globals().items()) if name.startswith("case_")}
BEFORE = {name[len("before_"):]: made for name, made in list(globals().items()) if name.startswith("before_")}
