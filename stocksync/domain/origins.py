"""Decide which addresses of stores are plain enough to send a secret to."""

import ipaddress
import re
from typing import Final

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_ORIGIN: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?/?",
    re.ASCII,
)
_HOST_MAX: Final = 253
_PORT_MAX: Final = 65_535
_USUAL_PORT: Final = {"http": "80", "https": "443"}
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f]")


def origin_from(url: str) -> str:
    """Return scheme, host and port in lower case; no slash at the end, no port that goes unsaid.

    Refuses what two parsers may understand differently (`reliability §4.3`, channel U): user
    names, blanks, back-slashes, other alphabets, a dot at the end, numbers that are addresses in
    disguise. `http://` is for loopback addresses only (`DESIGN §5`).

    Raises:
        ValueError: The address cannot be used; the text never repeats it, as it may hold a secret.
    """
    lowered = url.lower()
    if not url.isascii():
        raise ValueError("write the host in plain ASCII letters (its xn-- form, if it has one)")
    matched = _ORIGIN.fullmatch(lowered)
    if matched is None:
        raise ValueError(_why_odd(lowered))
    host, port = matched["host"], matched["port"]
    if len(host) > _HOST_MAX:
        raise ValueError(f"a host has at most {_HOST_MAX} letters")
    if port is not None and not 0 < int(port) <= _PORT_MAX:
        raise ValueError(f"a port is a number from 1 to {_PORT_MAX}")
    if matched["scheme"] == "http" and not is_loopback(host):
        raise ValueError("http:// is for loopback addresses only; use https://")
    _refuse_disguise(host)
    tail = "" if port is None or port == _USUAL_PORT[matched["scheme"]] else f":{int(port)}"
    return f"{matched['scheme']}://{host}{tail}"


def is_loopback(host: str) -> bool:
    """Tell whether a host, as written in a URL or alone, is this machine and no other."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _why_odd(url: str) -> str:
    """Name the first thing that keeps an address from being an origin."""
    scheme, separator, rest = url.partition("://")
    if _BLANKS.search(url) or "\\" in url:
        return "take out blanks and back-slashes"
    if not separator or scheme not in _USUAL_PORT:
        return "it must begin with https://, such as https://shop.example"
    if "@" in rest:
        return "user names and passwords do not belong in it; use the credential keys"
    if "?" in rest or "#" in rest or "/" in rest.removesuffix("/"):
        return "end it after the host, such as https://shop.example, without path or query"
    if rest.partition(":")[0].rstrip("/").endswith("."):
        return "take out the dot at the end of the host"
    return "it must look like https://shop.example, in plain letters"


def _refuse_disguise(host: str) -> None:
    """Refuse numbers that some programs read as an address, and addresses no store lives at."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        last = host.rpartition(".")[2]
        if host.startswith("[") or last.isdigit() or last.startswith("0x"):
            raise ValueError("its host is a number that is not an address; use a name") from None
        return
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped or address.is_link_local or address.is_multicast or address.is_unspecified:
        raise ValueError("no store lives at this address; use its name")
