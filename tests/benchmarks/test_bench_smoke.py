"""The benchmark itself, small: what its counters prove, and nothing that depends on speed."""

import copy
from typing import Any, Final

import pytest

from tests.benchmarks.cycle import measure
from tests.benchmarks.expected import expected_writes, faults_in, sales
from tests.benchmarks.resolve import by_hand, resolved, stock

SKUS: Final = 1_200
SPOILED: Final = (
    ("unchanged", {"by_store": {"recplus": 3}}),
    ("unchanged", {"rows": {"listings": 1}}),
    ("after it", {"confirmed": 1}),
    ("1 % changed", {"writes": {"recplus": 2}}),
    ("1 % changed", {"movements": 11}),
    ("1 % changed", {"errors": ["a store failed"]}),
)


@pytest.mark.slow
def test_a_quiet_cycle_asks_for_exactly_its_pages_and_writes_nothing() -> None:
    results, expected = measure(SKUS, timed=False)
    assert expected == {
        "recplus": 2, "b2bwave": 3, "freewebstore": 12, "simvoly": 24, "idealfactory": 12,
    }  # fmt: skip
    assert faults_in(results, expected, SKUS) == []
    changed = results["1 % changed"]
    assert (changed["movements"], changed["confirmed"]) == (12, 36)
    assert changed["rows"]["movements"] == 12
    assert sum(changed["rows"].values()) < SKUS
    for measurement, change in SPOILED:
        spoiled: dict[str, dict[str, Any]] = copy.deepcopy(results)
        spoiled[measurement] |= change
        [fault] = faults_in(spoiled, expected, SKUS)
        assert fault.startswith(measurement)


def test_a_changed_hundredth_is_written_in_as_few_requests_as_each_platform_takes() -> None:
    assert sales(100_000) == dict.fromkeys(("recplus", "b2bwave", "freewebstore", "simvoly"), 250)
    assert expected_writes(100_000) == {
        "recplus": 8, "b2bwave": 750, "freewebstore": 750, "simvoly": 750, "idealfactory": 0,
    }  # fmt: skip


def test_the_rules_and_the_loop_written_by_hand_for_them_agree_on_every_target() -> None:
    levels = stock(30_000)
    found = resolved(levels)
    assert found == by_hand(levels)
    assert len(found) == 150_000
    assert {None, 0, 5, 50, 100} <= set(found)
