"""What the program's field table says, and the data view that follows from it."""
import json

VIEW = "wirespan-transactions"
DRILLDOWN = "wirespan-drilldown"

# Kibana's word for an engine's type. Objects with any keys are left out: each line has another type for them.
KINDS = {"keyword": "string", "text": "string", "wildcard": "string", "long": "number", "double": "number",
         "boolean": "boolean", "date_nanos": "date", "ip": "ip"}

META = [
    {"name": "_id", "type": "string", "esTypes": ["_id"], "searchable": True, "aggregatable": True,
     "readFromDocValues": False},
    {"name": "_index", "type": "string", "esTypes": ["_index"], "searchable": True, "aggregatable": True,
     "readFromDocValues": False},
    {"name": "_score", "type": "number", "searchable": False, "aggregatable": False, "readFromDocValues": False},
    {"name": "_source", "type": "_source", "esTypes": ["_source"], "searchable": False, "aggregatable": False,
     "readFromDocValues": False},
    {"name": "_type", "type": "string", "esTypes": ["_type"], "searchable": True, "aggregatable": True,
     "readFromDocValues": False},
]


class Mistake(Exception):
    """In a source; the message says which and what."""


class Known:
    """The fields by name. A protocol may declare a field that another has, too: the first one counts."""

    def __init__(self, table):
        self.at = {}
        for field in table:
            self.at.setdefault(field["name"], field)
            if field["type"] == "text":
                self.at.setdefault(field["name"] + ".keyword", {"name": field["name"] + ".keyword", "type": "keyword"})

    def any(self, name):
        if name not in self.at:
            raise Mistake(f"there is no field {name}")
        return self.at[name]

    def aggregatable(self, name):
        if self.any(name)["type"] in ("text", "flattened"):
            raise Mistake(f"{name} cannot be grouped by, its type is {self.at[name]['type']}")
        return self.at[name]

    def number(self, name):
        if self.any(name)["type"] not in ("long", "double", "date_nanos"):
            raise Mistake(f"{name} is no number but {self.at[name]['type']}")
        return self.at[name]


def stored(field):
    """A field as a data view keeps it."""
    text = field["type"] == "text"
    # Elasticsearch answers a question for its fields with the family; in OpenSearch it is a keyword.
    kind = "keyword" if field["type"] == "wildcard" else field["type"]
    entry = {"name": field["name"], "type": KINDS[field["type"]], "esTypes": [kind], "searchable": True,
             "aggregatable": not text, "readFromDocValues": not text}
    if field["name"].endswith(".keyword"):
        entry["subType"] = {"multi": {"parent": field["name"].rpartition(".")[0]}}
    return entry


# Where a click on a value leads: the drill-down, of the documents in which this field has it.
LEADS = {"query_hash": "query_hash", "client.ip": "related.ip", "server.ip": "related.ip"}


def link(field):
    """Relative to any page of any space; in the same tab, which keeps filters that are pinned."""
    address = (f"../app/dashboards#/view/{DRILLDOWN}?_a=(query:(language:kuery,query:'" + field + ":%22{{value}}%22'))")
    return {"id": "url", "params": {"type": "a", "urlTemplate": address, "labelTemplate": "{{value}}",
                                    "openLinkInCurrentTab": True}}


def form(field):
    """How values are shown; None as they are."""
    unit = field.get("unit")
    if field["name"] in LEADS:
        return link(LEADS[field["name"]])
    if unit == "nanoseconds":
        # People talk for minutes; all else is over in milliseconds.
        output, digits = ("asSeconds", 1) if field["name"] == "sip.call.duration" else ("asMilliseconds", 3)
        return {"id": "duration", "params": {"inputFormat": "nanoseconds", "outputFormat": output, "outputPrecision": digits,
                                             "showSuffix": True, "useShortSuffix": True, "includeSpaceWithSuffix": True}}
    if unit == "bytes":
        return {"id": "bytes", "params": {"pattern": "0,0.[0]b"}}
    # A port or a code is no amount.
    if field["type"] == "long" and unit is None:
        return {"id": "number", "params": {"pattern": "0"}}
    return None


def data_view(index, known):
    entries = META + [stored(f) for f in known.at.values() if f["type"] in KINDS]
    forms = {f["name"]: form(f) for f in known.at.values() if f["type"] in KINDS and form(f)}
    return {"id": VIEW, "type": "index-pattern", "references": [], "attributes": {
        "title": index, "timeFieldName": "@timestamp",
        "fields": json.dumps(sorted(entries, key=lambda f: f["name"]), separators=(",", ":")),
        "fieldFormatMap": json.dumps(forms, separators=(",", ":"))}}
