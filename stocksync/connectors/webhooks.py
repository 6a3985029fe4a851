"""What a store's webhook hints at: names of listings worth a look, and never anything to book.

Each platform sends the object that its API would return, if it is as documented; whatever cannot
be read as that hints at the whole store. Only names are taken out, so nothing else is decoded.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from stocksync.domain.hints import WHOLE_STORE

#: So many names in one event, and of this length; more is the whole store.
NAMES_MAX: Final = 100
NAME_LENGTH_MAX: Final = 200
NOTHING: Final = frozenset[str]()
EVERYTHING: Final = frozenset({WHOLE_STORE})

_RECPLUS_ABOUT: Final = frozenset({"order", "product", "stock", "option", "variation", "bundle"})
_SIMVOLY_ABOUT: Final = frozenset({"order", "product"})

Name = str | int | None


class _Coded(msgspec.Struct):
    code: Name = None


class _Related(msgspec.Struct):
    product: _Coded | None = None


class _Line(msgspec.Struct):
    rel_data: _Related | None = None


class _RecplusObject(msgspec.Struct):
    """An order with its lines, or a product with its variations (`seeds/000…` §API Webhooks)."""

    code: Name = None
    variations: list[_Coded] | None = None
    lines: list[_Line] | None = None

    def names(self) -> Iterable[Name]:
        yield self.code
        for variation in self.variations or ():
            yield variation.code
        for line in self.lines or ():
            if line.rel_data is not None and line.rel_data.product is not None:
                yield line.rel_data.product.code


class _RecplusEnvelope(_RecplusObject):
    """The object itself, or `{"event": …, "data": …}` around it."""

    event: str | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Ordered(msgspec.Struct, rename="camel"):
    product_id: Name = None


class _SimvolyObject(msgspec.Struct):
    """An order with its items, or a product with its variants (`seeds/003…` §Webhooks)."""

    id: Name = None
    items: list[_Ordered] | None = None
    variants: msgspec.Raw = msgspec.Raw()


_recplus: Final = msgspec.json.Decoder(_RecplusEnvelope | list[_RecplusObject])
_wrapped: Final = msgspec.json.Decoder(_RecplusObject | list[_RecplusObject])
_simvoly: Final = msgspec.json.Decoder(_SimvolyObject)


def of_recplus(event: str, body: bytes) -> frozenset[str]:
    """Take the codes out of what REC+ sends; `event` is only known when it is wrapped.

    Deleted products and batches are not documented: they hint at the whole store.
    """
    found: _RecplusObject | list[_RecplusObject] = _recplus.decode(body)
    if isinstance(found, _RecplusEnvelope):
        event = found.event or event
        if event and event.rpartition(".")[2].lower() not in _RECPLUS_ABOUT:
            return NOTHING
        found = _wrapped.decode(found.data) if bytes(found.data) else found
    objects = found if isinstance(found, list) else [found]
    return _named(name for one in objects for name in one.names())


def of_simvoly(event: str, body: bytes) -> frozenset[str]:
    """Take the ids of products out of what Simvoly sends; its body never names the event."""
    if event and event.partition("_")[0].lower() not in _SIMVOLY_ABOUT:
        return NOTHING
    found = _simvoly.decode(body)
    if found.items is not None:
        return _named(item.product_id for item in found.items)
    is_product = event.startswith("product") or bytes(found.variants)
    return _named([found.id]) if is_product else EVERYTHING


def of_idealfactory(_event: str, _body: bytes) -> frozenset[str]:
    """Take nothing out: a print is ready, which says nothing about stock (`stores.md §5.6`)."""
    return EVERYTHING


_READERS: Final[Mapping[str, Callable[[str, bytes], frozenset[str]]]] = {
    "recplus": of_recplus,
    "simvoly": of_simvoly,
    "idealfactory": of_idealfactory,
}


def names_in(platform: str, event: str, body: bytes) -> frozenset[str]:
    """Return what an event makes worth a look; nothing when it is not about stock.

    `event` is what the request says beside its body, or "". A body that is not the documented
    JSON, however deep or broken, costs one failed attempt to read it.
    """
    try:
        return _READERS[platform](event, body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return EVERYTHING


def _named(names: Iterable[Name]) -> frozenset[str]:
    """Keep the names that a listing can have; none, too many or an odd one is the whole store."""
    found: set[str] = set()
    for name in names:
        if name is None or name == "":
            continue
        text = str(name)
        if len(found) == NAMES_MAX or len(text) > NAME_LENGTH_MAX or "\0" in text:
            return EVERYTHING
        found.add(text)
    return frozenset(found) or EVERYTHING
