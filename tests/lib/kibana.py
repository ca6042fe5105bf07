"""A stand-in for Kibana and OpenSearch Dashboards: the import of saved objects, as strict as they are.

What real ones check and answer is known from their API's documentation and from trials with Kibana 7.10.2 and 8.12.2 and
OpenSearch Dashboards 2.8.0. Whether a panel then draws is not known here: tests of the panels' queries are for that.
"""
import http.server
import json
import re
import threading

TYPES = {"index-pattern", "visualization", "search", "dashboard"}
KEYS = {"id", "type", "attributes", "references", "migrationVersion", "coreMigrationVersion"}
# Attributes are mapped strictly: any other is refused.
ATTRIBUTES = {
    "index-pattern": {"title", "timeFieldName", "fields", "fieldFormatMap", "sourceFilters", "type", "typeMeta", "fieldAttrs",
                      "runtimeFieldMap", "allowNoIndex", "name"},
    "visualization": {"title", "description", "visState", "uiStateJSON", "version", "kibanaSavedObjectMeta",
                      "savedSearchRefName"},
    "search": {"title", "description", "columns", "sort", "hits", "version", "kibanaSavedObjectMeta", "grid", "hideChart",
               "isTextBasedQuery", "timeRestore"},
    "dashboard": {"title", "description", "panelsJSON", "optionsJSON", "version", "timeRestore", "timeFrom", "timeTo",
                  "refreshInterval", "kibanaSavedObjectMeta", "hits", "controlGroupInput"},
}
ONLY_8 = {"controlGroupInput", "fieldAttrs", "runtimeFieldMap", "allowNoIndex", "name", "grid", "hideChart",
          "isTextBasedQuery"}
JSON_TEXTS = {"visState", "uiStateJSON", "panelsJSON", "optionsJSON", "fields", "fieldFormatMap", "searchSourceJSON"}


def numbers(version):
    return tuple(int(part) for part in version.split("."))


class Refused(Exception):
    """The whole import: a status and a sentence."""


class Rules:
    """What a server of this version takes."""

    def __init__(self, version):
        self.version = numbers(version)
        self.opensearch = self.version[0] < 7
        # OpenSearch Dashboards was forked from 7.10 and judges objects as that does.
        self.as_kibana = (7, 10, 2) if self.opensearch else self.version

    def check_versions(self, thing):
        claimed = {**thing.get("migrationVersion", {})}
        if self.as_kibana >= (8, 8, 0) and "typeMigrationVersion" in thing:
            claimed[thing["type"]] = thing["typeMigrationVersion"]
        if thing.get("coreMigrationVersion"):
            claimed["core"] = thing["coreMigrationVersion"]
        for what, version in claimed.items():
            if numbers(version) > self.as_kibana:
                raise Refused(422, f"Document \"{thing['id']}\" belongs to a more recent version of Kibana ({what} {version})")
            if numbers(version)[0] < self.as_kibana[0] - 1:
                raise Refused(400, f"{thing['id']} is of {version}: only the major version before this one is imported")
        if not claimed and self.as_kibana[0] > 8:
            raise Refused(400, f"{thing['id']} claims no version, which means an old one")

    def check_attributes(self, thing):
        known = ATTRIBUTES[thing["type"]] - (set() if self.as_kibana >= (8, 3, 0) else ONLY_8)
        strange = set(thing["attributes"]) - known
        if strange:
            raise Refused(400, f"strict_dynamic_mapping_exception: {thing['type']} has no {sorted(strange)}")

        def walk(value):
            for name, inner in value.items():
                if name in JSON_TEXTS:
                    json.loads(inner)
                elif isinstance(inner, dict):
                    walk(inner)
        walk(thing["attributes"])

    def check(self, thing):
        keys = KEYS | ({"typeMigrationVersion"} if self.as_kibana >= (8, 8, 0) else set())
        if set(thing) - keys or not {"id", "type", "attributes", "references"} <= set(thing):
            raise Refused(400, f"Bad Request: keys {sorted(set(thing) ^ keys)}")
        if thing["type"] not in TYPES:
            return {"type": "unsupported_type"}
        self.check_versions(thing)
        self.check_attributes(thing)
        if thing["type"] == "index-pattern" and not json.loads(thing["attributes"].get("fields", "[]")):
            raise Refused(409, "Conflict: a data view without fields is made anew at each look")
        if thing["type"] == "dashboard":
            names = {r["name"].split(":")[-1] for r in thing["references"]}
            for panel in json.loads(thing["attributes"]["panelsJSON"]):
                if panel.get("panelRefName") not in names:
                    raise Refused(400, f"Could not find reference \"{panel.get('panelRefName')}\"")
        return None

    def judge(self, text, kept):
        """The answer to an import, and what is kept of it."""
        things = [json.loads(line) for line in text.decode().split("\n") if line]
        if len({(t["type"], t["id"]) for t in things}) != len(things):
            raise Refused(400, "Non-unique import objects detected")
        here = {(t["type"], t["id"]) for t in things} | set(kept)
        errors, loaded = [], []
        for thing in things:
            error = self.check(thing)
            missing = [r for r in thing["references"] if (r["type"], r["id"]) not in here]
            if missing:
                error = {"type": "missing_references", "references": missing}
            about = {"id": thing["id"], "type": thing["type"], "meta": {"title": thing["attributes"].get("title")}}
            if error:
                errors.append({**about, "error": error})
            else:
                loaded.append({**about, **({"overwrite": True} if (thing["type"], thing["id"]) in kept else {})})
        # As real ones do: the objects without an error are loaded, the others named.
        kept.update({(t["type"], t["id"]): t for t in things
                     if not any((e["type"], e["id"]) == (t["type"], t["id"]) for e in errors)})
        return {"successCount": len(loaded), "success": not errors, "successResults": loaded,
                **({"errors": errors} if errors else {})}


class Kibana:
    """`spaces` that there are beside the default; `answer`: what to say in place of everything, (status, type, body);
    `login`: the value of Authorization without which nothing is told."""

    def __init__(self, version="8.12.2", spaces=(), answer=None, login=None, base=""):
        self.rules, self.number, self.spaces, self.fixed, self.login = Rules(version), version, spaces, answer, login
        self.base, self.kept, self.seen = base, {}, []
        kibana = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16

            def log_message(self, *_):
                pass

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                kibana.seen.append((self.command, self.path, self.headers))
                try:
                    status, kind, answer = kibana.answer(self, body)
                except Refused as why:
                    status, kind = why.args[0], "application/json"
                    answer = {"statusCode": status, "error": "Refused", "message": why.args[1]}
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}{base}"

    def answer(self, request, body):
        if self.fixed:
            return self.fixed
        if self.login and request.headers.get("Authorization") != self.login:
            raise Refused(401, "Unauthorized")
        if not request.path.startswith(self.base):
            raise Refused(404, "Not Found")
        path = request.path[len(self.base):]
        if request.command == "GET" and path == "/api/status":
            return 200, "application/json", {"name": "stand-in", "version": {"number": self.number},
                                             "status": {"overall": {"level": "available"}}}
        found = re.fullmatch(r"(?:/s/([^/]+))?/api/saved_objects/_import\?overwrite=true", path)
        if request.command != "POST" or not found:
            raise Refused(404, "Not Found")
        if found[1] and (self.rules.opensearch or found[1] not in self.spaces):
            raise Refused(404, "Not Found")
        xsrf = "osd-xsrf" if self.rules.opensearch else "kbn-xsrf"
        if not request.headers.get(xsrf):
            raise Refused(400, f"Request must contain a {xsrf} header.")
        return 200, "application/json", self.rules.judge(self.file(request.headers, body), self.kept)

    @staticmethod
    def file(headers, body):
        found = re.fullmatch(r"multipart/form-data; ?boundary=([-\w']{1,70})", headers.get("Content-Type", ""))
        if not found:
            raise Refused(415, "Unsupported Media Type")
        mark = b"--" + found[1].encode()
        start, part, end = (b"\r\n" + body).split(b"\r\n" + mark)
        head, _, text = part.partition(b"\r\n\r\n")
        if start or end not in (b"--", b"--\r\n") or not re.search(br'name="file"; filename="[^"/]+\.ndjson"', head):
            raise Refused(400, "Invalid file extension, or no file")
        return text
