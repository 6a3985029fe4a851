"""The engine's stories again, over real books: a SQLite file instead of a dict."""

import inspect
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from stocksync.ledger.engine import Database
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import SqlLedger
from tests import world as worlds
from tests.unit import test_engine, test_engine_on_bad_days

MODULES = (test_engine, test_engine_on_bad_days)
Story = Callable[[], Awaitable[None]]
STORIES: dict[str, Story] = {
    name: story
    for module in MODULES
    for name, story in vars(module).items()
    if name.startswith("test_") and not inspect.signature(story).parameters
}


@pytest.fixture(scope="session")
def empty_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.mark.parametrize("name", STORIES)
async def test_the_story_holds_over_sqlite(
    name: str, empty_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.copy(empty_books, tmp_path / "books.db")
    opened: list[SqlLedger] = []

    def world(stores: dict[str, dict[str, object]], **options: object) -> worlds.World:
        clock = worlds.Clock()
        ledger = SqlLedger(Database(f"sqlite:///{path}"), now=clock)
        opened.append(ledger)
        return worlds.World(stores=stores, ledger=ledger, clock=clock, **options)  # type: ignore[arg-type]

    for module in MODULES:
        monkeypatch.setattr(module, "world", world)
    await STORIES[name]()
    assert len(opened) == 1
    verdict = await opened[0].verify()
    assert verdict.sound, verdict
    await opened[0].aclose()
