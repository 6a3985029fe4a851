"""All that the handlers of a running service are handed, and nothing that they could reach for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from stocksync.contracts.dispatch import Dispatcher
from stocksync.domain.identifiers import StoreId
from stocksync.domain.merge import FirstContact, Role
from stocksync.engine.context import Context
from stocksync.ops.access import Access
from stocksync.ops.doors import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """What the configuration says of a store, without its secrets."""

    id: StoreId
    platform: str
    url: str
    role: Role
    first_contact: FirstContact
    poll: timedelta
    sweep: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """What the files say that is in force now, without secrets; `rules` names their folder."""

    stores: tuple[StoreView, ...]
    rules: str = ""
    warnings: tuple[str, ...] = ()

    def store(self, name: StoreId) -> StoreView | None:
        """Return one store; None when none is called like this."""
        return next((store for store in self.stores if store.id == name), None)


def no_doors() -> Mapping[StoreId, Door]:
    """Let no webhook in."""
    return {}


async def nothing_to_reload() -> tuple[str, ...]:
    """Keep what is in force; there are no files."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What handlers work with; `context` and `view` return what is in force after a reload.

    `reload` reads the files again and returns their warnings; it raises ConfigurationError and
    changes nothing when anything is wrong. `webhooks` are the doors of the stores that have some.
    """

    context: Callable[[], Context]
    dispatcher: Dispatcher
    access: Access
    view: Callable[[], ServiceView]
    started_at: datetime
    reload: Callable[[], Awaitable[tuple[str, ...]]] = nothing_to_reload
    webhooks: Callable[[], Mapping[StoreId, Door]] = no_doors

    @property
    def settings(self) -> ServiceView:
        """Return what the files say that is in force now."""
        return self.view()
