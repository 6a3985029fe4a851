"""The benchmark itself, small: what its counters prove, and nothing that depends on speed."""

import pytest

from tests.benchmarks.cycle import faults_in, measure


@pytest.mark.slow
def test_a_quiet_cycle_asks_for_exactly_its_pages_and_writes_nothing() -> None:
    results, expected = measure(1200, timed=False)
    assert expected == {
        "recplus": 2, "b2bwave": 3, "freewebstore": 12, "simvoly": 24, "idealfactory": 12,
    }  # fmt: skip
    assert faults_in(results, expected) == []
    changed = results["1 % changed"]
    assert (changed["movements"], changed["confirmed"]) == (12, 36)
