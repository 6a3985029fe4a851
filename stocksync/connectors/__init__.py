"""Every store we can speak to. Adding one is a file here and a line in this table."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Protocol

import stamina

from stocksync.connectors import b2bwave, freewebstore, idealfactory, recplus, simvoly
from stocksync.connectors.http import Transport
from stocksync.contracts.connector import StockWriter, StoreAccount


class Connect(Protocol):
    """Build the connector of one configured account."""

    def __call__(
        self,
        account: StoreAccount,
        *,
        now: Callable[[], datetime],
        transport: Transport | None = None,
    ) -> StockWriter: ...


REGISTRY: Final[Mapping[str, Connect]] = {
    "recplus": recplus.connect,
    "b2bwave": b2bwave.connect,
    "freewebstore": freewebstore.connect,
    "simvoly": simvoly.connect,
    "idealfactory": idealfactory.connect,
}

# A retried read is counted in `http_requests_total`; a log line each would bury what matters.
stamina.instrumentation.set_on_retry_hooks(())
