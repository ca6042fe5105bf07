"""Scenarios of SIPp told in short lines, and the XML that SIPp reads.

    > INVITE sdp rtd          sends a request; `rtd` starts the clock of SIPp's response time log
    < 100 optional            waits for an answer
    < 200 rtd route           takes the time; remembers route set and contact
    > ACK
    pause 100
    > BYE
    < 200

A line that begins with a space, behind one that sends, is a header more. What a phone that is called
sends in its dialog begins with `callee`. Words behind a method or code:

    sdp, sdp=hold, sdp=alaw    a session description
    like=N                     the branch of the N-th step from the first (ACK to a refusal, CANCEL)
    auth                       sends credentials; of an answer: keeps the challenge
    keep, for=INVITE           of an INVITE: answers to it come behind other requests; of such an answer
    proxied                    beside these two: it has two Vias
    first, dialog=first        an answer whose dialog is meant again behind others'; a request within it;
                               second, dialog=second likewise
    lost=N                     N percent of these are taken for lost
    once                       is not sent again
    rtd, rtd=N, route, optional, to=URI, cseq=N
"""
import re

SDP = """v=0
o=- 1 {version} IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio {port} RTP/AVP {formats}
a={way}
"""
KINDS = {"sdp": (1, "0 8 101", "sendrecv"), "sdp=hold": (2, "0 8 101", "sendonly"), "sdp=held": (2, "0", "recvonly"),
         "sdp=alaw": (3, "8", "sendrecv"), "sdp=ulaw": (3, "0", "sendrecv")}
METHOD = re.compile(r"^[A-Z.]+$")
PHRASES = {100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 183: "Session Progress", 200: "OK",
           202: "Accepted", 302: "Moved Temporarily", 401: "Unauthorized", 404: "Not Found",
           407: "Proxy Authentication Required", 480: "Temporarily Unavailable", 486: "Busy Here",
           487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable",
           603: "Decline"}


class Story:
    def __init__(self, text):
        self.steps, self.cseq, self.invite, self.asked = [], 0, 0, None
        for line in text.strip("\n").splitlines():
            if line.startswith(" ") or not line:
                self.steps[-1][2].append(line.strip())
            else:
                kind, *words = line.split()
                self.steps.append((kind, words, []))
        self.callee = self.steps[0][0] == "<"

    def loses(self):
        """Whether messages that came are taken for lost."""
        return any("lost" in self.options(words) for kind, words, _ in self.steps if kind == "<")

    def clocks(self):
        """What the response time log measures: number, method asked, code that ends it."""
        found, method = {}, None
        for kind, words, _ in self.steps:
            how = self.options(words) if kind in "<>" else {}
            if kind == ">" and "rtd" in how:
                method = words[0]
            elif kind == "<" and "rtd" in how:
                found["1" if how["rtd"] == "true" else how["rtd"]] = [method, int(words[0])]
        return found

    def outcome(self):
        """How a call goes that goes as told: the final answer to its last request but BYE, in its beginning an
        INVITE's."""
        codes = []
        for kind, words, _ in self.steps:
            if kind == ">" and words[0] in ("BYE", "PRACK", "UPDATE", "REFER", "CANCEL") and codes:
                if words[0] == "CANCEL":
                    codes = [487]
                break
            if kind == "<" and not METHOD.match(words[0]) and int(words[0]) >= 200:
                codes.append(int(words[0]))
        return codes[-1] if codes else None

    def xml(self):
        parts = []
        for i, (kind, words, headers) in enumerate(self.steps):
            callee = kind == "callee"
            if callee:
                kind, words = words[0], words[1:]
            if kind == "pause":
                parts.append(f'<pause milliseconds="{words[0]}"/>')
            elif kind == "<":
                parts.append(self.receive(words))
            elif METHOD.match(words[0]):
                parts.append(self.request(i, words, headers, callee))
            else:
                parts.append(self.answer(words, headers))
        return '<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="story">\n' + "\n".join(parts) + "\n</scenario>\n"

    @staticmethod
    def options(words):
        """name=value and plain words."""
        found = dict(word.split("=", 1) if "=" in word else (word, "true") for word in words[1:])
        for word in words[1:]:
            if word.split("=")[0] == "sdp":
                found["sdp"] = word
        return found

    @staticmethod
    def attributes(how, sends):
        out = ""
        if "lost" in how:
            out += f' lost="{how["lost"]}"'
        if "rtd" in how:
            out += f' {"start_rtd" if sends else "rtd"}="{1 if how["rtd"] == "true" else how["rtd"]}"'
        return out

    def receive(self, words):
        how = self.options(words)
        name = "request" if METHOD.match(words[0]) else "response"
        out = f'<recv {name}="{words[0]}"' + self.attributes(how, False)
        for word, attribute in (("optional", "optional"), ("route", "rrs"), ("auth", "auth")):
            out += f' {attribute}="true"' if word in how else ""
        taken = [("Via:", ".*", 1), ("CSeq:", ".*", 2)] if "keep" in how else []
        taken += [('Via:" occurrence="2', ".*", 5)] if "proxied" in how else []
        taken += [("To:", ".*", 3), ("Contact:", "sip:[^&gt;]*", 4)] if "first" in how else []
        taken += [("To:", ".*", 6), ("Contact:", "sip:[^&gt;]*", 7)] if "second" in how else []
        if not taken:
            return out + "/>"
        return out + "><action>" + "".join(
            f'<ereg regexp="{regexp}" search_in="hdr" header="{name}" assign_to="{variable}"/>'
            for name, regexp, variable in taken) + "</action></recv>"

    def body(self, how):
        if "sdp" not in how:
            return ["Content-Length: 0"], ""
        version, formats, way = KINDS[how["sdp"]]
        sdp = SDP.format(version=version, port="[media_port]", formats=formats, way=way)
        for number, name in ((0, "PCMU/8000"), (8, "PCMA/8000"), (101, "telephone-event/8000")):
            sdp += f"a=rtpmap:{number} {name}\n" if str(number) in formats.split() else ""
        return ["Content-Type: application/sdp", "Content-Length: [len]"], sdp

    def request(self, i, words, headers, callee):
        method, how = words[0], self.options(words)
        in_dialog = callee or any(kind == "<" and "route" in w for kind, w, _ in self.steps[:i])
        if method == "INVITE":
            self.cseq += 1
            self.invite = self.cseq
        elif method not in ("ACK", "CANCEL"):
            self.cseq += 1
        number = how.get("cseq", self.invite if method in ("ACK", "CANCEL") else self.cseq)
        branch = f"[branch-{i - int(how['like'])}]" if "like" in how else "[branch]"
        target = how.get("to", "[next_url]" if in_dialog and "like" not in how else "sip:[service]@[remote_ip]:[remote_port]")
        ours, theirs = ("bob", "ada") if callee else ("ada", "[service]")
        tag = "[pid]s[call_number]" if callee else "[pid]c[call_number]"
        ours = f"<sip:{ours}@example.com>;tag={tag}"
        to_tag = "[peer_tag_param]" if in_dialog or method == "ACK" else ""
        to = f"To: <sip:{theirs}@example.com>{to_tag}"
        if "dialog" in how:
            target, to = ("[$4]", "To:[$3]") if how["dialog"] == "first" else ("[$7]", "To:[$6]")
        lines = [f"{method} {target} SIP/2.0",
                 f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}",
                 "From: " + ("" if callee else '"Ada, of example" ') + ours,
                 to,
                 "Call-ID: [call_id]", f"CSeq: {number} {method}", "Max-Forwards: 70"]
        if method not in ("ACK", "BYE", "CANCEL") and not any(h.startswith("Contact:") for h in headers):
            lines.append(f"Contact: <sip:{'bob' if callee else 'ada'}@[local_ip]:[local_port];transport=[transport]>")
        if in_dialog and "like" not in how:
            lines.append("[routes]")
        if "auth" in how:
            lines.append("[authentication username=ada password=" + (how["auth"] if how["auth"] != "true" else "wonder") + "]")
        more, body = self.body(how)
        if any(h.startswith("Content-Type:") for h in headers):
            at = headers.index("") if "" in headers else len(headers)
            body, headers, more = "\n".join(headers[at + 1:]) + "\n", headers[:at], ["Content-Length: [len]"]
        lines += headers + ["User-Agent: phone of ada" if not callee else "User-Agent: phone of bob"] + more
        retrans = "" if method == "ACK" or "once" in how else ' retrans="500"'
        return self.send(lines, body, retrans + self.attributes(how, True))

    def answer(self, words, headers):
        code, how = int(words[0]), self.options(words)
        kept = "for" in how
        lines = [f"SIP/2.0 {code} {PHRASES[code]}", ("Via:[$1]" + ("\nVia:[$5]" if "proxied" in how else "")) if kept else "[last_Via:]", "[last_From:]",
                 "[last_To:]" + (";tag=[pid]s[call_number]" if "tag" in how else ""),
                 "[last_Call-ID:]", "CSeq:[$2]" if kept else "[last_CSeq:]", "[last_Record-Route:]"]
        if not any(h.startswith("Contact:") for h in headers):
            lines.append("Contact: <sip:bob@[local_ip]:[local_port];transport=[transport]>")
        more, body = self.body(how)
        lines += headers + ["Server: phone of bob"] + more
        return self.send(lines, body, (' retrans="500"' if "again" in how else "") + self.attributes(how, True))

    @staticmethod
    def send(lines, body, attributes):
        text = "\n".join(lines) + "\n\n" + body
        return f"<send{attributes}><![CDATA[\n\n{text}\n]]></send>"
