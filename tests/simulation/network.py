"""The network between one process of ours and the stores: slow, lossy, and it outlives us.

A request that has left arrives whatever becomes of its sender. What a store does with it happens at
once; the answer travels back, if anybody is left to hear it.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from stocksync.sandbox.faults import ConnectionDropped, Fault
from tests.simulation.guards import Sockets
from tests.simulation.loop import VirtualLoop
from tests.simulation.options import Options
from tests.simulation.sick import trouble_of
from tests.simulation.stories import Sample
from tests.simulation.trace import Trace
from tests.simulation.truth import Truth

#: How long a store asks to be left alone, and how often it may be asked otherwise.
RETRY_AFTER = 5
SPACING = 0.02
#: Faults that the store itself makes, by the name of their kind.
STORE_FAULTS: Mapping[str, tuple[Fault, dict[str, Any]]] = {
    "error_before": (Fault.ERROR_BEFORE, {}),
    "error_after": (Fault.ERROR_AFTER, {}),
    "rate_limited": (Fault.RATE_LIMITED, {"retry_after": RETRY_AFTER}),
    "truncated": (Fault.TRUNCATED, {}),
    "html": (Fault.HTML, {}),
    "empty_body": (Fault.EMPTY_BODY, {}),
    "error_body": (Fault.ERROR_BODY, {}),
    "empty_list": (Fault.EMPTY_LIST, {}),
    "page_shift": (Fault.PAGE_SHIFT, {"code": "SHIFTED"}),
    "not_taken": (Fault.NOT_TAKEN, {}),
    "redirect": (Fault.REDIRECT, {}),
}
WIRE_FAULTS = ("refused", "drop_request", "drop_reply", "late_apply", "late_answer", "slow")
LIST_FAULTS = ("repeated_page", "reordered")
#: What a store calls the place where a page begins, and that of the first.
OFFSETS = {"offset": "0", "start": "0", "skip": "0", "page": "1"}
TOO_MANY = 429
EPSILON = 1e-6
LONG = 31.0  # longer than a caller waits


@dataclass(kw_only=True)
class Parcel:
    """One request on its way, with what its sender had read of each listing when it left."""

    store: str
    request: httpx.Request
    body: bytes
    life: Any
    samples: Mapping[str, Sample]
    answer: "asyncio.Future[httpx.Response]"
    sent_at: float = 0.0
    clock: float = 0.0
    fault: str = ""
    cached: Mapping[str, int | None] | None = None
    idle: list[str] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)

    @property
    def is_write(self) -> bool:
        return self.request.method != "GET"

    @property
    def is_page(self) -> bool:
        """Tell whether this asks for a page of a list, and not for some listings by name."""
        asked = self.request.url.params
        named = {"codes", "code_eq"} & asked.keys()
        return not (self.is_write or named) and bool(OFFSETS.keys() & asked.keys())

    @property
    def may_be_a_look(self) -> bool:
        """Tell whether this may be asked for the sake of some listings.

        A list of products by pages is all that B2B Wave has for a listing whose code we forgot.
        """
        return not self.is_page or "page" in self.request.url.params

    @property
    def is_later_page(self) -> bool:
        asked = self.request.url.params
        return self.is_page and any(asked.get(at, first) != first for at, first in OFFSETS.items())

    @property
    def name(self) -> str:
        return f"{self.request.method} {self.store}{self.request.url.raw_path.decode()}"


@dataclass(kw_only=True)
class Network:
    """Carries parcels. `down` and `locked_out` name stores in trouble now."""

    loop: VirtualLoop
    options: Options
    truth: Truth
    trace: Trace
    chance: random.Random
    serve: "Serve"
    quiet: bool = False
    down: set[str] = field(default_factory=set)
    locked_out: set[str] = field(default_factory=set)
    pending: int = 0
    read_back: set[str] = field(default_factory=set)
    writing: dict[str, Parcel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sockets = Sockets(self.trace)

    def carry(self, parcel: Parcel) -> None:
        """Take a request: draw its fate, and let it arrive."""
        self._judge_pace(parcel)
        self.sockets.sent(parcel)
        parcel.fault = self._fate(parcel)
        if parcel.is_write:
            self._judge_alone(parcel)
            self._judge_frozen(parcel)
            parcel.life.sends(parcel.store)
        fault = parcel.fault
        self.trace.line(f"{parcel.name} {parcel.body.decode(errors='replace')[:120]} {fault}")
        if fault:
            self.trace.reached(f"fault {fault}" + (" on a write" if parcel.is_write else ""))
        if fault == "refused" or parcel.store in self.down:
            self._fail(parcel, httpx.ConnectError("refused", request=parcel.request), 0.01)
            return
        if fault == "drop_request":
            self._fail(parcel, httpx.ReadError("reset", request=parcel.request), 0.05)
            return
        seconds = self.chance.uniform(0.01, 0.15)
        if fault == "slow":
            seconds = self.chance.uniform(1.0, 25.0)
        elif fault == "late_apply":
            seconds = self.chance.uniform(LONG, self.options.horizon_seconds * 0.6)
        self.pending += 1
        self.loop.call_later(seconds, self._arrive, parcel)

    def _judge_alone(self, parcel: Parcel) -> None:
        """I9: no store is written to twice at once by processes that are alive."""
        before = self.writing.get(parcel.store)
        self.writing[parcel.store] = parcel
        if before is None or before.answer.done() or before.life.dead:
            return
        if before.sent_at > parcel.sent_at - LONG:
            self.trace.broken("I9", f"{parcel.name} while another write was under way")

    def _judge_pace(self, parcel: Parcel) -> None:
        """I17: a store that asked for a pause has it, and requests keep their distance."""
        asked: dict[str, float] = parcel.life.asked
        rest = asked.get(parcel.store, 0.0) - parcel.sent_at
        if rest > EPSILON:
            self.trace.broken("I17", f"{parcel.name} was sent {rest:.2f} s too early")
        asked[parcel.store] = parcel.sent_at + SPACING

    def _judge_frozen(self, parcel: Parcel) -> None:
        """I26: who finds books that went back sends nothing.

        One in whose hands they went back may send what was written down before; whatever it writes
        down since is judged where it is written.
        """
        frozen_at = self.truth.frozen_at
        if frozen_at is not None and parcel.life.born_at > frozen_at:
            self.trace.broken("I26", f"{parcel.name} was sent, and the books are old")

    def _fate(self, parcel: Parcel) -> str:
        if self.quiet:
            return ""
        sick = trouble_of(self.options.sick, parcel, self.truth.merchant.codes)
        if sick is not None:
            return sick
        for kind, rate in sorted(self.options.rates.items()):
            known = kind in STORE_FAULTS or kind in WIRE_FAULTS or kind in LIST_FAULTS
            if known and self._fits(kind, parcel) and self.chance.random() < rate:
                return kind
        return ""

    def _fits(self, kind: str, parcel: Parcel) -> bool:
        if kind == "not_taken":
            return parcel.is_write and parcel.store in self.read_back
        if kind == "late_apply":
            return parcel.is_write
        if kind == "repeated_page":
            return parcel.is_later_page
        if kind in ("reordered", "empty_list", "page_shift"):
            return parcel.is_page
        return True

    def _arrive(self, parcel: Parcel) -> None:
        """Let the store carry out a request, whole and at once."""
        self.pending -= 1
        if parcel.store in self.down:
            self._fail(parcel, httpx.ReadError("gone", request=parcel.request), 0.01)
            return
        try:
            response = self.serve(parcel)
        except ConnectionDropped:
            self._fail(parcel, httpx.ReadError("dropped", request=parcel.request), 0.02)
            return
        if parcel.fault == "drop_reply":
            self._fail(parcel, httpx.ReadError("reply lost", request=parcel.request), 0.02)
            return
        seconds = self.chance.uniform(0.01, 0.15)
        if parcel.fault == "late_answer":
            seconds = self.chance.uniform(LONG, 60.0)
        samples = self._shown(parcel, response)
        self.loop.call_later(seconds, self._deliver, parcel, response, samples)

    def _shown(
        self, parcel: Parcel, response: httpx.Response
    ) -> Mapping[str, tuple[int, int | None]]:
        """Return how far the story of each listing in an answer has come."""
        if parcel.is_write or response.status_code != 200 or parcel.fault == "truncated":
            return {}
        if "/orders" in parcel.request.url.path:
            return {}
        if parcel.fault == "repeated_page" and parcel.is_later_page:
            return {}
        cached = parcel.cached or {}
        text = response.content.decode()
        shown = {}
        for store, code in self.truth.stories:
            if store == parcel.store and f'"{code}"' in text:
                shown[code] = self.truth.sampled(store, code)
                if code in cached:
                    shown[code] = self.truth.stories[store, code].cached, cached[code]
        return shown

    def _deliver(
        self,
        parcel: Parcel,
        response: httpx.Response,
        samples: Mapping[str, tuple[int, int | None]],
    ) -> None:
        if parcel.answer.done() or parcel.life.dead:
            return
        known: Any = parcel.life
        for code, (outside, units) in samples.items():
            sample = self.truth.heard(parcel.store, code, outside, units, parcel.clock)
            before = known.samples.get((parcel.store, code), sample)
            sample.named_at = parcel.sent_at if parcel.may_be_a_look else before.named_at
            known.samples[parcel.store, code] = sample
        if response.status_code == TOO_MANY:
            self.trace.reached("a store asked to be left alone")
            parcel.life.asked[parcel.store] = self.loop.time() + RETRY_AFTER
        parcel.answer.set_result(response)

    def _fail(self, parcel: Parcel, error: Exception, seconds: float) -> None:
        def fail() -> None:
            if not parcel.answer.done() and not parcel.life.dead:
                parcel.answer.set_exception(error)

        self.loop.call_later(seconds, fail)


class Wire(httpx.AsyncBaseTransport):
    """One process's way to one store."""

    def __init__(self, network: Network, life: Any, store: str) -> None:
        self._network = network
        self._life = life
        self._store = store

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        life, network = self._life, self._network
        body = await request.aread()
        life.step("before request")
        answer: asyncio.Future[httpx.Response] = network.loop.create_future()
        if life.dead:
            return await answer  # nobody will ever answer a dead process
        url = request.url
        if (url.scheme, url.host, url.port) != ("https", f"{self._store}.example", None):
            network.trace.broken("I23", f"{self._store}: a request to {url}")
        samples = {code: one for (at, code), one in life.samples.items() if at == self._store}
        parcel = Parcel(
            store=self._store,
            request=request,
            body=body,
            life=life,
            samples=samples,
            answer=answer,
            sent_at=network.loop.time(),
            clock=network.loop.time() + life.world.skew,
        )
        network.carry(parcel)
        response = await answer
        life.step("after request")
        if life.dead:
            await network.loop.create_future()
        return response


#: What hands a request to a store's application and returns its answer.
Serve = Callable[[Parcel], httpx.Response]
