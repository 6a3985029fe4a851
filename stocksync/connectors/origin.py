"""Which store addresses are plain enough to send a secret to."""

import ipaddress
import re
from typing import Final

from stocksync.errors import ConfigurationError

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_ORIGIN: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?/?",
    re.ASCII | re.IGNORECASE,
)
_BASE_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?", re.ASCII)
_PORT_MAX: Final = 65_535


def checked_origin(url: str) -> str:
    """Return scheme, host and port in lower case, without a slash at the end.

    Refuses what two parsers may understand differently (`reliability §4.5`, channel U): user
    names, blanks, back-slashes, other alphabets, a dot at the end, numbers that are addresses in
    disguise. `http://` is for loopback addresses only (`DESIGN §5`).

    Raises:
        ConfigurationError: The address cannot be used; the text never repeats a password.
    """
    matched = _ORIGIN.fullmatch(url)
    if matched is None:
        raise _refused("it must look like https://shop.example, in plain letters, without a path")
    host = matched["host"].lower()
    if matched["port"] is not None and not 0 < int(matched["port"]) <= _PORT_MAX:
        raise _refused("its port does not exist")
    loopback = _is_loopback(host)
    if matched["scheme"].lower() == "http" and not loopback:
        raise _refused("http:// is for loopback addresses only; use https://")
    return url.rstrip("/").lower()


def checked_base_path(path: str) -> str:
    """Return a base path such as `/api/v1`, without a slash at the end; "/" becomes ""."""
    if _BASE_PATH.fullmatch(path) is None:
        raise ConfigurationError(["the base path of a store must look like /api/v1"])
    return path.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        last = host.rpartition(".")[2]
        if last.isdigit() or last.startswith("0x") or host.startswith("["):
            raise _refused("its host is a number that is not an address") from None
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped or address.is_link_local or address.is_multicast or address.is_unspecified:
        raise _refused("its host is not the address of a store")
    return address.is_loopback


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError([f"the url of a store cannot be used: {why}"])
