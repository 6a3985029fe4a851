"""The webhooks of a Simvoly site: which there are, and a new one (`seeds/003…` §Webhooks).

The site shows their secrets in clear, and perhaps not where they point to: the documents lost
every field that holds a link (`stores.md §4`).
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

from stocksync.connectors.answers import Answer
from stocksync.connectors.http import StoreHttp
from stocksync.contracts.connector import Webhook
from stocksync.errors import UnexpectedResponse

_PATH: Final = "/webhooks"


class SimvolyWebhooks:
    """What a Simvoly connector can do about webhooks."""

    _http: StoreHttp

    @property
    def webhook_events(self) -> tuple[str, ...]:
        """Name the events after which a quantity may be another; none is about stock itself."""
        return ("order_created", "order_updated", "product_created", "product_updated")

    async def webhooks(self) -> Sequence[Webhook]:
        """Return every webhook of the site; the list has no pages."""
        answer = await self._http.read(_PATH)
        self._refuse_failure(answer)
        if not isinstance(answer.body, list):
            raise UnexpectedResponse("the list of webhooks is not a list")
        return [_webhook(row) for row in answer.body]

    async def add_webhook(self, *, target: str, secret: str, events: Sequence[str]) -> Webhook:
        """Make one more webhook, with one request that is sent once."""
        wanted = {"target": target, "secret": secret, "events": list(events)}
        answer = await self._http.write("POST", _PATH, wanted)
        self._refuse_failure(answer)
        return _webhook(answer.body)

    @abstractmethod
    def _refuse_failure(self, answer: Answer) -> None:
        """Raise on an answer that says it is a failure."""


def _webhook(row: object) -> Webhook:
    if not isinstance(row, dict) or not isinstance(row.get("events"), list):
        raise UnexpectedResponse("a webhook shows no list of events")
    target, secret = row.get("target"), row.get("secret")
    return Webhook(
        id=str(row.get("id", "")),
        events=tuple(str(event) for event in row["events"]),
        target=target if isinstance(target, str) and target else None,
        secret=secret if isinstance(secret, str) else "",
    )
