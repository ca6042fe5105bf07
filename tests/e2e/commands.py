#!/usr/bin/env python3
"""The program as a person at a prompt meets it: commands, options, exit codes, bad input, signals."""
import glob
import http.client
import http.server
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WIRESPAN = os.environ.get("WIRESPAN", ROOT + "/build/wirespan")
CAPTURE = ROOT + "/tests/captures/http/nginx.pcap"
OTHER = ROOT + "/tests/captures/http/ipv6.pcap"
LARGE = ROOT + "/tests/captures/http/wrk.pcap"  # its documents are more than a pipe holds
COMMANDS = ["replay", "report", "run", "devices", "setup", "test config", "export config", "export fields",
            "export dashboards", "export calls", "stats",
            "spool status", "spool cat", "spool verify", "spool drop", "version", "help"]
LIMIT = 60
failed = 0


class Wrong(Exception):
    pass


class Skip(Exception):
    pass


def case(function):
    global failed
    name = function.__doc__.splitlines()[0]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            function()
            print("ok " + name)
        except Skip as reason:
            print(f"ok {name} # SKIP {reason}")
        except (Wrong, AssertionError, subprocess.TimeoutExpired, OSError, ValueError) as error:
            failed += 1
            print("not ok " + name)
            print(f"    {type(error).__name__}: {error}")
        finally:
            os.chdir(ROOT)
    sys.stdout.flush()


def wait_for(path, enough=lambda: True):
    """Until the file has something in it, and enough of it."""
    end = time.monotonic() + LIMIT
    while not os.path.exists(path) or os.path.getsize(path) == 0 or not enough():
        if time.monotonic() > end:
            raise Wrong(path + " does not get what it should")
        time.sleep(0.02)


def started(*args, **more):
    # A shell's background commands ignore it, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen([WIRESPAN, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


class Done:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err
        self.lines = [line for line in err.splitlines() if line.startswith("wirespan: ")]

    def says(self, code, *texts):
        if self.code != code:
            raise Wrong(f"{self.args}: exit code {self.code}, expected {code}; {self.err[:500]}")
        for text in texts:
            if text not in self.err:
                raise Wrong(f"{self.args}: lacks {text!r} on standard error: {self.err[:500]}")
        return self

    def documents(self, count):
        got = [json.loads(line) for line in self.out.splitlines()]
        if len(got) != count:
            raise Wrong(f"{self.args}: {len(got)} documents, expected {count}")
        return got


def wirespan(*args, **more):
    done = subprocess.run([WIRESPAN, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=more.pop("stdin", subprocess.DEVNULL), timeout=LIMIT, **more)
    return Done(args, done.returncode, done.stdout.decode(), done.stderr.decode())


def one_line(code, text, *args, **more):
    """Fails with one line on standard error, that holds the text, and nothing else."""
    done = wirespan(*args, **more).says(code, text)
    if len(done.err.splitlines()) != 1 or done.out:
        raise Wrong(f"{args}: not one line: {done.err[:500]} {done.out[:200]}")
    return done


def write(path, data):
    with open(path, "wb" if isinstance(data, bytes) else "w") as file:
        file.write(data)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


EXPECTED = len(wirespan("replay", "-q", CAPTURE).out.splitlines())


# ---- commands and their help ----

@case
def help_is_given():
    """help lists the commands, and each one explains itself"""
    listing = wirespan("help").says(0).out
    for command in COMMANDS:
        assert command in listing, command
        by_flag = wirespan(*command.split(), "--help").says(0)
        by_help = wirespan("help", *command.split()).says(0)
        assert by_flag.out == by_help.out and by_flag.out.startswith("wirespan " + command)
        assert not by_flag.err
    assert wirespan("--help").out == listing
    assert wirespan("-h").out == listing


@case
def version_is_told():
    """version tells its own and its libraries' versions"""
    out = wirespan("version").says(0).out
    for name in ("wirespan ", "libpcap ", "libcurl ", "yajl ", "libyaml ", "zlib ", "brotli ", "zstd ", "xxHash "):
        assert name in out, name
    assert wirespan("--version").out == out


@case
def usage_is_corrected():
    """a wrong command or option is answered with what was probably meant"""
    wirespan().says(2, "replay")
    one_line(2, "there is no command rpelay; did you mean replay?", "rpelay")
    one_line(2, "there is no command xyzzy; `wirespan help` lists them", "xyzzy")
    one_line(2, "there is no command test cnofig; did you mean test config?", "test", "cnofig")
    one_line(2, "there is no command export; did you mean export config?", "export")
    one_line(2, "help", "help", "nothing")
    one_line(2, "replay has no option --sped; did you mean --speed?", "replay", "--sped=3", "x")
    one_line(2, "replay has no option -z", "replay", "-z", "x")
    one_line(2, "replay -c expects a value", "replay", "-c")
    one_line(2, "replay --config expects a value", "replay", "--config")
    one_line(2, "replay --quiet=3 takes no value", "replay", "--quiet=3", "x")
    one_line(2, "expects one or more capture files", "replay")
    one_line(2, "takes options only", "run", "x.pcap")
    one_line(2, "takes no arguments", "devices", "x")
    one_line(2, "takes no arguments", "version", "x")
    one_line(2, "expected text, md or json", "export", "fields", "--format", "xml")


@case
def wrong_values_are_refused():
    """options with a wrong value say what they expect"""
    one_line(2, "--speed: expected real, or a number", "replay", "--speed", "0", CAPTURE)
    one_line(2, "--speed: expected real, or a number", "replay", "--speed", "fast", CAPTURE)
    one_line(2, "--speed: expected real, or a number", "replay", "--speed", "nan", CAPTURE)
    one_line(2, "--shift: expected now, or a duration", "replay", "--shift", "soon", CAPTURE)
    one_line(2, 'filter "port x"', "replay", "--bpf", "port x", CAPTURE)
    one_line(2, "--top: expected a whole number", "replay", "--top=x", CAPTURE)
    one_line(2, "--pretty and --top exclude each other", "replay", "--top", "--pretty", CAPTURE)
    one_line(2, "--top and --calls exclude each other", "replay", "--calls", "--top", CAPTURE)
    one_line(2, "--calls and --flow exclude each other", "replay", "--calls", "--flow", "x", CAPTURE)
    one_line(2, "--flow expects a Call-ID", "replay", "--flow", "", CAPTURE)


@case
def options_are_in_the_manual():
    """the manual has every command and every option, and no option too many"""
    manual = read(ROOT + "/docs/wirespan.1").decode().replace("\\-", "-")
    known = set()
    for command in COMMANDS:
        assert re.search(r'^\.S[SH] "?' + command, manual, re.M), command
        section = re.split(r"^\.S[SH] .*$", manual.split(command, 1)[1], 1, re.M)[0]
        section = re.search(r'^\.SS "?' + command + r'.*?(?=^\.S[SH] )', manual, re.M | re.S).group()
        for option in re.findall(r"^ +(?:-(\w), )?--([a-z-]+)", wirespan("help", *command.split()).out, re.M):
            known.add(option[1])
            if option[1] == "help":
                continue
            assert re.search(r"--" + option[1] + r"\b", section), f"{command} --{option[1]}"
            if option[0]:
                assert re.search(r"-" + option[0] + r"\b", section), f"{command} -{option[0]}"
    for option in re.findall(r"\B--([a-z-]+)", manual):
        assert option in known | {"version"}, "manual has --" + option


@case
def manual_is_current():
    """docs/wirespan.1 is what `make manual` makes of its source and the tables of options"""
    with open(ROOT + "/docs/wirespan.1.in") as source:
        done = subprocess.run(["awk", "-v", "program=" + WIRESPAN, "-f", ROOT + "/packaging/manual1.awk"], stdin=source,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    if done.stdout != read(ROOT + "/docs/wirespan.1"):
        raise Wrong("stale: make manual")


# ---- configuration ----

@case
def reference_is_current():
    """config/wirespan.reference.yml is what `wirespan export config --reference` prints"""
    done = wirespan("export", "config", "--reference").says(0)
    if done.out != read(ROOT + "/config/wirespan.reference.yml").decode():
        raise Wrong("stale: build/wirespan export config --reference >config/wirespan.reference.yml")


@case
def configurations_that_ship_are_well():
    """the configurations that are shipped pass test config, and the reference is the presets"""
    for path in glob.glob(ROOT + "/config/*.yml"):
        assert "well" in wirespan("test", "config", path).says(0).out
    presets = wirespan("export", "config").says(0).out
    assert wirespan("export", "config", "-c", ROOT + "/config/wirespan.reference.yml").out == presets
    write("back.yml", presets)
    assert wirespan("export", "config", "-c", "back.yml").says(0).out == presets


@case
def faults_have_places():
    """every fault of a configuration is told at once, with file, line and column"""
    write("bad.yml", "capture:\n  snap_byte: 1KiB\nflow:\n  tcp_timeout: soon\n"
                     "protocols.http.ports: [80, http]\nname: ${WIRESPAN_NEVER_SET}\nname: b\n")
    for args in (("test", "config", "bad.yml"), ("replay", "-c", "bad.yml", CAPTURE), ("run", "-c", "bad.yml"),
                 ("export", "config", "-c", "bad.yml")):
        done = wirespan(*args).says(
            2, "wirespan: bad.yml:2:3: capture.snap_byte: unknown option; did you mean capture.snap_bytes?\n",
            "wirespan: bad.yml:4:3: flow.tcp_timeout: expected a duration such as 10s, from 1s to 30d, got \"soon\"\n",
            "wirespan: bad.yml:5:1: protocols.http.ports: expected ports from 1 to 65535",
            "wirespan: bad.yml:6:1: the variable WIRESPAN_NEVER_SET is not set",
            "wirespan: bad.yml:7:1: name is set twice, first in line 6\n")
        assert len(done.lines) == 5 and not done.out, done.err


@case
def configurations_that_are_none():
    """a configuration that is missing, a folder, not YAML or not text is one line"""
    one_line(2, "nowhere.yml cannot be opened: No such file", "test", "config", "nowhere.yml")
    one_line(2, ". is a folder", "test", "config", ".")
    one_line(2, "tab.yml:2:1: ", "test", "config", write("tab.yml", "flow:\n\ttcp_timeout: 1s\n"))
    one_line(2, "capture.yml:", "test", "config", write("capture.yml", read(CAPTURE)))
    one_line(2, "-E flow.tcp_timeuot: unknown option", "test", "config", "-E", "flow.tcp_timeuot=1s")
    for name, value, text in (("hosts", "[ftp://x]", "expected http or https"), ("hosts", "[]", "none is named"),
                              ("hosts", "[http://me:pw@es]", "no user or password in a URL"),
                              ("hosts", "[es one]", "is not a host"), ("password", "pw", "username is not"),
                              ("index", "Logs", "no L in the name of an index"),
                              ("index", "x-%{+yyyy.ww}", "a date is made of"),
                              ("proxy_url", "gopher://x", "expected http, https, socks5"),
                              ("ssl.key", "/x", "ssl.certificate and ssl.key go together"),
                              ("ssl.ca_trusted_fingerprint", "ab:cd", "64 hexadecimal digits"),
                              ("ssl.certificate_authorities", "[/etc/passwd]", "no PEM certificate"),
                              ("ssl.certificate_authorities", "[/no/ca.pem]", "cannot read /no/ca.pem: No such file"),
                              ("ssl.supported_protocols", "[SSLv3]", "expected TLSv1.1, TLSv1.2 or TLSv1.3"),
                              ("ssl.keey", "/x", "did you mean output.elasticsearch.ssl.key"),
                              ("headers", "{\"a b\": c}", "cannot be a header"),
                              ("password", "${file:/no/such}", "${file:/no/such} cannot be read: No such file"),
                              ("password", "${file:es}", "CREDENTIALS_DIRECTORY is not set")):
        done = one_line(2, text, "test", "config", "-E", f"output.elasticsearch.{name}={value}")
        assert "pw" not in done.err, done.err
    for pair in (("username=me", "api_key=a:b"), ("aws.region=x", "bearer_token=y")):
        one_line(2, "one way to log in is enough", "test", "config",
                 *(word for one in pair for word in ("-E", "output.elasticsearch." + one)))
    one_line(2, "but no host is https", "test", "config", "-E", "output.elasticsearch.ssl.ca_trusted_fingerprint="
             + "ab" * 32)
    one_line(2, "output.opensearch: output.elasticsearch is enabled too", "test", "config", "-E",
             "output.opensearch.hosts=[a]", "-E", "output.elasticsearch.hosts=[a]")
    one_line(2, "output.elastic: unknown option", "test", "config", "-E", "output.elastic.hosts=[a]")
    one_line(2, "output.console is enabled too", "replay", "-E", "output.console.pretty=true", "-E",
             "output.file.path=/x", CAPTURE)


@case
def packetbeat_is_understood():
    """a packetbeat.yml is understood, with a remark for each setting that is not ours"""
    write("packetbeat.yml", "packetbeat.interfaces.device: any\n"
                            "packetbeat.protocols:\n- type: http\n  ports: [8080]\n- type: dns\n  ports: [53]\n"
                            "output.logstash:\n  hosts: [\"localhost:5044\"]\n")
    done = wirespan("replay", "-c", "packetbeat.yml", CAPTURE).says(
        0, "packetbeat.yml:1: packetbeat.interfaces.device is read as capture.devices",
        "packetbeat.yml:3: packetbeat.protocols: http is read as protocols.http",
        "packetbeat.yml:5: packetbeat.protocols: dns is passed over",
        "packetbeat.yml:7: output.logstash is passed over")
    done.documents(EXPECTED)


@case
def settings_have_an_effect():
    """a setting by file, by variable and by -E changes what is done"""
    write("a.yml", "name: ${WHO:nobody}\ntags: [x]\nfields.team: shop\n")
    document = wirespan("replay", "-c", "a.yml", CAPTURE, env=dict(os.environ, WHO="me")).documents(EXPECTED)[0]
    assert document["agent"]["name"] == document["host"]["name"] == "me"
    assert document["tags"] == ["x"] and document["fields"] == {"team": "shop"}
    assert wirespan("replay", "-c", "a.yml", "-E", "name=you", CAPTURE).documents(EXPECTED)[0]["agent"]["name"] == "you"
    wirespan("replay", "-E", "protocols.http.ports=1", CAPTURE).says(0).documents(0)
    wirespan("replay", "-E", "protocols.http.enabled=false", CAPTURE).says(0).documents(0)
    done = wirespan("replay", "-E", "logging.format=json", "none.pcap").says(1)
    assert json.loads(done.err)["log.level"] == "error"


@case
def a_replay_has_no_spool():
    """a replay that is told to have a spool says that it has none"""
    done = wirespan("replay", "-E", "queue.type=spool", "-E", "queue.path=" + os.getcwd() + "/queue", CAPTURE)
    done.says(0, "a replay waits for its output and has no spool").documents(EXPECTED)
    assert not os.path.exists("queue")
    assert "spool" not in wirespan("replay", CAPTURE).says(0).err


@case
def fields_are_exported():
    """export fields prints every field in three forms"""
    fields = json.loads(wirespan("export", "fields", "--format", "json").says(0).out)
    names = [field["name"] for field in fields]
    assert "@timestamp" in names and "http.response.status_code" in names
    text = wirespan("export", "fields").out
    markdown = wirespan("export", "fields", "-f", "md").out
    for name in names:
        assert re.search("^" + re.escape(name) + " ", text, re.M), name
        assert f"| `{name}` |" in markdown, name


# ---- replay ----

@case
def replay_writes_documents():
    """replay writes a document a line, and a summary that agrees with it"""
    done = wirespan("replay", CAPTURE).says(0, f"exchanges      {EXPECTED} http: ", "losses         none")
    done.documents(EXPECTED)
    assert re.search(rf"^documents +{EXPECTED} delivered", done.err, re.M)
    assert re.search(rf"^  documents\.made +{EXPECTED} ", done.err, re.M)
    assert EXPECTED > 10
    assert wirespan("replay", "-q", CAPTURE).says(0).err == ""


@case
def replay_repeats():
    """the same file gives the same documents, byte for byte"""
    assert wirespan("replay", CAPTURE).out == wirespan("replay", CAPTURE).out


@case
def replay_reads_several():
    """several files in one run, and standard input"""
    other = len(wirespan("replay", OTHER).out.splitlines())
    wirespan("replay", CAPTURE, OTHER).says(0).documents(EXPECTED + other)
    with open(CAPTURE, "rb") as file:
        wirespan("replay", "-", stdin=file).says(0).documents(EXPECTED)


@case
def replay_to_a_file():
    """-o writes to a file from its beginning, whatever was in it"""
    write("out", "old\n" * 100000)
    done = wirespan("replay", "-o", "out", CAPTURE).says(0)
    assert done.out == ""
    assert read("out").decode() == wirespan("replay", CAPTURE).out
    wirespan("replay", "-o", "pretty", "--pretty", CAPTURE).says(0)
    assert read("pretty").startswith(b"{\n  ")
    done = wirespan("replay", "-o", "nofolder/out", CAPTURE)
    done.says(1, "nofolder/out")
    assert len(done.lines) == 1


@case
def to_standard_output():
    """-o - is standard output, whatever the configuration has, and no file is made"""
    write("c.yml", "output.file: {path: ., filename: other}\n")
    plain = wirespan("replay", CAPTURE).out
    assert wirespan("replay", "-o", "-", CAPTURE).says(0).out == plain
    assert wirespan("replay", "-c", "c.yml", "-o", "-", CAPTURE).says(0).out == plain
    for words in (["--pretty"], ["--top"], ["--calls"]):
        assert wirespan("replay", *words, "-o", "-", CAPTURE).says(0).out == wirespan("replay", *words, CAPTURE).out
    page = wirespan("report", "-o", "-", CAPTURE).says(0, f"standard output: {EXPECTED} exchanges, ").out
    wirespan("report", "-q", "-o", "page.html", CAPTURE).says(0)
    assert page.startswith("<!") and page == read("page.html").decode()
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([WIRESPAN, "report", "-q", "-o", "-", CAPTURE], stdout=write_end, stderr=subprocess.PIPE, timeout=LIMIT)
    os.close(write_end)
    assert done.returncode == 0 and done.stderr == b"", done
    with open("/dev/full", "wb") as full:
        done = subprocess.run([WIRESPAN, "report", "-o", "-", CAPTURE], stdout=full, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.returncode == 1 and b"standard output cannot be written: No space" in done.stderr, done
    write("lines", plain)
    with open("lines", "ab") as file:
        done = subprocess.run([WIRESPAN, "report", "-o", "-", "lines"], stdout=file, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.returncode == 2 and b"standard output is read" in done.stderr and read("lines").decode() == plain, done
    assert not os.path.exists("-") and not os.path.exists("other")


@case
def captures_are_spared():
    """a capture is never written over, under whatever name, by whatever output"""
    write("capture", read(CAPTURE))
    os.symlink("capture", "link")
    for words in (["-o", "capture"], ["-o", "./link"], ["--top", "-o", "link"], ["--pretty", "-o", "capture"]):
        one_line(2, "is the capture", "replay", *words, OTHER, "capture")
        assert read("capture") == read(CAPTURE)
    with open("capture", "ab") as file:
        done = subprocess.run([WIRESPAN, "replay", "link"], stdout=file, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.returncode == 2 and read("capture") == read(CAPTURE), done.stderr


@case
def replay_lays_out():
    """--pretty lays the same documents out"""
    out = wirespan("replay", "--pretty", CAPTURE).says(0).out
    decoder, at, count = json.JSONDecoder(), 0, 0
    while at < len(out.rstrip()):
        _, at = decoder.raw_decode(out, at)
        at, count = at + 1, count + 1
    assert count == EXPECTED


@case
def replay_filters():
    """--bpf reads only what matches"""
    wirespan("replay", "--bpf", "port 1", CAPTURE).says(0).documents(0)
    wirespan("replay", "--bpf", "tcp port 8080", CAPTURE).says(0).documents(EXPECTED)


@case
def replay_moves_times():
    """--shift moves all times by as much, or to now"""
    plain = wirespan("replay", CAPTURE).documents(EXPECTED)
    moved = wirespan("replay", "--shift", "-1h", CAPTURE).documents(EXPECTED)
    assert [d["event"]["duration"] for d in plain] == [d["event"]["duration"] for d in moved]
    seconds = lambda d: time.mktime(time.strptime(d["@timestamp"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert {seconds(a) - seconds(b) for a, b in zip(plain, moved)} == {3600}
    before = time.time()
    for document in wirespan("replay", "--shift", "now", CAPTURE).documents(EXPECTED):
        assert before - 600 < seconds(document) <= time.time() + 1


@case
def replay_keeps_pace():
    """--speed takes the time that the capture took, divided"""
    times = sorted(d["event"]["end"] for d in wirespan("replay", CAPTURE).documents(EXPECTED))
    parse = lambda text: time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])
    span = parse(times[-1]) - parse(times[0])
    begin = time.monotonic()
    wirespan("replay", "--speed", str(span / 1.0), CAPTURE).says(0).documents(EXPECTED)
    assert time.monotonic() - begin > 0.9


@case
def tables_in_place_of_documents():
    """--top prints tables, with as many rows as asked for"""
    done = wirespan("replay", "--top", CAPTURE).says(0)
    assert done.out and not done.out.startswith("{")
    assert wirespan("replay", "--top", "10", CAPTURE).says(0).out == done.out
    assert len(wirespan("replay", "--top=2", CAPTURE).says(0).out) < len(done.out)


# ---- calls ----

def sip(first, cseq, branch, tag="", more=""):
    return (f"{first}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nCall-ID: one@192.0.2.1\r\n"
            f"From: <sip:1001@example.com>;tag=f\r\nTo: <sip:1002@example.org>{tag}\r\nCSeq: {cseq}\r\n"
            f"Max-Forwards: 70\r\n{more}\r\n").encode()


def sip_capture(path):
    """A call from .1 through the proxy .4 to .2, which rings for two seconds and lasts ten."""
    sdp = "Content-Type: application/sdp\r\n\r\nv=0\r\nm=audio 6000 RTP/AVP 8"
    invite, ringing, ok = "INVITE sip:1002@example.org SIP/2.0", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"
    story = [
        (0, 1, 4, sip(invite, "1 INVITE", "a", more=sdp)),
        (1, 4, 2, sip(invite, "1 INVITE", "b", more=sdp)),
        (500, 4, 2, sip(invite, "1 INVITE", "b", more=sdp)),
        (600, 2, 4, sip(ringing, "1 INVITE", "b", ";tag=t")),
        (601, 4, 1, sip(ringing, "1 INVITE", "a", ";tag=t")),
        (2600, 2, 4, sip(ok, "1 INVITE", "b", ";tag=t", sdp)),
        (2601, 4, 1, sip(ok, "1 INVITE", "a", ";tag=t", sdp)),
        (2700, 1, 2, sip("ACK sip:1002@192.0.2.2 SIP/2.0", "1 ACK", "c", ";tag=t")),
        (12601, 1, 2, sip("BYE sip:1002@192.0.2.2 SIP/2.0", "2 BYE", "d", ";tag=t")),
        (12650, 2, 1, sip(ok, "2 BYE", "d", ";tag=t")),
    ]
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for at, source, to, text in story:
        packet = struct.pack(">BBHHHBBHII", 0x45, 0, 28 + len(text), 0, 0, 64, 17, 0,
                             0xc0000200 + source, 0xc0000200 + to)
        packet += struct.pack(">HHHH", 5060, 5060, 8 + len(text), 0) + text
        out += struct.pack("<IIII", 1767323045 + at // 1000, at % 1000 * 1000, len(packet), len(packet)) + packet
    return write(path, out)


CALL = """\
start (UTC)              caller  callee   setup  duration  code  state      call-id
2026-01-02 03:04:05.000  1001    1002    2.60 s    10.0 s   200  completed  one@192.0.2.1
"""

LADDER = """
           192.0.2.1:5060          192.0.2.4:5060          192.0.2.2:5060
                  │                       │                       │
 0.000000         │──── INVITE (sdp) ────►│                       │
 0.001000         │                       │──── INVITE (sdp) ────►│
 0.500000         │                       │─ INVITE (sdp, again) ►│
 0.600000         │                       │◄──── 180 Ringing ─────│
 0.601000         │◄──── 180 Ringing ─────│                       │
 2.600000         │                       │◄─── 200 OK (sdp) ─────│
 2.601000         │◄─── 200 OK (sdp) ─────│                       │
 2.700000         │───────────────────── ACK ────────────────────►│
12.601000         │───────────────────── BYE ────────────────────►│
12.650000         │◄─────────────── 200 OK (BYE) ─────────────────│
"""


@case
def calls_are_listed():
    """--calls prints a line for each call, and says when there is none"""
    capture = sip_capture("sip.pcap")
    assert wirespan("replay", "--calls", capture).says(0).out == CALL
    wirespan("replay", "--calls", "-o", "calls", capture).says(0)
    assert read("calls").decode() == CALL
    assert wirespan("replay", "--calls", CAPTURE).says(0).out == "No calls.\n"


@case
def a_call_is_drawn():
    """--flow draws the messages of one call, and fails when there is none of that Call-ID"""
    capture = sip_capture("sip.pcap")
    drawn = wirespan("replay", "--flow", "one@192.0.2.1", capture).says(0).out
    assert drawn == CALL + LADDER, drawn
    done = wirespan("replay", "-q", "--flow", "two@192.0.2.1", capture).says(1)
    assert done.err == "wirespan: no call has the Call-ID two@192.0.2.1; --calls lists those there are\n", done.err
    assert done.out == ""


# ---- captures that are none ----

def patched(path, at, data):
    whole = bytearray(read(CAPTURE))
    whole[at:at + len(data)] = data
    return write(path, bytes(whole))


@case
def captures_that_are_none():
    """a capture that is missing, a folder, empty, something else or of an unknown link type is one line"""
    one_line(1, "nope.pcap does not exist", "replay", "nope.pcap")
    one_line(1, ". is a folder", "replay", ".")
    one_line(1, "empty.pcap is empty", "replay", write("empty.pcap", b""))
    one_line(1, "text.pcap is not a capture file", "replay", write("text.pcap", "no packets here\n" * 50))
    one_line(1, "link.pcap has link type 409", "replay", patched("link.pcap", 20, struct.pack("<I", 409)))
    if os.geteuid() != 0:
        os.chmod(write("secret.pcap", b""), 0)
        one_line(1, "secret.pcap", "replay", "secret.pcap")


@case
def what_was_read_is_kept():
    """a capture that is cut, or spoilt in the middle, gives what was before; exit code 1"""
    whole = read(CAPTURE)
    half = wirespan("replay", write("cut.pcap", whole[:len(whole) // 2])).says(1, "cut.pcap ends in the middle")
    assert 0 < len(half.out.splitlines()) < EXPECTED
    assert len(half.lines) == 1
    cut = wirespan("replay", write("head.pcap", whole[:30])).says(1, "head.pcap")
    assert len(cut.lines) == 1


@case
def other_files_are_read():
    """a file that cannot be read does not keep the others from being read; exit code 1"""
    write("text.pcap", "no packets here\n" * 50)
    done = wirespan("replay", "text.pcap", CAPTURE, "nope.pcap").says(1, "text.pcap is not", "nope.pcap does not exist")
    done.documents(EXPECTED)
    assert len(done.lines) == 2


# ---- devices ----

@case
def devices_are_listed():
    """devices lists the loopback device"""
    assert re.search(r"^ *\d+ +lo ", wirespan("devices").says(0).out, re.M)


@case
def devices_that_are_none():
    """a device that does not exist is one line; beside one that does, it is waited for"""
    one_line(1, "there is no device nope0", "run", "--allow-root", "-i", "nope0")
    child, said = started("run", "--allow-root", "-i", "lo", "-i", "nope0"), b""
    while b"watching lo" not in said:
        line = child.stderr.readline()
        assert line, said
        said += line
    assert b"device nope0 is not there, or down: it is watched once it is up" in said, said
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=LIMIT)
    assert child.returncode == 0
    one_line(2, "no device to watch", "run", "--allow-root", "-E", "capture.devices=[]")


class Server(http.server.ThreadingHTTPServer):
    class RequestHandlerClass(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(404 if self.path.endswith("/3") else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def watching(*args):
    """A `run` that has begun to watch."""
    child = started("run", "--allow-root", *args)
    line = child.stderr.readline()
    if b"watching" not in line:
        child.kill()
        raise Skip("needs the right to capture: " + line.decode().strip())
    return child


@case
def live_exchanges_are_written():
    """run writes every exchange on a device while it happens, and ends on SIGINT"""
    server = Server()
    port = server.server_address[1]
    child = watching("-i", "lo", "-o", "out", "-E", f"protocols.http.ports={port}", "-E", "queue.flush_interval=50ms")
    client = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(20):
        client.request("GET", f"/item/{number}")
        client.getresponse().read()
    wait_for("out", lambda: read("out").count(b"\n") >= 20)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=LIMIT)
    client.close()
    server.shutdown()
    assert child.returncode == 0, err
    documents = [json.loads(line) for line in read("out").splitlines()]
    assert [d["path"] for d in documents] == [f"/item/{number}" for number in range(20)]
    assert [d["status"] for d in documents].count("OK") == 19
    assert {d["observer"]["ingress"]["interface"]["name"] for d in documents} == {"lo"}
    assert b"documents      20 delivered" in err and b"losses         none" in err, err


@case
def live_end_reads_what_came():
    """run reads on, when told to end, until it has all that came before"""
    server = Server()
    port = server.server_address[1]
    child = watching("-i", "lo", "-o", "out", "-E", f"protocols.http.ports={port}")
    for number in range(200):
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request("GET", f"/item/{number}")
        client.getresponse().read()
        client.close()
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=LIMIT)
    server.shutdown()
    paths = [json.loads(line)["path"] for line in read("out").splitlines()]
    assert paths == [f"/item/{number}" for number in range(200)], f"{len(paths)} documents: {err.decode()}"


@case
def live_to_standard_output():
    """run -o - writes to standard output, whatever the configuration has"""
    server = Server()
    port = server.server_address[1]
    write("c.yml", f"output.file: {{path: ., filename: other}}\nprotocols.http.ports: [{port}]\n")
    child = watching("-i", "lo", "-c", "c.yml", "-o", "-", "-E", "queue.flush_interval=50ms")
    client = http.client.HTTPConnection("127.0.0.1", port)
    client.request("GET", "/item/1")
    client.getresponse().read()
    client.close()
    assert json.loads(child.stdout.readline())["path"] == "/item/1"
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=LIMIT)
    server.shutdown()
    assert child.returncode == 0 and not os.path.exists("-") and not os.path.exists("other"), (out, err)


@case
def live_without_the_right():
    """a device that may not be opened is one line that says what to do"""
    if os.geteuid() != 0:
        raise Skip("needs root, to try without")
    try:
        done = wirespan("run", "-i", "lo", user=65534, group=65534, extra_groups=[], cwd="/")
    except OSError as error:
        raise Skip(f"the program cannot be run by another user here: {error.strerror}")
    done.says(1, "cap_net_raw")
    assert len(done.err.splitlines()) == 1, done.err


# ---- ends ----

@case
def reader_that_leaves():
    """a reader that leaves (| head) ends it without a word"""
    done = subprocess.run(["sh", "-c", '"$@" | head -n 1; exit', "sh", WIRESPAN, "replay", LARGE],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.stdout.count(b"\n") == 1 and done.stderr == b"", done.stderr[:300]
    assert len(wirespan("replay", LARGE).out) > 200000
    reader, writer = os.pipe()
    os.close(reader)
    for command in ("export fields", "export config", "help", "version"):
        done = subprocess.run([WIRESPAN, *command.split()], stdout=writer, stderr=subprocess.PIPE, timeout=LIMIT)
        assert done.stderr == b"" and done.returncode == 0, (command, done.stderr[:300])
    os.close(writer)


@case
def full_disk_is_told():
    """output that cannot be written is told, and the exit code says so"""
    if not os.path.exists("/dev/full"):
        return
    with open("/dev/full", "w") as full:
        done = subprocess.run([WIRESPAN, "export", "fields"], stdout=full, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.returncode == 1 and b"No space left" in done.stderr


def paced(factor):
    """A replay that would run for `factor` times about a minute."""
    times = [d["event"]["end"] for d in wirespan("replay", CAPTURE).documents(EXPECTED)]
    parse = lambda text: time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])
    return str((parse(max(times)) - parse(min(times))) / (60 * factor))


@case
def signals_end_it_in_order():
    """SIGINT and SIGTERM end a replay in order: open exchanges and the summary are written"""
    speed = paced(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        child = started("replay", "--speed", speed, "-o", "out", "-E", "queue.flush_interval=50ms", CAPTURE)
        wait_for("out")
        begin = time.monotonic()
        child.send_signal(number)
        _, err = child.communicate(timeout=LIMIT)
        assert time.monotonic() - begin < 20
        assert child.returncode == 0, (child.returncode, err)
        count = len([json.loads(line) for line in read("out").splitlines()])
        assert 0 < count < EXPECTED and f"documents      {count} delivered".encode() in err, (count, err)
        os.unlink("out")


@case
def second_signal_ends_it_at_once():
    """a second SIGINT ends it at once, though nobody reads its documents"""
    child = started("replay", "-q", LARGE)
    assert select.select([child.stdout], [], [], LIMIT)[0]
    begin = time.monotonic()
    while child.poll() is None and time.monotonic() - begin < LIMIT:
        child.send_signal(signal.SIGINT)
        time.sleep(0.1)
    child.stdout.close()
    child.stderr.close()
    assert child.returncode == -signal.SIGINT and time.monotonic() - begin < 8, child.returncode


@case
def file_is_reopened():
    """SIGHUP reopens the output's file, so that it can be moved away"""
    child = started("replay", "--speed", paced(0.2), "-E", "output.file.path=.", "-E", "output.file.filename=out",
                    "-E", "queue.flush_interval=50ms", CAPTURE)
    wait_for("out")
    os.rename("out", "old")
    child.send_signal(signal.SIGHUP)
    wait_for("out")
    _, err = child.communicate(timeout=LIMIT)
    assert child.returncode == 0, err
    lines = read("old").splitlines() + read("out").splitlines()
    assert len(lines) == EXPECTED and all(json.loads(line) for line in lines)


@case
def terminal_is_served():
    """documents go to a terminal; progress is shown only where it does not mix with them"""
    def on_terminal(*args):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(WIRESPAN, [WIRESPAN, *args])
        text = b""
        while True:
            try:
                more = os.read(terminal, 65536)
            except OSError:
                break
            if not more:
                break
            text += more
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        assert status == 0, text[-300:]
        return text.decode()

    text = on_terminal("replay", CAPTURE)
    assert len(re.findall(r'^\{"@timestamp".*\}\r$', text, re.M)) == EXPECTED
    assert "\x1b[K" not in text
    text = on_terminal("replay", "--speed", paced(1 / 60), "-o", "out", CAPTURE)
    assert re.search(r"\d+ packets, \d+ documents", text), text[:300]


sys.exit(1 if failed else 0)
