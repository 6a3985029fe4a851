"""Judge rules by what the books and the stores know: SKUs and places nobody has, two truths.

A SKU that nobody knows may come tomorrow, so that is worth a look and never an error.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from stocksync.domain.globs import is_plain
from stocksync.domain.identifiers import LocationId, Sku, StoreId, near_key
from stocksync.domain.merge import Role
from stocksync.domain.remarks import Remark
from stocksync.domain.rulebook import Rulebook
from stocksync.files.complaints import did_you_mean

#: So many comparisons are made to guess what was meant; twins are found among any number.
COMPARISONS_MAX: Final = 200_000
_NAMES_SHOWN: Final = 3

Places = Mapping[tuple[str, ...], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What is known of stock: SKUs that ever moved, what stores list, and all locations.

    `listed` are the codes of each store that no alias translates, `linked` the SKUs of its
    listings. Locations are those of the books and those that the configuration maps.
    """

    moved: frozenset[Sku] = frozenset()
    listed: Mapping[StoreId, frozenset[Sku]] = field(default_factory=dict)
    linked: Mapping[StoreId, frozenset[Sku]] = field(default_factory=dict)
    locations: frozenset[LocationId] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was counted or read yet: then no name is known."""
        return not self.moved and not any(self.listed.values())


def remarks_on_stock(book: Rulebook, places: Places, stock: Stock) -> list[Remark]:
    """Return what is odd about names in the rules, given what is there.

    `places` are those of `rulebook.Rules`.
    """
    known = _Known(stock.moved.union(*stock.listed.values(), book.bundles))
    parts = known.with_more(book.aliases.values())
    return [
        *_unknown_parts(book, places, parts),
        *_unknown_aliases(book, places, known),
        *_unknown_switches(book, places, parts),
        *_unknown_in_rules(book, parts),
        *_unknown_locations(book, stock.locations),
    ]


def several_masters(
    roles: Mapping[StoreId, Role], place: str, stock: Stock | None
) -> Iterator[Remark]:
    """Find stores that each report the truth about the same units, so that one undoes the other.

    Of `stock` is asked which SKUs they share; without it, or while one was never read, they may.
    A mirror reports nothing: whatever changes there is put back.
    """
    masters = sorted(store for store, role in roles.items() if role is Role.MASTER)
    for one, other in combinations(masters, 2):
        first, second = (
            frozenset() if stock is None else stock.linked.get(at, frozenset())
            for at in (one, other)
        )
        both = sorted(first & second)
        about = f"{one} and {other}"
        if both:
            more = ", …" if len(both) > _NAMES_SHOWN else ""
            names = f"{', '.join(map(repr, both[:_NAMES_SHOWN]))}{more}"
            text = (
                f"both are master of {len(both)} SKUs ({names}): what one sells is undone by the "
                "count of the other; leave one master, and make the other a channel"
            )
            yield Remark(place=place, about=about, text=text, is_error=True)
        elif not first or not second:
            text = "both are master; of one SKU only one store can be the truth"
            yield Remark(place=place, about=about, text=text)


class _Known:
    """SKUs that are known, and how to guess which of them was meant."""

    def __init__(self, skus: Collection[Sku]) -> None:
        self._skus = frozenset(skus)
        self._twins = {near_key(sku): sku for sku in sorted(self._skus)}
        self._guesses = COMPARISONS_MAX // max(1, len(self._skus))

    def with_more(self, skus: Collection[Sku]) -> "_Known":
        return _Known({*self._skus, *skus})

    def __contains__(self, sku: object) -> bool:
        return sku in self._skus

    def hint(self, sku: str) -> str:
        """Return the end of a sentence that names the SKU most like this one, or nothing."""
        twin = self._twins.get(near_key(sku))
        if twin is not None:
            return f"; did you mean {twin!r}?"
        self._guesses -= 1
        return did_you_mean(sku, self._skus) if self._guesses >= 0 else ""


def _unknown_parts(book: Rulebook, places: Places, known: _Known) -> Iterator[Remark]:
    for kit, parts in book.bundles.items():
        for part in parts:
            if part not in known:
                text = (
                    f"neither the books nor a store know its part {part!r}, so it has no number "
                    f"and is left alone{known.hint(part)}"
                )
                place = places.get(("part", kit, part), "")
                yield Remark(place=place, about=f"kit {kit!r}", text=text)


def _unknown_aliases(book: Rulebook, places: Places, known: _Known) -> Iterator[Remark]:
    for (store, code), sku in book.aliases.items():
        if sku not in known:
            text = f"neither the books nor a store know the SKU {sku!r}{known.hint(sku)}"
            place = places.get(("alias", store, code), "")
            yield Remark(place=place, about=f"alias {code!r} in {store}", text=text)


def _unknown_switches(book: Rulebook, places: Places, known: _Known) -> Iterator[Remark]:
    for (store, listing), skus in book.availability.items():
        for sku in skus:
            if sku not in known:
                text = f"neither the books nor a store know the SKU {sku!r}{known.hint(sku)}"
                place = places.get(("listing", store, listing), "")
                about = f"{listing.replace(':', ' ')} of {store}"
                yield Remark(place=place, about=about, text=text)


def _unknown_in_rules(book: Rulebook, known: _Known) -> Iterator[Remark]:
    for rule in book.rules:
        sku = rule.match.sku
        if sku and is_plain(sku) and sku not in known:
            text = f"matches nothing now: nobody knows the SKU {sku!r}{known.hint(sku)}"
            yield Remark(place=rule.place, about=rule.name, text=text)


def _unknown_locations(book: Rulebook, known: Collection[LocationId]) -> Iterator[Remark]:
    for rule in book.rules:
        named = [] if rule.match.location is None else [rule.match.location]
        chosen = rule.wishes.locations or ()
        for location in (at for at in (*named, *chosen) if at not in known):
            text = f"no units were ever at the location {location!r}, and no store maps it"
            if chosen and not any(at in known for at in chosen):
                text += ", so nothing is counted and 0 is shown"
            hint = did_you_mean(location, known)
            yield Remark(place=rule.place, about=rule.name, text=text + hint)
