"""What a dashboard is made of, and how it becomes the JSON that Grafana reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Kind = Literal["stat", "timeseries", "state-timeline", "table", "heatmap"]
Steps = tuple[tuple[float | None, str], ...]

SCHEMA_VERSION: Final = 39
GRID_WIDTH: Final = 24
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
TAG: Final = "stocksync"
#: Units of stock may be below zero: what is oversold, or in suspense the other way.
_NEVER_NEGATIVE: Final = frozenset({"s", "percentunit"})
STORE_STATES: Final = (
    ("healthy", "green"),
    ("waiting", "blue"),
    ("held", "orange"),
    ("paused", "red"),
)


def good_below(limit: float, colour: str = "red") -> Steps:
    """Return thresholds: green, and another colour from `limit` on."""
    return ((None, "green"), (limit, colour))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One PromQL expression; `legend` may use labels as `{{store}}`.

    In a table, `legend` is the title of the column, which may have a unit and thresholds.
    """

    expr: str
    legend: str = ""
    unit: str = ""
    steps: Steps = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture with its questions. `width` is in 24ths of a row, `height` in grid units.

    `unit` is Grafana's name for one (`s`, `percentunit`, `short`); `link` a page to open.
    """

    title: str
    description: str
    kind: Kind
    queries: tuple[Query, ...]
    unit: str = "short"
    steps: Steps = ((None, "text"),)
    width: int = 12
    height: int = 8
    decimals: int | None = None
    stacked: bool = False
    no_value: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A titled line of panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page; its `uid` never changes, so that links and bookmarks go on working."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    since: str = "now-6h"
    tags: tuple[str, ...] = field(default=(TAG,))

    def panels(self) -> Iterator[Panel]:
        """Go through all panels, row by row."""
        for row in self.rows:
            yield from row.panels

    def as_json(self) -> dict[str, Any]:
        """Return what Grafana imports: without an `id`, which belongs to one installation."""
        return {
            "annotations": {"list": []},
            "description": self.description,
            "editable": True,
            "graphTooltip": 1,
            "links": [_links()],
            "panels": list(_placed(self.rows)),
            "refresh": "30s",
            "schemaVersion": SCHEMA_VERSION,
            "tags": list(self.tags),
            "templating": {"list": [_datasource_variable(), _store_variable()]},
            "time": {"from": self.since, "to": "now"},
            "timezone": "browser",
            "title": self.title,
            "uid": self.uid,
            "version": 1,
        }


def _links() -> dict[str, Any]:
    """Show the sister pages on top, with the same stores and the same time."""
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "stocksync",
        "type": "dashboards",
    }


def _datasource_variable() -> dict[str, Any]:
    return {
        "label": "Prometheus",
        "name": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "type": "datasource",
    }


def _store_variable() -> dict[str, Any]:
    asked = "label_values(stocksync_store_state, store)"
    return {
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": DATASOURCE,
        "definition": asked,
        "includeAll": True,
        "label": "Store",
        "multi": True,
        "name": "store",
        "query": {"query": asked, "refId": "store"},
        "refresh": 2,
        "sort": 1,
        "type": "query",
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Lay panels out from left to right, and number them."""
    number, top = 0, 0
    for row in rows:
        number += 1
        place = {"h": 1, "w": GRID_WIDTH, "x": 0, "y": top}
        yield {
            "collapsed": False,
            "gridPos": place,
            "id": number,
            "panels": [],
            "title": row.title,
            "type": "row",
        }
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > GRID_WIDTH:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            yield {"id": number, "gridPos": place, **_drawn(panel)}
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _drawn(panel: Panel) -> dict[str, Any]:
    drawn = {
        "datasource": DATASOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _OPTIONS[panel.kind],
        "targets": [_target(panel, at, query) for at, query in enumerate(panel.queries)],
        "title": panel.title,
        "type": panel.kind,
    }
    if panel.kind == "table":
        drawn["transformations"] = _as_one_table(panel)
    return drawn


def _target(panel: Panel, at: int, query: Query) -> dict[str, Any]:
    instant = panel.kind in {"stat", "table"}
    formats = {"table": "table", "heatmap": "heatmap"}
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "format": formats.get(panel.kind, "time_series"),
        "instant": instant,
        "legendFormat": query.legend or "__auto",
        "range": not instant,
        "refId": _reference(at),
    }


def _reference(at: int) -> str:
    return chr(ord("A") + at)


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "custom": _CUSTOM.get(panel.kind, {}),
        "mappings": [_state_names()] if panel.kind == "state-timeline" else [],
        "thresholds": _thresholds(panel.steps),
        "unit": panel.unit,
    }
    if panel.stacked:
        stacking = {"fillOpacity": 30, "stacking": {"group": "A", "mode": "normal"}}
        defaults["custom"] = {**defaults["custom"], **stacking}
    if panel.unit in _NEVER_NEGATIVE:
        defaults["min"] = 0
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.no_value:
        defaults["noValue"] = panel.no_value
    if panel.link:
        defaults["links"] = [{"title": "Open this store", "url": panel.link}]
    return defaults


def _thresholds(steps: Steps) -> dict[str, Any]:
    listed = [{"color": colour, "value": value} for value, colour in steps]
    return {"mode": "absolute", "steps": listed}


def _state_names() -> dict[str, Any]:
    names = {
        str(number): {"color": colour, "index": number, "text": state}
        for number, (state, colour) in enumerate(STORE_STATES)
    }
    return {"options": names, "type": "value"}


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    """Give each column of a table its unit and its colours."""
    if panel.kind != "table":
        return []
    overrides = []
    for query in panel.queries:
        properties: list[dict[str, Any]] = [{"id": "unit", "value": query.unit or panel.unit}]
        if query.steps:
            cell = {"mode": "basic", "type": "color-background"}
            properties.append({"id": "thresholds", "value": _thresholds(query.steps)})
            properties.append({"id": "custom.cellOptions", "value": cell})
        matcher = {"id": "byName", "options": query.legend}
        overrides.append({"matcher": matcher, "properties": properties})
    return overrides


def _as_one_table(panel: Panel) -> list[dict[str, Any]]:
    """Put one row per store, with a column per query."""
    letters = [_reference(at) for at in range(len(panel.queries))]
    unwanted = ["Time", *(f"Time {at}" for at in range(1, len(letters) + 1))]
    names = {
        f"Value #{letter}": query.legend
        for letter, query in zip(letters, panel.queries, strict=True)
    }
    organised = {
        "excludeByName": dict.fromkeys(unwanted, True),
        "indexByName": {"store": 0},
        "renameByName": names,
    }
    return [
        {"id": "joinByField", "options": {"byField": "store", "mode": "outer"}},
        {"id": "organize", "options": organised},
    ]


_REDUCED: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_LEGEND: Final = {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom"}
_OPTIONS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "stat": {"colorMode": "background", "graphMode": "none", "reduceOptions": _REDUCED},
    "timeseries": {"legend": {**_LEGEND, "showLegend": True}, "tooltip": {"mode": "multi"}},
    "state-timeline": {"mergeValues": True, "rowHeight": 0.9, "showValue": "auto"},
    "table": {"cellHeight": "sm", "showHeader": True},
    "heatmap": {"calculate": False, "color": {"mode": "scheme", "scheme": "Blues"}},
}
_CUSTOM: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "timeseries": {"fillOpacity": 8, "lineWidth": 1, "showPoints": "never", "spanNulls": False},
    "state-timeline": {"fillOpacity": 80, "lineWidth": 0},
    "table": {"align": "auto", "filterable": False},
}
