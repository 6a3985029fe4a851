"""One store that is in the same trouble all the time, and one listing that it always refuses."""

from collections.abc import Mapping
from typing import Any, Final

#: The store that all trouble comes to where one is sick.
SICK: Final = "store0"
#: One listing of it is refused in each write, with all that is written beside it.
POISON: Final = "poison"


def trouble_of(sick: str, parcel: Any, codes: Mapping[tuple[str, str], str]) -> str | None:
    """Return what becomes of a request to the sick store; None for any other."""
    if not sick or parcel.store != SICK:
        return None
    if sick != POISON:
        return sick
    code = next(code for (store, _), code in codes.items() if store == SICK)
    return POISON if parcel.is_write and f'"{code}"' in parcel.body.decode() else ""
