"""What more mutants do instead: at the disk, the clock, the witness and the way to a store."""

# mypy: disable-error-code="attr-defined"

from typing import Any

import structlog

from stocksync.connectors import http
from stocksync.domain import plan
from stocksync.ledger import witness


def raised_blindly(connection: Any, witness_: Any) -> int:
    return _raised(connection, witness.Witness(witness_.path.with_name("no witness")))


async def none_is_early(*_: Any) -> set[Any]:
    return set()


def needs_all(skus: Any, store: Any, *rest: Any, **named: Any) -> int | None:
    each = [_switch_for([sku], store, *rest, **named) for sku in skus]
    return None if None in each else int(all(each))


def following(*given: Any) -> Any:
    client = _client(*given)
    client.follow_redirects = True
    return client


def one_page(self: Any, _ids: Any) -> None:
    self.ended = True


def talkative(self: Any, request: Any) -> Any:
    for sent in _auth_flow(self, request):
        structlog.get_logger().debug("request", url=str(sent.url), headers=dict(sent.headers))
        yield sent


async def at_once(self: Any, _give_up_at: float) -> None:
    return None


#: Seconds since 1970, by a clock that anybody may set.
wall_seconds = property(lambda self: lambda: self.now().timestamp(), lambda *_: None)

_auth_flow = http._OriginAuth.auth_flow
_raised, _switch_for, _client = witness.raised, plan.switch_for, http._client
