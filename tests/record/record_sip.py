#!/usr/bin/env python3
"""Records the SIP captures that belong to the project: tests/record/record_sip.py [CASE...]

SIPp (Debian's sip-tester) plays both phones by scenarios told below, directly or through Kamailio as proxy and
registrar, over the loopback of a network namespace, while tcpdump listens. Leaves
tests/captures/sip/CASE.pcap, nanosecond time stamps, and CASE.log: what each SIPp says of itself, a JSON line
each: its counts, its response time log, and each message with its time. Needs root and
scripts/install-packages record.
"""
import gc
import os
import sys
import tempfile
import time

from client import Log
from record_http import HERE, enter_namespace, tcpdump
from sip_stage import Phone, Stage, kamailio

CAPTURES = os.path.join(HERE, "..", "captures", "sip")


# ---- the stories, from the plain to the odd ----

CALLS = """
> INVITE sdp rtd
< 100 optional
< 180 optional
< 200 rtd route
> ACK
pause 150
> BYE rtd=2
< 200 rtd=2
"""
IS_CALLED = """
< INVITE
> 100
pause 20
> 180 tag
pause 300
> 200 tag sdp=alaw again
< ACK
< BYE
> 200
"""


def case_calls(stage):
    stage.pair(CALLS, IS_CALLED, 5)
    # The one who is called hangs up.
    stage.pair("""
> INVITE sdp rtd
< 180
< 200 rtd route
> ACK
< BYE
> 200
""", """
< INVITE route
> 180 tag
pause 100
> 200 tag sdp again
< ACK
pause 100
callee > BYE
< 200
""", 2)


def case_tcp(stage):
    stage.pair(CALLS, IS_CALLED, 4, transport="t1")
    stage.pair(CALLS, IS_CALLED, 3, transport="tn")


def case_ipv6(stage):
    stage.address = "::1"
    stage.pair(CALLS, IS_CALLED, 2)
    stage.pair(CALLS, IS_CALLED, 2, transport="t1")


REFUSED = """
> INVITE sdp rtd
< 100 optional
< {code} rtd
> ACK like=0
"""
REFUSES = """
< INVITE
> 100
pause {pause}
> {code} tag again{more}
< ACK
"""


def case_refused(stage):
    for i, (code, more) in enumerate((
            (404, ""), (486, ""), (480, ""), (603, '\n Reason: Q.850;cause=21;text="call rejected"'),
            (488, '\n Warning: 304 example.com "no such codec"'), (503, "\n Retry-After: 30"),
            (302, "\n Contact: <sip:carol@192.0.2.7>"))):
        stage.pair(REFUSED.format(code=code), REFUSES.format(code=code, more=more, pause=30 + 40 * i), 2)
    # Otherwise than the caller expects: SIPp counts a call that failed.
    for code in (486, 500):
        called = Phone(stage, REFUSES.format(code=code, more="", pause=30), 2, port=5060)
        Phone(stage, CALLS, 2, more=("-default_behaviors", "all")).wait()
        called.wait()


CANCELS = """
> INVITE sdp rtd
< 100
< 180
pause 200
> CANCEL like=0
< 200
< 487 rtd
> ACK like=0
"""
IS_CANCELED = """
< INVITE keep
> 100
pause 50
> 180 tag
< CANCEL
> 200 tag
> 487 tag for=INVITE again
< ACK
"""


def case_cancel(stage):
    stage.pair(CANCELS, IS_CANCELED, 3)
    stage.pair(CANCELS, IS_CANCELED, 2, transport="t1")


def case_hold(stage):
    """Hold and back, another codec, a new address by UPDATE."""
    stage.pair("""
> INVITE sdp rtd
< 180
< 200 rtd route
> ACK
pause 100
> INVITE sdp=hold
< 200
> ACK
pause 100
> INVITE sdp
< 200
> ACK
pause 100
> INVITE sdp=ulaw
< 200
> ACK
pause 50
> UPDATE sdp=alaw
< 200
pause 50
> BYE
< 200
""", """
< INVITE
> 180 tag
pause 80
> 200 tag sdp again
< ACK
< INVITE
> 200 sdp=held again
< ACK
< INVITE
> 200 sdp again
< ACK
< INVITE
> 200 sdp=ulaw again
< ACK
< UPDATE
> 200 sdp=alaw
< BYE
> 200
""", 2)


def case_reliable(stage):
    """Provisional answers that are acknowledged (RFC 3262)."""
    caller = """
> INVITE sdp rtd
 Supported: 100rel
< 100
< 183 route
> PRACK
 RAck: 1 1 INVITE
< 200
< 180
> PRACK
 RAck: 2 1 INVITE
< 200
< 200 rtd route
> ACK
pause 50
> BYE
< 200
"""
    callee = """
< INVITE keep
> 100
pause 40
> 183 tag sdp again
 Require: 100rel
 RSeq: 1
< PRACK
> 200
pause 40
> 180 tag for=INVITE again
 Require: 100rel
 RSeq: 2
< PRACK
> 200
pause 80
> 200 for=INVITE again
< ACK
< BYE
> 200
"""
    stage.pair(caller, callee, 3)


def case_refer(stage):
    """A call is handed over (RFC 3515)."""
    stage.pair("""
> INVITE sdp rtd
< 180
< 200 rtd route
> ACK
pause 100
> REFER
 Refer-To: <sip:carol:sesame@192.0.2.7>
 Referred-By: <sip:ada@example.com>
< 202
< NOTIFY
> 200
< NOTIFY
> 200
pause 50
> BYE
< 200
""", """
< INVITE route
> 180 tag
pause 60
> 200 tag sdp again
< ACK
< REFER
> 202
callee > NOTIFY
 Event: refer
 Subscription-State: active;expires=60
 Content-Type: message/sipfrag;version=2.0

 SIP/2.0 100 Trying
< 200
pause 60
callee > NOTIFY
 Event: refer
 Subscription-State: terminated;reason=noresource
 Content-Type: message/sipfrag;version=2.0

 SIP/2.0 200 OK
< 200
< BYE
> 200
""", 2)


def case_methods(stage):
    """Requests outside of calls, one of them of a name that nobody knows."""
    def asks(method, more="", code=200):
        return f"> {method} rtd{more}\n< {code} rtd\n"

    def answers(method, code=200, more=""):
        return f"< {method}\npause 20\n> {code} tag{more}\n"

    text = "\n Content-Type: text/plain\n\n Watson, come here."
    pairs = (("OPTIONS", "\n Accept: application/sdp", 200,
              "\n Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\n Supported: 100rel"),
             ("MESSAGE", text, 202, ""), ("INFO", "", 200, ""), ("UPDATE", "", 488, ""),
             ("PUBLISH", "\n Event: presence\n Expires: 600", 200, "\n SIP-ETag: x1\n Expires: 600"),
             ("JUGGLE", "", 501, ""))
    for transport in ("u1", "t1"):
        for method, asked, code, answered in pairs:
            stage.pair(asks(method, asked, code), answers(method, code, answered), 1, transport=transport)
    stage.pair("""
> SUBSCRIBE rtd
 Event: presence
 Expires: 600
< 200 rtd route
< NOTIFY
> 200
pause 50
> SUBSCRIBE
 Event: presence
 Expires: 0
< 200
< NOTIFY
> 200
""", """
< SUBSCRIBE route
pause 30
> 200 tag
 Expires: 600
callee > NOTIFY
 Event: presence
 Subscription-State: active;expires=600
< 200
< SUBSCRIBE
> 200
 Expires: 0
callee > NOTIFY
 Event: presence
 Subscription-State: terminated;reason=timeout
< 200
""", 2)


REGISTERS = """
> REGISTER rtd
 Contact: <sip:{user}@127.0.0.1:{contact}>
 Expires: {expires}
< 401 auth
> REGISTER auth
 Contact: <sip:{user}@127.0.0.1:{contact}>
 Expires: {expires}
< 200 rtd
"""


def registers(stage, user, contact, expires=3600, **how):
    stage.alone(REGISTERS.format(user=user, contact=contact, expires=expires), name=user, **how)


def case_register(stage):
    with kamailio(stage.folder):
        registers(stage, "reg-a", 5070)
        registers(stage, "reg-a", 5070)  # again
        registers(stage, "reg-b", 5071, transport="t1")
        # What is bound?
        stage.alone("> REGISTER\n Expires: 3600\n< 401 auth\n> REGISTER auth\n Supported: path\n< 200\n", name="reg-a")
        # A wrong password, and once more the right one.
        stage.alone(REGISTERS.format(user="reg-c", contact=5072, expires=600).replace("auth\n Contact", "auth=sesame\n Contact")
                    .replace("< 200 rtd", "< 401 rtd"), name="reg-c")
        registers(stage, "reg-d", 5073, expires=2)
        time.sleep(3)  # until it has expired
        registers(stage, "reg-a", 5070, expires=0)
        registers(stage, "reg-b", 5071, expires=0)


def case_proxy(stage):
    """Both sides of a proxy that stays in the way, and asks some for credentials."""
    with kamailio(stage.folder):
        for user in ("bob", "secure-bob"):
            registers(stage, user, stage.called)
        called = Phone(stage, IS_CALLED, 4, port=stage.called)
        Phone(stage, CALLS, 2, more=("-nr",)).wait()
        Phone(stage, """
> INVITE sdp rtd
< 407 auth
> ACK like=0
> INVITE sdp auth
< 100 optional
< 180 optional
< 200 rtd route
> ACK
pause 100
> BYE rtd=2
< 200 rtd=2
""", 2, name="secure-bob").wait()
        called.wait()
        # Nobody of that name; the wrong password.
        stage.alone(REFUSED.format(code=404), name="nobody")
        stage.alone("> INVITE sdp\n< 407 auth\n> ACK like=0\n> INVITE sdp auth=sesame\n< 100 optional\n< 407\n> ACK like=3\n",
                    name="secure-bob")
        called = Phone(stage, IS_CANCELED.replace("keep", "keep proxied").replace("for=INVITE", "for=INVITE proxied"), 1, port=stage.called)
        Phone(stage, CANCELS).wait()
        called.wait()
        for user in ("bob", "secure-bob"):
            registers(stage, user, stage.called, expires=0)


def case_bridge(stage):
    """From TCP to UDP."""
    with kamailio(stage.folder):
        registers(stage, "bob", stage.called)
        called = Phone(stage, IS_CALLED, 3, port=stage.called)
        Phone(stage, CALLS, 3, transport="t1").wait()
        called.wait()
        registers(stage, "bob", stage.called, expires=0)


def case_fork(stage):
    """A proxy asks two phones: both take the call, or one is busy."""
    with kamailio(stage.folder):
        for contact in (stage.called, stage.called + 1):
            registers(stage, "bob", contact)
        takes = """
< INVITE
> 180 tag
pause 200
> 200 tag sdp=alaw again
< ACK
< BYE
> 200
"""
        # Takes it, too, while the proxy wants it back.
        late = """
< INVITE keep proxied
> 180 tag
< CANCEL
> 200 tag
> 200 tag for=INVITE proxied sdp=alaw again
< ACK
< BYE
> 200
"""
        phones = [Phone(stage, takes, port=stage.called), Phone(stage, late, port=stage.called + 1), Phone(stage, """
> INVITE sdp rtd
< 100 optional
< 180 optional
< 200 rtd route first
> ACK
< 200 second
> ACK dialog=second
> BYE dialog=second
< 200
pause 200
> BYE dialog=first
< 200
""")]
        for phone in phones:
            phone.wait()
        one, two = Phone(stage, takes, port=stage.called), Phone(stage, REFUSES.format(code=486, pause=30, more=""), port=stage.called + 1)
        Phone(stage, CALLS).wait()
        one.wait(), two.wait()
        for contact in (stage.called, stage.called + 1):
            registers(stage, "bob", contact, expires=0)


def case_lost(stage):
    """Messages that came and are taken for lost: what asked for them is sent again."""
    lost = "lost=40"
    caller = CALLS.replace("< 200 rtd route", f"< 200 rtd route {lost}").replace(
        "< 200 rtd=2", f"< 200 rtd=2 {lost}").replace("pause 150", "pause 8000")
    callee = IS_CALLED.replace("< INVITE", f"< INVITE {lost}").replace("< ACK", f"< ACK {lost}").replace(
        "< BYE", f"< BYE {lost}") + "pause 12000\n"
    stage.pair(caller, callee, 10)
    time.sleep(40)  # until nobody waits any more
    stage.pair("> OPTIONS rtd\n< 200 rtd\n", "< OPTIONS lost=50\n> 200 tag\npause 6000\n", 6)


def case_silent(stage):
    """Nobody answers; then time goes on until nobody waits any more."""
    Phone(stage, "> INVITE sdp\n< 200\n> ACK\n", ask=stage.called, more=("-max_invite_retrans", "3"))
    Phone(stage, "> REGISTER\n Contact: <sip:silent@127.0.0.1:5100>\n< 200\n", ask=stage.called, more=("-max_non_invite_retrans", "3"))
    for phone in stage.phones:
        phone.wait()
    time.sleep(40)
    stage.pair("> OPTIONS rtd\n< 200 rtd\n", "< OPTIONS\n> 200 tag\n")


def case_ringing(stage):
    """Rings for longer than conversations of datagrams are remembered otherwise."""
    stage.pair(CALLS, IS_CALLED.replace("pause 300", "pause 100000"))


def case_crowd(stage):
    """Many at a time through a proxy."""
    with kamailio(stage.folder):
        registers(stage, "bob", stage.called)
        called = Phone(stage, IS_CALLED.replace("pause 300", "pause 60"), 30, port=stage.called)
        Phone(stage, CALLS, 30, rate=60).wait()
        called.wait()
        registers(stage, "bob", stage.called, expires=0)


def main(wanted):
    cases = {name[len("case_"):]: made for name, made in globals().items() if name.startswith("case_")}
    os.makedirs(CAPTURES, exist_ok=True)
    enter_namespace()
    for name in wanted or cases:
        # No two cases share a port of a phone: all of them are replayed in one run, too.
        place = list(cases).index(name)
        first = 20000 + 1000 * place
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as ports:
            ports.write(f"{first + 500} {first + 999}")
        log = Log(os.path.join(CAPTURES, name + ".log"))
        path = os.path.join(CAPTURES, name + ".pcap")
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(folder, first, 5070 + 2 * place)
            with tcpdump(path, "udp or tcp"):
                stage.play(cases[name])
                gc.collect()
                time.sleep(0.5)  # for a busy machine's tcpdump
            for phone in stage.phones:
                log.add(**phone.row())
        log.save()
        print(f"{name}: {len(log.rows)} phones, {sum(row['calls'] for row in log.rows)} calls, "
              f"{sum(row['failed'] for row in log.rows)} failed, "
              f"{sum(row['retransmissions'] for row in log.rows)} sent again, {os.path.getsize(path)} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
