"""What a person can do from a page: reconcile, adjust, decide on a held plan, reload the files."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request, Response

from stocksync.contracts.dispatch import Wish
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stocktake import UNITS_MAX, whole_number
from stocksync.engine import stocktake
from stocksync.errors import ConfigurationError, RunInProgress, UnknownName
from stocksync.ops import actions, views_runs
from stocksync.ops.desk import Desk
from stocksync.ops.guarded import caller_of
from stocksync.ops.pagekit import (
    by_htmx,
    form_of,
    render,
    see,
    sku_address,
    sku_given,
    with_query,
)
from stocksync.ops.words import MINUS

KEY_LENGTH_MAX: Final = 200
REASON_LENGTH_MAX: Final = 500


class Actions:
    """Carries out what forms ask for; each answer leads to a page that can be reloaded."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def reconcile(self, request: Request, sku: str = "") -> Response:
        """Start a run by hand: all stores or one, all SKUs or the one of the address."""
        form = await form_of(request)
        store = form.get("store", "")
        wish = Wish(
            stores=(StoreId(store),) if store else (),
            skus=(sku_given(sku),) if sku else (),
            dry_run=form.get("dry_run") == "yes",
            trigger="page",
        )
        try:
            run, busy = await actions.reconcile(self._desk, caller_of(request), wish), False
        except RunInProgress as error:
            run, busy = error.run, True
        if not by_htmx(request):
            return see(f"/runs/{run}")
        stores = len(wish.stores or self._desk.context().stores)
        progress = await views_runs.progress_of(self._desk.dispatcher, run, stores=stores)
        status = 409 if busy else 202
        return render(
            request, "part_started.html", status=status, run=run, busy=busy, progress=progress
        )

    async def adjust(self, request: Request, sku: str) -> Response:
        """Book units that were found or lost; a form that is sent twice books once."""
        named = sku_given(sku)
        form = await form_of(request)
        key, place = form.get("key", ""), form.get("location", "")
        if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isascii():
            raise ConfigurationError(["The form is too old: load the page again."])
        if place and place not in await stocktake.known_levels(self._desk.context(), named):
            raise ConfigurationError([f"{named!r} is not at {place!r}."])
        _, is_new = await actions.adjust(
            self._desk,
            caller_of(request),
            named,
            _units(form),
            reason=_reason(form),
            key=f"page:{key}",
            location=place,
        )
        said = "adjusted" if is_new else "adjusted-before"
        asked = {"sku": named} if "?" in sku_address(named) else {}
        return see(with_query(sku_address(named).partition("?")[0], **asked, said=said))

    async def approve(self, request: Request, name: str) -> Response:
        """Let a held plan go; its store is read at once, so that it is carried out."""
        return await self._decide(request, name, "approve")

    async def reject(self, request: Request, name: str) -> Response:
        """Keep a plan held."""
        return await self._decide(request, name, "reject")

    async def _decide(self, request: Request, name: str, decision: actions.Decision) -> Response:
        if "\0" in name:
            raise UnknownName("no hold is called like this")
        hold = await actions.decide(self._desk, caller_of(request), name, decision)
        return see(with_query("/holds", said=hold.state.value))

    async def reload(self) -> Response:
        """Read configuration and rules anew; refused whole when anything is wrong in them."""
        await self._desk.reload()
        return see(with_query("/rules", said="reloaded"))


def _units(form: Mapping[str, str]) -> int:
    """Read the units of an adjustment as people write them: 5, +5, -2, or with a long minus."""
    units = whole_number(form.get("units", "").strip().replace(MINUS, "-").removeprefix("+"))
    if not units:
        raise ConfigurationError(
            [f"Units are a whole number such as 5 or -2, at most {UNITS_MAX:,} up or down."]
        )
    return units


def _reason(form: Mapping[str, str]) -> str:
    reason = form.get("reason", "").strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX or "\0" in reason:
        raise ConfigurationError(
            [f"Say why, in 1 to {REASON_LENGTH_MAX} letters: the history keeps it."]
        )
    return reason
