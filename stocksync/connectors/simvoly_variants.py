"""What a Simvoly product shows: its variants, what each is called, and how many there are."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from stocksync.connectors.quantity import reading, unreadable, untracked
from stocksync.domain.identifiers import ListingId, sku_from
from stocksync.domain.stock import Observation, Reading
from stocksync.errors import UnexpectedResponse

_NOT_PHYSICAL: Final = frozenset({"digital", "service", "membership"})


def product_of(listing: ListingId) -> str:
    """Take the product out of a listing; "" for what was never one of ours."""
    product, colon, _ = listing.partition(":")
    return product if colon else ""


def identity(product: object) -> str:
    """Take the id of a product as text."""
    shown = product.get("id") if isinstance(product, dict) else None
    text = "" if isinstance(shown, bool) or not isinstance(shown, int | str) else str(shown)
    if not text.strip() or ":" in text:
        raise UnexpectedResponse("a product has no id")
    return text


def named_variants(product: Mapping[str, Any]) -> list[tuple[ListingId, dict[str, Any]]]:
    """Name the variants of a product in their order; two with equal options get one name."""
    name = identity(product)
    variants = product.get("variants") or []
    if not isinstance(variants, list) or not all(isinstance(each, dict) for each in variants):
        raise UnexpectedResponse(f"product {name} shows no list of variants")
    return [(listing_of(name, each.get("options")), each) for each in variants]


def listing_of(product: str, options: object) -> ListingId:
    """Join the values of the options; encoding keeps a slash inside a value apart from ours."""
    if not options:
        return ListingId(f"{product}:")
    if not isinstance(options, list):
        raise UnexpectedResponse(f"product {product} shows no list of options")
    values = [value if isinstance(value, str) else json.dumps(value) for value in options]
    joined = "/".join(quote(value, safe="") for value in values)
    return ListingId(f"{product}:{joined}")


def observations(product: Mapping[str, Any], read_at: datetime) -> list[Observation]:
    """Read every variant once; a product that shows none is still a listing, without a number."""
    group = identity(product)
    variants = named_variants(product) or [(listing_of(group, None), {})]
    once = dict(variants)
    times = Counter(listing for listing, _ in variants) if len(once) < len(variants) else {}
    shown = product.get("title")
    title = shown if isinstance(shown, str) else ""
    return [
        Observation(
            listing,
            sku_from(variant.get("sku")) if times.get(listing, 1) == 1 else None,
            _read(product, variant, twins=times.get(listing, 1), read_at=read_at),
            group=group,
            title=title,
        )
        for listing, variant in once.items()
    ]


def _read(
    product: Mapping[str, Any], variant: Mapping[str, Any], *, twins: int, read_at: datetime
) -> Reading:
    kind = product.get("type")
    if isinstance(kind, str) and kind in _NOT_PHYSICAL:
        return untracked(f"type {kind}", read_at=read_at)
    if kind != "physical":
        return unreadable(f"type {kind}", read_at=read_at)
    if twins > 1:
        return unreadable(f"ambiguous: {twins} variants with the same options", read_at=read_at)
    if variant.get("quantity") is None:
        return unreadable("no quantity", read_at=read_at)
    return reading(variant["quantity"], read_at=read_at)
