"""The rules: accepted by promtool, about metrics that exist, each alert with its way out."""

import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stocksync.cli.app import app
from tests.integration.deploy_kit import (
    DEPLOY,
    document,
    metrics_in,
    recorded_in,
    registered,
    rules,
    run,
    tool,
)

PROMETHEUS = DEPLOY / "prometheus"
ALERTS = {rule["alert"]: rule for rule in rules("prometheus/alerts.yaml")}
TEXTS = [*sorted((DEPLOY / "runbooks").glob("*.md")), DEPLOY / "README.md"]
_TOLD = re.compile(r"`(?:docker compose exec stocksync )?stocksync ([a-z][^`]*)`")
_EXPOSITION = (
    "import sys; from stocksync import metrics; metrics.begin(['shop', 'web']);"
    "sys.stdout.buffer.write(metrics.exposition())"
)


def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    promtool = tool("promtool")
    checked = ("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", "alerts.yaml")
    assert "SUCCESS" in run(promtool, *checked, folder=PROMETHEUS)
    run(promtool, "check", "config", "--syntax-only", "prometheus.yaml", folder=PROMETHEUS)
    assert "SUCCESS" in run(promtool, "check", "config", "local.yaml", folder=PROMETHEUS)


def test_every_alert_fires_and_clears_on_written_series() -> None:
    assert "SUCCESS" in run(tool("promtool"), "test", "rules", "tests.yaml", folder=PROMETHEUS)


def test_promtool_accepts_the_names_of_the_metrics() -> None:
    exposition = run(sys.executable, "-c", _EXPOSITION)
    assert "stocksync_holds" in exposition
    assert not run(tool("promtool"), "check", "metrics", given=exposition.encode())


def test_the_written_series_show_each_alert_silent_then_firing_then_silent() -> None:
    shown: dict[str, list[list[bool]]] = defaultdict(list)
    for case in document("prometheus/tests.yaml")["tests"]:
        expected = case["promql_expr_test"]
        asked = {re.findall(r'alertname="(\w+)"', at["expr"])[0] for at in expected}
        assert len(asked) == 1
        minutes = [int(at["eval_time"].removesuffix("m")) for at in expected]
        assert minutes == sorted(minutes)
        shown[asked.pop()].append([bool(at["exp_samples"]) for at in expected])
    assert shown.keys() == ALERTS.keys()
    for alert, stories in shown.items():
        assert [False, True, False] in stories, alert


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_tells_how_bad_it_is_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"deploy/runbooks/{alert}.md"
    runbook = (DEPLOY / f"runbooks/{alert}.md").read_text()
    assert runbook.startswith(f"# {alert}: ")
    assert f"Severity: {rule['labels']['severity']}" in runbook
    for heading in ("What it means", "Is a unit at risk?", "What to look at", "The way out"):
        assert f"\n## {heading}\n" in runbook


def test_no_runbook_is_left_of_an_alert_that_is_gone() -> None:
    assert {file.stem for file in (DEPLOY / "runbooks").glob("*.md")} == ALERTS.keys()


def test_rules_ask_for_metrics_and_records_that_exist() -> None:
    records = {rule["record"] for rule in rules("prometheus/rules.yaml")}
    both = [*rules("prometheus/rules.yaml"), *ALERTS.values()]
    for rule in both:
        assert metrics_in(rule["expr"]) <= registered().keys(), rule
    assert {name for rule in both for name in recorded_in(rule["expr"])} == records


def test_links_between_runbooks_lead_somewhere() -> None:
    for text in TEXTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", text.read_text()):
            assert (text.parent / target).exists(), f"{text.name}: {target}"


def commands_told() -> list[tuple[str, ...]]:
    """Return the commands that the texts tell people to type, word by word."""
    told = {tuple(found.split()) for text in TEXTS for found in _TOLD.findall(text.read_text())}
    return sorted(told)


@pytest.mark.parametrize("command", commands_told(), ids=" ".join)
def test_a_command_that_people_are_told_to_type_exists(command: tuple[str, ...]) -> None:
    words = []
    for word in command:
        if not word.islower() or word.startswith("-"):
            break
        words.append(word)
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0, shown.output
    for option in (word for word in command if word.startswith("--")):
        assert option in shown.output


def test_people_are_told_some_commands() -> None:
    assert {("holds", "list"), ("ledger", "verify")} <= set(commands_told())


def test_prometheus_is_not_told_the_token_but_where_it_is() -> None:
    [scrape] = document("prometheus/prometheus.yaml")["scrape_configs"]
    given = document("compose.yaml")["services"]["prometheus"]["secrets"]
    assert Path(scrape["authorization"]["credentials_file"]).name in given
    assert "credentials" not in scrape["authorization"]
