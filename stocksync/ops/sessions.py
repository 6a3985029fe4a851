"""Sessions of the pages: a signed cookie that names a token, never holds one, and ends."""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from fastapi import Request, Response

SESSION_HOURS: Final = 12
COOKIE: Final = "stocksync"
#: A browser takes this name only over https, for this host and no path (`ASVS 3.3`).
SECURE_COOKIE: Final = "__Host-stocksync"
COOKIE_LENGTH_MAX: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in: which token it came from, until when it holds, and its CSRF token.

    `fingerprint` is that of the token, so that a token that is taken away takes its sessions along.
    """

    token: str
    fingerprint: str
    nonce: str
    until: datetime
    csrf: str


class Sessions:
    """Makes, reads and ends sessions; the key lives as long as the process."""

    def __init__(self, now: Callable[[], datetime], *, key: bytes = b"") -> None:
        self._now = now
        self._key = key or secrets.token_bytes(32)
        self._ended: dict[str, datetime] = {}

    def begin(self, request: Request, response: Response, *, token: str, digest: bytes) -> Session:
        """Sign somebody in who has shown a token: set the cookie of a new session."""
        session = self._session(
            token=token,
            fingerprint=self.fingerprint(digest),
            nonce=secrets.token_urlsafe(16),
            until=self._now() + timedelta(hours=SESSION_HOURS),
        )
        secure = request.scope["scheme"] == "https"
        response.set_cookie(
            SECURE_COOKIE if secure else COOKIE,
            self._written(session),
            max_age=SESSION_HOURS * 3600,
            path="/",
            secure=secure,
            httponly=True,
            samesite="strict",
        )
        return session

    def of(self, request: Request) -> Session | None:
        """Return the session that a request belongs to; None when there is none that holds."""
        secure = request.scope["scheme"] == "https"
        given = request.cookies.get(SECURE_COOKIE if secure else COOKIE, "")
        session = self._read(given) if 0 < len(given) <= COOKIE_LENGTH_MAX else None
        if session is None or session.until <= self._now() or session.nonce in self._ended:
            return None
        return session

    def end(self, request: Request, response: Response) -> None:
        """Sign out: the session holds no more, whoever kept its cookie."""
        session = self.of(request)
        now = self._now()
        self._ended = {nonce: until for nonce, until in self._ended.items() if until > now}
        if session is not None:
            self._ended[session.nonce] = session.until
        secure = request.scope["scheme"] == "https"
        name = SECURE_COOKIE if secure else COOKIE
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")

    def fingerprint(self, digest: bytes) -> str:
        """Name a token without giving anything of it away."""
        return self._signed("token", digest)[:32]

    def _session(self, *, token: str, fingerprint: str, nonce: str, until: datetime) -> Session:
        csrf = self._signed("csrf", nonce.encode())
        return Session(token=token, fingerprint=fingerprint, nonce=nonce, until=until, csrf=csrf)

    def _written(self, session: Session) -> str:
        until = int(session.until.timestamp())
        fields = [session.token, session.fingerprint, session.nonce, until]
        content = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
        return f"{content}.{self._signed('cookie', content.encode())}"

    def _read(self, given: str) -> Session | None:
        content, _, signature = given.partition(".")
        wanted = self._signed("cookie", content.encode("utf-8", "replace"))
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            return None
        try:
            padded = content + "=" * (-len(content) % 4)
            token, fingerprint, nonce, until = json.loads(base64.urlsafe_b64decode(padded))
        except (ValueError, binascii.Error):  # pragma: no cover - we signed it, so it reads
            return None
        moment = datetime.fromtimestamp(until, UTC)
        return self._session(token=token, fingerprint=fingerprint, nonce=nonce, until=moment)

    def _signed(self, purpose: str, content: bytes) -> str:
        return hmac.new(self._key, purpose.encode() + b"\0" + content, sha256).hexdigest()
