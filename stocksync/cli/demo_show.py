"""Tell the end of `stocksync demo`: what each store shows now, and whether the proof holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

from stocksync.cli.demo_proof import Difference, StoreProof, all_wrong
from stocksync.cli.demo_story import Story
from stocksync.cli.tables import draw_table, say
from stocksync.cli.text import count
from stocksync.contracts.ledger import Verdict
from stocksync.domain.identifiers import StoreId
from stocksync.engine.words import name, number

WIDTH: Final = 80
LINES_MAX: Final = 20
_LISTINGS: Final = ("listings", "followed", "left alone", "at first", "after sales", "now")
_UNITS: Final = ("sold", "returned", "booked", "raced", "suspense", "set by us", "API calls")


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Everything the demo found out, ready to be told."""

    story: Story
    proofs: Mapping[StoreId, StoreProof]
    verdict: Verdict
    seconds: float

    @property
    def holds(self) -> bool:
        """Tell whether stores, sales and books agree."""
        return self.verdict.sound and not all_wrong(self.proofs)

    def sum(self, field: str) -> int:
        return sum(getattr(proof, field) for proof in self.proofs.values())

    @property
    def raced(self) -> int:
        """Count the units that were sold just before our write and overwritten by it."""
        return sum(_units_off(at) for proof in self.proofs.values() for at in proof.raced)


def document(ending: Ending) -> dict[str, Any]:
    """Return the object of `demo --json`."""
    story, verdict = ending.story, ending.verdict
    return {
        "ok": ending.holds,
        "seconds": round(ending.seconds, 1),
        "skus": len(story.world.counts),
        "stores": [_store_document(story, proof) for proof in ending.proofs.values()],
        "ledger": {
            "sound": verdict.sound,
            "movements": verdict.movements,
            "skus": verdict.skus,
            "imbalances": list(verdict.imbalances),
            "mismatches": list(verdict.mismatches),
            "broken_seals": list(verdict.broken_seals),
        },
        "quiet_sync": _quiet(story),
        "differing": [_difference_document(at) for at in all_wrong(ending.proofs)],
        "folder": str(story.world.folder),
    }


def _store_document(story: Story, proof: StoreProof) -> dict[str, Any]:
    looks = {look: counts.get(proof.store, 0) for look, counts in story.wrong.items()}
    return {
        "store": proof.store,
        "platform": story.world.plan.settings.platforms[proof.store],
        "listings": proof.listings,
        "followed": proof.matched,
        "left_alone": dict(proof.aside),
        "wrong": {**looks, "now": len(proof.wrong)},
        "sold": proof.sold,
        "returned": proof.returned,
        "booked": proof.booked,
        "sold_of_what_is_left_alone": proof.sold_aside,
        "raced": [_difference_document(at) for at in proof.raced],
        "suspense": proof.suspense,
        "corrections": story.written[proof.store],
        "api_calls": proof.calls,
    }


def _difference_document(at: Difference) -> dict[str, Any]:
    return {
        "store": at.store,
        "listing": at.listing,
        "sku": at.sku,
        "shows": at.shows,
        "wanted": at.wanted,
    }


def _quiet(story: Story) -> dict[str, int] | None:
    if story.quiet is None:
        return None
    return {
        field: sum(report[field] for report in story.quiet.stores)
        for field in ("api_calls", "movements", "corrections")
    }


def _units_off(at: Difference) -> int:
    return abs((at.shows or 0) - (at.wanted or 0))


def say_wrapped(text: str, *, indent: int) -> None:
    """Print a text in lines of at most 80 letters, the later ones indented."""
    begin = " " * indent
    for line in wrap(text, WIDTH, subsequent_indent=begin, break_on_hyphens=False) or [""]:
        say(line)


def draw(ending: Ending) -> None:
    """Print the tables, the proof, and what to look at next."""
    say()
    _draw_listings(ending)
    say()
    _draw_units(ending)
    say()
    _draw_left_alone(ending)
    say()
    _draw_proof(ending)


def _draw_listings(ending: Ending) -> None:
    say("listings of each store, and how many of those followed were off their targets:")
    wrong = ending.story.wrong
    rows = [
        (
            proof.store,
            ending.story.world.plan.settings.platforms[proof.store],
            str(proof.listings),
            str(proof.matched),
            str(proof.aside.total()),
            *(number(wrong.get(look, {}).get(proof.store)) for look in _LISTINGS[3:5]),
            str(len(proof.wrong)),
        )
        for proof in ending.proofs.values()
    ]
    draw_table(("store", "platform", *_LISTINGS), rows, numbers=_LISTINGS)


def _draw_units(ending: Ending) -> None:
    say("units by the stores' own counters, and by the books:")
    rows = [
        (
            proof.store,
            str(proof.sold),
            str(proof.returned),
            str(proof.booked),
            str(sum(map(_units_off, proof.raced))),
            str(proof.suspense),
            str(ending.story.written[proof.store]),
            str(proof.calls),
        )
        for proof in ending.proofs.values()
    ]
    draw_table(("store", *_UNITS), rows, numbers=_UNITS)


def _draw_left_alone(ending: Ending) -> None:
    say("left alone, never guessed and never written:")
    for proof in ending.proofs.values():
        if proof.aside:
            reasons = ", ".join(f"{times} {why}" for why, times in proof.aside.most_common())
            say_wrapped(f"  {proof.store}: {reasons}", indent=4)
    others = ending.sum("sold_aside")
    if others:
        say(f"  people also bought {count(others, 'unit')} of goods like these")


def _draw_proof(ending: Ending) -> None:
    verdict, quiet = ending.verdict, _quiet(ending.story)
    followed, off = ending.sum("matched"), sum(len(at.wrong) for at in ending.proofs.values())
    say("proof")
    say(f"  stores, asked directly: {followed - off} of {followed} listings show their target")
    _draw_sales(ending)
    found = "sound" if verdict.sound else "NOT SOUND, see `stocksync ledger verify`"
    moved = f"{verdict.movements} movements of {verdict.skus} SKUs"
    say(f"  ledger: {moved}; sums, balances and seals are {found}")
    if quiet is not None:
        said = f"{quiet['api_calls']} API calls, {quiet['corrections']} writes"
        say(f"  a sync with nothing to do: {said}, {quiet['movements']} movements")
    differing = all_wrong(ending.proofs)
    if differing:
        say("  what differs:")
    for at in differing[:LINES_MAX]:
        shows, wanted = number(at.shows), number(at.wanted)
        say(f"    {at.store} {name(at.listing)}: the store says {shows}, the books {wanted}")
    if len(differing) > LINES_MAX:
        say(f"    … and {len(differing) - LINES_MAX} more; --json shows all")
    verb = "holds" if ending.holds else "DOES NOT HOLD"
    say(f"the proof {verb} ({ending.seconds:.1f} s)")


def _draw_sales(ending: Ending) -> None:
    sold, returned, booked = (ending.sum(field) for field in ("sold", "returned", "booked"))
    raced, held_back = ending.raced, ending.sum("suspense")
    equal = "equal" if booked == sold - returned else f"off by {abs(sold - returned - booked)}"
    say(f"  sold {sold} - returned {returned} = {sold - returned}; booked {booked}: {equal}")
    if raced:
        said = f"{count(raced, 'unit')} sold in the instant between our last look and our write"
        say(f"  {said}: such a store cannot refuse it; only its order feed can tell")
    if held_back:
        say(f"  {count(held_back, 'unit')} in suspense: kept from sale until the cause is known")
