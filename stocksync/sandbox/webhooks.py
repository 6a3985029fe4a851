"""What a fake store sends to its webhooks when somebody buys (seeds/000 and 003, Webhooks)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from stocksync.sandbox.orders import Order
from stocksync.sandbox.recplus_orders import full_order
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.simvoly_records import order as simvoly_order


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that the store would send; nothing here sends it."""

    target: str
    headers: Mapping[str, str]
    body: bytes


def order_deliveries(shop: Shop, order: Order) -> list[Delivery]:
    """Write what each of the shop's webhooks is told of a new order.

    A webhook is what Simvoly's API keeps: `target`, `events`, `secret`. Of REC+, whose webhooks
    are made in its admin, `wrap` and `authorization` are known too.
    """
    name = "new.order" if shop.platform == "recplus" else "order_created"
    write = _recplus if shop.platform == "recplus" else _simvoly
    return [write(hook, name, order) for hook in shop.webhooks if name in hook["events"]]


def _recplus(hook: Mapping[str, Any], event: str, order: Order) -> Delivery:
    shown: dict[str, Any] = full_order(order, UTC)
    body = json.dumps({"event": event, "data": shown} if hook.get("wrap") else shown).encode()
    headers = {"content-type": "application/json"}
    if authorization := hook.get("authorization"):
        headers["authorization"] = authorization
    return Delivery(hook["target"], headers, body)


def _simvoly(hook: Mapping[str, Any], event: str, order: Order) -> Delivery:
    body = json.dumps(simvoly_order(order)).encode()
    headers = {"content-type": "application/json", "x-webhook-topic": event}
    if secret := hook.get("secret"):
        signed = hmac.new(str(secret).encode(), body, hashlib.sha512).hexdigest()
        headers["x-webhook-signature"] = signed
    return Delivery(hook["target"], headers, body)
