"""Where the command line looks for a running service, and who else may answer there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from stocksync.cli.service import Service, ServiceSilent, address_of, token_of
from stocksync.files.token_entries import TokenEntry
from stocksync.settings import HttpSettings
from tests.integration.cli_kit import call


@contextmanager
def somebody_else(status: int, body: bytes, kind: str = "application/json") -> Iterator[str]:
    """Serve one answer to whatever is asked."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"] or 0))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that the library calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b"{}"),
        (404, b"not here"),
        (500, b""),
        (302, b"{}"),
        (404, b'{"error": "Not Found"}'),
        (429, b'{"error": "too many requests"}'),
        (200, b"[" * 100_000),
    ],
)
def test_who_answers_but_is_not_stocksync_is_told_apart(status: int, body: bytes) -> None:
    with somebody_else(status, body) as url:
        result = call("reconcile", "--wait", "--url", url, "--token", "canary-token")

    assert result.exit_code == 1
    assert url in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "defect" not in result.stderr
    assert "canary" not in result.output


def test_a_service_that_stops_telling_is_not_taken_for_a_run_that_ended() -> None:
    told = b'id: 1\nevent: read\ndata: {"stage": "read", "store": "shop"}\n\n'
    with somebody_else(200, told, "text/event-stream") as url:
        events = Service(url, "").events("x")
        assert next(events)["stage"] == "read"
        with pytest.raises(ServiceSilent, match="stopped telling of run x"):
            next(events)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 - to be asked, not bound
        ("::", "http://[::1]:8080"),
        ("[::]", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("[::1]", "http://[::1]:8080"),
        ("sync.internal", "http://sync.internal:8080"),
    ],
)
def test_a_service_is_asked_where_it_listens(host: str, url: str) -> None:
    assert address_of(HttpSettings(host=host)) == url


def test_the_token_that_may_start_runs_is_chosen() -> None:
    def named(name: str, *scopes: str) -> TokenEntry:
        fields = {"name": name, "token": f"secret-of-{name}", "scopes": list(scopes)}
        return TokenEntry.model_validate(fields)

    reader, worker = named("reader", "read"), named("worker", "operate")
    assert token_of(HttpSettings(tokens=(reader, worker))) == "secret-of-worker"
    assert token_of(HttpSettings(tokens=(reader,))) == ""
    assert token_of(HttpSettings()) == ""
