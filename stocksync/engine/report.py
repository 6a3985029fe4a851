"""What one run did to each store, as counted facts; the objects of `sync --json`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from stocksync.domain.identifiers import Sku, StoreId

Outcome = Literal["ok", "held", "failed", "skipped"]
_RANK: Mapping[str, int] = {"ok": 0, "skipped": 1, "held": 2, "failed": 3}


@dataclass(slots=True, kw_only=True)
class StoreReport:
    """One store's part in a run. `error` says what happened and what to do next.

    `moved` are the SKUs whose levels changed; `stopped` means that nothing may be written to the
    store in this run; `waited` is the longest time in seconds from a cause to its correction.
    """

    store: StoreId
    outcome: Outcome = "ok"
    readings: int = 0
    movements: int = 0
    corrections: int = 0
    confirmed: int = 0
    unknown: int = 0
    failed: int = 0
    api_calls: int = 0
    error: str = ""
    holds: list[str] = field(default_factory=list)
    moved: set[Sku] = field(default_factory=set)
    stopped: bool = False
    waited: float = 0.0

    def worsen(self, outcome: Outcome, error: str = "") -> None:
        """Let the outcome only get worse, and keep the first thing that went wrong."""
        if _RANK[outcome] > _RANK[self.outcome]:
            self.outcome = outcome
        self.error = self.error or error

    def as_json(self) -> dict[str, Any]:
        """Return the fields of `DESIGN §5`, and the hashes of plans that are held."""
        values = asdict(self)
        del values["moved"], values["stopped"], values["waited"]
        return values


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Name several outcomes after the worst of them."""
    return max(outcomes, key=_RANK.__getitem__, default="ok")


def overall(reports: Iterable[StoreReport]) -> Outcome:
    """Name the outcome of a run after its worst store."""
    return worst(report.outcome for report in reports)
