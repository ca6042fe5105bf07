"""From a panel of a source to a saved object: the parameters and aggregations of each kind of chart."""
import json
import re

from fields import VIEW, Mistake

METRICS = ("count", "sum", "avg", "max", "min", "percentiles", "cardinality")
SHARED = {"title", "name", "description", "width", "chart", "query"}


def packed(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def slug(title):
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def both(first, second):
    """A query that demands two."""
    if not first or not second:
        return first or second or ""
    return " and ".join(f"({q})" if " or " in q else q for q in (first, second))


# ---- Aggregations ----

def metric(number, source, known):
    """{count: Label}, or {sum: FIELD, label: Label}."""
    kinds = [kind for kind in METRICS if kind in source]
    if len(kinds) != 1:
        raise Mistake(f"a metric is one of {', '.join(METRICS)}: {source}")
    kind = kinds[0]
    label = source["count"] if kind == "count" else source.get("label")
    if not isinstance(label, str):
        raise Mistake(f"a metric needs a label: {source}")
    params = {"customLabel": label}
    if kind != "count":
        (known.aggregatable if kind == "cardinality" else known.number)(source[kind])
        params["field"] = source[kind]
    if kind == "percentiles":
        params["percents"] = source["percents"]
    return {"id": str(number), "enabled": True, "type": kind, "schema": "metric", "params": params}


def order(source, metrics, query):
    """Which metric a list of terms is sorted by: the first one, or the one with the label `by`; or by the terms."""
    label = source.get("by", metrics[0]["params"]["customLabel"])
    if label == "_key":
        return label
    for one in metrics:
        if one["params"]["customLabel"] == label:
            break
    else:
        raise Mistake(f"sorted by \"{label}\", which is no metric here")
    # Engines put groups without a value first then.
    if one["type"] in ("percentiles", "avg") and f"{one['params']['field']}:*" not in query:
        raise Mistake(f"sorted by \"{label}\": the query must say {one['params']['field']}:*")
    if one["type"] != "percentiles":
        return one["id"]
    percent = source.get("percent", one["params"]["percents"][0])
    if percent not in one["params"]["percents"]:
        raise Mistake(f"sorted by \"{label}\": percent is one of {one['params']['percents']}")
    return f"{one['id']}.{percent}"


def bucket(number, schema, source, metrics, known, query, whole):
    """{terms: FIELD, size: N}, {time: minute|auto}, {filters: [{label:, query:}…]}. Of a `whole` no part is left out."""
    if "label" not in source:
        raise Mistake(f"a bucket needs a label: {source}")
    params = {"customLabel": source["label"]}
    if "terms" in source:
        kind = "terms"
        if known.aggregatable(source["terms"])["type"] not in ("keyword", "wildcard") and "missing" in source:
            raise Mistake(f"{source['terms']}: Kibana groups what is missing for words only")
        params.update({
            "field": source["terms"], "orderBy": order(source, metrics, query), "order": source.get("order", "desc"),
            "size": source["size"], "otherBucket": whole, "otherBucketLabel": "all others",
            "missingBucket": "missing" in source, "missingBucketLabel": source.get("missing", "Missing")})
    elif "time" in source:
        kind = "date_histogram"
        if source["time"] == "minute" and any(m["type"] not in ("count", "sum") for m in metrics):
            raise Mistake("only counts and sums can be told a minute")
        params.update({"field": "@timestamp", "useNormalizedEsInterval": True,
                       "interval": {"minute": "m", "auto": "auto"}[source["time"]],
                       # So that "a minute" is one, however wide the columns are.
                       "scaleMetricValues": source["time"] == "minute",
                       "drop_partials": False, "min_doc_count": 1, "extended_bounds": {}})
    elif "filters" in source:
        kind = "filters"
        params["filters"] = [{"input": {"query": check_query(f["query"], known), "language": "kuery"}, "label": f["label"]}
                             for f in source["filters"]]
    else:
        raise Mistake(f"a bucket is terms, time or filters: {source}")
    return {"id": str(number), "enabled": True, "type": kind, "schema": schema, "params": params}


def check_query(query, known):
    for name in re.findall(r"([@\w.]+)\s*(?::|<=|>=|<|>)", query or ""):
        known.any(name)
    return query or ""


def aggregations(panel, known, schemas, query):
    """Of metrics, then of buckets: {a key of the source: the schema that its buckets have}."""
    aggs = [metric(i + 1, one, known) for i, one in enumerate(panel["metrics"])]
    metrics = list(aggs)
    for key, schema in schemas.items():
        buckets = panel.get(key, [])
        buckets = buckets if isinstance(buckets, list) else [buckets]
        # Layers over time, and a circle, are read as all that there is.
        whole = len(buckets) == 1 and (panel["chart"] == "pie" or (
            panel["chart"] in ("bars", "area") and key == "split" and "time" in panel["x"]))
        for source in buckets:
            aggs.append(bucket(len(aggs) + 1, schema, source, metrics, known, query, whole))
    return aggs


# ---- Charts ----

def axes(kind, panel, aggs):
    """Of lines, areas and columns."""
    metrics = [a for a in aggs if a["schema"] == "metric"]
    shape = {"bars": "histogram", "line": "line", "area": "area", "hbars": "histogram"}[kind]
    stacked = "normal" if kind == "line" or panel.get("beside") else "stacked"
    across = kind == "hbars"
    label = panel.get("axis", metrics[0]["params"]["customLabel"])
    below = next(a["params"]["customLabel"] for a in aggs if a["schema"] == "segment")
    return {
        "type": shape, "grid": {"categoryLines": False},
        "categoryAxes": [{"id": "CategoryAxis-1", "type": "category", "position": "left" if across else "bottom",
                          "show": True, "style": {}, "scale": {"type": "linear"},
                          "labels": {"show": True, "filter": not across, "truncate": 200 if across else 100},
                          # A column of filters has no name of its own.
                          "title": {"text": below}}],
        "valueAxes": [{"id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "bottom" if across else "left",
                       "show": True, "style": {}, "scale": {"type": "linear", "mode": panel.get("mode", "normal")},
                       "labels": {"show": True, "rotate": 0, "filter": across, "truncate": 100},
                       "title": {"text": label[:1].upper() + label[1:]}}],
        "seriesParams": [{"show": True, "type": shape, "mode": stacked,
                          "data": {"label": m["params"]["customLabel"], "id": m["id"]}, "valueAxis": "ValueAxis-1",
                          "drawLinesBetweenPoints": True, "lineWidth": 2, "showCircles": True} for m in metrics],
        "addTooltip": True, "addLegend": True, "legendPosition": "right", "times": [], "addTimeMarker": False,
        "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"}, "labels": {}}


def table(panel, _):
    return {"perPage": panel.get("lines", 10), "showPartialRows": False, "showMetricsAtAllLevels": False,
            "sort": {"columnIndex": None, "direction": None}, "showTotal": False, "totalFunc": "sum", "percentageCol": ""}


def pie(_, __):
    return {"type": "pie", "addTooltip": True, "addLegend": True, "legendPosition": "right", "isDonut": True,
            "labels": {"show": True, "values": True, "last_level": True, "truncate": 100}}


def number(panel, _):
    return {"addTooltip": True, "addLegend": False, "type": "metric", "metric": {
        "percentageMode": False, "useRanges": False, "colorSchema": "Green to Red", "metricColorMode": "None",
        "colorsRange": [{"from": 0, "to": 10000}], "labels": {"show": True}, "invertColors": False,
        "style": {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": panel.get("font", 28)}}}


# Of each chart: Kibana's type, what its source may hold beside what all may, the schemas of its buckets, its parameters.
CHARTS = {
    "bars": ("histogram", {"beside", "mode", "axis", "colors"}, {"x": "segment", "split": "group"}, axes),
    "hbars": ("horizontal_bar", {"beside", "mode", "axis", "colors"}, {"x": "segment", "split": "group"}, axes),
    "line": ("line", {"axis", "colors"}, {"x": "segment", "split": "group"}, axes),
    "area": ("area", {"mode", "axis", "colors"}, {"x": "segment", "split": "group"}, axes),
    "table": ("table", {"lines"}, {"rows": "bucket"}, table),
    "pie": ("pie", {"colors"}, {"rows": "segment"}, pie),
    "metric": ("metric", {"font"}, {}, number),
}

COLORS = {"outcome": {"Success": "#54B399", "Error": "#E7664C", "Answered": "#54B399", "Not answered": "#E7664C",
                      "Did its part": "#54B399", "Failed": "#E7664C"}}


def source_of(query, **more):
    """Where a panel's documents come from: the data view, and a query."""
    return {"searchSourceJSON": packed({**more, "query": {"query": query, "language": "kuery"}, "filter": [],
                                        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index"})}


VIEW_REFERENCE = {"name": "kibanaSavedObjectMeta.searchSourceJSON.index", "type": "index-pattern", "id": VIEW}


def check_keys(panel, allowed):
    unknown = set(panel) - SHARED - allowed
    if unknown:
        raise Mistake(f"a {panel['chart']} has no {', '.join(sorted(unknown))}")


def visualization(ident, title, kind, params, aggs, meta, references, description="", ui=None):
    return {"id": ident, "type": "visualization", "references": references, "attributes": {
        "title": title, "description": description, "version": 1, "uiStateJSON": packed(ui or {}),
        "visState": packed({"title": title, "type": kind, "params": params, "aggs": aggs}),
        "kibanaSavedObjectMeta": meta}}


def search(ident, title, query, panel, known):
    check_keys(panel, {"sort", "columns"})
    for name in panel["columns"] + panel["sort"][:1]:
        known.any(name)
    known.aggregatable(panel["sort"][0])
    return {"id": ident, "type": "search", "references": [VIEW_REFERENCE], "attributes": {
        "title": title, "description": panel.get("description", ""), "hits": 0, "columns": panel["columns"],
        "sort": [panel["sort"]], "version": 1,
        "kibanaSavedObjectMeta": source_of(query, highlightAll=True, version=True)}}


def build(name, source, panel, known):
    """The saved object of a panel."""
    ident = f"wirespan-{name}-{panel.get('name') or slug(panel['title'])}"
    title = f"{panel['title']} [wirespan {source['title']}]"
    query = check_query(both(source.get("query"), panel.get("query")), known)
    if panel["chart"] == "search":
        return search(ident, title, query, panel, known)
    if panel["chart"] not in CHARTS:
        raise Mistake(f"there is no chart {panel['chart']}")
    kind, own, schemas, params = CHARTS[panel["chart"]]
    check_keys(panel, own | {"metrics"} | set(schemas))
    aggs = aggregations(panel, known, schemas, query)
    ui = {"vis": {"colors": COLORS[panel["colors"]]}} if "colors" in panel else None
    chart = axes(panel["chart"], panel, aggs) if params is axes else params(panel, aggs)
    return visualization(ident, title, kind, chart, aggs, source_of(query), [VIEW_REFERENCE],
                         panel.get("description", ""), ui)


# ---- The top of each dashboard ----

NO_SOURCE = {"searchSourceJSON": packed({"query": {"query": "", "language": "kuery"}, "filter": []})}


def navigation(boards):
    """Links to all dashboards; they are relative, so that they work behind any address."""
    text = " · ".join(f"[{title}](#/view/{ident})" for ident, title in boards)
    return visualization("wirespan-navigation", "Dashboards [wirespan]", "markdown",
                         {"fontSize": 13, "openLinksInNewTab": False, "markdown": text}, [], NO_SOURCE, [])


def controls(entries):
    """Lists to choose from, as a panel."""
    rows, references = [], []
    for i, entry in enumerate(entries):
        name = f"control_{i}_index_pattern"
        rows.append({"id": f"wirespan-control-{i}", "fieldName": entry["field"], "parent": "", "label": entry["label"],
                     "type": "list", "options": {"type": "terms", "multiselect": True,
                                                 "dynamicOptions": True, "size": 20, "order": "desc"},
                     "indexPatternRefName": name})
        references.append({"name": name, "type": "index-pattern", "id": VIEW})
    return visualization("wirespan-controls", "Controls [wirespan]", "input_control_vis",
                         {"controls": rows, "updateFiltersOnChange": True, "useTimeFilter": True, "pinFilters": False},
                         [], NO_SOURCE, references)
