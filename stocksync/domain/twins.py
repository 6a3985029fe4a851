"""Find listings of one store that a person may confuse, so that none of them is guessed at."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from stocksync.domain.identifiers import ListingId, Sku, near_key


@dataclass(frozen=True, slots=True)
class Claim:
    """A listing that claims a SKU; `on_purpose` when an alias says so."""

    listing: ListingId
    sku: Sku
    on_purpose: bool = False


def quarantines(claims: Iterable[Claim]) -> dict[ListingId, str]:
    """Return the reason for each listing of one store that must not be matched (`DESIGN §3.9`).

    Two listings of one SKU, and SKUs that differ only in case, white space or Unicode form, are
    all set aside, unless an alias links the listing on purpose.
    """
    by_key: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_key[near_key(claim.sku)].append(claim)
    reasons: dict[ListingId, str] = {}
    for group in by_key.values():
        if len(group) < 2:  # noqa: PLR2004 - a twin takes two
            continue
        for claim in group:
            if not claim.on_purpose:
                reasons[claim.listing] = _reason(claim, group)
    return reasons


def _reason(claim: Claim, group: list[Claim]) -> str:
    """Say which other listing is in the way."""
    others = [other for other in group if other.listing != claim.listing]
    same = sorted(str(other.listing) for other in others if other.sku == claim.sku)
    if same:
        return f"duplicate: also shown by listing {', '.join(same)}"
    return f"near-twin of {', '.join(sorted(repr(str(other.sku)) for other in others))}"
