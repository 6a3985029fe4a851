"""The house rules that a linter cannot know. Each one reads the source and points at the line."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from prometheus_client import Metric

from stocksync import errors, metrics

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "stocksync"
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if "versions" not in path.parts]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FUNCTION_LINES_MAX = 40
FILE_LINES_MAX = 300
CONNECTOR_LINES_MAX = 250
IMPURE = {
    "asyncio", "io", "logging", "os", "pathlib", "random", "socket", "subprocess", "threading",
    "time",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow"}
RETIRED_WORDS = {"qty", "avail", "inventory_count", "soh", "warehouse"}

#: `DESIGN §5`, Metrics: name without prefix and `_total`, and its labels.
DESIGNED = {
    "pull_duration_seconds": {"store"},
    "push_duration_seconds": {"store"},
    "runs": {"store", "kind", "outcome"},
    "last_success_timestamp_seconds": {"store", "kind"},
    "sweep_age_seconds": {"store"},
    "listings": {"store", "state"},
    "drift_listings": {"store"},
    "drift_units": {"store"},
    "movements": {"store", "kind"},
    "external_units": {"store", "direction"},
    "corrections": {"store", "outcome"},
    "intents": {"store", "state"},
    "oldest_intent_age_seconds": {"store"},
    "propagation_seconds": {"store"},
    "holds": {"store", "gate"},
    "gate_trips": {"store", "gate"},
    "suspense_units": {"store"},
    "oversold_units": set(),
    "on_hand_units": set(),
    "exposure_seconds": {"store"},
    "http_requests": {"store", "operation", "status"},
    "http_request_duration_seconds": {"store", "operation"},
    "rate_limit_wait_seconds": {"store"},
    "store_state": {"store", "state"},
    "webhooks": {"store", "outcome"},  # not in §5: W01 and W12 of the bad inputs are counted
    "ledger_imbalance": set(),
    "projection_mismatch": set(),
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def nodes(folder: str = "") -> Iterator[tuple[Path, ast.AST]]:
    for path in SOURCES:
        if path.is_relative_to(PACKAGE / folder):
            for node in ast.walk(tree(path)):
                yield path, node


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
        case _:
            return []


def test_the_domain_imports_only_pure_modules() -> None:
    allowed = (sys.stdlib_module_names - IMPURE) | {"stocksync"}
    bad = [
        f"{where(path, node)} imports {name}"
        for path, node in nodes("domain")
        for name in imported(node)
        if name.split(".")[0] not in allowed and name != "io"
    ]
    assert not bad, bad


def test_the_domain_neither_waits_nor_looks_at_the_clock() -> None:
    bad = [
        where(path, node)
        for path, node in nodes("domain")
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
        or (isinstance(node, ast.Attribute) and node.attr in CLOCKS)
    ]
    assert not bad, bad


def test_functions_fit_a_screen() -> None:
    bad = [
        f"{where(path, node)} {node.name} has {length} lines"
        for path, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not bad, bad


def test_files_fit_in_a_head() -> None:
    bad = []
    for path in SOURCES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        most = CONNECTOR_LINES_MAX if "connectors" in path.parts else FILE_LINES_MAX
        if lines > most:
            bad.append(f"{path.relative_to(ROOT)} has {lines} lines")
    assert not bad, bad


def test_every_file_says_what_it_is_for() -> None:
    bad = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert not bad, bad


def test_names_come_from_the_glossary() -> None:
    bad = [
        f"{where(path, node)} uses {name!r}"
        for path, node in nodes()
        if not {"sandbox", "connectors"} & set(path.parts)
        for name in [getattr(node, "arg", None) or getattr(node, "id", None)]
        if isinstance(name, str) and RETIRED_WORDS & set(name.lower().split("_"))
    ]
    assert not bad, bad


def leaves(base: type[errors.StockSyncError]) -> Iterator[type[errors.StockSyncError]]:
    children = [at for at in base.__subclasses__() if at.__module__ == "stocksync.errors"]
    if not children:
        yield base
    for child in children:
        yield from leaves(child)


@pytest.mark.parametrize("leaf", list(leaves(errors.StockSyncError)), ids=lambda at: at.__name__)
def test_every_error_says_what_to_do_next(leaf: type[errors.StockSyncError]) -> None:
    assert isinstance(leaf.action, errors.Action)
    assert leaf.__name__ in str(errors.__doc__)


def test_arrows_point_down_and_each_library_has_one_door() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603
        [linter, "--config", ROOT / "pyproject.toml"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


DOORS = {
    "httpx": {"stocksync/connectors/http.py"},
    "yaml": {"stocksync/files/yamlfile.py"},
    "apscheduler": {"stocksync/scheduler.py"},
    "typer": {"stocksync/cli/"},
    "rich": {"stocksync/cli/"},
    "fastapi": {"stocksync/ops/"},
    "uvicorn": {"stocksync/ops/", "stocksync/sandbox/"},
    "sqlmodel": {"stocksync/ledger/"},
    "sqlalchemy": {"stocksync/ledger/"},
    "alembic": {"stocksync/ledger/"},
    "prometheus_client": {"stocksync/metrics.py", "stocksync/ops/"},
    "stamina": {"stocksync/connectors/"},
}


@pytest.mark.parametrize("library", DOORS)
def test_a_library_comes_in_through_its_door(library: str) -> None:
    inside = [
        where(path, node)
        for path, node in nodes()
        for name in imported(node)
        if name.split(".")[0] == library
    ]
    bad = [place for place in inside if not place.startswith(tuple(DOORS[library]))]
    assert inside, f"nothing imports {library}"
    assert not bad, bad


def registered() -> dict[str, Metric]:
    return {metric.name.removeprefix("stocksync_"): metric for metric in metrics.REGISTRY.collect()}


def test_every_metric_of_the_design_is_registered_with_its_labels_and_no_other_is() -> None:
    known = {
        name: set(getattr(collector, "_labelnames", ()))
        for collector, names in metrics.REGISTRY._collector_to_names.items()
        for name in [getattr(collector, "_name", names[0]).removeprefix("stocksync_")]
    }
    assert known == DESIGNED
    assert set(registered()) == set(DESIGNED)


def test_each_test_can_fail() -> None:
    bad = []
    for path in TESTS:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if path.name.startswith("test_") and node.name.startswith("test_"):
                calls = {
                    getattr(at.func, "attr", getattr(at.func, "id", ""))
                    for at in ast.walk(node)
                    if isinstance(at, ast.Call)
                }
                asserts = any(isinstance(at, ast.Assert) for at in ast.walk(node))
                words = ("raises", "fail", "assert", "expect", "check", "verify", "until", "refuse")
                if not asserts and not any(word in call for call in calls for word in words):
                    bad.append(f"{where(path, node)} {node.name}")
    assert not bad, bad


def own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls a function makes itself; a slow server defined inside it is another story."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from own_calls(node)


def test_no_test_sleeps() -> None:
    bad = [
        where(path, call)
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        for call in own_calls(node)
        if ast.unparse(call.func) in ("asyncio.sleep", "time.sleep")
        and ast.unparse(call.args[0]) != "0"
    ]
    assert not bad, bad


def test_the_commands_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set()
    for page in ("README.md", "CONTRIBUTING.md"):
        named |= set(re.findall(r"`make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8")))
    assert {"demo", "test", "check", "bench"} <= targets
    assert named <= targets, named - targets
