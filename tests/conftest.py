"""What every test may rely on: no settings from outside, and retries that do not sleep."""

import os
from collections.abc import Iterator

import pytest
import stamina
from hypothesis import settings

# A busy machine is no defect: what takes long is for benchmarks to say.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("STOCKSYNC_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def retries_do_not_sleep() -> Iterator[None]:
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)
