"""What the configuration file may say: its keys, their forms and their limits."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, SecretStr

from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.origins import origin_from
from stocksync.files.complaints import Entry, did_you_mean
from stocksync.files.token_entries import TOKENS_MAX
from stocksync.files.webhook_entries import (
    RecplusWebhook,
    SimvolyWebhook,
    WebhookEntry,
    plain_secret,
)

STORES_MAX: Final = 100
DURATION_MAX: Final = timedelta(days=366)
CONCURRENCY_MAX: Final = 32
RATE_MAX: Final = 1_000

_UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DIGITS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)", re.ASCII)
_STORE_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_BASE_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}", re.ASCII)
_PLAIN: Final = re.compile(r"[^\s,=](?:[^,=\n]*[^\s,=])?")


def duration(given: object) -> timedelta:
    """Read `60s`, `5m`, `1h`, `1d` or whole seconds; never zero, at most a year."""
    text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    matched = _DURATION.fullmatch(text)
    if matched is None:
        raise ValueError("must be a time such as 60s, 5m, 1h or 1d")
    length = timedelta(seconds=int(matched[1]) * _UNIT_SECONDS[matched[2]])
    if not timedelta(0) < length <= DURATION_MAX:
        raise ValueError("must be longer than no time and at most 366d")
    return length


def one_of(*names: str) -> Callable[[object], str]:
    """Return a check that lets only these words through."""

    def checked(given: object) -> str:
        if isinstance(given, str) and given in names:
            return given
        hint = did_you_mean(given, names) if isinstance(given, str) else ""
        raise ValueError(f"must be one of {', '.join(names)}{hint}")

    return checked


def _role(given: object) -> Role:
    return Role(one_of(*Role)(given))


def _first_contact(given: object) -> FirstContact:
    return FirstContact(one_of(*FirstContact)(given))


def yes_or_no(given: object) -> bool:
    """Read yes or no; a variable brings them as text."""
    words = {"yes": True, "true": True, "no": False, "false": False}
    found = words.get(given) if isinstance(given, str) else given
    if isinstance(found, bool):
        return found
    raise ValueError("must be yes or no")


def _no_orders(_given: object) -> bool:
    raise ValueError("this platform tells of no orders; take the line out")


def _whole(given: object) -> object:
    """Let a number come from a variable: `${PORT}` is text."""
    return int(given) if isinstance(given, str) and _DIGITS.fullmatch(given) else given


def _store_id(given: str) -> str:
    if not _STORE_ID.fullmatch(given):
        raise ValueError("must be 1 to 32 of a-z, 0-9, - and _, and not begin with - or _")
    return given


def _time_zone(given: str) -> str:
    if given == "UTC":
        return given
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(given, available_timezones()) or "; write it as Europe/London"
        raise ValueError(f"is not a time zone{hint}") from None
    return given


def _base_path(given: str | None) -> str | None:
    if given is not None and not _BASE_PATH.fullmatch(given):
        raise ValueError("must look like /api/site")
    return given


def _host(given: str) -> str:
    if not _HOST.fullmatch(given):
        raise ValueError("must be an address or a host name, such as 127.0.0.1")
    return given


def _database(given: SecretStr) -> SecretStr:
    text = given.get_secret_value()
    if text.startswith("postgres://"):
        raise ValueError("must begin with postgresql:// in full")
    if not text.startswith(("sqlite://", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if text.startswith("sqlite://") and text != "sqlite://" and text[9:10] != "/":
        raise ValueError("needs three slashes before a file: sqlite:///stocksync.db")
    return plain_secret(given) or given


def _location_ids(given: object) -> dict[str, str]:
    """Read `{location: id of the warehouse in the store}` (`stores.md §2.3`)."""
    found: dict[str, str] = {}
    for name, number in given.items() if isinstance(given, dict) else ():
        text = str(number) if isinstance(number, int | str) and not isinstance(number, bool) else ""
        if not isinstance(name, str) or not _PLAIN.fullmatch(name) or not _PLAIN.fullmatch(text):
            found = {}
            break
        found[name] = text
    if not found:
        raise ValueError("must hold the warehouse of each location, without , or =: {main: 1}")
    return found


Secret = Annotated[SecretStr, AfterValidator(plain_secret)]
Duration = Annotated[timedelta, PlainValidator(duration)]
YesOrNo = Annotated[bool, PlainValidator(yes_or_no)]
Rate = Annotated[float | None, Field(gt=0, le=RATE_MAX), BeforeValidator(_whole)]
Concurrency = Annotated[int | None, Field(ge=1, le=CONCURRENCY_MAX), BeforeValidator(_whole)]


class HttpEntry(Entry):
    """Where the pages and the API are served."""

    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535), BeforeValidator(_whole)] = 8080
    token: Annotated[SecretStr | None, AfterValidator(plain_secret)] = None
    tokens: list[Any] = Field(default_factory=list, max_length=TOKENS_MAX)


class StoreEntry(Entry):
    """What every store has; its platform adds credentials and options.

    `orders`: whether what the store tells of its orders is read.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ()
    WEBHOOK: ClassVar[type[WebhookEntry] | None] = None

    id: Annotated[str, AfterValidator(_store_id)]
    platform: str
    url: Annotated[str, AfterValidator(origin_from)]
    role: Annotated[Role, PlainValidator(_role)] = Role.CHANNEL
    first_contact: Annotated[FirstContact, PlainValidator(_first_contact)] = FirstContact.HOLD
    poll: Duration = timedelta(seconds=60)
    sweep: Duration = timedelta(hours=1)
    orders: YesOrNo = True
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    rate: Rate = None
    concurrency: Concurrency = None

    def given_options(self) -> tuple[str, ...]:
        """Return the names of the platform's own options that hold a value."""
        return tuple(name for name in self.OPTIONS if getattr(self, name) is not None)


class RecplusEntry(StoreEntry):
    """A REC+ store; its clock is the merchant's (`stores.md §1`)."""

    OPTIONS = ("time_zone",)
    WEBHOOK = RecplusWebhook

    username: Secret
    password: Secret
    webhook: RecplusWebhook | None = None


class B2bwaveEntry(StoreEntry):
    """A B2B Wave store; its manual says nothing of orders, so they are read on request only."""

    OPTIONS = ("location_ids", "time_zone")

    app_code: Secret
    token: Secret
    orders: YesOrNo = False
    location_ids: Annotated[dict[str, str] | None, PlainValidator(_location_ids)] = None


class FreewebstoreEntry(StoreEntry):
    """A Freewebstore store."""

    OPTIONS = ("write_shape",)

    api_key: Secret
    write_shape: Annotated[str | None, PlainValidator(one_of("flat", "core"))] = None


class SimvolyEntry(StoreEntry):
    """A Simvoly store, or one of its white labels."""

    OPTIONS = ("update_method", "base_path")
    WEBHOOK = SimvolyWebhook

    api_key: Secret
    webhook: SimvolyWebhook | None = None
    update_method: Annotated[str | None, PlainValidator(one_of("PUT", "POST", "PATCH"))] = None
    base_path: Annotated[str | None, AfterValidator(_base_path)] = None


class IdealfactoryEntry(StoreEntry):
    """An Ideal Factory account: no quantities, only offered or not."""

    WEBHOOK = WebhookEntry

    token: Secret
    orders: Annotated[bool, PlainValidator(_no_orders)] = False
    webhook: WebhookEntry | None = None


class SettingsFile(Entry):
    """The keys at the top of the file; `stores` are checked one by one."""

    database: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///stocksync.db")
    rules: Annotated[str, Field(min_length=1)] = "rules/"
    http: HttpEntry = HttpEntry()
    stores: Annotated[list[Any], Field(min_length=1, max_length=STORES_MAX)]


PLATFORMS: Final[dict[str, type[StoreEntry]]] = {
    "recplus": RecplusEntry,
    "b2bwave": B2bwaveEntry,
    "freewebstore": FreewebstoreEntry,
    "simvoly": SimvolyEntry,
    "idealfactory": IdealfactoryEntry,
}
