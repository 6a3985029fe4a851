"""The connector contract: what a feed of orders does when the network or an answer goes wrong."""

import json
import traceback
from typing import Any

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.errors import AuthFailed, ConnectorError, StoreUnavailable, UnexpectedResponse
from stocksync.sandbox.faults import Fault
from tests.contract.contract import Needs, clause
from tests.contract.order_clauses import PLENTY, by_listing, told
from tests.contract.paging_clauses import CUTS
from tests.contract.rigs import Rig
from tests.contract.wire_clauses import ATTEMPTS_MAX, NOT_THE_API, listening


def sold(rig: Rig, orders: int = 1) -> tuple[Rig, ListingId]:
    """Stand up a fresh rig where somebody bought something."""
    stood = rig.another()
    listing = stood.add(PLENTY)
    for _ in range(orders):
        stood.sell((listing, 1))
    return stood, listing


@clause("C37", "a feed cut short raises; it does not look complete", Needs.ORDERS, Needs.NETWORK)
async def cut_short_raises(rig: Rig) -> None:
    for fault in CUTS:
        stood, _ = sold(rig, rig.kind.orders_page + 2)
        stood.shop.faults.next(fault, 99, after=1)
        with pytest.raises((UnexpectedResponse, StoreUnavailable)):
            await told(stood)
        await stood.aclose()


@clause(
    "C38",
    "a quantity that cannot be read raises and names its order",
    Needs.ORDERS,
    Needs.NETWORK,
)
async def unreadable_raises(rig: Rig) -> None:
    for shown in (2.5, -1, 10**9):
        stood, listing = sold(rig)
        order = stood.sell((listing, 2))
        odd: Any = stood.shop.orders[-1].lines[0]
        odd.units = shown
        with pytest.raises(UnexpectedResponse, match=order):
            await told(stood)
        await stood.aclose()


@clause("C40", "no error of a feed shows a secret", Needs.ORDERS, Needs.NETWORK)
async def secrets_stay_secret(rig: Rig) -> None:
    for secret in rig.secrets:
        row = {"id": secret, "status": secret, "created": secret, "lines": [], "items": []}
        said = {"message": f"who are you, {secret}?"}
        lists: tuple[object, ...] = ([row], {"orders": [row]}, {"items": [row], "totalCount": 1})
        for status, body in (*((200, each) for each in lists), (400, said), (500, said)):
            stood, _ = sold(rig)
            echo = json.dumps(body).encode()
            stood.shop.faults.always(Fault.ANSWER, body=echo, status=status)
            with listening() as lines:
                with pytest.raises(ConnectorError) as caught:
                    await told(stood)
                lines += [str(caught.value), *traceback.format_exception(caught.value)]
            assert secret not in "\n".join(lines), "a secret was shown"
            await stood.aclose()


@clause(
    "C41", "a failing feed is asked again, a bounded number of times", Needs.ORDERS, Needs.NETWORK
)
async def feeds_are_retried(rig: Rig) -> None:
    for fault in (Fault.ERROR_BEFORE, Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.TRUNCATED):
        stood, listing = sold(rig)
        stood.shop.faults.next(fault)
        assert by_listing(stood, await told(stood)) == {listing: 1}
        await stood.aclose()
    for fault in (Fault.ERROR_BEFORE, Fault.DROP_REQUEST):
        stood, _ = sold(rig)
        stood.shop.faults.always(fault)
        with pytest.raises(StoreUnavailable):
            await told(stood)
        assert 1 < stood.shop.count() <= ATTEMPTS_MAX, f"{stood.shop.count()} tries"
        await stood.aclose()
    stood, _ = sold(rig)
    stood.shop.faults.always(Fault.UNAUTHORISED)
    with pytest.raises(AuthFailed):
        await told(stood)
    assert stood.shop.count() == 1, "refused credentials were tried again"
    await stood.aclose()


@clause("C42", "an answer that is not the API is UnexpectedResponse", Needs.ORDERS, Needs.NETWORK)
async def nonsense_is_unexpected(rig: Rig) -> None:
    for fault, details in NOT_THE_API:
        stood, _ = sold(rig)
        stood.shop.faults.always(fault, **details)
        with pytest.raises(UnexpectedResponse):
            await told(stood)
        await stood.aclose()


@clause("C43", "a feed that was closed raises", Needs.ORDERS)
async def closed_is_closed(rig: Rig) -> None:
    stood, _ = sold(rig)
    await stood.connector.aclose()
    with pytest.raises(StoreUnavailable):
        await told(stood)
    assert stood.shop.count() == 0, "something was sent after the end"
