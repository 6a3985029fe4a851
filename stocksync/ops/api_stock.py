"""Stock over the API: what there is, why it is so, and units found or lost."""

from typing import Annotated, Any, Final

from fastapi import Header, Query, Request, Response

from stocksync.domain.availability import free
from stocksync.domain.identifiers import SKU_LENGTH_MAX, Sku, StoreId, sku_from
from stocksync.domain.plan import levels_of_sku
from stocksync.domain.stock import Levels
from stocksync.engine import decisions, ruling, story
from stocksync.engine.context import Context
from stocksync.engine.explain import SkuView, movement_json, view
from stocksync.errors import ConfigurationError, UnknownName
from stocksync.ops import actions, models
from stocksync.ops.desk import Desk
from stocksync.ops.guarded import Guarded, caller_of

PAGE_MAX: Final = 1000
MOVEMENTS_MAX: Final = 1000
REPLAYED: Final = "Idempotency-Replayed"

Search = Annotated[str, Query(max_length=SKU_LENGTH_MAX, pattern=models.WITHOUT_NUL)]
StoreAsked = Annotated[str, Query(max_length=32, pattern=models.WITHOUT_NUL)]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9._~:/+=-]+$",
        description="Made up by you for each adjustment; the same key never books twice.",
    ),
]
_REPLAY: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": models.Adjusted, "description": "It was booked before with this key."},
    409: {"description": "The key stands for another adjustment already."},
}


class StockRoutes:
    """Answers about stock, one SKU or many."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, add: Guarded) -> None:
        """Add the routes; a SKU is one segment, percent-encoded, whatever it holds."""
        sku = "{sku:sku}"
        add.get("/stock", self.stock, model=models.StockPage, refuses=(422,))
        add.get(f"/stock/{sku}", self.show, model=models.Stock, refuses=(404, 422))
        add.get(f"/stock/{sku}/history", self.history, model=models.History, refuses=(404, 422))
        add.get(f"/stock/{sku}/rules", self.rules, model=models.Rulings, refuses=(404, 422))
        add.post(
            f"/stock/{sku}/adjustments",
            self.adjust,
            "operate",
            model=models.Adjusted,
            refuses=(404, 409, 413, 422),
            responses=_REPLAY,
            status_code=201,
        )
        add.get(f"/explain/{sku}", self.explain, model=dict[str, Any], refuses=(404, 422))

    async def stock(
        self,
        q: Search = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
        after: Search = "",
    ) -> dict[str, Any]:
        """List SKUs that hold `q`, in order, from the one `after` on."""
        context = self._desk.context()
        found = await context.ledger.search(q, after=after, limit=limit + 1)
        shown = found[:limit]
        parts = context.book.stocked(shown)
        levels = await context.ledger.levels(parts)
        rows = [_row(sku, levels_of_sku(sku, context.book, levels)) for sku in shown]
        return {"stock": rows, "next": shown[-1] if len(found) > limit else None}

    async def show(self, sku: str) -> dict[str, Any]:
        """Show what there is of a SKU, and what every store shows of it."""
        return (await self._view(sku)).as_json()

    async def history(
        self, sku: str, limit: Annotated[int, Query(ge=1, le=MOVEMENTS_MAX)] = 50
    ) -> dict[str, Any]:
        """Show the movements of a SKU, newest first."""
        wanted = existing(sku)
        found = await self._desk.context().ledger.history(wanted, limit)
        if not found:
            await decisions.require_known(self._desk.context(), [wanted])
        return {"sku": wanted, "movements": [movement_json(booked) for booked in found]}

    async def adjust(
        self, sku: str, body: models.Adjust, key: Key, request: Request, response: Response
    ) -> dict[str, Any]:
        """Book units that were found or lost; the stores follow at once.

        The same key with the same body books nothing and answers 200 with `Idempotency-Replayed`;
        with another body, or for another SKU, 409.
        """
        wanted = existing(sku)
        await self._require_place(wanted, body)
        booked, is_new = await actions.adjust(
            self._desk,
            caller_of(request),
            wanted,
            body.units,
            reason=body.reason,
            key=key,
            location=body.location or "",
        )
        if not is_new:
            response.status_code = 200
            response.headers[REPLAYED] = "true"
        return {"sku": wanted, "movement": movement_json(booked)}

    async def explain(self, sku: str, store: StoreAsked = "") -> dict[str, Any]:
        """Say why a SKU's numbers are what they are: the object of `explain --json`."""
        context = self._desk.context()
        _require_store(context, store)
        found = await self._view(sku, StoreId(store) if store else None)
        return story.document(found, await story.stories(context, found))

    async def rules(self, sku: str, store: StoreAsked = "") -> dict[str, Any]:
        """Say which rule decides what for a SKU: the object of `rules explain --json`.

        A SKU that nobody knows yet has rules all the same, and no target.
        """
        wanted, context = existing(sku), self._desk.context()
        _require_store(context, store)
        stores = [StoreId(store)] if store else sorted(context.stores)
        return ruling.document(wanted, await ruling.rulings_for(context, wanted, stores))

    async def _view(self, sku: str, store: StoreId | None = None) -> SkuView:
        wanted = existing(sku)
        await decisions.require_known(self._desk.context(), [wanted])
        return await view(self._desk.context(), wanted, store=store)

    async def _require_place(self, sku: Sku, body: models.Adjust) -> None:
        """Refuse to take units from where there never were any."""
        if body.location is None or body.units > 0:
            return
        levels = await self._desk.context().ledger.levels([sku])
        if sku in levels and body.location not in levels[sku]:
            places = ", ".join(sorted(levels[sku])) or "nowhere"
            raise ConfigurationError([f"location: {sku!r} is at {places}"])


def _require_store(context: Context, name: str) -> None:
    if name and name not in context.stores:
        raise UnknownName(f"no store is called {name!r}")


def existing(text: str) -> Sku:
    """Take a segment of an address as a SKU, exactly as it stands.

    Raises:
        UnknownName: It cannot name anything.
    """
    sku = sku_from(text)
    if sku is None:
        raise UnknownName(f"no SKU is called {text!r}")
    return sku


def named(text: str) -> Sku:
    """Take a text of a body as a SKU, exactly as it stands.

    Raises:
        ConfigurationError: It cannot name anything.
    """
    sku = sku_from(text)
    if sku is None:
        raise ConfigurationError([f"skus: {text!r} cannot name anything"])
    return sku


def _row(sku: Sku, levels: Levels | None) -> dict[str, Any]:
    if levels is None:
        return {"sku": sku, "on_hand": None, "reserved": None, "available": None}
    return {
        "sku": sku,
        "on_hand": sum(level.on_hand for level in levels.values()),
        "reserved": sum(level.reserved for level in levels.values()),
        "available": max(0, sum(free(level) for level in levels.values())),
    }
