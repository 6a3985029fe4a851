"""Turn the configuration file and the environment into frozen settings, read once."""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr, ValidationError

from stocksync.domain.identifiers import StoreId
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.origins import is_loopback
from stocksync.files.complaints import Complaints, complain_of_blanks, nearest, secret_names
from stocksync.files.environment import filled_in, readable_by_others, secrets_read
from stocksync.files.settings_file import PLATFORMS, SettingsFile, StoreEntry
from stocksync.files.starter import starter_configuration
from stocksync.files.token_entries import TokenEntry, tokens_from
from stocksync.files.webhook_entries import WebhookEntry
from stocksync.files.yamlfile import Document, Keys, load

__all__ = [
    "FirstContact",
    "HttpSettings",
    "Settings",
    "StoreSettings",
    "load_settings",
    "starter_configuration",
]

_WEBHOOKS: Final = [at.WEBHOOK for at in PLATFORMS.values() if at.WEBHOOK is not None]
_SECRET_NAMES: Final = {"token"}.union(*map(secret_names, [*PLATFORMS.values(), *_WEBHOOKS])) - {
    "username"
}
_PASSWORD_INSIDE: Final = re.compile(r"://[^/@:]*:[^/@$]+@")
_MEMORY: Final = ("sqlite://", "sqlite:///:memory:")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where the pages and the API are served; without a token only on this machine.

    `token` may do everything; `tokens` have names, and scopes that say what each may do.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: SecretStr | None = None
    tokens: tuple[TokenEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """One configured store.

    `url` is the origin. `credentials` and `options` hold the platform's own keys; the option
    `location_ids` reads `main=1,north=2`. `webhook` is what its webhooks must bring; empty: it has
    none. `orders`: whether its order feed is read. `rate`: requests per second, `concurrency`:
    requests at once; None leaves both to the platform.
    """

    id: StoreId
    platform: str
    url: str
    credentials: Mapping[str, SecretStr] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    webhook: Mapping[str, SecretStr] = field(default_factory=dict)
    role: Role = Role.CHANNEL
    first_contact: FirstContact = FirstContact.HOLD
    poll: timedelta = timedelta(seconds=60)
    sweep: timedelta = timedelta(hours=1)
    orders: bool = False
    time_zone: str = "UTC"
    rate: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that one installation is told; `warnings` are worth saying, and stop nothing.

    `database` is secret because its address may hold a password; a relative SQLite file and
    `rules` are found from the folder of the configuration file.
    """

    path: Path
    database: SecretStr
    rules: Path
    http: HttpSettings
    stores: tuple[StoreSettings, ...]
    warnings: tuple[str, ...] = ()

    @property
    def platforms(self) -> dict[StoreId, str]:
        """Return the platform of each store, as the rulebook wants it."""
        return {store.id: store.platform for store in self.stores}


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read a configuration file (`DESIGN §5`).

    Raises:
        ConfigurationError: Everything that is wrong, as `file:line: key: what, and the fix`; never
            with a secret in it.
    """
    document = load(path)
    complaints = Complaints()
    complain_of_blanks(document, (), document.data, complaints)
    data = filled_in(document, environment, complaints)
    top = _top(document, data, complaints)
    tokens = tokens_from(document, data.get("http"), complaints)
    given = data.get("stores")
    entries = [
        _store(document, ("stores", index), entry, complaints)
        for index, entry in enumerate(given if isinstance(given, list) else [])
    ]
    _compare_names(document, given, complaints)
    _compare_accounts(document, entries, complaints)
    complaints.raise_any()
    stores = tuple(_settings_of(entry) for entry in entries if entry is not None)
    if top is None:  # pragma: no cover - a complaint was raised for it
        raise AssertionError("settings were refused without a reason")
    return Settings(
        path=path,
        database=SecretStr(_located(top.database.get_secret_value(), path.parent)),
        rules=path.parent / top.rules,
        http=HttpSettings(
            host=top.http.host, port=top.http.port, token=top.http.token, tokens=tokens
        ),
        stores=stores,
        warnings=_warnings(document, stores),
    )


def _top(
    document: Document, data: Mapping[Hashable, Any], complaints: Complaints
) -> SettingsFile | None:
    """Check everything but the stores."""
    given = secrets_read(document, (), data, secret_names(SettingsFile), complaints)
    http = given.get("http")
    if isinstance(http, dict):
        given["http"] = secrets_read(document, ("http",), http, frozenset({"token"}), complaints)
        known = given["http"].get("token") or given["http"].get("tokens")
        if not known and _reaches_others(given["http"].get("host")):
            text = "others can reach this address; set http.token, or use 127.0.0.1"
            complaints.add(document, ("http", "host"), text)
    try:
        return SettingsFile.model_validate(given)
    except ValidationError as error:
        complaints.add_refusals(document, (), error, SettingsFile)
        return None


def _reaches_others(host: object) -> bool:
    return isinstance(host, str) and not is_loopback(host)


def _store(document: Document, keys: Keys, entry: Any, complaints: Complaints) -> StoreEntry | None:
    """Check one store against what its platform needs."""
    if not isinstance(entry, dict):
        complaints.add(document, keys, "must hold keys with values")
        return None
    platform = entry.get("platform")
    model = PLATFORMS.get(platform) if isinstance(platform, str) else None
    if model is None:
        hint = nearest(platform if isinstance(platform, str) else "", PLATFORMS, called="known")
        what = "is not a platform" if "platform" in entry else "is missing"
        if not complaints.about(document, (*keys, "platform")):
            complaints.add(document, (*keys, "platform"), what + hint)
        _common_only(document, keys, entry, complaints)
        return None
    given = secrets_read(document, keys, entry, secret_names(model), complaints)
    webhook, place = given.get("webhook"), (*keys, "webhook")
    if isinstance(webhook, dict) and model.WEBHOOK is not None:
        names = secret_names(model.WEBHOOK)
        given["webhook"] = secrets_read(document, place, webhook, names, complaints)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        complaints.add_refusals(document, keys, error, model)
        return None


def _common_only(
    document: Document, keys: Keys, entry: Mapping[Hashable, Any], complaints: Complaints
) -> None:
    """Check what every store has, when it is not known what else this one may have."""
    common = {key: value for key, value in entry.items() if key in StoreEntry.model_fields}
    try:
        StoreEntry.model_validate({**common, "platform": ""})
    except ValidationError as error:
        complaints.add_refusals(document, keys, error, StoreEntry)


def _compare_names(document: Document, given: object, complaints: Complaints) -> None:
    """Refuse one name for two stores."""
    by_name: dict[str, int] = {}
    for index, entry in enumerate(given if isinstance(given, list) else []):
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        first = by_name.setdefault(name, index)
        if first != index:
            line = document.line(("stores", first, "id"))
            complaints.add(document, ("stores", index, "id"), f"'{name}' is taken by line {line}")


def _compare_accounts(
    document: Document, entries: Sequence[StoreEntry | None], complaints: Complaints
) -> None:
    """Refuse two names for one account: each would take the other's writes for sales (C05)."""
    by_account: dict[Hashable, int] = {}
    for index, entry in enumerate(entries):
        if entry is None:
            continue
        secrets = [getattr(entry, name) for name in sorted(secret_names(type(entry)))]
        account = (entry.url, *(secret.get_secret_value() for secret in secrets))
        first = by_account.setdefault(account, index)
        if first != index:
            line = document.line(("stores", first, "url"))
            text = f"the store at line {line} has the same address and credentials; keep one"
            complaints.add(document, ("stores", index, "url"), text)


def _settings_of(entry: StoreEntry) -> StoreSettings:
    names = sorted(secret_names(type(entry)))
    options = {name: _as_text(getattr(entry, name)) for name in entry.given_options()}
    webhook: WebhookEntry | None = getattr(entry, "webhook", None)
    return StoreSettings(
        id=StoreId(entry.id),
        platform=entry.platform,
        url=entry.url,
        credentials={name: getattr(entry, name) for name in names},
        options=options,
        webhook=webhook.given_secrets() if webhook is not None else {},
        role=entry.role,
        first_contact=entry.first_contact,
        poll=entry.poll,
        sweep=entry.sweep,
        orders=entry.orders,
        time_zone=entry.time_zone,
        rate=entry.rate,
        concurrency=entry.concurrency,
    )


def _as_text(option: str | Mapping[str, str]) -> str:
    if isinstance(option, str):
        return option
    return ",".join(f"{name}={value}" for name, value in option.items())


def _located(database: str, folder: Path) -> str:
    """Make the path of a SQLite file whole: `sqlite:///a.db` is found from the folder."""
    file = database.removeprefix("sqlite:///")
    if file == database or database in _MEMORY or file.startswith(("/", "file:")):
        return database
    return f"sqlite:///{folder.resolve() / file}"


def _warnings(document: Document, stores: Sequence[StoreSettings]) -> tuple[str, ...]:
    """Say what is allowed and seldom meant."""
    found: list[str] = []
    adopting = [store.id for store in stores if store.first_contact is FirstContact.ADOPT]
    masters = [store.id for store in stores if store.role is Role.MASTER]
    if len(adopting) > 1:
        names = ", ".join(adopting)
        found.append(f"{document.path}: more than one store has first_contact adopt: {names}")
    if len(masters) > 1:
        names = ", ".join(masters)
        found.append(
            f"{document.path}: more than one store is master: {names}; one alone can be the truth"
        )
    if readable_by_others(document.path.stat().st_mode) and _holds_a_secret(document.data):
        text = "holds a secret in plain text and can be read by others; chmod 600, or use ${NAME}"
        found.append(f"{document.path}: {text}")
    return tuple(found)


def _holds_a_secret(value: Any) -> bool:
    """Tell whether a secret stands in the file itself, and not in a variable or another file."""
    if isinstance(value, list):
        return any(_holds_a_secret(inner) for inner in value)
    if not isinstance(value, dict):
        return False
    return any(
        _holds_a_secret(inner)
        or (isinstance(inner, str) and key in _SECRET_NAMES and "${" not in inner)
        or (key == "database" and isinstance(inner, str) and _PASSWORD_INSIDE.search(inner))
        for key, inner in value.items()
    )
