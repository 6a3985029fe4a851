"""`webhooks …`: let stores tell us at once when something happened."""

import asyncio
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any, Final

import typer

from stocksync.bootstrap import Plan, connect
from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.root import Command, Family
from stocksync.cli.session import session_of
from stocksync.cli.tables import draw_table, say
from stocksync.contracts.connector import Webhook, WebhookAdmin
from stocksync.domain.origins import origin_from
from stocksync.engine.words import name
from stocksync.errors import ConfigurationError, ConnectorError, StoreRejected
from stocksync.settings import StoreSettings

HIDDEN: Final = "(webhook.secret)"
#: Our own address in a store's words, however much of it the store repeats.
_OUR_ADDRESS: Final = re.compile(r"/webhooks/\S+")
_BY_HAND: Final = {
    "recplus": (
        "in the store: Admin > API Webhooks; JSON, with Wrap Data; one webhook for each of "
        "new.order, update.order, new.product, update.product, delete.product, "
        "batch-update.product, batch-delete.product"
    ),
    "idealfactory": "give it to Ideal Factory as the address of print-ready notifications",
}
app = typer.Typer(
    cls=Family,
    no_args_is_help=True,
    help="Let stores tell us at once when something happened.",
)


@app.callback()
def webhooks() -> None:
    """Let stores tell us at once when something happened."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Where a store shall send its webhooks; `mark` signs them, or lets us know them again."""

    store: StoreSettings
    origin: str
    secret: str = field(repr=False)
    mark: str = field(repr=False)

    def address(self, *, event: str = "", hidden: bool = False) -> str:
        """Return the address; `hidden` leaves its secret out."""
        path = f"/webhooks/{self.store.id}/{HIDDEN if hidden else self.secret}"
        return f"{self.origin}{path}{f'?event={event}' if event else ''}"

    def has(self, event: str, webhook: Webhook) -> bool:
        """Tell whether a webhook is ours, for this event, with the key that is in force."""
        same_key = hmac.compare_digest(webhook.secret.encode(), self.mark.encode())
        same_place = webhook.target in (None, self.address(event=event))
        return event in webhook.events and same_key and same_place


@app.command("register", cls=Command)
def register(
    ctx: typer.Context,
    store: Annotated[str, typer.Option("--store", metavar="STORE", help="The store's id.")],
    url: Annotated[
        str, typer.Option("--url", help="Where the store reaches us: https://sync.example")
    ],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the address with its secret, to copy it.")
    ] = False,
) -> int:
    """Make a store's webhooks where its API can, or say what to enter by hand."""
    session = session_of(ctx)
    files = books.read(session)
    wanted = _wanted(files, store, url)
    if wanted.store.platform in _BY_HAND:
        document = _by_hand(wanted, reveal=reveal)
    else:
        document = asyncio.run(_register(files, wanted))
        document["address"] = wanted.address(hidden=not reveal)
    session.answer(document, lambda: _draw(document))
    return Exit.DONE


def _wanted(files: Plan, store: str, url: str) -> Wanted:
    """Find out what shall be made.

    Raises:
        ConfigurationError: The address cannot be used, or the store's `webhook` is missing.
    """
    chosen = books.chosen(files, [store]) or []
    [settings] = [at for at in files.settings.stores if at.id in chosen]
    try:
        origin = origin_from(url)
    except ValueError as error:
        raise ConfigurationError([f"--url: {error}"]) from None
    given = {key: secret.get_secret_value() for key, secret in settings.webhook.items()}
    if "secret" not in given:
        known = ("recplus", "simvoly", "idealfactory")
        if settings.platform not in known:
            raise ConfigurationError([f"store {store}: {settings.platform} has no webhooks"])
        raise ConfigurationError(
            [f"store {store}: has no `webhook`; add webhook: {{secret: …}} to it, see the README"]
        )
    derived = sha256(f"stocksync webhook {given['secret']}".encode()).hexdigest()[:32]
    mark = given.get("signature", derived)
    return Wanted(store=settings, origin=origin, secret=given["secret"], mark=mark)


def _by_hand(wanted: Wanted, *, reveal: bool) -> dict[str, Any]:
    """Say what a person enters at the store."""
    given = wanted.store.webhook
    authorization = "Bearer" if "token" in given else "Basic" if "password" in given else "none"
    return {
        "store": wanted.store.id,
        "address": wanted.address(hidden=not reveal),
        "authorization": authorization,
        "by_hand": _BY_HAND[wanted.store.platform],
    }


async def _register(files: Plan, wanted: Wanted) -> dict[str, Any]:
    """Make the webhooks that are not there yet, one for each event.

    Raises:
        StoreRejected: The store's own words, without our secrets.
    """
    connector = connect(wanted.store, files.book).connector
    if not isinstance(connector, WebhookAdmin):
        raise ConfigurationError([f"store {wanted.store.id}: cannot make webhooks by its API"])
    try:
        return await _made(connector, wanted)
    except ConnectorError as error:
        said = _OUR_ADDRESS.sub("/webhooks/…", str(error))
        for secret in (wanted.secret, wanted.mark):
            said = said.replace(secret, "…")
        advice = "nothing is made twice: run it again"
        raise StoreRejected(f"{said} ({advice})") from None
    finally:
        await connector.aclose()


async def _made(connector: WebhookAdmin, wanted: Wanted) -> dict[str, Any]:
    before = await connector.webhooks()
    rows: list[dict[str, str]] = []
    ours: set[int] = set()
    for event in connector.webhook_events:
        found = [at for at, webhook in enumerate(before) if wanted.has(event, webhook)]
        ours.update(found)
        if found:
            rows.append({"event": event, "id": before[found[0]].id, "state": "was there"})
            continue
        target = wanted.address(event=event)
        made = await connector.add_webhook(target=target, secret=wanted.mark, events=[event])
        rows.append({"event": event, "id": made.id, "state": "made"})
    others = [webhook for at, webhook in enumerate(before) if at not in ours]
    return {
        "store": wanted.store.id,
        "signed": "signature" in wanted.store.webhook,
        "webhooks": rows,
        "others": _others(others),
    }


def _others(webhooks: Sequence[Webhook]) -> list[dict[str, Any]]:
    return [{"id": at.id, "events": list(at.events)} for at in webhooks]


def _draw(document: dict[str, Any]) -> None:
    say(f"address: {document['address']}")
    if "by_hand" in document:
        say(f"authorization: {document['authorization']}")
        say(document["by_hand"])
        return
    rows = [(row["event"], name(row["id"]), row["state"]) for row in document["webhooks"]]
    draw_table(("event", "webhook", "state"), rows)
    for other in document["others"]:
        say(f"not ours: {name(other['id'])} for {', '.join(map(name, other['events']))}")
    if not document["signed"]:
        say("not signed: set webhook.signature once you know that the site signs what it sends")
