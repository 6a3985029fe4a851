"""Read the body of an answer without ever holding more than was agreed."""

import zlib
from collections.abc import AsyncIterable, Mapping
from typing import Final

from stocksync.errors import UnexpectedResponse

_GZIP_ONLY: Final = zlib.MAX_WBITS | 16
_LENGTH_DIGITS_MAX: Final = 15
_PLAIN: Final = frozenset({"", "identity"})
_GZIP: Final = frozenset({"gzip", "x-gzip"})


async def whole_body(
    chunks: AsyncIterable[bytes], headers: Mapping[str, str], *, wire_max: int, body_max: int
) -> bytes:
    """Read to the end and inflate, within caps in bytes before and after inflating.

    Raises:
        UnexpectedResponse: Over a cap (a promised length over it is refused unread), an encoding
            we did not ask for, two encodings on top of each other, or gzip that is cut or broken.
    """
    if _promises_more(headers.get("content-length", ""), wire_max):
        raise UnexpectedResponse(f"promised a body of more than {wire_max} bytes")
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in _PLAIN:
        return await _plain(chunks, min(wire_max, body_max))
    if encoding in _GZIP:
        return await _inflated(chunks, wire_max=wire_max, body_max=body_max)
    raise UnexpectedResponse("used a content encoding that was not asked for")


def _promises_more(length: str, most: int) -> bool:
    if not (length.isascii() and length.isdecimal()):
        return False
    return len(length) > _LENGTH_DIGITS_MAX or int(length) > most


async def _plain(chunks: AsyncIterable[bytes], most: int) -> bytes:
    held: list[bytes] = []
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise UnexpectedResponse(f"sent more than {most} bytes")
        held.append(chunk)
    return held[0] if len(held) == 1 else b"".join(held)


async def _inflated(chunks: AsyncIterable[bytes], *, wire_max: int, body_max: int) -> bytes:
    inflate = zlib.decompressobj(_GZIP_ONLY)
    held = bytearray()
    on_wire = 0
    async for chunk in chunks:
        on_wire += len(chunk)
        if on_wire > wire_max:
            raise UnexpectedResponse(f"sent more than {wire_max} bytes")
        try:
            held += inflate.decompress(chunk, body_max + 1 - len(held))
        except zlib.error:
            raise UnexpectedResponse("sent broken gzip") from None
        if len(held) > body_max:
            raise UnexpectedResponse(f"sent gzip that inflates to more than {body_max} bytes")
        if inflate.unused_data:
            raise UnexpectedResponse("sent something after the end of its gzip")
    if on_wire and not inflate.eof:
        raise UnexpectedResponse("sent gzip that was cut short")
    return bytes(held)
