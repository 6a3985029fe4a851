"""What the tests of the whole program share: empty books, and a merchant with two stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stocksync.ledger.migrations import migrate
from tests.integration.cli_kit import Merchant, merchant


@pytest.fixture(scope="session")
def blank_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "books.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def two_stores(tmp_path: Path, blank_books: Path) -> Iterator[Merchant]:
    with merchant(tmp_path, blank_books, {"shop": "recplus", "web": "freewebstore"}) as subject:
        yield subject
