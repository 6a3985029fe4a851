"""The page for five seconds: is every store well, and is anything promised that is not there."""

from typing import Final

from deploy.grafana.panels import STORE_STATES, Dashboard, Panel, Query, Row, good_below

_STORE_PAGE: Final = (
    "/d/stocksync-store/stocksync-store?var-store=${__data.fields.store}&${__url_time_range}"
)
_HEALTHY: Final = 'stocksync_store_state{store=~"$store", state="healthy"}'
#: One number per store, for the state timeline: the place of its state in STORE_STATES.
STATE_NUMBER: Final = " + ".join(
    f'{number} * sum by (store) (stocksync_store_state{{store=~"$store", state="{state}"}})'
    for number, (state, _) in enumerate(STORE_STATES)
)

_GLANCE: Final = Row(
    title="At a glance",
    panels=(
        Panel(
            title="Stores healthy",
            description="Part of the stores whose last job ended well. Red: look at the table.",
            kind="stat",
            queries=(Query(expr=f"sum({_HEALTHY}) / count({_HEALTHY})"),),
            unit="percentunit",
            decimals=0,
            steps=((None, "red"), (1, "green")),
            width=3,
            height=4,
        ),
        Panel(
            title="Oldest success",
            description="How long ago the store that is worst off was last read without trouble.",
            kind="stat",
            queries=(
                Query(
                    expr="max(time() - stocksync_last_success_timestamp_seconds"
                    '{store=~"$store", kind="pull"})'
                ),
            ),
            unit="s",
            decimals=0,
            steps=((None, "green"), (300, "orange"), (900, "red")),
            width=3,
            height=4,
            no_value="never",
        ),
        Panel(
            title="Drift",
            description="Listings that did not show their target when stores were last written.",
            kind="stat",
            queries=(Query(expr='sum(stocksync_drift_listings{store=~"$store"})'),),
            steps=((None, "green"), (20, "orange"), (200, "red")),
            width=3,
            height=4,
            no_value="not yet known",
        ),
        Panel(
            title="Held plans",
            description="Plans that wait for a person: stocksync holds list.",
            kind="stat",
            queries=(Query(expr='sum(stocksync_holds{store=~"$store"})'),),
            steps=good_below(1, "orange"),
            width=3,
            height=4,
        ),
        Panel(
            title="Oversold",
            description="Units promised to somebody that are not there, in all stores together.",
            kind="stat",
            queries=(Query(expr="sum(stocksync_oversold_units)"),),
            steps=good_below(1),
            width=3,
            height=4,
        ),
        Panel(
            title="Unknown writes",
            description="Writes that were sent and not answered; they are proved, never repeated.",
            kind="stat",
            queries=(Query(expr='sum(stocksync_intents{store=~"$store", state="unknown"})'),),
            steps=good_below(1, "orange"),
            width=3,
            height=4,
        ),
        Panel(
            title="Propagation p95",
            description="From a change being seen to the other stores confirmed, in the last hour.",
            kind="stat",
            queries=(
                Query(
                    expr="histogram_quantile(0.95, sum by (le) "
                    '(rate(stocksync_propagation_seconds_bucket{store=~"$store"}[1h])))'
                ),
            ),
            unit="s",
            decimals=1,
            steps=((None, "green"), (30, "orange"), (60, "red")),
            width=3,
            height=4,
            no_value="nothing moved",
        ),
        Panel(
            title="Books",
            description="SKUs and balances that do not add up; anything but 0 is an emergency.",
            kind="stat",
            queries=(
                Query(expr="sum(stocksync_ledger_imbalance) + sum(stocksync_projection_mismatch)"),
            ),
            steps=good_below(1),
            width=3,
            height=4,
        ),
    ),
)

_STORES: Final = Row(
    title="Each store",
    panels=(
        Panel(
            title="Stores",
            description="One row per store; click a number to open the store's own page.",
            kind="table",
            queries=(
                Query(
                    legend="Last success",
                    expr="max by (store) (time() - stocksync_last_success_timestamp_seconds"
                    '{store=~"$store", kind="pull"})',
                    unit="s",
                    steps=((None, "transparent"), (300, "orange"), (900, "red")),
                ),
                Query(
                    legend="Last full look",
                    expr='max by (store) (stocksync_sweep_age_seconds{store=~"$store"})',
                    unit="s",
                    steps=((None, "transparent"), (7200, "red")),
                ),
                Query(
                    legend="Listings",
                    expr='sum by (store) (stocksync_listings{store=~"$store", state="linked"})',
                ),
                Query(
                    legend="Drift",
                    expr='sum by (store) (stocksync_drift_listings{store=~"$store"})',
                    steps=((None, "transparent"), (20, "orange"), (200, "red")),
                ),
                Query(
                    legend="Held",
                    expr='sum by (store) (stocksync_holds{store=~"$store"})',
                    steps=((None, "transparent"), (1, "orange")),
                ),
                Query(
                    legend="Unfinished writes",
                    expr='sum by (store) (stocksync_intents{store=~"$store"})',
                ),
                Query(
                    legend="In suspense",
                    expr='sum by (store) (stocksync_suspense_units{store=~"$store"})',
                ),
            ),
            width=24,
            height=8,
            link=_STORE_PAGE,
        ),
        Panel(
            title="State of each store",
            description="Healthy, waiting for another run, held by a gate, or paused by a failure.",
            kind="state-timeline",
            queries=(Query(expr=STATE_NUMBER, legend="{{store}}"),),
            width=24,
            height=7,
        ),
    ),
)

_UNITS: Final = Row(
    title="Units",
    panels=(
        Panel(
            title="On hand",
            description="Units present in all locations, by the ledger.",
            kind="timeseries",
            queries=(Query(expr="sum(stocksync_on_hand_units)", legend="on hand"),),
        ),
        Panel(
            title="Units that left or came back in stores",
            description="Done by outside hands: out is sold or taken off, in is returned or added.",
            kind="timeseries",
            queries=(
                Query(
                    expr="sum by (store, direction) (increase(stocksync_external_units_total"
                    '{store=~"$store"}[$__rate_interval]))',
                    legend="{{store}} {{direction}}",
                ),
            ),
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    uid="stocksync-fleet",
    title="stocksync / Fleet",
    description="All stores in five seconds.",
    rows=(_GLANCE, _STORES, _UNITS),
)
