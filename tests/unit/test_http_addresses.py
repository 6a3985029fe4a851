"""One address means one thing, to us and to every parser on the way."""

import pytest

from stocksync.connectors.http import segment
from stocksync.errors import (
    ConfigurationError,
    StoreRejected,
)
from tests.unit.http_kit import OK, door
from tests.unit.scripted_store import Asked, Said, ScriptedStore


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example@evil.test/",
        "https://user:pass@shop.example",
        "https://shop.example\\@evil.test/",
        " https://evil.test/",
        "https://evil.test/\n",
        "https://shop.example\t.evil.test/",
        "//evil.test/x",
        "evil.test",
        "https://shop.example./",
        "https://\u24e2hop.example/",
        "https://sh\u043ep.example/",
        "https://2852039166/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/",
        "https://[::1",
        "https://shop.example:99999/",
        "https://shop.example:0/",
        "https://shop.example/path",
        "https://shop.example?x=1",
        "https://shop.example#x",
        "https://",
        "file:///etc/passwd",
        "ftp://shop.example",
        "http://shop.example",
        "http://10.0.0.1",
        "http://localhost.evil.test",
        "",
    ],
)
def test_an_address_that_two_parsers_may_read_differently_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        door(None, origin=origin)
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "https://SHOP.example/",
        "https://shop.example:8443",
        "https://10.0.0.1",
        "http://localhost:8081",
        "http://127.0.0.1:8081",
        "http://[::1]:8081",
    ],
)
async def test_plain_addresses_are_used_as_they_are(origin: str) -> None:
    store = ScriptedStore([Said(OK)])
    await door(store.transport, origin=origin).read("/stock")
    (asked,) = store.asked
    assert asked.headers["host"] == origin.lower().partition("//")[2].rstrip("/")
    assert "authorization" in asked.headers


@pytest.mark.parametrize("path", ["api", "/api/../x", "/a b", "//evil.test", "/a?x", "/a\n"])
def test_a_strange_base_path_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError):
        door(None, base_path=path)


@pytest.mark.parametrize(
    "code",
    ["APN 1020", "A/B", "A?x=1&y#z", "100%25", "A\r\nX: 1", "..", ".", "A,B", "+", "\u00e9", "/"],
)
async def test_one_segment_names_one_thing_whatever_it_holds(code: str) -> None:
    store = ScriptedStore([Said(OK)])
    await door(store.transport).read(f"/products/{segment(code)}")
    (asked,) = store.asked
    assert asked.path == f"/api/v1/products/{code}"
    encoded = asked.raw_path.removeprefix("/api/v1/products/")
    assert not set(encoded) & set("/?# \r\n")


def test_an_empty_segment_would_name_the_whole_collection() -> None:
    with pytest.raises(ValueError, match="whole collection"):
        segment("")


async def test_an_id_too_long_for_any_address_is_a_refusal_and_no_request() -> None:
    store = ScriptedStore([])
    with pytest.raises(StoreRejected):
        await door(store.transport).read("/products/" + "9" * 70_000)
    assert store.asked == []


async def test_a_script_sees_what_was_asked() -> None:
    def echo(asked: Asked) -> Said:
        return Said({"path": asked.path})

    answer = await door(ScriptedStore(echo).transport, base_path="/").read("/product/")
    assert answer.body == {"path": "/product/"}
