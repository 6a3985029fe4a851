"""Every Prometheus metric, in one list. Labels come from configuration, never from a SKU."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from stocksync.domain.gates import Gate
from stocksync.domain.movements import MovementKind

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped

REGISTRY: Final = CollectorRegistry()
_SECONDS: Final = (0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1800)
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


Metric = TypeVar("Metric", Counter, Gauge, Histogram)
_ABOUT_STORES: Final[list[Counter | Gauge | Histogram]] = []


def _known(metric: Metric, labels: Iterable[str]) -> Metric:
    """Remember which metrics have series for each store."""
    if "store" in labels:
        _ABOUT_STORES.append(metric)
    return metric


def _counter(name: str, what: str, labels: Sequence[str] = ()) -> Counter:
    return _known(Counter(f"stocksync_{name}", what, labels, registry=REGISTRY), labels)


def _gauge(name: str, what: str, labels: Sequence[str] = ()) -> Gauge:
    return _known(Gauge(f"stocksync_{name}", what, labels, registry=REGISTRY), labels)


def _histogram(
    name: str, what: str, labels: Sequence[str], buckets: Sequence[float] = _SECONDS
) -> Histogram:
    made = Histogram(f"stocksync_{name}", what, labels, registry=REGISTRY, buckets=buckets)
    return _known(made, labels)


# What each round did
PULL_SECONDS = _histogram("pull_duration_seconds", "Time one pull took.", ["store"])
PUSH_SECONDS = _histogram("push_duration_seconds", "Time one push took.", ["store"])
RUNS = _counter("runs_total", "Pulls and pushes by how they ended.", ["store", "kind", "outcome"])
LAST_SUCCESS = _gauge(
    "last_success_timestamp_seconds", "When a pull or push last ended well.", ["store", "kind"]
)
SWEEP_AGE = _gauge(
    "sweep_age_seconds", "Time since every listing of the store was last seen.", ["store"]
)

# What the stores show
LISTINGS = _gauge("listings", "Listings by what can be done with them.", ["store", "state"])
DRIFT_LISTINGS = _gauge("drift_listings", "Listings that do not show their target yet.", ["store"])
DRIFT_UNITS = _gauge("drift_units", "Units by which listings differ from their targets.", ["store"])
EXTERNAL_UNITS = _counter(
    "external_units_total", "Units that outside hands moved in a store.", ["store", "direction"]
)

# What was booked and written
MOVEMENTS = _counter("movements_total", "Movements booked.", ["store", "kind"])
CORRECTIONS = _counter("corrections_total", "Writes to stores by outcome.", ["store", "outcome"])
INTENTS = _gauge("intents", "Writes that are not finished, by state.", ["store", "state"])
OLDEST_INTENT_AGE = _gauge(
    "oldest_intent_age_seconds", "Age of the oldest unfinished write.", ["store"]
)
PROPAGATION = _histogram(
    "propagation_seconds", "From a change being seen to this store confirmed.", ["store"]
)
EXPOSURE = _counter(
    "exposure_seconds_total",
    "Time between the read a write relied on and its answer: a sale in it can be lost.",
    ["store"],
)

# What is held back or not known
HOLDS = _gauge("holds", "Plans that wait for a person.", ["store", "gate"])
GATE_TRIPS = _counter("gate_trips_total", "Times a gate held a plan.", ["store", "gate"])
SUSPENSE = _gauge("suspense_units", "Units whose cause is not known yet.", ["store"])
OVERSOLD = _gauge("oversold_units", "Units promised to somebody and not there.")
ON_HAND = _gauge("on_hand_units", "Units present in all locations.")

# The network and the books
HTTP_REQUESTS = _counter(
    "http_requests_total", "Requests to stores.", ["store", "operation", "status"]
)
HTTP_SECONDS = _histogram(
    "http_request_duration_seconds",
    "Time a store took to answer.",
    ["store", "operation"],
    _REQUEST_SECONDS,
)
RATE_LIMIT_WAIT = _counter(
    "rate_limit_wait_seconds_total", "Time spent waiting for a store's rate limit.", ["store"]
)
WEBHOOKS = _counter(
    "webhooks_total", "Webhook requests by what became of them.", ["store", "outcome"]
)
STORE_STATE = _gauge("store_state", "1 for the state a store is in.", ["store", "state"])
LEDGER_IMBALANCE = _gauge("ledger_imbalance", "SKUs whose accounts do not sum to zero.")
PROJECTION_MISMATCH = _gauge(
    "projection_mismatch", "Balances that differ from the sum of their movements."
)

STORE_STATES: Final = ("healthy", "waiting", "held", "paused")
KINDS: Final = ("sweep", "pull", "look", "hot", "push")
OUTCOMES: Final = ("ok", "held", "failed", "skipped")
WRITE_OUTCOMES: Final = ("confirmed", "rejected", "unknown", "superseded")
WEBHOOK_OUTCOMES: Final = ("accepted", "ignored", "refused", "failed")
OPERATIONS: Final = ("read", "write")
#: The answers that alerts ask for; others appear when they are first seen.
STATUSES: Final = ("200", "401", "429", "500", "none")

_OF_STORES: Final = (EXPOSURE, RATE_LIMIT_WAIT, DRIFT_LISTINGS, DRIFT_UNITS)
_TIMES_OF_STORES: Final = (PULL_SECONDS, PUSH_SECONDS, PROPAGATION)
#: Every event a store can meet, by the words its series are told apart with.
_EVENTS: Final[tuple[tuple[Counter, tuple[Iterable[str], ...]], ...]] = (
    (RUNS, (KINDS, OUTCOMES)),
    (CORRECTIONS, (WRITE_OUTCOMES,)),
    (EXTERNAL_UNITS, (("in", "out"),)),
    (WEBHOOKS, (WEBHOOK_OUTCOMES,)),
    (MOVEMENTS, (tuple(MovementKind),)),
    (GATE_TRIPS, (tuple(Gate),)),
    (HTTP_REQUESTS, (OPERATIONS, STATUSES)),
)


def begin(stores: Iterable[str]) -> None:
    """Make the series of every store exist at zero, so that a first error shows as a rise.

    A store that began before keeps what it shows. `last_success_timestamp_seconds` and
    `sweep_age_seconds` begin when there is something to tell: zero would be a lie. The gauges
    that are questions to the ledger are filled by `ops/gauges.py` before each scrape.
    """
    for store in stores:
        for counter, words in _EVENTS:
            for labels in product(*words):
                counter.labels(store, *labels)
        for series in (*_OF_STORES, *_TIMES_OF_STORES):
            series.labels(store)
        for operation in OPERATIONS:
            HTTP_SECONDS.labels(store, operation)
        if (
            REGISTRY.get_sample_value(
                "stocksync_store_state", {"store": store, "state": STORE_STATES[0]}
            )
            is None
        ):
            show_state(store, "healthy")


def forget(store: str) -> None:
    """Take every series of a store away: one that is configured no longer is not watched."""
    for metric in _ABOUT_STORES:
        metric.remove_by_labels({"store": store})


def show_state(store: str, state: str) -> None:
    """Mark one state of a store with 1 and all others with 0."""
    for name in STORE_STATES:
        STORE_STATE.labels(store, name).set(int(name == state))


def exposition() -> bytes:
    """Return all metrics in the text form that Prometheus scrapes."""
    return generate_latest(REGISTRY)
