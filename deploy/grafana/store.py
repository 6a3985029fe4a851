"""The page of one store, or of a few side by side: what it shows, what moves, what waits."""

from typing import Final

from deploy.grafana.fleet import STATE_NUMBER
from deploy.grafana.panels import Dashboard, Panel, Query, Row, good_below

_HERE: Final = 'store=~"$store"'


def _series(
    title: str,
    description: str,
    *queries: Query,
    unit: str = "short",
    width: int = 8,
    stacked: bool = False,
) -> Panel:
    return Panel(
        title=title,
        description=description,
        kind="timeseries",
        queries=queries,
        unit=unit,
        width=width,
        stacked=stacked,
    )


def increases(metric: str, *labels: str) -> Query:
    """Ask how much a counter rose in each step of the picture, by store and these labels."""
    by = ", ".join(("store", *labels))
    legend = " ".join(f"{{{{{label}}}}}" for label in ("store", *labels))
    return Query(
        expr=f"sum by ({by}) (increase({metric}{{{_HERE}}}[$__rate_interval]))", legend=legend
    )


def quantile(part: float, histogram: str, *labels: str) -> Query:
    """Ask for a quantile of a histogram by store and these labels."""
    by = ", ".join(("store", *labels, "le"))
    legend = " ".join([f"p{part * 100:g}", *(f"{{{{{at}}}}}" for at in ("store", *labels))])
    rate = f"rate({histogram}_bucket{{{_HERE}}}[$__rate_interval])"
    return Query(expr=f"histogram_quantile({part:g}, sum by ({by}) ({rate}))", legend=legend)


_NOW: Final = Row(
    title="Now",
    panels=(
        Panel(
            title="State",
            description="Healthy, waiting for another run, held by a gate, or paused by a failure.",
            kind="state-timeline",
            queries=(Query(expr=STATE_NUMBER, legend="{{store}}"),),
            height=6,
        ),
        Panel(
            title="Since last success",
            description="Time since a pull, and since a push, last ended well.",
            kind="stat",
            queries=(
                Query(
                    expr="max by (store, kind) "
                    f"(time() - stocksync_last_success_timestamp_seconds{{{_HERE}}})",
                    legend="{{store}} {{kind}}",
                ),
            ),
            unit="s",
            decimals=0,
            steps=((None, "green"), (300, "orange"), (900, "red")),
            width=6,
            height=6,
            no_value="never",
        ),
        Panel(
            title="Since the last full look",
            description="Time since every listing of the store was last seen.",
            kind="stat",
            queries=(
                Query(
                    expr=f"max by (store) (stocksync_sweep_age_seconds{{{_HERE}}})",
                    legend="{{store}}",
                ),
            ),
            unit="s",
            decimals=0,
            steps=good_below(7200),
            width=6,
            height=6,
            no_value="never",
        ),
    ),
)

_SHOWN: Final = Row(
    title="What the store shows",
    panels=(
        _series(
            "Listings by state",
            "Linked listings are kept right; the others say why they are not.",
            Query(
                expr=f"sum by (store, state) (stocksync_listings{{{_HERE}}})",
                legend="{{store}} {{state}}",
            ),
            stacked=True,
        ),
        _series(
            "Drift, listings",
            "Listings that did not show their target when the store was last written.",
            Query(expr=f"sum by (store) (stocksync_drift_listings{{{_HERE}}})", legend="{{store}}"),
        ),
        _series(
            "Drift, units",
            "Units by which those listings differed.",
            Query(expr=f"sum by (store) (stocksync_drift_units{{{_HERE}}})", legend="{{store}}"),
        ),
    ),
)

_MOVES: Final = Row(
    title="What moves",
    panels=(
        _series(
            "Units moved by outside hands",
            "Out is sold or taken off, in is returned or added.",
            increases("stocksync_external_units_total", "direction"),
            width=6,
        ),
        _series(
            "Movements booked",
            "Entries in the ledger by kind; a quiet store books none.",
            increases("stocksync_movements_total", "kind"),
            width=6,
        ),
        _series(
            "Writes to the store",
            "Confirmed, refused, not answered, or overtaken by a newer number.",
            increases("stocksync_corrections_total", "outcome"),
            width=6,
        ),
        _series(
            "Propagation",
            "From a change being seen in any store to this one confirmed.",
            quantile(0.5, "stocksync_propagation_seconds"),
            quantile(0.95, "stocksync_propagation_seconds"),
            unit="s",
            width=6,
        ),
    ),
)

_WAITS: Final = Row(
    title="What waits",
    panels=(
        _series(
            "Held plans by gate",
            "Plans that wait for a person: stocksync holds list.",
            Query(
                expr=f"sum by (store, gate) (stocksync_holds{{{_HERE}}})",
                legend="{{store}} {{gate}}",
            ),
        ),
        _series(
            "Unfinished writes",
            "Open: on its way. Unknown: sent, not answered, and not yet proved.",
            Query(
                expr=f"sum by (store, state) (stocksync_intents{{{_HERE}}})",
                legend="{{store}} {{state}}",
            ),
        ),
        _series(
            "Units in suspense",
            "Units whose cause is not known yet; kept from sale until it is.",
            Query(expr=f"sum by (store) (stocksync_suspense_units{{{_HERE}}})", legend="{{store}}"),
        ),
    ),
)

_ROUNDS: Final = Row(
    title="Rounds",
    panels=(
        _series(
            "Jobs by outcome",
            "Pulls and pushes by how they ended.",
            increases("stocksync_runs_total", "kind", "outcome"),
        ),
        _series(
            "Time of a pull",
            "Half of the pulls are faster than p50.",
            quantile(0.5, "stocksync_pull_duration_seconds"),
            quantile(0.95, "stocksync_pull_duration_seconds"),
            unit="s",
        ),
        _series(
            "Time of a push",
            "Half of the pushes are faster than p50.",
            quantile(0.5, "stocksync_push_duration_seconds"),
            quantile(0.95, "stocksync_push_duration_seconds"),
            unit="s",
        ),
    ),
)

_TALK: Final = Row(
    title="Talking to the store",
    panels=(
        _series(
            "Requests by status",
            "The store's answers; none means that no answer came.",
            increases("stocksync_http_requests_total", "status"),
            width=6,
        ),
        _series(
            "Time to answer",
            "How long the store took, by what was asked.",
            quantile(0.95, "stocksync_http_request_duration_seconds", "operation"),
            unit="s",
            width=6,
        ),
        _series(
            "Waiting for the rate limit",
            "Part of the time spent waiting; more than 1 when several requests wait at once.",
            Query(
                expr="sum by (store) (rate(stocksync_rate_limit_wait_seconds_total"
                f"{{{_HERE}}}[$__rate_interval]))",
                legend="{{store}}",
            ),
            unit="percentunit",
            width=6,
        ),
        _series(
            "Webhooks",
            "Hints from the store, by what became of them; they only say where to look sooner.",
            increases("stocksync_webhooks_total", "outcome"),
            width=6,
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    uid="stocksync-store",
    title="stocksync / Store",
    description="One store in full, or a few side by side.",
    rows=(_NOW, _SHOWN, _MOVES, _WAITS, _ROUNDS, _TALK),
)
