"""Rule files for tests: written, loaded, and their problems as they read."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from stocksync.domain.identifiers import StoreId
from stocksync.errors import ConfigurationError
from stocksync.rulebook import Rules, load_rulebook

PLATFORMS = {
    StoreId("shop"): "recplus",
    StoreId("trade"): "b2bwave",
    StoreId("web"): "freewebstore",
    StoreId("site"): "simvoly",
    StoreId("print"): "idealfactory",
}


def book_of(folder: Path, **files: str) -> Rules:
    """Write rule files, each named by its key, and load them."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    for name, text in files.items():
        (rules / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_rulebook(rules, PLATFORMS)


def problems(folder: Path, files: Mapping[str, str]) -> list[str]:
    rules = folder / "rules"
    rules.mkdir()
    for name, text in files.items():
        (rules / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_rulebook(rules, PLATFORMS)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]
