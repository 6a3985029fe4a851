"""`webhooks register` makes what is missing at Simvoly, says what REC+ needs, hides secrets."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stocksync.sandbox.faults import Fault
from tests.integration.cli_kit import Merchant, merchant, table_under

SECRET = "canary-of-the-address"
KEY = "canary-of-the-key"
URL = "https://sync.example"
EVENTS = ["order_created", "order_updated", "product_created", "product_updated"]


def with_webhook(subject: Merchant, store: str, webhook: Mapping[str, str]) -> None:
    """Give a store of the configuration its webhooks."""
    lines = subject.config.read_text().splitlines()
    for at, line in enumerate(lines):
        if line.startswith("  - "):
            entry = json.loads(line.removeprefix("  - "))
            if entry["id"] == store:
                lines[at] = f"  - {json.dumps({**entry, 'webhook': dict(webhook)})}"
    subject.write("stocksync.yaml", "\n".join([*lines, ""]))


@pytest.fixture
def subject(tmp_path: Path, blank_books: Path) -> Iterator[Merchant]:
    platforms = {
        "shop": "recplus",
        "site": "simvoly",
        "web": "freewebstore",
        "print": "idealfactory",
    }
    with merchant(tmp_path, blank_books, platforms) as made:
        with_webhook(made, "site", {"secret": SECRET, "signature": KEY})
        yield made


def register(subject: Merchant, store: str, *more: str, expect: int = 0) -> str:
    """Run the command and make sure that it says no secret."""
    words = ("webhooks", "register", "--store", store, "--url", URL, *more)
    result = subject.run(*words, expect=expect)
    if "--reveal" not in more:
        assert "canary" not in result.output
    return result.output


def test_simvoly_gets_a_signed_webhook_for_each_event_and_none_twice(subject: Merchant) -> None:
    first = register(subject, "site")
    rows = table_under(first, "event")[1:]
    assert [(row[0], row[2:]) for row in rows] == [(event, ["made"]) for event in EVENTS]
    hooks = subject.shops["site"].webhooks
    assert [hook["events"] for hook in hooks] == [[event] for event in EVENTS]
    assert {hook["secret"] for hook in hooks} == {KEY}
    address = f"{URL}/webhooks/site/{SECRET}"
    assert [hook["target"] for hook in hooks] == [f"{address}?event={at}" for at in EVENTS]
    second = register(subject, "site")
    assert [row[2:] for row in table_under(second, "event")[1:]] == [["was", "there"]] * 4
    assert len(hooks) == 4


def test_what_others_made_is_shown_and_left_alone(subject: Merchant) -> None:
    theirs = {"id": "rh_1", "secret": "canary-of-others", "events": ["order_created"]}
    subject.shops["site"].webhooks.append({**theirs, "target": "https://other.example"})
    assert "not ours: rh_1 for order_created" in register(subject, "site")
    assert len(subject.shops["site"].webhooks) == 5
    shown = json.loads(register(subject, "site", "--json"))
    assert shown["others"] == [{"id": "rh_1", "events": ["order_created"]}]
    assert [row["state"] for row in shown["webhooks"]] == ["was there"] * 4
    assert (shown["store"], shown["signed"]) == ("site", True)


def test_without_a_key_ours_are_known_again_and_a_new_address_makes_new_ones(
    subject: Merchant,
) -> None:
    with_webhook(subject, "site", {"secret": SECRET})
    assert "not signed" in register(subject, "site")
    register(subject, "site")
    hooks = subject.shops["site"].webhooks
    assert len(hooks) == 4
    assert SECRET not in {hook["secret"] for hook in hooks}
    with_webhook(subject, "site", {"secret": "canary-of-another-address"})
    register(subject, "site")
    assert len(hooks) == 8


def test_a_webhook_that_could_not_be_made_is_made_the_next_time(subject: Merchant) -> None:
    body = {"success": False, "message": f"target {URL}/webhooks/site/{SECRET} with {KEY} is bad"}
    faults = subject.shops["site"].faults
    faults.next(Fault.ANSWER, method="POST", body=json.dumps(body).encode())
    assert "is bad (nothing is made twice: run it again)" in " ".join(
        register(subject, "site", expect=1).split()
    )
    register(subject, "site")
    assert len(subject.shops["site"].webhooks) == 4


@pytest.mark.parametrize(
    ("webhook", "authorization"),
    [
        ({}, "none"),
        ({"username": "rec", "password": "canary-word"}, "Basic"),
        ({"token": "canary-token"}, "Bearer"),
    ],
)
def test_for_recplus_it_says_what_to_enter_by_hand(
    subject: Merchant, webhook: dict[str, str], authorization: str
) -> None:
    with_webhook(subject, "shop", {"secret": SECRET, **webhook})
    asked = subject.shops["shop"].count()
    text = register(subject, "shop")
    assert f"address: {URL}/webhooks/shop/(webhook.secret)" in text
    assert f"authorization: {authorization}\n" in text
    assert "Admin > API Webhooks; JSON, with Wrap Data" in text
    assert f"address: {URL}/webhooks/shop/{SECRET}\n" in register(subject, "shop", "--reveal")
    assert subject.shops["shop"].count() == asked
    with_webhook(subject, "print", {"secret": SECRET})
    assert "print-ready" in register(subject, "print")


@pytest.mark.parametrize(
    ("store", "url", "told"),
    [
        ("shop", URL, "store shop: has no `webhook`; add webhook: {secret: …} to it"),
        ("web", URL, "store web: freewebstore has no webhooks"),
        ("sit", URL, "no store is called 'sit'; did you mean 'site'?"),
        ("site", "http://sync.example", "--url: http:// is for loopback addresses only"),
        ("site", f"{URL}/path", "--url: end it after the host"),
    ],
)
def test_what_cannot_be_registered_says_why(
    subject: Merchant, store: str, url: str, told: str
) -> None:
    result = subject.run("webhooks", "register", "--store", store, "--url", url, expect=2)
    assert told in result.stderr
    assert subject.shops["site"].webhooks == []
