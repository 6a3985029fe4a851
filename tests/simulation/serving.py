"""Let a sandbox store answer one request at once, and tell what our writes did to it."""

import random
from collections.abc import Callable, Coroutine, Mapping, MutableMapping
from typing import Any

import httpx

from stocksync.contracts.ledger import IntentState
from stocksync.domain.merge import Role
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.items import Item
from stocksync.sandbox.shop import Shop
from tests.simulation.merchant import Merchant
from tests.simulation.network import STORE_FAULTS, Parcel
from tests.simulation.sick import POISON
from tests.simulation.stale import Stale
from tests.simulation.switches import PRINT, offered
from tests.simulation.trace import Trace
from tests.simulation.truth import Truth

Message = MutableMapping[str, Any]
#: A look that is this much older than the announcement of a write was not made for it.
LOOK_SECONDS = 120.0
#: Nor is it good any more for a write sent so much later: it took 30 seconds at most, and so did
#: the announcement. The rest is for those that walk a list to find one listing.
SENT_SECONDS = 90.0


class Counter:
    """All stores behind one counter: each request is carried out whole, then the next."""

    def __init__(
        self,
        merchant: Merchant,
        truth: Truth,
        trace: Trace,
        chance: random.Random,
        *,
        stale: Stale,
        now: Callable[[], float],
    ) -> None:
        self._merchant = merchant
        self._truth = truth
        self._trace = trace
        self._chance = chance
        self._stale = stale
        self._now = now
        self._parcel: Parcel | None = None
        self._pages: dict[tuple[str, str], bytes] = {}
        self.locked_out: set[str] = set()
        self.writes = 0
        for store, shop in merchant.shops.items():
            self._listen(store, shop)

    def _listen(self, store: str, shop: Shop) -> None:
        """Hear of each number that comes in through a store's API."""
        original = shop.write

        def write(item: Item, value: object) -> None:
            before, shown = item.quantity, item.shown
            original(item, value)
            self.writes += 1
            parcel = self._parcel
            if parcel is None or parcel.fault == "not_taken" or not item.code:
                return
            if parcel.sent_at < self._truth.lost_until:
                self._trace.line(f"{store}: a lost write of {item.code} {before} -> {value}")
                self._trace.reached("a write of lost books arrived")
                self._truth.happened(store, item.code, (item.shown or 0) - (shown or 0))
                return
            self._trace.line(f"{store} wrote {item.code} {before} -> {item.quantity}")
            self._judge(parcel, item)
            waited_for = not parcel.life.dead and not parcel.answer.done()
            sample = parcel.samples.get(item.code)
            told = self._stale.told(store, item.code, self._now())
            self._truth.wrote(store, item.code, sample, waited_for=waited_for, told=told)

        shop.write = write  # type: ignore[method-assign]

    def _judge(self, parcel: Parcel, item: Item) -> None:
        """I7, I8: only what was written down first is written, and never where we only watch."""
        store = parcel.store
        name = f"{store}/{item.code}"
        if self._merchant.roles[store] is Role.OBSERVE:
            self._trace.broken("I7", f"{name} was written, and its store is only observed")
        if not isinstance(item.quantity, int | str) or int(item.quantity) < 0:
            self._trace.broken("I27", f"{name} was set to {item.quantity!r}")
            return
        waiting = self._truth.watch.undecided.get((store, str(item.code)))
        if waiting is not None and parcel.sent_at > waiting + 1:
            self._trace.broken("I13", f"{name} was written while its increase is undecided")
        value = int(item.quantity)
        since = self._truth.watch.intended_at(store, str(item.code), value, parcel.sent_at)
        sample = parcel.samples.get(str(item.code))
        if since is None:
            self._trace.broken("I8", f"{name} was set to {value} without an intent")
        elif sample is None or sample.named_at < since - LOOK_SECONDS:
            self._trace.broken("I8", f"{name} was set to {value} without another look at it")
        elif sample.named_at < parcel.sent_at - SENT_SECONDS:
            seconds = parcel.sent_at - sample.named_at
            self._trace.broken("I8", f"{name} was set to {value} {seconds:.0f} s after a look")
        else:
            self._note_reason(parcel, str(item.code), idle=sample.shown == value)

    def _note_reason(self, parcel: Parcel, code: str, *, idle: bool) -> None:
        """Note whether a listing was seen with the number that it is set to.

        That is right over a write of ours that may still arrive.
        """
        story = self._truth.stories[parcel.store, code]
        asserted = any(at.state is IntentState.UNKNOWN for at in self._truth.doubt.clouded(story))
        (parcel.idle if idle and not asserted else parcel.needed).append(code)

    def _judge_reason(self, parcel: Parcel, platform: str) -> None:
        """I7: nothing is written that a store shows already, but beside a sibling that is not."""
        if parcel.fault == "late_apply" or (platform == "simvoly" and parcel.needed):
            return
        for code in parcel.idle:
            self._trace.broken("I7", f"{parcel.store}/{code} was written as it was seen")

    def _judge_switch(self, parcel: Parcel, shop: Shop) -> None:
        """I8: a switch is turned only if that was written down first."""
        if parcel.sent_at < self._truth.lost_until:
            return
        _, _, _, kind, number = parcel.request.url.path.split("/")
        listing = f"{'product' if kind == 'products' else 'variant'}:{number}"
        on = offered(shop)[listing]
        announced = self._truth.watch.intended.get((PRINT, listing, int(on)), ())
        self._trace.line(f"{PRINT}/{listing} turned {'on' if on else 'off'}")
        self._trace.reached(f"a switch was turned {'on' if on else 'off'}")
        if not any(moment <= parcel.sent_at + 1e-6 for moment in announced):
            self._trace.broken("I8", f"{PRINT}/{listing} was turned without an intent")

    def serve(self, parcel: Parcel) -> httpx.Response:
        """Carry out a request. Raises ConnectionDropped where no whole answer comes back."""
        shop = self._merchant.shops[parcel.store]
        place = parcel.store, parcel.request.url.path
        if parcel.store in self.locked_out:
            shop.faults.next(Fault.UNAUTHORISED)
        elif parcel.fault == POISON:
            return httpx.Response(422, json={"error": "one of these is not right"})
        elif parcel.fault in STORE_FAULTS:
            fault, details = STORE_FAULTS[parcel.fault]
            shop.faults.next(fault, **details)
        elif parcel.fault == "reordered":
            self._chance.shuffle(shop.items)
            shop.version += 1
        elif parcel.fault == "repeated_page" and place in self._pages and parcel.is_later_page:
            return httpx.Response(
                200, content=self._pages[place], headers={"content-type": "application/json"}
            )
        self._parcel = parcel
        writes = len(shop.writes)
        try:
            with self._stale.showing(parcel, self._now()):
                response = _asked(self._merchant.apps[parcel.store], parcel)
        finally:
            self._parcel = None
            shop.faults.clear()
        self._judge_reason(parcel, shop.platform)
        if parcel.store == PRINT and len(shop.writes) > writes:
            self._judge_switch(parcel, shop)
        if parcel.is_page and not parcel.fault:
            self._pages[place] = response.content
        return response


def _asked(app: Callable[..., Any], parcel: Parcel) -> httpx.Response:
    """Run an ASGI application to its end without giving the loop a turn."""
    url = parcel.request.url
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": parcel.request.method,
        "headers": [(name.lower(), value) for name, value in parcel.request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "server": (url.host, 443),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": parcel.body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    _to_the_end(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return httpx.Response(sent[0]["status"], headers=_headers(sent[0]), content=body)


def _headers(start: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in start["headers"]]


def _to_the_end(coroutine: Coroutine[Any, Any, None]) -> None:
    """Step a coroutine that only ever gives others a turn."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return
