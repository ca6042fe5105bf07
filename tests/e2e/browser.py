"""A headless Chromium, driven through its debugging pipe: nothing beyond python and the browser is needed."""
import base64
import collections
import glob
import json
import os
import select
import shutil
import struct
import subprocess
import tempfile
import time
import zlib

LIMIT = 200  # seconds for one answer, while others want the processor


class BrowserError(Exception):
    pass


def find():
    """The browser's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One page. `problems` has what its console and its scripts complained of."""

    def __init__(self, **environment):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def pipes():
            # The browser reads descriptor 3 and writes 4; each may be in the other's place.
            low, high = os.dup(to_browser), os.dup(from_browser)
            a, b = os.dup(low), os.dup(high)
            os.dup2(a, 3)
            os.dup2(b, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        command = [find(), "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars",
                   "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                   "--user-data-dir=" + self.folder.name, "--force-color-profile=srgb", "about:blank"]
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        self.process = subprocess.Popen(command, preexec_fn=pipes, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, TZ="UTC", HOME=self.folder.name, **environment))
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.problems, self.requests, self.events = b"", 0, [], [], []
        self.session = None
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (BrowserError, OSError):
            self.process.kill()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def message(self, until):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_end], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise BrowserError(f"the browser says nothing within {LIMIT} s")
            more = os.read(self.read_end, 1 << 20)
            if not more:
                raise BrowserError("the browser is gone")
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        self.events.append(method)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write_end, json.dumps(request).encode() + b"\0")
        until = time.monotonic() + LIMIT
        while True:
            answer = self.message(until)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def run(self, script):
        """The value of an expression; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def wait(self, script):
        until = time.monotonic() + LIMIT
        while True:
            value = self.run(script)
            if value:
                return value
            if time.monotonic() > until:
                raise BrowserError("never true: " + script)
            time.sleep(0.02)

    def settle(self):
        """Until what was begun is drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))")

    def look(self, width, height=900, dark=False, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 700)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}])

    def processor_seconds(self):
        """What the browser and its processes have used so far, however many others wait for the processor."""
        ticks, children = 0, {}
        for folder in glob.glob("/proc/[0-9]*"):
            try:
                with open(folder + "/stat") as stat:
                    fields = stat.read().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append((int(folder[6:]), int(fields[11]) + int(fields[12])))
        family = [self.process.pid]
        for parent in family:
            for child, used in children.get(parent, []):
                family.append(child)
                ticks += used
        return ticks / os.sysconf("SC_CLK_TCK")

    def open(self, path):
        """Seconds until the page says it is ready."""
        begin = time.monotonic()
        self.call("Page.navigate", url="file://" + path)
        self.wait("document.documentElement?.dataset.ready === 'yes' || document.querySelector('#wait')?.textContent.startsWith('This')")
        return time.monotonic() - begin

    def place(self, find):
        """The middle of an element, scrolled into view; `find` is a selector, or an expression in parentheses."""
        script = find if find.startswith("(") else f"document.querySelector({json.dumps(find)})"
        return self.run(f"""(() => {{ const e = {script}; if (!e) throw new Error('nothing: ' + {json.dumps(find)});
            e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const b = e.getBoundingClientRect();
            return [b.left + b.width / 2, b.top + b.height / 2, b.left, b.top, b.width, b.height]; }})()""")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", **more)

    def click(self, find):
        x, y = self.place(find)[:2]
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, clickCount=1)
        self.mouse("mouseReleased", x, y, clickCount=1)
        self.settle()

    def drag(self, find, begin, end):
        """Across an element, between two shares of its width."""
        _, y, left, _, width, _ = self.place(find)
        self.mouse("mouseMoved", left + width * begin, y)
        self.mouse("mousePressed", left + width * begin, y, clickCount=1)
        for step in range(1, 6):
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width * (begin + (end - begin) * step / 5), y=y, button="left", buttons=1)
        self.mouse("mouseReleased", left + width * end, y, clickCount=1)
        self.settle()

    def key(self, name, shift=False):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, " ": 32}
        more = {"windowsVirtualKeyCode": codes[name], "key": name, "code": "Space" if name == " " else name, "modifiers": 8 if shift else 0}
        text = {"Enter": "\r", " ": " "}.get(name)
        self.call("Input.dispatchKeyEvent", type="keyDown", **more, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **more)
        self.settle()

    def type(self, text):
        self.call("Input.insertText", text=text)
        self.settle()

    def picture(self, whole=False, clip=None):
        more = {"clip": dict(zip(("x", "y", "width", "height"), clip), scale=1)} if clip else {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            more = {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **more)["data"])


def palette(png, colors=256):
    """The same picture with fewer colours, in an indexed PNG: a quarter of the bytes."""
    width, height, rows = pixels(png)
    counts = collections.Counter(row[x:x + 3] for row in rows for x in range(0, 3 * width, 3))
    kept = [color for color, _ in counts.most_common(colors)]
    index = {color: i for i, color in enumerate(kept)}
    for color in counts:
        if color not in index:
            index[color] = min(range(len(kept)), key=lambda i, c=color: sum((a - b) ** 2 for a, b in zip(kept[i], c)))
    lines = b"".join(b"\0" + bytes(index[row[x:x + 3]] for x in range(0, 3 * width, 3)) for row in rows)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
            + chunk(b"PLTE", b"".join(kept)) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def pixels(png):
    """Width, height and rows of RGB bytes of a PNG with 8 bits a sample, not interlaced."""
    at, body, head = 8, b"", None
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", png[at + 8:at + 8 + length])
        elif kind == b"IDAT":
            body += png[at + 8:at + 8 + length]
        at += 12 + length
    width, height, _, color = head[:4]
    size = {2: 3, 6: 4}[color]
    flat, rows, before = zlib.decompress(body), [], bytearray(width * size)
    for y in range(height):
        start = y * (width * size + 1)
        kind, line = flat[start], bytearray(flat[start + 1:start + 1 + width * size])
        if kind:
            unfilter(kind, line, before, size)
        rows.append(bytes(line) if size == 3 else b"".join(bytes(line[i:i + 3]) for i in range(0, len(line), 4)))
        before = line
    return width, height, rows


def unfilter(kind, line, before, size):
    for i in range(len(line)):
        a = line[i - size] if i >= size else 0
        b = before[i]
        c = before[i - size] if i >= size else 0
        if kind == 1:
            line[i] = (line[i] + a) & 255
        elif kind == 2:
            line[i] = (line[i] + b) & 255
        elif kind == 3:
            line[i] = (line[i] + (a + b) // 2) & 255
        elif kind == 4:
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            line[i] = (line[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
