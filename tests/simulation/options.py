"""Swarm options: what may go wrong in one seed, and how often; drawn from the seed and printed."""

import random
from dataclasses import asdict, dataclass, field, replace
from typing import Any

#: Every kind of trouble that a seed may switch on, with the most often it then happens. Rates are
#: per request for faults of the network and of stores, per commit for the disk, per step for a
#: crash, and per shopper's visit for what people do.
KINDS: dict[str, float] = {
    "refused": 0.06,
    "drop_request": 0.06,
    "drop_reply": 0.08,
    "late_apply": 0.05,
    "late_answer": 0.03,
    "slow": 0.10,
    "error_before": 0.06,
    "error_after": 0.06,
    "rate_limited": 0.06,
    "truncated": 0.05,
    "html": 0.03,
    "empty_body": 0.03,
    "error_body": 0.03,
    "empty_list": 0.04,
    "page_shift": 0.04,
    "repeated_page": 0.04,
    "reordered": 0.04,
    "not_taken": 0.05,
    "redirect": 0.02,
    "outage": 0.004,
    "auth_lost": 0.003,
    "crash": 0.003,
    "disk_error": 0.02,
    "disk_busy": 0.02,
    "slow_disk": 0.01,
    "second_runner": 1.0,
    "admin_edit": 0.06,
    "mass_zero": 0.02,
    "recreated": 0.01,
    "hints": 0.7,
    "adjustment": 0.03,
    "cancellation": 0.05,
    "stale_reads": 0.1,
    "clock_jump": 0.05,
    "restored_books": 0.5,
}

#: What no order explains: left out where the ledger is to be exactly what was ordered. So are
#: levels that are older than the orders beside them.
UNORDERED = ("admin_edit", "mass_zero", "recreated", "stale_reads")

#: How many of the seeds read orders.
FEED_SHARE = 0.45

#: Kinds that some seeds have far more of: what leaves writes without an answer.
STORMY = ("drop_reply", "late_apply", "error_after", "crash", "not_taken", "late_answer")


@dataclass(frozen=True, kw_only=True)
class Options:
    """One seed's world. `rates` holds only what is switched on; `sick` is the first store's fault.

    That store has it in each of its answers until all trouble ends.
    """

    seed: int
    skus: int
    stores: int
    minutes: float
    poll_seconds: float
    visits_per_minute: float
    horizon_seconds: float
    opening_max: int
    shuffled: bool
    first_contact: str
    feed: bool = False
    feed_lag_seconds: float = 0.0
    mode: str = "shared"
    settle_seconds: float = 0.0
    switches: bool = False
    die_at: int = 0
    sick: str = ""
    rates: dict[str, float] = field(default_factory=dict)

    def rate(self, kind: str) -> float:
        return self.rates.get(kind, 0.0)

    def without(self, *kinds: str) -> "Options":
        left = {kind: rate for kind, rate in self.rates.items() if kind not in kinds}
        return replace(self, rates=left)

    def words(self) -> str:
        """Return the options as one line that `parsed` reads again."""
        facts = asdict(self)
        rates = facts.pop("rates")
        told = [f"{name}={value}" for name, value in facts.items()]
        return " ".join(told + [f"{kind}={rate}" for kind, rate in sorted(rates.items())])


def draw(seed: int) -> Options:
    """Draw a seed's options: about a third of the kinds is on, each at a rate of its own."""
    chance = random.Random(f"options {seed}")
    calm = chance.random() < 0.1
    share = 0.0 if calm else chance.uniform(0.1, 0.6)
    rates = {
        kind: round(most * chance.uniform(0.1, 1.0), 5)
        for kind, most in KINDS.items()
        if chance.random() < share
    }
    if not calm and chance.random() < 0.35:
        for kind in chance.sample(STORMY, chance.randint(1, 3)):
            rates[kind] = round(KINDS[kind] * chance.uniform(2.0, 4.0), 5)
    feed = chance.random() < FEED_SHARE
    for kind in UNORDERED if feed else ():
        rates.pop(kind, None)
    return Options(
        seed=seed,
        skus=chance.randint(3, 9),
        stores=chance.randint(2, 4),
        minutes=chance.choice([1.0, 1.0, 2.0, 4.0]),
        poll_seconds=chance.choice([30.0, 45.0, 60.0, 90.0]),
        visits_per_minute=chance.choice([2.0, 6.0, 12.0, 25.0]),
        horizon_seconds=chance.choice([240.0, 420.0]),
        opening_max=chance.choice([6, 30, 60]),
        shuffled=chance.random() < 0.5,
        first_contact=chance.choice(["push", "push", "hold", "adopt"]),
        feed=feed,
        feed_lag_seconds=chance.choice([0.0, 0.0, 20.0, 120.0, 300.0]) if feed else 0.0,
        mode=chance.choice(["shared", "allocated", "auto"]) if feed else "shared",
        settle_seconds=chance.choice([3.0, 10.0, 25.0]) if "stale_reads" in rates else 0.0,
        switches=chance.random() < 0.3,
        rates=rates,
    )


def changed(options: Options, changes: dict[str, Any]) -> Options:
    """Return options with some of them replaced; `off` names kinds to switch off."""
    facts = dict(changes)
    off = facts.pop("off", ())
    return replace(options.without(*off), **facts)
