"""The one place that speaks HTTP: bounded, paced, never redirected, and silent about secrets."""

import asyncio
import functools
import ssl
import time
from collections.abc import Callable, Container, Generator, Mapping
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, cast
from urllib.parse import quote

import httpx
import msgspec
import stamina

from stocksync.connectors.answers import STATUS_RATE_LIMITED, Answer, Reply, Secrets, Verdict
from stocksync.connectors.body import whole_body
from stocksync.connectors.origin import checked_base_path, checked_origin
from stocksync.connectors.pacing import Gate, HttpLimits, asked_wait
from stocksync.domain.identifiers import StoreId
from stocksync.errors import (
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)
from stocksync.metrics import HTTP_REQUESTS, HTTP_SECONDS, RATE_LIMIT_WAIT

__all__ = ["Answer", "HttpLimits", "StoreHttp", "Transport", "segment"]

Transport = httpx.AsyncBaseTransport
_CONNECT_SECONDS_MAX: Final = 5.0
_GONE: Final = frozenset({404, 410})
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_ASKED: Final = {
    "accept": "application/json",
    "accept-encoding": "gzip, identity",
    "cache-control": "no-cache",
    "user-agent": "stocksync",
}
_CONTENT: Final = {"content-type": "application/json"}


def segment(text: str) -> str:
    """Percent-encode one path segment, whatever it holds (`reliability §4.5 K13-K19`)."""
    if not text:
        raise ValueError("an empty path segment would name the whole collection")
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


class StoreHttp:
    """One account at one store, over HTTP. Every secret is in `headers` and goes nowhere else."""

    def __init__(
        self,
        *,
        store: StoreId,
        origin: str,
        base_path: str,
        headers: Mapping[str, str],
        limits: HttpLimits,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        transport: Transport | None = None,
        rate_limit_is_refusal: bool = False,
    ) -> None:
        self.api_calls = 0
        self._store = store
        self._root = checked_origin(origin) + checked_base_path(base_path)
        self._limits = limits
        self._now = now
        self._monotonic = monotonic
        self._rate_limit_is_refusal = rate_limit_is_refusal
        self._secrets = Secrets(headers)
        self._auth = _OriginAuth(httpx.URL(self._root), headers)
        self._closed = False
        self._client = _client(limits, transport)
        self._gate = Gate(
            store=store,
            concurrency_max=limits.concurrency_max,
            requests_per_second=limits.requests_per_second,
            monotonic=monotonic,
            waited=RATE_LIMIT_WAIT.labels(store).inc,
        )

    def __repr__(self) -> str:
        return f"StoreHttp(store={self._store!r})"

    async def read(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """GET, asked again after what may pass: reading twice harms no one."""
        return cast("Answer", await self.find(path, params, absent=()))

    async def find(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        absent: Container[int] = _GONE,
    ) -> Answer | None:
        """GET; None when the store answers one of the statuses `absent` (404 and 410)."""
        try:
            return await self._read_once(path, params, absent)
        except ConnectorError as error:
            first = error
        # A retry context costs as much as a request, so it is entered only after a failure.
        async for attempt in stamina.retry_context(
            on=self._worth_another, attempts=self._limits.read_attempts_max, timeout=None
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                return await self._read_once(path, params, absent)
        raise first

    async def write(
        self,
        method: str,
        path: str,
        body: object,
        params: Mapping[str, str] | None = None,
        *,
        absent: Container[int] = (),
    ) -> Answer:
        """Send JSON exactly once; a status in `absent` is an answer too, not a StoreRejected.

        Raises:
            OutcomeUnknown: It was sent, or may have been, and no clear answer came back.
            StoreUnavailable: It never left this machine.
            StoreRejected: The store declined it.
            RateLimited: The store is being left alone, or documents that it declined.
        """
        where = self._secrets.hide(f"{self._store}: {method} {path}")
        request = self._request(method, path, params, msgspec.json.encode(body))
        try:
            reply = await self._exchange(request, "write", patience_seconds=0.0)
        except _NEVER_LEFT as error:
            raise StoreUnavailable(f"{where} never left: {type(error).__name__}") from None
        except (httpx.TransportError, TimeoutError, UnexpectedResponse) as error:
            raise OutcomeUnknown(f"{where} may have arrived: {type(error).__name__}") from None
        verdict = Verdict(reply, where, self._secrets, wait=self._mark_pace(reply))
        return verdict.of_write(absent, rate_limit_is_refusal=self._rate_limit_is_refusal)

    async def aclose(self) -> None:
        """Close every connection; may be called twice, later requests raise."""
        self._closed = True
        await self._client.aclose()

    async def _read_once(
        self, path: str, params: Mapping[str, str] | None, absent: Container[int]
    ) -> Answer | None:
        where = self._secrets.hide(f"{self._store}: GET {path}")
        request = self._request("GET", path, params, None)
        patience = self._limits.patience_seconds
        try:
            reply = await self._exchange(request, "read", patience_seconds=patience)
        except (httpx.TransportError, TimeoutError) as error:
            raise StoreUnavailable(f"{where} failed: {type(error).__name__}") from None
        return Verdict(reply, where, self._secrets, wait=self._mark_pace(reply)).of_read(absent)

    async def _exchange(
        self, request: httpx.Request, operation: str, *, patience_seconds: float
    ) -> Reply:
        async with self._gate.turn(patience_seconds=patience_seconds):
            if self._closed:
                raise StoreUnavailable(f"{self._store} is closed")
            asked_at, started, status = self._now(), self._monotonic(), "none"
            self.api_calls += 1
            try:
                async with asyncio.timeout(self._limits.deadline_seconds):
                    response = await self._client.send(request, auth=self._auth, stream=True)
                    status = str(response.status_code)
                    try:
                        body = await self._body_of(response)
                    finally:
                        await response.aclose()
            finally:
                HTTP_REQUESTS.labels(self._store, operation, status).inc()
                HTTP_SECONDS.labels(self._store, operation).observe(self._monotonic() - started)
        return Reply(response.status_code, response.headers, body, asked_at)

    async def _body_of(self, response: httpx.Response) -> bytes:
        stream = cast("httpx.AsyncByteStream", response.stream)
        most = {"wire_max": self._limits.wire_bytes_max, "body_max": self._limits.body_bytes_max}
        try:
            return await whole_body(stream, response.headers, **most)
        except UnexpectedResponse as error:
            if not response.is_success:
                return b""
            raise UnexpectedResponse(f"{self._store} {error}") from None

    def _request(
        self, method: str, path: str, params: Mapping[str, str] | None, content: bytes | None
    ) -> httpx.Request:
        url, headers = self._root + path, _CONTENT if content else None
        build = self._client.build_request
        try:
            return build(method, url, params=params, content=content, headers=headers)
        except (httpx.InvalidURL, UnicodeError):
            raise StoreRejected(f"{self._store}: no address can be built of this id") from None

    def _mark_pace(self, reply: Reply) -> float:
        """Remember that the store asked for a pause, or that it serves us again."""
        if reply.status != STATUS_RATE_LIMITED:
            self._gate.answered()
            return 0.0
        return self._gate.pause(asked_wait(reply.headers.get("retry-after"), now=self._now()))

    def _worth_another(self, error: Exception) -> bool:
        if isinstance(error, RateLimited):
            return error.retry_after_seconds <= self._limits.patience_seconds
        cut = isinstance(error, UnexpectedResponse) and error.__cause__ is not None
        return cut or (isinstance(error, StoreUnavailable) and not self._closed)


class _OriginAuth(httpx.Auth):
    """Add the secrets to a request that goes to the configured origin, and to no other."""

    def __init__(self, origin: httpx.URL, headers: Mapping[str, str]) -> None:
        self._origin = (origin.scheme, origin.host, origin.port)
        self._headers = dict(headers)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        url = request.url
        if (url.scheme, url.host, url.port) == self._origin:
            request.headers.update(self._headers)
        yield request


def _client(limits: HttpLimits, transport: Transport | None) -> httpx.AsyncClient:
    deadline, places = limits.deadline_seconds, limits.concurrency_max
    connect = min(deadline, _CONNECT_SECONDS_MAX)
    return httpx.AsyncClient(
        headers=_ASKED,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(deadline, connect=connect),
        limits=httpx.Limits(max_connections=places, max_keepalive_connections=places),
        transport=transport,
        verify=_tls(),
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    """Build the one TLS context: certificates are checked, and nothing can switch that off."""
    return httpx.create_ssl_context(trust_env=False)
