"""Where a store is: its checked origin, and the path that its resources have in common."""

import re
from typing import Final

from stocksync.domain.origins import origin_from
from stocksync.errors import ConfigurationError

_BASE_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?", re.ASCII)


def checked_origin(url: str) -> str:
    """Return scheme, host and port in lower case, by the rules of `origins.origin_from`.

    Raises:
        ConfigurationError: No secret may be sent there; the text never repeats the address.
    """
    try:
        return origin_from(url)
    except ValueError as error:
        raise ConfigurationError([f"the url of a store cannot be used: {error}"]) from None


def checked_base_path(path: str) -> str:
    """Return a base path such as `/api/v1`, without a slash at the end; "/" becomes ""."""
    if _BASE_PATH.fullmatch(path) is None:
        raise ConfigurationError(["the base path of a store must look like /api/v1"])
    return path.rstrip("/")
