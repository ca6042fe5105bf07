"""What differs between lines of Kibana: the versions that objects claim to be of, names of references, the controls,
and what Kibana 9 would no longer bring up to date by itself."""
import collections
import json
import uuid

import panels
from fields import DRILLDOWN, VIEW
from panels import packed

PREFIX = "wirespan-"
TITLE = "[wirespan] "
NAVIGATION_HEIGHT, CONTROLS_HEIGHT = 3, 5

# A server refuses objects as of a version newer than itself, and brings older ones up to date.
#   versions   what an object of this type claims
#   panel      as of which version panels within dashboards are
#   modern     forms as of 8.9; else as of 7.10, which all before 9 understand
#   commercial drill-downs from charts to the dashboard of that name; neither Kibana OSS nor OpenSearch has them
Line = collections.namedtuple("Line", "name versions panel modern commercial")

SEVEN = {"index-pattern": "7.6.0", "visualization": "7.10.0", "search": "7.9.3", "dashboard": "7.9.3"}
NINE = {"index-pattern": "8.0.0", "visualization": "8.5.0", "search": "8.0.0", "dashboard": "8.9.0"}


def as_of_7(kind):
    return {"migrationVersion": {kind: SEVEN[kind]}}


def as_of_8(kind):
    if kind == "dashboard":
        return {"migrationVersion": {kind: "8.0.0"}, "coreMigrationVersion": "8.0.0"}
    return as_of_7(kind)


def as_of_9(kind):
    return {"typeMigrationVersion": NINE[kind], "coreMigrationVersion": "8.8.0"}


LINES = [
    Line("kibana7", as_of_7, "7.10.2", False, False),
    Line("kibana8", as_of_8, "8.0.0", False, True),
    Line("kibana9", as_of_9, "8.9.0", True, True),
]


# ---- Forms as of 8.9 ----

def modern(thing):
    """A visualization as Kibana 8 would have rewritten it."""
    if thing["type"] != "visualization":
        return thing
    state = json.loads(thing["attributes"]["visState"])
    params = state["params"]
    if "categoryAxes" in params:
        params.update(palette={"type": "palette", "name": "default"}, truncateLegend=True, maxLegendLines=1,
                      detailedTooltip=True)
    if state["type"] == "pie":
        del params["addLegend"]
        params.update(legendDisplay="show", nestedLegend=False, truncateLegend=True, maxLegendLines=1,
                      distinctColors=True, palette={"type": "palette", "name": "default"})
        params["labels"].update(position="default", valuesFormat="percent", percentDecimals=1)
    if state["type"] == "table":
        params.update(showToolbar=True, autoFitRowToContent=False)
    return {**thing, "attributes": {**thing["attributes"], "visState": packed(state)}}


def control_group(entries):
    """Kibana's own controls, which belong to the dashboard."""
    rows, references = {}, []
    for i, entry in enumerate(entries):
        ident = f"wirespan-control-{i}"
        rows[ident] = {"order": i, "width": "medium", "grow": True, "type": "optionsListControl", "explicitInput": {
            "id": ident, "fieldName": entry["field"], "title": entry["label"], "enhancements": {}}}
        references.append({"name": f"controlGroup_{ident}:optionsListDataView", "type": "index-pattern", "id": VIEW})
    return {"controlStyle": "oneLine", "chainingSystem": "HIERARCHICAL", "panelsJSON": packed(rows),
            "ignoreParentSettingsJSON": packed({"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False,
                                                "ignoreValidations": False})}, references


# ---- Dashboards ----

def leads_on(panel):
    """Does a click on a part of this panel say what to look at?"""
    return panel is not None and panel["chart"] not in ("metric", "search")


def drill_down(board, number):
    """What a click on a part of a panel offers beside filtering: the drill-down, of that part and that time."""
    event = str(uuid.uuid5(uuid.NAMESPACE_URL, f"wirespan:{board}:{number}"))
    action = {"factoryId": "DASHBOARD_TO_DASHBOARD_DRILLDOWN", "name": "Show these exchanges",
              "config": {"useCurrentFilters": True, "useCurrentDateRange": True, "openInNewTab": False}}
    return ({"dynamicActions": {"events": [{"eventId": event, "triggers": ["FILTER_TRIGGER"], "action": action}]}},
            {"name": f"{number}:drilldown:DASHBOARD_TO_DASHBOARD_DRILLDOWN:{event}:dashboardId", "type": "dashboard",
             "id": DRILLDOWN})


def board(line, source, top, group):
    """The dashboard itself: the top, which all share, and its own panels below."""
    places, shift = [], 0
    for thing, height in top:
        places.append((thing, None, {"x": 0, "y": shift, "w": 48, "h": height}))
        shift += height
    places += [(thing, panel, {**where, "y": where["y"] + shift}) for thing, panel, where in source["placed"]]
    rows, references = [], []
    for number, (thing, panel, where) in enumerate(places, 1):
        config = {} if panel else {"hidePanelTitles": True}
        name = f"{number}:panel_{number}" if line.commercial else f"panel_{number}"
        references.append({"name": name, "type": thing["type"], "id": thing["id"]})
        if line.commercial and leads_on(panel) and source["id"] != DRILLDOWN:
            config["enhancements"], reference = drill_down(source["id"], number)
            references.append(reference)
        rows.append({"version": line.panel, "type": thing["type"], "gridData": {**where, "i": str(number)},
                     "panelIndex": str(number), "embeddableConfig": config, "panelRefName": f"panel_{number}",
                     **({"title": panel["title"]} if panel else {})})
    attributes = {
        "title": source["title"], "description": source["description"], "panelsJSON": packed(rows),
        "optionsJSON": packed({"useMargins": True, "hidePanelTitles": False}), "version": 1, "timeRestore": True,
        "timeFrom": source["time"]["from"], "timeTo": source["time"]["to"],
        "refreshInterval": {"pause": True, "value": 0}, "kibanaSavedObjectMeta": panels.NO_SOURCE}
    if line.modern:
        attributes["controlGroupInput"], more = group
        references += more
    else:
        attributes["hits"] = 0
    return {"id": source["id"], "type": "dashboard", "references": references, "attributes": attributes}


def write(line, boards, shared):
    """The file's text: an object a line, each behind those that it refers to."""
    top = [(shared["navigation"], NAVIGATION_HEIGHT)]
    if not line.modern:
        top.append((panels.controls(shared["controls"]), CONTROLS_HEIGHT))
    objects = [shared["view"]] + [thing for thing, _ in top]
    for source in boards:
        objects += [thing for thing, _, _ in source["placed"]]
    # The drill-down before those that lead to it.
    for source in sorted(boards, key=lambda b: b["id"] != DRILLDOWN):
        objects.append(board(line, source, top, control_group(shared["controls"])))
    if line.modern:
        objects = [modern(thing) for thing in objects]
    return "".join(packed({**thing, **line.versions(thing["type"])}) + "\n" for thing in objects)
