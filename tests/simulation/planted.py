"""Bugs to plant: a catalogue of mutants, as patches made at run time and taken back."""

# mypy: disable-error-code="attr-defined"

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

from stocksync.connectors import answers, b2bwave_pages, http, pacing, simvoly
from stocksync.contracts.ledger import IntentState
from stocksync.domain import (
    allocation,
    availability,
    doubts,
    gates,
    intake,
    merge,
    movements,
    orders,
    plan,
    sales,
    stories,
    targets,
)
from stocksync.engine import (
    claims,
    context,
    evidence,
    feed,
    findings,
    intents,
    look,
    outcomes,
    tenure,
    writing,
)
from stocksync.ledger import leases, restoring, sql, witness
from stocksync.ledger import writing as ledger_writing
from tests.simulation import mutants
from tests.simulation import mutants_of_places as places
from tests.simulation.options import KINDS, UNORDERED, Options, draw
from tests.simulation.run import run_seed

#: What a mutant changes: the thing, the name of its attribute, and what is there instead.
Patch = tuple[Any, str, Any]

#: Every planted bug, by name.
PLANTED: dict[str, list[Patch]] = {
    "no re-read before a write": [(writing, "_sort", mutants.steady)],
    "orphans are not questioned": [(intents, "question_orphans", mutants.no_orphans)],
    "unknown writes are never resolved": [(intents, "resolve_by_readings", mutants.nothing)],
    "unknown writes settle at once": [(intents, "resolve_by_readings", mutants.settled_now)],
    "unknown writes count as done": [(intents, "resolve_by_readings", mutants.confirmed_unseen)],
    "own values are forgotten": [(merge, "merge", mutants.blind_merge)],
    "a sale leaves the baseline": [(merge, "merge", mutants.baseline_stays)],
    "first contact books": [(merge, "merge", mutants.first_contact_sells)],
    "our own write is a sale": [(merge, "merge", mutants.own_is_a_sale)],
    "units are booked twice": [(intake, "movements_for", mutants.doubled)],
    "changes are not booked": [(intake, "movements_for", mutants.nothing)],
    "keys without a version": [(intake, "movements_for", mutants.without_version)],
    "returns are not booked": [(intake, "movements_for", mutants.no_returns)],
    "one part of a kit moves": [(intake, "movements_for", mutants.first_part_only)],
    "nothing goes to suspense": [(doubts, "lowest_change", mutants.no_suspense)],
    "the largest sale is believed": [(doubts, "likely_change", mutants.largest_sale)],
    "the highest ledger is believed": [
        (doubts, "likely_change", mutants.hopeful),
        (doubts, "lowest_change", mutants.no_suspense),
    ],
    "each look withholds anew": [(doubts, "lowest_change", mutants.withheld_anew)],
    "confirmed on the old number": [(outcomes, "agreed", mutants.agreed_on_old)],
    "a mark during a write is lost": [(outcomes, "agreed", mutants.never_due_again)],
    "no answer means not written": [
        (outcomes, "question", mutants.closed_as(IntentState.SUPERSEDED))
    ],
    "no answer means written": [(outcomes, "question", mutants.closed_as(IntentState.CONFIRMED))],
    "writes are not read back": [(writing, "_prove", mutants.believed)],
    "confirmed without a baseline": [(outcomes, "confirm", mutants.never_confirmed)],
    "every answer is a success": [(answers.Verdict, "of_write", mutants.success)],
    "no answer means it never left": [(http, "OutcomeUnknown", http.StoreUnavailable)],
    "variants are left out": [(simvoly, "_update", mutants.variants_left_out)],
    "every store is a channel": [(intake, "terms_for", mutants.as_channel)],
    "every increase is believed": [(intake, "terms_for", mutants.any_increase)],
    "packs count as pieces": [(intake, "terms_for", mutants.no_packs)],
    "observed stores are written": [(targets, "plan_store", mutants.writes_everywhere)],
    "what is right is written again": [(plan, "correction_for", mutants.same_again)],
    "one too many is shown": [(plan, "correction_for", mutants.one_too_many)],
    "buffers are forgotten": [(availability, "kept_back", lambda *_: 0)],
    "caps are forgotten": [(availability, "target", mutants.cap_forgotten)],
    "kits are counted too high": [(availability, "kit_levels", mutants.best_part)],
    "a lease is no lock": [(leases, "acquire", mutants.lease_for_all)],
    "every epoch is the first": [(leases, "acquire", mutants.same_epoch)],
    "old epochs may commit and live leases are taken": [
        (leases, "acquire", mutants.lease_for_all),
        (ledger_writing, "require_lease", lambda *_: None),
    ],
    "no gate on changes": [
        (gates, name, lambda *_, **__: None) for name in ("check", "check_units")
    ],
    "an empty census is believed": [
        (gates, "check_census", lambda *_, **__: None),
        (gates, "check", lambda *_, **__: None),
    ],
    "one look makes listings vanish": [(look, "missing_from", mutants.all_gone)],
    "held increases are believed": [(findings, "_increases", mutants.all_believed)],
    "nothing is ever due": [(ledger_writing, "mark_due", mutants.no_marks)],
    "balances miss a side": [(movements, "fold", mutants.one_fold)],
    "seals say nothing": [(ledger_writing, "_sealed", mutants.unsealed)],
    "intents are not kept": [(ledger_writing, "write_intents", lambda *_: None)],
    "baselines before movements": [(sql.SqlLedger, "commit", mutants.records_first)],
    "movements before baselines": [(sql.SqlLedger, "commit", mutants.movements_first)],
    "orders are not read": [(feed, "read_feed", mutants.no_feed)],
    "orders and levels both sell": [(intake, "terms_for", mutants.levels_sell_too)],
    "cancelled orders stay sold": [(orders, "news_of", mutants.only_new)],
    "our writes hide no order": [(orders, "may_be_overwritten", mutants.never_hidden)],
    "orders explain no level": [(stories, "explain", mutants.unexplained_by_orders)],
    "an increase beside an order is a return": [(stories, "explain", mutants.all_is_explained)],
    "siblings are written unannounced": [(claims, "whole_groups", mutants.no_siblings)],
    "units are given away twice": [
        (claims, "_beyond", mutants.nobody_is_beyond),
        (allocation, "place_of", mutants.room_for_all),
    ],
    "no time for late writes": [(context.Context, "horizon", lambda self: self.now())],
    "old books are believed": [(witness, "found_older", lambda *_: "")],
    "books that go back under our hands are believed": [(witness, "raised", places.raised_blindly)],
    "accepted books still believe": [(restoring, "forget_beliefs", lambda _: 0)],
    "withheld units stay with old books": [(sales, "given_back", mutants.nothing)],
    "old numbers are believed": [(evidence, "read_too_early", places.none_is_early)],
    "switches stay as they are": [(plan, "switch_for", lambda *_, **__: None)],
    "switches want everything": [(plan, "switch_for", places.needs_all)],
    "leases never end": [
        (tenure.Tenure, "may_begin", lambda *_: True),
        (tenure.Tenure, "left", lambda *_: 3600.0),
    ],
    "seconds are counted by the wall clock": [(context.Context, "monotonic", places.wall_seconds)],
    "pauses are forgotten": [(pacing.Gate, "pause", lambda *_: 0.0)],
    "requests come at once": [(pacing.Gate, "_wait_for_slot", places.at_once)],
    "secrets are logged": [(http._OriginAuth, "auth_flow", places.talkative)],
    "redirects are followed": [(http, "_client", places.following)],
    "one page is all": [(b2bwave_pages.PageWalk, "take", places.one_page)],
}


def _places(thing: Any, name: str) -> list[Patch]:
    """Find every module of ours that knows a function, under whatever name it was imported."""
    original = getattr(thing, name)
    if not isinstance(original, FunctionType) or not isinstance(thing, ModuleType):
        return [(thing, name, original)]
    return [
        (module, attribute, original)
        for title, module in list(sys.modules.items())
        if title.startswith("stocksync.")
        for attribute, value in list(vars(module).items())
        if value is original
    ]


@contextmanager
def plant(patches: list[Patch]) -> Iterator[None]:
    """Plant one bug for as long as the block runs."""
    saved = [
        (where, attribute, value)
        for thing, name, _ in patches
        for where, attribute, value in _places(thing, name)
    ]
    for thing, name, instead in patches:
        for where, attribute, _ in _places(thing, name):
            setattr(where, attribute, instead)
    try:
        yield
    finally:
        for thing, name, before in saved:
            setattr(thing, name, before)


#: Which troubles a world has more of, so that a bug about them is met soon.
UNANSWERED = ("drop_reply", "late_apply", "error_after")
SHARPER: dict[str, tuple[str, ...]] = {
    "orphans are not questioned": ("crash",),
    "baselines before movements": ("crash",),
    "movements before baselines": ("crash",),
    "writes are not read back": ("not_taken",),
    "every increase is believed": ("admin_edit",),
    "no gate on changes": ("mass_zero",),
    "an empty census is believed": ("empty_list",),
    "held increases are believed": ("admin_edit",),
    "one look makes listings vanish": ("page_shift", "recreated"),
    "a lease is no lock": ("second_runner",),
    "every epoch is the first": ("second_runner", "crash"),
    "old epochs may commit and live leases are taken": ("second_runner",),
    "cancelled orders stay sold": ("cancellation",),
    "our writes hide no order": ("slow", "slow_disk"),
    "old books are believed": ("restored_books",),
    "books that go back under our hands are believed": ("restored_books", "second_runner"),
    "accepted books still believe": ("restored_books",),
    "withheld units stay with old books": ("restored_books", *UNANSWERED),
    "old numbers are believed": ("stale_reads",),
    "switches stay as they are": (),
    "switches want everything": (),
    "leases never end": ("slow_disk", "second_runner"),
    "seconds are counted by the wall clock": ("clock_jump",),
    "pauses are forgotten": ("rate_limited",),
    "requests come at once": (),
    "secrets are logged": (),
    "redirects are followed": ("redirect",),
    "one page is all": (),
}
#: Bugs in the reading of orders, and in giving each unit to one store.
FED = ("orders are not read", "orders and levels both sell", "cancelled orders stay sold",
       "our writes hide no order", "orders explain no level",
       "an increase beside an order is a return")  # fmt: skip
ALLOCATED = ("units are given away twice",)
SWITCHED = ("switches stay as they are", "switches want everything")


def sharpened(name: str, seed: int) -> Options:
    """Draw a world in which a bug of this name has something to spoil."""
    kinds = SHARPER.get(name, UNANSWERED)
    drawn = draw(seed)
    fed = name in FED or name in ALLOCATED
    kept = {kind: rate for kind, rate in drawn.rates.items() if not (fed and kind in UNORDERED)}
    kept.pop("crash", None)
    rates = kept | {kind: KINDS[kind] * (0.5 if kind == "crash" else 2) for kind in kinds}
    return replace(
        drawn,
        rates=rates,
        feed=fed,
        feed_lag_seconds=0.0,
        mode="allocated" if name in ALLOCATED else "shared",
        settle_seconds=10.0 if "stale_reads" in rates else 0.0,
        switches=name in SWITCHED,
        opening_max=6 if name in ALLOCATED else drawn.opening_max,
        visits_per_minute=25.0,
        stores=4,
        minutes=4.0,
        poll_seconds=30.0,
    )


def hunt(name: str, seeds: Iterator[int]) -> int | None:
    """Return the first seed that finds a planted bug, and nothing without it; None: none does."""
    for seed in seeds:
        options = sharpened(name, seed)
        with plant(PLANTED[name]):
            found = run_seed(options).failed
        if found and not run_seed(options).failed:
            return seed
    return None
