"""Talk to a running service: its API over HTTP, with a token and with deadlines."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from stocksync.domain.origins import origin_from
from stocksync.errors import Action, ConfigurationError, RunInProgress, StockSyncError, UnknownName
from stocksync.settings import HttpSettings

ANSWER_SECONDS: Final = 30.0
#: Longer than the silence between two heartbeats of a watched run.
SILENCE_SECONDS: Final = 60.0
ANSWER_BYTES_MAX: Final = 256 * 1024 * 1024
LINE_BYTES_MAX: Final = 64 * 1024
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask, not bind
_OK: Final = range(200, 300)


class ServiceSilent(StockSyncError):
    """A running service did not answer, or not as one of ours does."""

    action: ClassVar[Action] = Action.RETRY


class Service:
    """One running service, and the token that opens it."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._token = token

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Ask one question and return the object that answers it.

        Raises:
            RunInProgress: 409; the run is named.
            UnknownName: 404.
            ConfigurationError: The token or the words of the command were refused.
            ServiceSilent: No answer, or none that is understood.
        """
        with closing(self._connection(ANSWER_SECONDS)) as connection:
            answer = self._send(connection, method, path, body)
            document = self._document(answer)
        if answer.status in _OK:
            return document
        raise self._refusal(answer.status, document)

    def started(self, wish: Mapping[str, Any]) -> str:
        """Start a run and return its name; raises what `ask` does."""
        run = self.ask("POST", "/reconcile", wish).get("run")
        if not isinstance(run, str):
            raise self._silent("what answers is not stocksync")
        return run

    def events(self, run: str) -> Iterator[Mapping[str, Any]]:
        """Yield the events of a run until it ends.

        Raises:
            ServiceSilent: The service stopped telling before the run ended.
        """
        with closing(self._connection(SILENCE_SECONDS)) as connection:
            answer = self._send(connection, "GET", f"/runs/{quote(run, safe='')}/events")
            if answer.status not in _OK:
                raise self._refusal(answer.status, self._document(answer))
            for line in self._lines(answer):
                if line.startswith(b"data: "):
                    event = self._read(line.removeprefix(b"data: "))
                    yield event
                    if event.get("stage") == "ended":
                        return
        raise ServiceSilent(f"{self.url} stopped telling of run {run}; see `stocksync runs`")

    def _connection(self, seconds: float) -> HTTPConnection:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=seconds)

    def _send(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> HTTPResponse:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, f"/api/v1{path}", content, headers)
            return connection.getresponse()
        except ConnectionRefusedError:
            raise self._silent("nobody answers") from None
        except (OSError, HTTPException) as error:
            raise self._silent(str(error) or type(error).__name__) from None

    def _document(self, answer: HTTPResponse) -> Mapping[str, Any]:
        try:
            return self._read(answer.read(ANSWER_BYTES_MAX))
        except (OSError, HTTPException) as error:
            raise self._silent(str(error) or type(error).__name__) from None

    def _lines(self, answer: HTTPResponse) -> Iterator[bytes]:
        while True:
            try:
                line = answer.readline(LINE_BYTES_MAX)
            except (OSError, HTTPException) as error:
                raise self._silent(str(error) or type(error).__name__) from None
            if not line:
                return
            yield line.rstrip(b"\r\n")

    def _read(self, content: bytes) -> Mapping[str, Any]:
        """Read an object; all that the API says is one."""
        try:
            read = json.loads(content)
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict):
            raise self._silent("what answers is not stocksync")
        return read

    def _silent(self, why: str) -> ServiceSilent:
        return ServiceSilent(f"{why}: is `stocksync serve` running at {self.url}?")

    def _refusal(self, status: int, document: Mapping[str, Any]) -> StockSyncError:
        said = str(document.get("error", ""))
        if status == 409 and "run" in document:  # noqa: PLR2004 - the run that goes on
            return RunInProgress(str(document["run"]))
        if status == 404 and said != "Not Found":  # noqa: PLR2004 - a name, not the address
            return UnknownName(said)
        if status in (401, 403, 422):
            hint = "; give the right one with --token" if status == 401 else ""  # noqa: PLR2004
            return ConfigurationError([f"{self.url}: {said}{hint}"])
        return ServiceSilent(f"{self.url} answered {status}: {said}")


def address_of(http: HttpSettings) -> str:
    """Return where the configured service answers, from the machine that it runs on."""
    bare = http.host.strip("[]")
    host = _ANYWHERE.get(bare, bare)
    return f"http://[{host}]:{http.port}" if ":" in host else f"http://{host}:{http.port}"


def token_of(http: HttpSettings) -> str:
    """Return a configured token that may start runs; empty when there is none."""
    named = [at.token for at in http.tokens if set(at.scopes) & {"operate", "approve"}]
    chosen = http.token or next(iter(named), None)
    return "" if chosen is None else chosen.get_secret_value()


def given_address(url: str) -> str:
    """Take an address from the command line, if a token may be sent there.

    Raises:
        ConfigurationError: It is no plain address, or `http://` to another machine.
    """
    try:
        return origin_from(url)
    except ValueError as error:
        raise ConfigurationError([f"--url: {error}"]) from None
