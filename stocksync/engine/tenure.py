"""How long this runner may still change a store, by a clock that nobody can set."""

from dataclasses import dataclass
from math import inf
from typing import Final

LEASE_SECONDS: Final = 60.0
#: The longest that a store's request may take, as `connectors/pacing.py` has it.
REQUEST_SECONDS: Final = 30.0
#: What is left between the end of the last request and the end of the lease.
SPARE_SECONDS: Final = 2.0


@dataclass(slots=True)
class Tenure:
    """The end of a lease in seconds of a monotonic clock; it has ended until it is renewed.

    No store can check an epoch, so nothing is sent to one that might arrive after the lease is
    somebody else's (`reliability §2.5 i`).
    """

    ends_at: float = -inf

    def renewed(self, asked_at: float) -> None:
        """Count from when the lease was asked for, not from when the answer came."""
        self.ends_at = asked_at + LEASE_SECONDS

    def lost(self) -> None:
        """Note that the lease is somebody else's, or nobody's."""
        self.ends_at = -inf

    def may_begin(self, at: float) -> bool:
        """Tell whether a request that begins now ends in time, even if it takes its longest."""
        return at <= self.ends_at - REQUEST_SECONDS - SPARE_SECONDS

    def left(self, at: float) -> float:
        """Return the seconds after which nothing of a write may be under way any more."""
        return max(0.0, self.ends_at - SPARE_SECONDS - at)
