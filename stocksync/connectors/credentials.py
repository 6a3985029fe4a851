"""Turn what an account's configuration holds into headers that open its store, and its clock."""

import base64
from collections.abc import Mapping
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stocksync.contracts.connector import StoreAccount
from stocksync.errors import ConfigurationError


def needed(account: StoreAccount, *names: str) -> tuple[str, ...]:
    """Return the named credentials, in that order; say all that are missing at once."""
    missing = [name for name in names if not account.credentials.get(name)]
    if missing:
        raise ConfigurationError([f"store {account.store}: {name} is missing" for name in missing])
    return tuple(account.credentials[name] for name in names)


def basic(user: str, password: str) -> Mapping[str, str]:
    """Return the header of HTTP Basic authentication, in UTF-8 (RFC 7617)."""
    if ":" in user:
        raise ConfigurationError(["a user name for HTTP Basic cannot hold a colon"])
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {token}"}


def zone_of(account: StoreAccount) -> tzinfo:
    """Return the clock that a store writes times by: option `time_zone`, UTC when not given."""
    name = account.options.get("time_zone", "UTC")
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            [f"store {account.store}: time_zone is not a time zone, such as Europe/London"]
        ) from None
