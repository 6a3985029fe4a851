"""The dashboards: what the builder makes, about metrics that exist, in queries that parse."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.build import DASHBOARDS, rendered, stale
from deploy.grafana.panels import GRID_WIDTH
from tests.integration.deploy_kit import DEPLOY, document, metrics_in, registered, run, tool

NAMES = sorted(DASHBOARDS)
#: Links and bookmarks in the world outside: never change these.
UIDS = {
    "fleet": "stocksync-fleet",
    "reliability": "stocksync-reliability",
    "store": "stocksync-store",
}


def dashboard(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((DEPLOY / f"grafana/dashboards/{name}.json").read_text())
    return read


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    return [
        target["expr"] for name in NAMES for panel in panels(name) for target in panel["targets"]
    ]


def test_the_files_are_what_the_builder_makes() -> None:
    assert stale() == [], "run: python -m deploy.grafana.build"
    files = {file.stem for file in (DEPLOY / "grafana/dashboards").glob("*.json")}
    assert files == set(NAMES)


def test_building_twice_gives_the_same_text() -> None:
    for made in DASHBOARDS.values():
        assert rendered(made) == rendered(made)


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_belongs_to_no_single_installation(name: str) -> None:
    page = dashboard(name)
    assert "id" not in page
    assert page["uid"] == UIDS[name]
    variables = {at["name"]: at for at in page["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["store"]["multi"]
    assert variables["store"]["query"]["query"] == "label_values(stocksync_store_state, store)"
    sources = {
        at["datasource"]["uid"] for panel in panels(name) for at in [panel, *panel["targets"]]
    }
    assert sources == {"${datasource}"}


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_says_what_it_shows_and_in_which_unit(name: str) -> None:
    for panel in panels(name):
        assert panel["title"]
        assert len(panel["description"].split()) >= 4, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in {"short", "s", "percentunit"}
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None
        values = [step["value"] for step in steps[1:]]
        assert values == sorted(values)


@pytest.mark.parametrize("name", NAMES)
def test_panels_lie_beside_each_other_and_never_on_top(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= GRID_WIDTH
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in dashboard(name)["panels"]]
    assert all(after == before + 1 for before, after in pairwise(numbers))


def test_pages_link_to_each_other_and_the_table_to_a_stores_page() -> None:
    for name in NAMES:
        page = dashboard(name)
        assert [link["tags"] for link in page["links"]] == [page["tags"]]
    [table] = [panel for panel in panels("fleet") if panel["type"] == "table"]
    [link] = table["fieldConfig"]["defaults"]["links"]
    assert link["url"].startswith(f"/d/{UIDS['store']}/")


def test_every_metric_is_on_some_panel_and_no_panel_asks_for_another() -> None:
    names = registered()
    asked = {name for expr in expressions() for name in metrics_in(expr)}
    assert asked <= names.keys()
    assert {names[name] for name in asked} == set(names.values())


def test_every_expression_is_one_that_prometheus_understands(tmp_path: Path) -> None:
    promtool = tool("promtool")
    wrapped = [
        {
            "record": f"panel:query:{number}",
            "expr": expr.replace("$__rate_interval", "1m").replace("$store", ".*"),
        }
        for number, expr in enumerate(expressions())
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": wrapped}]}))
    assert f"{len(wrapped)} rules found" in run(promtool, "check", "rules", file)


def test_grafana_finds_the_dashboards_and_prometheus_where_compose_puts_them() -> None:
    grafana = document("compose.yaml")["services"]["grafana"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    [provider] = document("grafana/provisioning/dashboards/stocksync.yaml")["providers"]
    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (DEPLOY / "grafana/dashboards" / home.name).exists()
    [source] = document("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
