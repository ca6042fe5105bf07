"""What those who ask a service feel of its being watched: their own figures, not watched, watched by one worker and by
two, in turn. All at a constant rate that leaves the processors time, but for redis-benchmark, which knows none."""
import csv
import glob
import os
import re
import shutil
import statistics
import subprocess
import time

import watched  # first: it knows where the tests of the program lie
from cases import waited
from watched import HERE, THERE, within

ADDRESS = "10.9.0.1"
SECONDS, ROUNDS = 5, 3
LIMIT = 270  # seconds for all of them: on a busy machine some are left out
WRK_CONNECTIONS, WRK_PAUSE_MS = 16, 4
PGSQL_RATE, SIP_RATE, MYSQL_RATE = 1000, 300, 500  # transactions and calls a second
BIN = (sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [""])[-1]
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
NGINX = """worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder}; keepalive_requests 1000000;
server {{ listen 80; location / {{ return 200 "{body}"; }} }} }}
"""

wrong = []


def ran(namespace, *words, **more):
    return within(namespace, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).communicate()[0].decode()


def spread(times_ms):
    cuts = statistics.quantiles(times_ms, n=100)
    return cuts[49], cuts[98]


class Service:
    """A server; `ask` gives requests, requests a second, median and 99th in milliseconds. `documents`: a request's."""
    needs, documents = (), 1

    def __init__(self, folder, seconds):
        self.folder, self.seconds = folder, seconds
        self.processes = []

    def start(self, *words, **more):
        self.processes.append(within(HERE, *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more))

    def end(self):
        for process in self.processes:
            process.terminate()
            process.wait()


class Nginx(Service):
    title = f"nginx, wrk: {WRK_CONNECTIONS} connections, a pause of {WRK_PAUSE_MS} ms each"
    needs = (("nginx", "nginx-light"), ("wrk", "wrk"))

    def begin(self):
        conf, script = (os.path.join(self.folder, name) for name in ("nginx.conf", "pause.lua"))
        with open(conf, "w") as out:
            out.write(NGINX.format(folder=self.folder, body=600 * "x"))
        with open(script, "w") as out:
            out.write(f"function delay() return {WRK_PAUSE_MS} end\n")
        self.words = ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{self.seconds}s", "-s", script, "--latency",
                      f"http://{ADDRESS}/"]
        self.start("nginx", "-c", conf)
        return waited(lambda: "Requests/sec" in ran(THERE, "wrk", "-t1", "-c1", "-d1s", f"http://{ADDRESS}/"))

    def ask(self):
        text = ran(THERE, *self.words)

        def ms(percent):
            number, unit = re.search(rf" {percent}% +([\d.]+)(us|ms|s)", text).groups()
            return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
        return (int(re.search(r"(\d+) requests in", text).group(1)),
                float(re.search(r"Requests/sec: +([\d.]+)", text).group(1)), ms(50), ms(99))


class Redis(Service):
    title = "redis-server, redis-benchmark: 16 connections, as fast as they can"
    needs = (("redis-server", "redis-server"), ("redis-benchmark", "redis-tools"))

    def begin(self):
        self.start("redis-server", "--save", "", "--protected-mode", "no", "--bind", ADDRESS)
        return waited(lambda: "PONG" in ran(THERE, "redis-cli", "-h", ADDRESS, "PING"))

    def ask(self):
        count = 40000 * self.seconds
        text = ran(THERE, "redis-benchmark", "-h", ADDRESS, "-c", "16", "-n", str(count), "-t", "get", "--csv")
        cells = re.search(r'^"GET",(.*)$', text, re.M).group(1).replace('"', "").split(",")
        return count, float(cells[0]), float(cells[3]), float(cells[5])


class Pgsql(Service):
    title = f"PostgreSQL, pgbench: {PGSQL_RATE} transactions a second, 8 connections"
    needs = ((BIN + "/pgbench", "postgresql"), ("setpriv", "util-linux"))
    documents = 7

    def begin(self):
        data = os.path.join(self.folder, "pgsql")
        os.chmod(self.folder, 0o755)
        os.mkdir(data)
        subprocess.run(["chown", "postgres", data], check=True)
        subprocess.run([*AS_POSTGRES, BIN + "/initdb", "-D", data, "-A", "trust", "--no-locale", "-N"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(data, "pg_hba.conf"), "a") as out:
            out.write("host all all 0.0.0.0/0 trust\n")
        self.start(*AS_POSTGRES, BIN + "/postgres", "-D", data, "-h", ADDRESS, "-k", data, "-c", "fsync=off", "-c",
                   "synchronous_commit=off")
        self.words = ["env", "PGSSLMODE=disable", "PGGSSENCMODE=disable", BIN + "/pgbench", "-h", ADDRESS, "-U", "postgres"]
        ready = waited(lambda: "accepting" in ran(THERE, BIN + "/pg_isready", "-h", ADDRESS))
        return ready and "done in" in ran(THERE, *self.words, "-i", "-q", "-s", "8", "postgres")

    def ask(self):
        for old in glob.glob(os.path.join(self.folder, "pgbench_log*")):
            os.unlink(old)
        text = ran(THERE, *self.words, "-n", "-M", "prepared", "-c", "8", "-R", str(PGSQL_RATE), "-T", str(self.seconds),
                   "-l", "postgres", cwd=self.folder)
        times = []
        for path in glob.glob(os.path.join(self.folder, "pgbench_log*")):
            with open(path) as lines:
                times += [int(line.split()[2]) / 1000 for line in lines]
        count = int(re.search(r"actually processed: (\d+)", text).group(1))
        return count, float(re.search(r"tps = ([\d.]+)", text).group(1)), *spread(times)


class Mysql(Service):
    title = f"MariaDB, sysbench: {MYSQL_RATE} transactions of 10 statements a second, 8 connections"
    needs = (("mariadbd", "mariadb-server"), ("sysbench", "sysbench"))
    documents = 10

    def begin(self):
        data, self.socket = (os.path.join(self.folder, name) for name in ("mysql", "mysql.socket"))
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                        "--skip-test-db", "--user=root"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.start("mariadbd", "--no-defaults", f"--datadir={data}", "--user=root", f"--bind-address={ADDRESS}",
                   f"--socket={self.socket}", "--skip-ssl", "--innodb-flush-log-at-trx-commit=0")
        ask = ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "-e"]
        ready = waited(lambda: ran(HERE, *ask, "select 1").startswith("1"))
        ran(HERE, *ask, "create user shop@'%'; grant all on *.* to shop@'%'; create database sbtest")
        self.words = ["sysbench", "oltp_point_select", "--db-driver=mysql", "--mysql-user=shop", "--mysql-ssl=off",
                      "--table-size=1000", "--threads=8", "--percentile=99", f"--mysql-host={ADDRESS}", "--mysql-port=3306"]
        return ready and "Creating a secondary index" in ran(THERE, *self.words, "prepare")

    def ask(self):
        text = ran(THERE, *self.words, f"--time={self.seconds}", "--events=0", f"--rate={MYSQL_RATE * self.documents}",
                   "--histogram=on", "run")
        rows = [(float(at), int(n)) for at, n in re.findall(r"^ +([\d.]+) \|\** +(\d+)$", text, re.M)]
        half, seen, median = sum(n for _, n in rows) / 2, 0, 0
        for at, n in rows:
            seen += n
            median = median or (at if seen >= half else 0)
        count = int(re.search(r"transactions: +(\d+)", text).group(1))
        return (count // self.documents, count / self.documents / self.seconds, median,
                float(re.search(r"99th percentile: +([\d.]+)", text).group(1)))


class Sip(Service):
    title = f"SIPp, called by SIPp: {SIP_RATE} calls a second, INVITE to its 200, in whole milliseconds"
    needs = (("sipp", "sip-tester"),)
    documents = 3

    def begin(self):
        self.start("sipp", "-sn", "uas", "-i", ADDRESS, "-nostdin", cwd=self.folder)
        return waited(lambda: ":5060 " in ran(HERE, "ss", "-lnu"))

    def ask(self):
        own = os.path.join(self.folder, f"sip-{time.monotonic_ns()}")
        os.mkdir(own)
        calls = SIP_RATE * self.seconds
        begin = time.monotonic()
        ran(THERE, "sipp", "-sn", "uac", "-i", "10.9.0.2", "-nostdin", "-nd", "-m", str(calls), "-l", str(calls), "-r",
            str(SIP_RATE), "-trace_rtt", "-rtt_freq", "1", f"{ADDRESS}:5060", cwd=own)
        took = time.monotonic() - begin
        with open(glob.glob(own + "/*rtt.csv")[0]) as rows:
            times = [float(row[1]) for row in list(csv.reader(rows, delimiter=";"))[1:]]
        return len(times), len(times) / took, *spread(times)


def asked(service, workers):
    """A client's own figures, and what the program saw meanwhile."""
    watching = watched.Watching("v0", workers) if workers else None
    requests, *figures = service.ask()
    if watching is None:
        return figures, ""
    seen = watching.end()
    wanted = requests * service.documents
    # Beside the requests that are counted there are logins, and what is under way at the end.
    if seen["code"] or (not seen["dropped"] and seen["documents"] + seen["late"] < wanted):
        wrong.append(f"{service.title}, {workers} workers: {wanted} documents at least, {seen['text'][-1500:]}")
    return figures, f"{seen['documents']:,} of {wanted:,}" + (f", {seen['dropped']} packets lost" if seen["dropped"] else "")


def measure(service, rounds):
    print(f"\n{service.title}:\n\n| | a second | median | 99th | documents of what was asked |\n| --- | --- | --- | --- | --- |")
    rows = {workers: [] for workers in (0, 1, 2)}
    for _ in range(rounds):
        for workers, row in rows.items():
            row.append(asked(service, workers))
    for workers, row in rows.items():
        (rate, middle, slow), seen = zip(*(figures for figures, _ in row)), [text for _, text in row if text]
        print(f"| {('not watched', 'one worker', 'two workers')[workers]} | {statistics.median(rate):,.0f} | "
              f"{' · '.join(f'{ms:.2f}' for ms in middle)} ms | {' · '.join(f'{ms:.2f}' for ms in slow)} ms | "
              f"{'; '.join(seen)} |", flush=True)


def services(folder, quick):
    print("\n### Latency of a service, by its clients\n\nEach column has the rounds in the order in which they were run.")
    end = time.monotonic() + LIMIT
    for kind in (Nginx, Redis, Pgsql, Mysql, Sip):
        if time.monotonic() > end:
            print(f"\n{kind.title}: not measured, too slow a machine")
            continue
        lacking = [package for program, package in kind.needs if shutil.which(program) is None]
        if lacking:
            print(f"\n{kind.title}: not measured, Debian package {', '.join(lacking)} is not installed")
            continue
        service = kind(folder, 1 if quick else SECONDS)
        try:
            if service.begin():
                measure(service, 1 if quick else ROUNDS)
            else:
                wrong.append(f"{kind.title}: the server did not answer")
        finally:
            service.end()
