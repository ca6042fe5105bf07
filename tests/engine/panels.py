"""Asks an engine what Kibana would ask it for each panel of the dashboards, as the built saved objects have them, and
compares the answer with a computation from the documents, by what the source of the dashboard says."""
import json
import math
import os
import re
import urllib.error
import urllib.parse

import kql
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INTERVALS = {"m": {"calendar_interval": "1m"}, "auto": {"fixed_interval": "5m"}}
SECONDS = {"m": 60, "auto": 300}
KEYWORD_MAX = 1024  # of the mapping: longer ones are not grouped by
MISSING = "__missing__"
DATES = ("@timestamp", "event.start", "event.end")


class Wrong(Exception):
    """A panel that does not show what it should."""


def check(good, why):
    if not good:
        raise Wrong(why)


# ---- What Kibana asks ----

def metrics_of(aggs):
    return [agg for agg in aggs if agg["schema"] == "metric"]


def metric_request(agg):
    params = agg["params"]
    body = {"field": params["field"]}
    if agg["type"] == "percentiles":
        body.update(percents=params["percents"], keyed=False)
    return {agg["type"]: body}


def terms_request(params, aggs):
    by, more = params["orderBy"], {}
    order = by
    if by != "_key":
        metric = next(agg for agg in aggs if agg["id"] == by.partition(".")[0])
        order = "_count" if metric["type"] == "count" else by
        if metric["type"] != "count":
            more[metric["id"]] = metric_request(metric)
    body = {"field": params["field"], "order": {order: params["order"]}, "size": params["size"]}
    if params["missingBucket"]:
        body["missing"] = MISSING
    return {"terms": body}, more


def bucket_request(agg, aggs):
    params = agg["params"]
    if agg["type"] == "terms":
        return terms_request(params, aggs)
    if agg["type"] == "date_histogram":
        return {"date_histogram": {"field": params["field"], **INTERVALS[params["interval"]], "time_zone": "UTC",
                                   "min_doc_count": params["min_doc_count"]}}, {}
    check(agg["type"] == "filters", f"{agg['type']}: it is not known here what Kibana asks")
    return {"filters": {"filters": {f["label"]: kql.request(kql.parse(f["input"]["query"]))
                                    for f in params["filters"]}}}, {}


def aggs_request(aggs):
    """Buckets within buckets, in the order in which they stand; in the innermost, the metrics."""
    inner = {agg["id"]: metric_request(agg) for agg in metrics_of(aggs) if agg["type"] != "count"}
    for agg in reversed([agg for agg in aggs if agg["schema"] != "metric"]):
        body, more = bucket_request(agg, aggs)
        inner = {agg["id"]: {**body, "aggs": {**inner, **more}}}
    return inner


def query_of(thing):
    source = json.loads(thing["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    check(source["query"]["language"] == "kuery" and not source["filter"], "not a query in KQL alone")
    return kql.parse(source["query"]["query"])


def request(query, span, **more):
    return {"query": {"bool": {"must": [], "should": [], "must_not": [], "filter": [
                kql.request(query), {"range": {"@timestamp": {"gte": span[0], "lte": span[1],
                                                              "format": "strict_date_optional_time"}}}]}},
            "stored_fields": ["*"], "script_fields": {}, "track_total_hits": True,
            "docvalue_fields": [{"field": name, "format": "date_time"} for name in DATES],
            "_source": {"excludes": []}, **more}


# ---- What the sources mean ----

def source_metric(source):
    kind = next(iter(source))  # its first key
    return {"type": kind, "schema": "metric", "params": {**source, "field": source[kind],
                                                         "customLabel": source.get("label", source[kind])}}


def source_bucket(source, metrics):
    kind = next(key for key in ("terms", "time", "filters") if key in source)
    if kind == "time":
        return {"type": "date_histogram", "schema": "bucket", "params": {
            "field": "@timestamp", "interval": "m" if source["time"] == "minute" else "auto"}}
    if kind == "filters":
        return {"type": "filters", "schema": "bucket", "params": {
            "filters": [{"label": f["label"], "input": {"query": f["query"]}} for f in source["filters"]]}}
    by = source.get("by", metrics[0]["params"]["customLabel"])
    if by != "_key":
        metric = next(m for m in metrics if m["params"]["customLabel"] == by)
        percents = metric["params"].get("percents", [])
        by = ".".join([metric["id"]] + [str(source.get("percent", p)) for p in percents[:1]])
    return {"type": "terms", "schema": "bucket", "params": {
        "field": source["terms"], "orderBy": by, "order": source.get("order", "desc"), "size": source["size"],
        "missingBucket": "missing" in source}}


def source_panel(board, panel):
    """Its query, and its metrics and buckets with the ids that the answer has them under."""
    queries = [q for q in (board.get("query"), panel.get("query")) if q]
    aggs = [source_metric(source) for source in panel.get("metrics", ())]
    for i, agg in enumerate(aggs):
        agg["id"] = str(i + 1)
    metrics = list(aggs)
    for key in ("x", "split", "rows"):
        for source in panel.get(key, ()) if isinstance(panel.get(key, ()), (list, tuple)) else [panel[key]]:
            aggs.append({**source_bucket(source, metrics), "id": str(len(aggs) + 1)})
    return kql.parse(" and ".join(f"({q})" for q in queries)), aggs, panel


def sources():
    """What each panel should show, by its id."""
    folder = os.path.join(ROOT, "dashboards")
    with open(os.path.join(folder, "common.yml"), encoding="utf-8") as file:
        names = yaml.safe_load(file)["dashboards"]
    for name in names:
        with open(os.path.join(folder, name + ".yml"), encoding="utf-8") as file:
            board = yaml.safe_load(file)
        for panel in (panel for row in board["rows"] for panel in row["panels"]):
            slug = re.sub("[^a-z0-9]+", "-", panel["title"].lower()).strip("-")
            yield f"wirespan-{name}-{panel.get('name', slug)}", source_panel(board, panel)


# ---- What documents say ----

class Documents:
    """Documents, and what an engine with the program's mapping finds in their fields."""

    def __init__(self, documents, types):
        self.all, self.types = documents, types

    def values(self, document, name):
        """What is grouped and computed with: words, numbers; no text."""
        if name.endswith(".keyword") and name not in self.types:
            name = name[:-len(".keyword")]
        else:
            check(self.types[name] not in ("text", "flattened"), f"{name} is {self.types[name]}")
        found = document
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        found = found if isinstance(found, list) else [] if found is None else [found]
        return [v for v in found if not isinstance(v, str) or len(v) <= KEYWORD_MAX]

    def numbers(self, documents, name):
        if self.types[name] == "date_nanos":
            return [milliseconds(v) for d in documents for v in self.values(d, name)]
        return [v for d in documents for v in self.values(d, name)]

    def that(self, query, documents=None):
        return [d for d in (self.all if documents is None else documents)
                if kql.holds(query, lambda name, d=d: self.values(d, name))]


def milliseconds(time):
    """Since the epoch, of 2026-01-02T03:04:05.123456789Z."""
    import datetime
    whole, fraction = time.rstrip("Z").split(".")
    return int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp()) * 1000 + int(fraction[:3])


def groups(agg, documents, all_documents):
    """{key as the engine says it: documents}"""
    params, found = agg["params"], {}
    if agg["type"] == "filters":
        return {f["label"]: all_documents.that(kql.parse(f["input"]["query"]), documents) for f in params["filters"]}
    if agg["type"] == "date_histogram":
        for d in documents:
            at = milliseconds(d["@timestamp"]) // 1000
            found.setdefault((at - at % SECONDS[params["interval"]]) * 1000, []).append(d)
        return found
    for d in documents:
        values = {kql.said(v) if isinstance(v, bool) else v for v in all_documents.values(d, params["field"])}
        for value in values or ({MISSING} if params["missingBucket"] else ()):
            found.setdefault(value, []).append(d)
    return found


# ---- Comparing ----

def near(have, want):
    return have == want or (have is not None and want is not None and math.isclose(have, want, rel_tol=1e-9))


def percentile_bounds(numbers, percent):
    """Engines estimate, by t-digests of compression 100: a rank is off by one of its clusters, which are widest in the
    middle, a thirtieth of all there."""
    numbers, share = sorted(numbers), percent / 100
    rank, slack = share * (len(numbers) - 1), 1.5 + 0.02 * math.pi * math.sqrt(share * (1 - share)) * len(numbers)
    return numbers[max(0, math.floor(rank - slack))], numbers[min(len(numbers) - 1, math.ceil(rank + slack))]


def compare_metric(agg, answer, documents, all_documents, where):
    """Returns how many numbers there were."""
    kind, params = agg["type"], agg["params"]
    if kind == "count":
        return 1
    numbers = None if kind == "cardinality" else all_documents.numbers(documents, params["field"])
    if kind == "percentiles":
        shown = 0
        for one in answer["values"]:
            have = one["value"]
            if not numbers:
                check(have is None or math.isnan(float(have)), f"{where}: {have}, of nothing")
                continue
            low, high = percentile_bounds(numbers, one["key"])
            check(have is not None and low * (1 - 1e-9) <= have <= high * (1 + 1e-9),
                  f"{where}: percentile {one['key']} is {have}, not from {low} to {high}")
            shown += 1
        check(len(answer["values"]) == len(params["percents"]), f"{where}: not all percentiles")
        return shown
    if kind == "cardinality":
        want = len({v for d in documents for v in all_documents.values(d, params["field"])})
    elif kind == "sum":
        want = sum(numbers)
    elif not numbers:
        want = None
    else:
        want = {"avg": sum(numbers) / len(numbers), "max": max(numbers), "min": min(numbers)}[kind]
    check(near(answer["value"], want), f"{where}: {kind} of {params.get('field')} is {answer['value']}, not {want}")
    return want is not None


def rank_of(metric, percent, documents, all_documents):
    """Between which numbers an engine may see what a group is sorted by; most often there is one."""
    numbers = all_documents.numbers(documents, metric["params"]["field"]) if metric["type"] != "count" else documents
    if metric["type"] == "count":
        return len(documents), len(documents)
    if metric["type"] == "percentiles" and numbers:
        return percentile_bounds(numbers, percent)
    if not numbers:
        none = 0 if metric["type"] == "sum" else -math.inf
        return none, none
    exact = {"sum": sum, "max": max, "min": min, "avg": lambda n: sum(n) / len(n)}[metric["type"]](numbers)
    return exact, exact


def rank_in(metric, percent, bucket):
    """The same, as the engine says it."""
    if metric["type"] == "count":
        return bucket["doc_count"]
    values = bucket[metric["id"]]
    have = values["value"] if "value" in values else next(v["value"] for v in values["values"] if v["key"] == percent)
    return -math.inf if have is None or have != have else have


def key_of(bucket):
    key = bucket["key"]
    return bucket["key_as_string"] if bucket.get("key_as_string") in ("true", "false") else key


def compare_terms(agg, aggs, found, wanted, all_documents, where):
    """Of the groups that there are, the first ones in the order that was asked for."""
    params = agg["params"]
    keys = [key_of(b) for b in found]
    check(len(keys) == min(params["size"], len(wanted)), f"{where}: {len(keys)} groups of {len(wanted)}: {keys[:5]}")
    check(set(keys) <= set(wanted), f"{where}: not there: {set(keys) - set(wanted)}")
    if params["orderBy"] == "_key":
        check(keys == sorted(wanted, reverse=params["order"] == "desc")[:params["size"]], f"{where}: {keys}")
        return
    ident, _, percent = params["orderBy"].partition(".")
    metric, percent = next(a for a in aggs if a["id"] == ident), float(percent or 0)
    sign = -1 if params["order"] == "asc" else 1
    have = [sign * rank_in(metric, percent, b) for b in found]
    check(have == sorted(have, reverse=True), f"{where}: not in the order of {metric['params']['customLabel']}")
    for b in found:
        compare_metric(metric, b.get(ident), wanted[key_of(b)], all_documents, f"{where} > {key_of(b)}")
    ranks = {key: sorted(sign * r for r in rank_of(metric, percent, wanted[key], all_documents)) for key in wanted}
    least = min((ranks[key][1] for key in keys), default=0)
    left_out = [key for key in wanted if key not in keys and ranks[key][0] > least + abs(least) * 1e-9]
    check(not left_out, f"{where}: {left_out[:3]} should be there")


def compare(aggs, buckets, answer, documents, all_documents, where):
    """An answer, level by level. Returns how many numbers there were."""
    if not buckets:
        return sum(compare_metric(agg, answer.get(agg["id"]), documents, all_documents, where)
                   for agg in metrics_of(aggs))
    agg, inner = buckets[0], buckets[1:]
    found, wanted = answer[agg["id"]]["buckets"], groups(agg, documents, all_documents)
    if isinstance(found, dict):
        found = [{**b, "key": key} for key, b in found.items()]
    if agg["type"] == "terms":
        compare_terms(agg, aggs, found, wanted, all_documents, where)
    else:
        check({b["key"] for b in found} == set(wanted), f"{where}: {sorted(wanted)[:3]}… of {agg['type']} are not all")
    shown = 0
    for b in found:
        members, at = wanted[key_of(b)], f"{where} > {key_of(b)}"
        check(b["doc_count"] == len(members), f"{at}: {b['doc_count']} documents, not {len(members)}")
        if members:
            shown += compare(aggs, inner, b, members, all_documents, at)
    return shown


# ---- A panel ----

def visualization(ask, thing, span, documents, meant):
    aggs = json.loads(thing["attributes"]["visState"])["aggs"]
    answer = ask(request(query_of(thing), span, size=0, aggs=aggs_request(aggs)))
    query, aggs, _ = meant
    members = documents.that(query)
    hits = answer["hits"]["total"]["value"]
    check(hits == len(members), f"{hits} documents, not {len(members)}")
    buckets = [agg for agg in aggs if agg["schema"] != "metric"]
    shown = compare(aggs, buckets, answer.get("aggregations", {}), members, documents, "all")
    check(hits > 0 and shown > 0, "it is empty")


def search(ask, thing, span, documents, meant):
    field, order = thing["attributes"]["sort"][0]
    answer = ask(request(query_of(thing), span, size=50, version=True,
                         sort=[{field: {"order": order, "unmapped_type": "boolean"}}]))
    query, _, panel = meant
    members = documents.that(query)
    check(answer["hits"]["total"]["value"] == len(members) > 0, f"{answer['hits']['total']}, not {len(members)}")
    numbers = documents.numbers(members, panel["sort"][0])
    have = [documents.numbers([hit["_source"]], panel["sort"][0])[0] for hit in answer["hits"]["hits"]]
    check(have == sorted(numbers, reverse=panel["sort"][1] == "desc")[:50], f"not the first ones by {field}: {have[:5]}")
    for column in panel["columns"]:
        check(column in thing["attributes"]["columns"], f"there is no column {column}")
        check(any(present(d, column.split(".")) for d in members), f"the column {column} is empty")


def present(document, path):
    for part in path:
        document = document.get(part) if isinstance(document, dict) else None
    return document is not None


def links(ask, view, span, documents):
    """A click on a value leads to its documents."""
    for field, form in json.loads(view["attributes"]["fieldFormatMap"]).items():
        if form["id"] != "url":
            continue
        values = sorted({v for d in documents.all for v in documents.values(d, field)})
        for value in values[:3] + values[-3:]:
            address = form["params"]["urlTemplate"].replace("{{value}}", urllib.parse.quote(value, safe=""))
            text = re.search(r"#/view/wirespan-drilldown\?_a=\(query:\(language:kuery,query:'([^']*)'\)\)$", address)[1]
            query = kql.parse(urllib.parse.unquote(text))
            hits = ask(request(query, span, size=0))["hits"]["total"]["value"]
            check(hits == len(documents.that(query)) > 0, f"{field} {value}: {hits} documents")


# ---- For the eye ----

def figures(metric, buckets, answer, members):
    """How many numbers a metric has in an answer."""
    if buckets:
        found = answer.get(buckets[0]["id"], {"buckets": []})["buckets"]
        found = found.values() if isinstance(found, dict) else found
        return sum(figures(metric, buckets[1:], b, b["doc_count"]) for b in found)
    if metric["type"] == "count":
        return members
    one = answer.get(metric["id"], {"value": None})
    return sum(v is not None and v == v for v in ([one["value"]] if "value" in one else [v["value"] for v in one["values"]]))


def blank(ask, skip=lambda ident: False):
    """Of the time that dashboards open with, what shows nothing: panels, and labels of columns and lines without a number."""
    with open(os.path.join(ROOT, "dashboards", "common.yml"), encoding="utf-8") as file:
        time = yaml.safe_load(file)["time"]
    span, found = (time["from"], time["to"]), []
    for ident, thing in built("kibana7").items():
        state = json.loads(thing["attributes"].get("visState", "{}"))
        if skip(ident) or thing["type"] not in ("visualization", "search") or state.get("type") in ("markdown", "input_control_vis"):
            continue
        aggs = state.get("aggs", [])
        answer = ask(request(query_of(thing), span, size=0, **({"aggs": aggs_request(aggs)} if aggs else {})))
        hits = answer["hits"]["total"]["value"]
        metrics = metrics_of(aggs) or [{"type": "count", "params": {"customLabel": ""}}]
        buckets = [agg for agg in aggs if agg["schema"] != "metric"]
        found += [f"{ident} {m['params']['customLabel']}".strip() for m in metrics
                  if figures(m, buckets, answer.get("aggregations", {}), hits) == 0]
    return found


def built(name):
    with open(os.path.join(ROOT, "dashboards", "built", name + ".ndjson"), encoding="utf-8") as file:
        return {thing["id"]: thing for thing in map(json.loads, file)}


def wrong(ask, made, types, skip=lambda ident: False):
    """What is wrong, of all panels: {id: why}. `ask` sends a search and returns the answer."""
    documents = Documents(made, types)
    times = sorted(d["@timestamp"] for d in made)
    span = times[0][:19] + "Z", times[-1][:17] + "59.999Z"
    # All lines have the same panels: what differs between them does not reach an engine.
    faults, things = {}, built("kibana7")
    try:
        links(ask, things["wirespan-transactions"], span, documents)
    except Exception as error:
        faults["links"] = f"{type(error).__name__}: {error}"
    for ident, meant in sources():
        if skip(ident):
            continue
        try:
            thing = things[ident]
            (search if thing["type"] == "search" else visualization)(ask, thing, span, documents, meant)
        except urllib.error.HTTPError as error:
            faults[ident] = f"HTTP {error.code}: {error.read().decode()[:500]}"
        except Exception as error:  # whatever happens is an outcome to report
            faults[ident] = f"{type(error).__name__}: {error}"
    return faults
