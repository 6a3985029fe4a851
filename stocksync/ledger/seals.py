"""Seal each movement over the one before it, so that a changed past shows."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final

from stocksync.contracts.ledger import BookedMovement

#: What the first movement is sealed over.
FIRST: Final = ""


def content(booked: BookedMovement) -> str:
    """Write a booked movement down in the one way that seals are made of (`domain §3.6`)."""
    movement = booked.movement
    return json.dumps(
        [
            booked.number,
            booked.recorded_at.astimezone(UTC).isoformat(),
            movement.key,
            movement.sku,
            movement.kind.value,
            movement.source,
            movement.destination,
            movement.units,
            movement.occurred_at.astimezone(UTC).isoformat(),
            movement.store,
            movement.listing,
            movement.document,
            movement.reason,
            movement.run,
        ]
    )


def seal(previous: str, booked: BookedMovement) -> str:
    """Return the seal of a movement: SHA-256 over the seal before it and its own content."""
    return hashlib.sha256(f"{previous}\n{content(booked)}".encode()).hexdigest()


def broken(books: Iterable[BookedMovement]) -> Iterator[int]:
    """Yield the number of each movement that is not what was sealed, or follows a removed one.

    `books` are all movements in the order of their numbers, from the first.
    """
    before, last = FIRST, 0
    for booked in books:
        if booked.number != last + 1 or seal(before, booked) != booked.seal:
            yield booked.number
        before, last = booked.seal, booked.number
