"""Who may do what over HTTP: tokens with scopes, sessions of the pages, and how often they ask."""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, get_args
from urllib.parse import parse_qs

from fastapi import HTTPException, Request, Response
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from stocksync.domain.origins import is_loopback
from stocksync.ops.limits import Buckets, Limits
from stocksync.ops.sessions import Session, Sessions

Scope = Literal["read", "operate", "approve"]
#: From the least to the most: each may do what those before it may.
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
#: The caller of a service without tokens, which only this machine can reach.
LOCAL: Final = "local"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is kept: its name, what it may do, and its digest in place of itself."""

    name: str
    scope: Scope
    digest: bytes = field(repr=False)


def token(name: str, secret: str, scopes: Iterable[Scope] = SCOPES) -> Token:
    """Make a token of a secret; of its scopes the most counts."""
    return Token(name=name, scope=max(scopes, key=SCOPES.index), digest=_digest(secret.encode()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is asking; `session` when it is a person before a page, who also shows `csrf`."""

    name: str
    scope: Scope
    session: Session | None = None

    @property
    def csrf(self) -> str:
        """Return what forms and scripts of the pages must send back; empty without a session."""
        return self.session.csrf if self.session else ""

    def may(self, scope: Scope) -> bool:
        """Tell whether this caller may do what needs a scope."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


class Access:
    """Knows the tokens and the sessions; `replace` takes other tokens after a reload."""

    def __init__(
        self,
        tokens: Iterable[Token],
        *,
        now: Callable[[], datetime],
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self._tokens = tuple(tokens)
        self.sessions = Sessions(now)
        self._by_token = Buckets(limits.token, now)
        self._by_address = Buckets(limits.address, now)
        self._failures = Buckets(limits.failure, now)

    @property
    def is_open(self) -> bool:
        """Tell whether there are no tokens: everybody on this machine may do everything."""
        return not self._tokens

    def replace(self, tokens: Iterable[Token]) -> None:
        """Take these tokens instead; sessions of those that are gone end."""
        self._tokens = tuple(tokens)

    def require(self, scope: Scope) -> "Guard":
        """Return the dependency of a route that needs a scope; it gives the caller.

        Answers 401, 403 or 429, and checks that a page's request comes from our own page.
        """
        return Guard(self, scope)

    def caller(self, request: Request) -> Caller | None:
        """Return who is asking; None for a wrong token, an ended session, or nothing at all."""
        if self.is_open:
            return Caller(name=LOCAL, scope=SCOPES[-1]) if _is_local(request) else None
        given = request.headers.get("authorization")
        if given is not None:
            found = self._known(_bearer(given))
            return None if found is None else Caller(name=found.name, scope=found.scope)
        session = self.sessions.of(request)
        held = None if session is None else self._of_session(session)
        return None if held is None else Caller(name=held.name, scope=held.scope, session=session)

    def sign_in(self, request: Request, response: Response, secret: str) -> Caller | None:
        """Begin a session for who shows a token; None for a wrong one.

        Raises:
            HTTPException: 429 after too many wrong ones, 403 when another site sent it.
        """
        require_own_page(request)
        address = address_of(request)
        _wait(self._by_address.take(address))
        found = self._known(secret.encode("utf-8", "replace"))
        if found is None:
            _wait(self._failures.take(address))
            return None
        session = self.sessions.begin(request, response, token=found.name, digest=found.digest)
        return Caller(name=found.name, scope=found.scope, session=session)

    def admit(self, request: Request) -> Caller:
        """Return who is asking, counted against their limits.

        Raises:
            HTTPException: 401 without a hint, or 429 with the seconds to wait.
        """
        address = address_of(request)
        _wait(self._by_address.take(address))
        caller = self.caller(request)
        if caller is None:
            if "authorization" in request.headers:
                _wait(self._failures.take(address))
            raise HTTPException(401, "unauthorised", {"WWW-Authenticate": "Bearer"})
        _wait(self._by_token.take(caller.name))
        return caller

    def _known(self, secret: bytes) -> Token | None:
        """Find a token by its secret, looking at all of them whichever it is."""
        given = _digest(secret)
        found = [at for at in self._tokens if hmac.compare_digest(at.digest, given)]
        return found[0] if found else None

    def _of_session(self, session: Session) -> Token | None:
        for held in self._tokens:
            if held.name == session.token:
                same = hmac.compare_digest(
                    self.sessions.fingerprint(held.digest), session.fingerprint
                )
                return held if same else None
        return None


class Guard(SecurityBase):
    """The dependency of a route that needs a scope."""

    def __init__(self, access: Access, scope: Scope) -> None:
        self._access = access
        self.scope = scope
        self.scheme_name = "token"
        self.model = HTTPBearer(description="A token of the configuration, with its scopes.")

    async def __call__(self, request: Request) -> Caller:
        """Let in who may; a request is admitted once, however many guards it passes."""
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            caller = request.state.caller = self._access.admit(request)
        if not caller.may(self.scope):
            raise HTTPException(403, f"this token may not do this: it needs the scope {self.scope}")
        by_page = caller.session is not None or self._access.is_open
        if request.method not in _SAFE_METHODS and by_page:
            require_own_page(request, signed_in=caller.session is not None)
            await _require_csrf(request, caller)
        return caller


def require_own_page(request: Request, *, signed_in: bool = True) -> None:
    """Refuse a request that another site made a browser send (`ASVS 3.5.1`).

    Raises:
        HTTPException: 403; also when a browser's session says nothing of where it comes from.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        own = site == "same-origin"
    elif origin is not None:
        own = origin.partition("://")[2] == request.headers.get("host")
    else:
        own = not signed_in
    if not own:
        raise HTTPException(403, "this request does not come from this service's own page")


async def _require_csrf(request: Request, caller: Caller) -> None:
    """Ask a session for the token that only our own pages know."""
    if caller.session is None:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").partition(";")[0].strip() == _FORM:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        given = fields.get(CSRF_FIELD, [""])[0]
    if not hmac.compare_digest(given.encode("utf-8", "replace"), caller.csrf.encode()):
        raise HTTPException(403, "the page is too old: load it again")


def address_of(request: Request) -> str:
    """Return where a request comes from, as far as the socket tells."""
    return request.client.host if request.client else "unknown"


def _is_local(request: Request) -> bool:
    """Tell whether a browser means this machine: a foreign name that leads here is a trap."""
    host, _, port = request.headers.get("host", "").rpartition(":")
    return is_loopback(host if port.isdecimal() else f"{host}:{port}".lstrip(":"))


def _bearer(header: str) -> bytes:
    scheme, _, secret = header.strip().partition(" ")
    # A header is bytes, which Starlette shows as Latin-1.
    return secret.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""


def _digest(secret: bytes) -> bytes:
    return sha256(secret).digest()


def _wait(seconds: int) -> None:
    if seconds:
        raise HTTPException(429, "too many requests", {"Retry-After": str(seconds)})
