"""Every bad input of the list that comes from a store ends as the list says."""

import pytest

from tests.contract import bad_answers, bad_codes, bad_connections, bad_letters, bad_writes
from tests.contract.bad_inputs import CASES, CHECKS, Case
from tests.contract.bad_quantities import EXPECTED, cases_of_quantities, check_quantity

CHANNELS = {"K": (bad_codes, bad_letters), "H": (bad_answers, bad_connections, bad_writes)}


@pytest.mark.parametrize(("case", "platform"), cases_of_quantities())
async def test_a_bad_quantity_ends_as_expected(case: Case, platform: str) -> None:
    assert case.id in EXPECTED
    await check_quantity(case, platform)


@pytest.mark.parametrize("case", [CASES[at] for at in CHECKS], ids=list(CHECKS))
async def test_a_bad_code_or_answer_ends_as_expected(case: Case) -> None:
    assert case.channel in CHANNELS
    await CHECKS[case.id](case)


def test_no_case_is_left_out() -> None:
    wanted = {case.id for case in CASES.values() if case.channel in ("Q", "K", "H")}
    assert len(wanted) > 80
    assert {*EXPECTED, *CHECKS} == wanted
    assert not EXPECTED.keys() & CHECKS.keys()
