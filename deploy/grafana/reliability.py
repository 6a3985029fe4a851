"""The page for bad days: are the books right, what was not proved, which store is in trouble."""

from typing import Final

from deploy.grafana.panels import Dashboard, Panel, Query, Row, Steps, good_below
from deploy.grafana.store import increases, quantile

_HERE: Final = 'store=~"$store"'
_ERRORS: Final = f'stocksync_http_requests_total{{{_HERE}, status=~"5..|none"}}'
_ALL: Final = f"stocksync_http_requests_total{{{_HERE}}}"


def _stat(
    title: str, description: str, expr: str, *, unit: str = "short", steps: Steps | None = None
) -> Panel:
    return Panel(
        title=title,
        description=description,
        kind="stat",
        queries=(Query(expr=expr),),
        unit=unit,
        decimals=0,
        steps=steps or good_below(1),
        width=4,
        height=4,
    )


def _series(title: str, description: str, *queries: Query, unit: str = "short") -> Panel:
    return Panel(
        title=title,
        description=description,
        kind="timeseries",
        queries=queries,
        unit=unit,
        width=8,
    )


_BOOKS: Final = Row(
    title="The books",
    panels=(
        _stat(
            "Ledger imbalance",
            "SKUs whose accounts do not sum to zero, and broken seals: stocksync ledger verify.",
            "sum(stocksync_ledger_imbalance)",
        ),
        _stat(
            "Projection mismatch",
            "Balances that differ from the sum of their movements: stocksync ledger verify.",
            "sum(stocksync_projection_mismatch)",
        ),
        _stat(
            "Oversold units",
            "Units promised to somebody and not there.",
            "sum(stocksync_oversold_units)",
        ),
        _stat(
            "Units in suspense",
            "Units whose cause is not known yet, whichever way they moved.",
            f"sum(abs(stocksync_suspense_units{{{_HERE}}}))",
            steps=good_below(1, "orange"),
        ),
        _stat(
            "Unknown writes",
            "Writes that were sent and not answered, and are not yet proved.",
            f'sum(stocksync_intents{{{_HERE}, state="unknown"}})',
            steps=good_below(1, "orange"),
        ),
        _stat(
            "Oldest unfinished write",
            "An answer, or a proof, should come within a few minutes.",
            f"max(stocksync_oldest_intent_age_seconds{{{_HERE}}})",
            unit="s",
            steps=((None, "green"), (300, "orange"), (900, "red")),
        ),
    ),
)

_WRITES: Final = Row(
    title="Writes",
    panels=(
        _series(
            "Unfinished writes",
            "Open: on its way. Unknown: sent, not answered, and not yet proved.",
            Query(
                expr=f"sum by (store, state) (stocksync_intents{{{_HERE}}})",
                legend="{{store}} {{state}}",
            ),
        ),
        _series(
            "Age of the oldest unfinished write",
            "A write that gets no answer is settled by evidence within 15 minutes.",
            Query(
                expr=f"max by (store) (stocksync_oldest_intent_age_seconds{{{_HERE}}})",
                legend="{{store}}",
            ),
            unit="s",
        ),
        _series(
            "Exposure",
            "Part of the time in which a sale could be lost: between the read that a write "
            "relied on and its answer.",
            Query(
                expr=f"sum by (store) (rate(stocksync_exposure_seconds_total{{{_HERE}}}"
                "[$__rate_interval]))",
                legend="{{store}}",
            ),
            unit="percentunit",
        ),
    ),
)

_DOUBT: Final = Row(
    title="Held back or in doubt",
    panels=(
        _series(
            "Units in suspense",
            "Units whose cause is not known yet; kept from sale until it is.",
            Query(expr=f"sum by (store) (stocksync_suspense_units{{{_HERE}}})", legend="{{store}}"),
        ),
        _series(
            "Gates that closed",
            "Changes too big to be true; each one became a held plan. Zero on a good day.",
            increases("stocksync_gate_trips_total", "gate"),
        ),
        _series(
            "Held plans by gate",
            "Plans that wait for a person: stocksync holds list.",
            Query(
                expr=f"sum by (store, gate) (stocksync_holds{{{_HERE}}})",
                legend="{{store}} {{gate}}",
            ),
        ),
    ),
)

_NETWORK: Final = Row(
    title="The stores' answers",
    panels=(
        _series(
            "Errors",
            "Part of the requests that got a 5xx status or no answer at all.",
            Query(
                expr=f"(sum by (store) (rate({_ERRORS}[$__rate_interval])) "
                f"or 0 * sum by (store) (rate({_ALL}[$__rate_interval]))) "
                f"/ sum by (store) (rate({_ALL}[$__rate_interval]))",
                legend="{{store}}",
            ),
            unit="percentunit",
        ),
        _series(
            "Time to answer",
            "How long stores took, by what was asked.",
            quantile(0.95, "stocksync_http_request_duration_seconds", "operation"),
            unit="s",
        ),
        _series(
            "Waiting for rate limits",
            "Part of the time spent waiting; more than 1 when several requests wait at once.",
            Query(
                expr="sum by (store) (rate(stocksync_rate_limit_wait_seconds_total"
                f"{{{_HERE}}}[$__rate_interval]))",
                legend="{{store}}",
            ),
            unit="percentunit",
        ),
    ),
)

_PACE: Final = Row(
    title="Pace",
    panels=(
        Panel(
            title="Propagation",
            description="How long changes took from being seen to a store confirmed; dark is many.",
            kind="heatmap",
            queries=(
                Query(
                    expr="sum by (le) (increase(stocksync_propagation_seconds_bucket"
                    f"{{{_HERE}}}[$__rate_interval]))",
                    legend="{{le}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            title="Jobs that failed",
            description="Part of the pulls and pushes that failed.",
            kind="timeseries",
            queries=(
                Query(
                    expr="sum by (store) (rate(stocksync_runs_total"
                    f'{{{_HERE}, outcome="failed"}}[$__rate_interval])) / '
                    f"sum by (store) (rate(stocksync_runs_total{{{_HERE}}}[$__rate_interval]))",
                    legend="{{store}}",
                ),
            ),
            unit="percentunit",
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    uid="stocksync-reliability",
    title="stocksync / Reliability",
    description="Are the books right, what is not proved, and which store is in trouble.",
    rows=(_BOOKS, _WRITES, _DOUBT, _NETWORK, _PACE),
    since="now-24h",
)
