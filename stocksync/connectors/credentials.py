"""Turn what an account's configuration holds into the headers that open its store."""

import base64
from collections.abc import Mapping

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
