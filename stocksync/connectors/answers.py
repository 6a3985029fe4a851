"""What an answer of a store means: statuses and bodies become our values and our errors here."""

import base64
import codecs
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from stocksync.errors import (
    AuthFailed,
    ConfigurationError,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)

AGE_SECONDS_MAX: Final = 60
SAID_MAX: Final = 200
_AGE_DIGITS_MAX: Final = 9
_TOO_DEEP: Final = b"[" * 64
STATUS_RATE_LIMITED: Final = 429
_BAD_REQUEST: Final = 400
_SERVER_ERROR: Final = 500
_UNAUTHORISED: Final = frozenset({401, 403})
_TRY_AGAIN: Final = frozenset({408, 425})
_MESSAGE_KEYS: Final = ("message", "error", "errors", "detail", "Message")
_OPEN_HEADERS: Final = frozenset({"accept", "content-type", "user-agent"})
_MESSAGE_DEPTH_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer, as it came; `asked_at` is when the question was sent."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    asked_at: datetime

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success: decoded JSON (None: no body), and when the store was asked."""

    status: int
    body: Any
    read_at: datetime


class Secrets:
    """The secrets of one store, known so that no text of ours ever shows them."""

    __slots__ = ("_values",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        closed = [value for name, value in headers.items() if name.lower() not in _OPEN_HEADERS]
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise ConfigurationError(["a credential of a store cannot be sent in a header"])
        values = {part for value in closed for part in _parts(value) if part}
        self._values = tuple(sorted(values, key=len, reverse=True))

    def __repr__(self) -> str:
        return "Secrets(…)"

    def hide(self, text: str) -> str:
        """Replace the secrets, then the characters that could forge a log line, then cut."""
        for value in self._values:
            text = text.replace(value, "…")
        plain = "".join(character if character.isprintable() else " " for character in text)
        return plain if len(plain) <= SAID_MAX else f"{plain[: SAID_MAX - 1]}…"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one reply means for the caller; `wait` in seconds if it is a rate limit."""

    reply: Reply
    where: str
    secrets: Secrets
    wait: float

    def of_read(self, absent: Container[int]) -> Answer | None:
        """Return what was read, None for a status in `absent`, or raise the next step."""
        status = self.reply.status
        if status in absent:
            return None
        if status in _TRY_AGAIN or status >= _SERVER_ERROR:
            raise StoreUnavailable(self._text())
        if not self.reply.is_success:
            raise self._refusal()
        asked_at = self.reply.asked_at - age_of(self.reply, self.where)
        content = decoded(self.reply, self.where)
        return Answer(status=status, body=content, read_at=asked_at)

    def of_write(self, absent: Container[int], *, rate_limit_is_refusal: bool) -> Answer:
        """Return what a write was answered, or raise the next step.

        A failing server may have done the work first; a rate limit may come from a proxy behind
        which it was done, unless the vendor documents otherwise (`reliability §2.4`).
        """
        status = self.reply.status
        if status in absent:
            return self._answer(self._content_or_none())
        unsure = status in _TRY_AGAIN or status >= _SERVER_ERROR
        if unsure or (status == STATUS_RATE_LIMITED and not rate_limit_is_refusal):
            raise OutcomeUnknown(self._text())
        if not self.reply.is_success:
            raise self._refusal()
        if not self.reply.body:
            return self._answer(None)
        try:
            return self._answer(decoded(self.reply, self.where))
        except UnexpectedResponse as error:
            raise OutcomeUnknown(str(error)) from None

    def _answer(self, content: object) -> Answer:
        return Answer(status=self.reply.status, body=content, read_at=self.reply.asked_at)

    def _refusal(self) -> ConnectorError:
        status = self.reply.status
        if status in _UNAUTHORISED:
            return AuthFailed(self._text())
        if status == STATUS_RATE_LIMITED:
            return RateLimited(self._text(), retry_after_seconds=self.wait)
        if status >= _BAD_REQUEST:
            return StoreRejected(self._text())
        return UnexpectedResponse(self._text())

    def _text(self) -> str:
        words = self.secrets.hide(message_in(self._content_or_none()))
        told = f": {words}" if words else ""
        return f"{self.where} was answered {self.reply.status}{told}"

    def _content_or_none(self) -> object:
        try:
            return decoded(self.reply, self.where)
        except UnexpectedResponse:
            return None


def age_of(reply: Reply, where: str) -> timedelta:
    """Return for how long the answer lay in a cache; too long is no evidence at all (`H36`)."""
    age = reply.headers.get("age", "")
    if not (age.isascii() and age.isdecimal()):
        return timedelta()
    if len(age) > _AGE_DIGITS_MAX or int(age) > AGE_SECONDS_MAX:
        raise UnexpectedResponse(f"{where} was answered from a cache, {age[:12]} seconds old")
    return timedelta(seconds=int(age))


def decoded(reply: Reply, where: str) -> Any:
    """Decode strict UTF-8 JSON (`reliability §4.2`); a byte order mark in front is forgiven.

    Raises:
        UnexpectedResponse: Empty, HTML or XML, or not JSON. When the body may merely have been cut
            the cause is msgspec's error, and asking again may help.
    """
    media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.endswith(("html", "xml")):
        raise UnexpectedResponse(f"{where} was answered with a page instead of JSON")
    body = reply.body.removeprefix(codecs.BOM_UTF8)
    if not body.strip():
        raise UnexpectedResponse(f"{where} was answered with an empty body")
    if _TOO_DEEP in body:
        raise UnexpectedResponse(f"{where} was answered with lists nested too deep")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise UnexpectedResponse(f"{where} was answered with a body that is not JSON") from error


def message_in(body: object, *, depth: int = 0) -> str:
    """Find the store's own words in the JSON of an error, whichever of the shapes it has."""
    if isinstance(body, str):
        return body
    if depth >= _MESSAGE_DEPTH_MAX:
        return ""
    inner: Iterable[object] = ()
    if isinstance(body, list):
        inner = body[:3]
    elif isinstance(body, dict):
        named = [body[key] for key in _MESSAGE_KEYS if key in body]
        inner = named[:1] or (list(body.values())[:3] if depth else ())
    words = (message_in(item, depth=depth + 1) for item in inner)
    return "; ".join(word for word in words if word)


def _parts(header: str) -> list[str]:
    """Name everything in a header's value that must not be shown: itself, token, password."""
    scheme, _, token = header.partition(" ")
    if not token:
        return [header]
    if scheme.lower() != "basic":
        return [header, token]
    try:
        password = base64.b64decode(token, validate=True).decode().partition(":")[2]
    except ValueError:
        password = ""
    return [header, token, password]
