"""`holds …`: what waits for a person, and what their word does."""

import pytest

from stocksync.sandbox.faults import Fault
from tests.integration.cli_kit import UNITS, Merchant, keys

HOLD = [
    "hash", "store", "gate", "reason", "state", "created_at", "decided_at", "decided_by", "lines",
]  # fmt: skip


@pytest.fixture
def held(two_stores: Merchant) -> Merchant:
    """Two stores, each with a first plan that waits."""
    two_stores.opened({**UNITS, "MUG": 8})
    two_stores.run("sync", expect=3)
    return two_stores


def of(subject: Merchant, store: str) -> str:
    """Return the name of a store's only open hold."""
    [name] = [at["hash"] for at in subject.answer("holds", "list") if at["store"] == store]
    return str(name)


def test_what_is_held_is_listed_with_its_lines(held: Merchant) -> None:
    holds = held.answer("holds", "list")

    assert keys(holds) == [HOLD, HOLD]
    assert sorted((at["store"], at["gate"], at["state"]) for at in holds) == [
        ("shop", "first_contact", "open"),
        ("web", "first_contact", "open"),
    ]
    assert [(at["sku"], at["before"], at["after"]) for at in holds[0]["lines"]] == [("MUG", 10, 8)]
    text = held.run("holds", "list").stdout
    assert "10 → 8" in text
    assert f"stocksync holds approve {holds[0]['hash']}" in text


def test_an_approved_plan_is_carried_out_by_the_next_sync_and_the_rest_waits(
    held: Merchant,
) -> None:
    name = of(held, "web")

    decided = held.answer("holds", "approve", name[:4])
    assert held.shops["web"].quantity("MUG") == 10
    held.run("sync", expect=3)

    assert (decided["hash"], decided["state"], decided["decided_by"]) == (name, "approved", "anna")
    assert decided["decided_at"] > decided["created_at"]
    assert (held.shops["web"].quantity("MUG"), held.shops["shop"].quantity("MUG")) == (8, 10)
    states = {at["hash"]: at["state"] for at in held.answer("holds", "list", "--all")}
    assert (states[name], states[of(held, "shop")]) == ("applied", "open")


def test_a_rejected_plan_stays_held_until_somebody_approves_it_after_all(held: Merchant) -> None:
    name = of(held, "web")

    assert "nothing of it is done" in held.run("holds", "reject", name).stdout
    held.run("sync", expect=3)
    assert held.shops["web"].quantity("MUG") == 10
    held.run("holds", "approve", name)
    held.run("sync", expect=3)

    assert held.shops["web"].quantity("MUG") == 8


def test_an_approval_can_be_taken_back_before_it_is_used(held: Merchant) -> None:
    name = of(held, "web")
    held.run("holds", "approve", name)
    assert "approved already, by anna" in held.run("holds", "approve", name).stdout
    held.run("holds", "reject", name)
    held.run("sync", expect=3)

    assert held.shops["web"].quantity("MUG") == 10


def test_what_is_over_cannot_be_decided_any_more(held: Merchant) -> None:
    name = of(held, "web")
    held.run("holds", "approve", name)
    held.run("sync", expect=3)

    for word in ("approve", "reject"):
        assert f"hold {name} is over: it was applied" in (
            held.run("holds", word, name, expect=2).stderr
        )


def test_a_name_that_no_hold_has_is_told_with_those_that_wait(held: Merchant) -> None:
    name = of(held, "web")
    assert name in held.run("holds", "approve", "xyz", expect=2).stderr
    assert "several holds begin with ''" not in held.run("holds", "reject", "", expect=2).stderr


def test_nothing_held_is_said_and_is_no_error(two_stores: Merchant) -> None:
    two_stores.agreed()
    assert two_stores.run("holds", "list").stdout == "nothing is held\n"
    assert two_stores.answer("holds", "list") == []
    assert "nothing is held now" in two_stores.run("holds", "approve", "abc", expect=2).stderr


def test_a_shop_that_seems_to_be_emptied_is_held_and_goes_when_it_is_sane_again(
    two_stores: Merchant,
) -> None:
    two_stores.agreed()
    two_stores.shops["web"].faults.next(Fault.EMPTY_LIST)

    document = two_stores.answer("sync", expect=3)
    assert [at["outcome"] for at in document["stores"]] == ["ok", "held"]
    assert two_stores.answer("holds", "list")[0]["gate"] == "empty_census"
    two_stores.run("sync")

    assert two_stores.answer("holds", "list") == []
    assert [at["state"] for at in two_stores.answer("holds", "list", "--all")] == ["withdrawn"]
