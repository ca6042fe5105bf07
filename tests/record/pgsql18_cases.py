"""The recorded cases of PostgreSQL 18, in protocol 3.2: what record_pgsql18.py runs. Rows as in pgsql_cases.py."""
import time

import pgsql_cases
from pgsql_cases import ask3, cancelled, connect3, foreign, login, number, outcomes, psql, said_by_psql
from record_pgsql import root


def bound(log, *asked, begin="", send="\\g", end=""):
    """Statements with their parameters, by psql's commands for the extended protocol."""
    rows, script = [], begin
    for query, *params in asked:
        params = [number(log, params[0])[0], *params[1:]]
        rows.append(dict(query=query, params=params))
        script += f"{query} \\bind {' '.join(params)} {send}\n"
    sent_at = time.time_ns()
    said = outcomes(said_by_psql(script + end))
    assert len(said) == len(rows), said
    for row, got in zip(rows, said):
        log.add(client="psql", **row, **got, sent_at=sent_at, done_at=time.time_ns())


def case_psql(log):
    psql(log, "select 'ID' as id, 1")
    psql(log, "select 'ID'", "insert into item values (1000, 'new') /* ID */", "select id, name, 'ID' from item where id > 990")
    psql(log, "select 'ID'", "select 'ID', 1/0", "select 'never'")
    psql(log, "insert into item values (1, 'ID')")
    psql(log, "copy item from stdin /* ID */", script="2001\tone\t1.5\n2002\ttwo\t2.5\n\\.\n", at_once=False)
    psql(log, "copy item from stdin /* ID */", script="2003\tone\tx\n2004\ttwo\t2.5\n\\.\n", at_once=False)
    psql(log, "delete from item where id >= 1000 /* ID */", user="scram")
    asked = [("select $1::text, 7 / $2::int", "ID", str(i)) for i in (1, 2, 3)]
    bound(log, *asked, ("select $1::text, 7 / $2::int", "ID", "0"), *asked)
    bound(log, *asked, begin="\\startpipeline\n", send="\\sendpipeline", end="\\endpipeline\n")


def case_psycopg3(log):
    """Plain and prepared, errors, its pipeline mode, a server's cursor."""
    pgsql_cases.case_psycopg3(log)
    pgsql_cases.case_pipeline(log)
    pgsql_cases.case_cursors(log)


def case_libpq(log):
    foreign(log, "libpq", "chroot", root(), "/record/pipeline")


def case_login(log):
    for user, wants in (("trusty", None), ("md", "md5"), ("scram", "SCRAM-SHA-256"), ("clear", "password")):
        login(log, user, wants, password="hunter2")
    login(log, "scram", "28P01", password="wrong")
    login(log, "nobody", "28000")
    login(log, "scram", "SCRAM-SHA-256", password="hunter2", min_protocol_version="3.0", max_protocol_version="3.0")


def case_cancel(log):
    """By both of libpq's calls, with a key as long as 3.2 has them and with one of 3.0."""
    for version in ("3.2", "3.0"):
        with connect3(min_protocol_version=version, max_protocol_version=version) as conn:
            for cancel in (conn.cancel, conn.cancel_safe):
                cancelled(log, conn, cancel)
                ask3(log, conn, "select 'ID', 'goes on'")


def case_older(log):
    """A server before 18 is asked for 3.2 and says what it has; one client goes on with that, one does not."""
    how = dict(max_protocol_version="3.2", password="hunter2")
    for user, wants in (("trusty", None), ("scram", "SCRAM-SHA-256")):
        login(log, user, wants, min_protocol_version="3.0", **how)
    with connect3(min_protocol_version="3.0", **how) as conn:
        ask3(log, conn, "select %s::text, 1", ["ID"])
        cancelled(log, conn, conn.cancel_safe)
    login(log, "trusty", None, min_protocol_version="3.2", **how)


CASES = {name[len("case_"):]: made for name, made in list(globals().items()) if name.startswith("case_")}
