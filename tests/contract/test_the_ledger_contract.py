"""The ledger's contract is tested too: each mutant breaks one promise and is caught by name."""

from pathlib import Path

import pytest

from stocksync.errors import LedgerError
from stocksync.ledger.memory import MemoryLedger
from tests.contract import ledger_mutants as broken
from tests.contract import ledger_mutants_at_work as at_work
from tests.contract import ledger_mutants_of_browsing as of_browsing
from tests.contract import ledger_mutants_of_hints as of_hints
from tests.contract import ledger_mutants_of_history as of_history
from tests.contract import ledger_mutants_of_keys as of_keys
from tests.contract import ledger_mutants_of_sales as of_sales
from tests.contract.ledger_all import CLAUSES
from tests.contract.ledger_rigs import memory_rig, sqlite_rig

MUTANTS = [
    (broken.BooksAgain, "L01"),
    (broken.KeepsTheFirstSilently, "L02"),
    (broken.ForgetsHeldUnits, "L03"),
    (broken.OldestFirst, "L04"),
    (broken.HandsOutItsBooks, "L05"),
    (broken.FoldsCase, "L06"),
    (broken.OffsetsOneSkuWithAnother, "L07"),
    (broken.CriesWolf, "L08"),
    (broken.ProvesSealsOnly, "L09"),
    (broken.ProvesBalancesOnly, "L10"),
    (broken.SealsEachAlone, "L11"),
    (broken.WritesNothingDown, "L12"),
    (broken.GuessesTheZone, "L13"),
    (broken.CutsTextAtNul, "L14"),
    (broken.ForgetsAttempts, "L20"),
    (broken.InventsTheAbsent, "L21"),
    (broken.BooksBeforeItChecks, "L22"),
    (broken.LastOneWins, "L22"),
    (broken.OverwritesTheNew, "L23"),
    (broken.LastOneWins, "L24"),
    (at_work.GivesUpOnGoodWrites, "L24"),
    (broken.MarksItsOwn, "L25"),
    (broken.MarksWithoutTrace, "L26"),
    (broken.MarksOnceOnly, "L26"),
    (broken.NewestMarkWins, "L26"),
    (broken.DueByName, "L27"),
    (broken.RemembersOwnForever, "L28"),
    (broken.OneStoreOnly, "L29"),
    (broken.CountsTheGone, "L30"),
    (broken.ForgivesQuarantine, "L31"),
    (at_work.OpensTwo, "L40"),
    (at_work.CountsWhatCloses, "L41"),
    (at_work.RewritesIntents, "L42"),
    (at_work.NewestIntentFirst, "L43"),
    (at_work.TakesTheFirstThatFits, "L44"),
    (at_work.NewHoldEachTime, "L45"),
    (at_work.TakesNoForTheEnd, "L45"),
    (at_work.ReopensTheDecided, "L45"),
    (at_work.SharesRuns, "L46"),
    (at_work.RunsAsWritten, "L46"),
    (at_work.DropsTheLease, "L47"),
    (at_work.LosesTheRules, "L47"),
    (at_work.GivesItToTwo, "L48"),
    (at_work.HoldsForever, "L48"),
    (at_work.NeverFences, "L49"),
    (at_work.AnybodyGivesBack, "L50"),
    (at_work.RenewsTheLost, "L50"),
    (at_work.LastDecisionWins, "L51"),
    (at_work.ComparesStatesOnly, "L51"),
    (of_hints.HearsOnce, "L60"),
    (of_hints.LastTimeWins, "L60"),
    (of_hints.KeepsEveryKey, "L61"),
    (of_hints.NeverTooMuch, "L62"),
    (of_hints.ForgetsTheRenewed, "L63"),
    (of_hints.AnswersFirst, "L64"),
    (of_hints.TakesAnyHint, "L65"),
    (of_hints.FindsByBeginning, "L66"),
    (of_browsing.FindsOnlyWhatMoved, "L70"),
    (of_browsing.BeginsWithTheLastOne, "L70"),
    (of_browsing.FoldsEveryLetter, "L71"),
    (of_browsing.CountsTheLastMomentToo, "L72"),
    (of_browsing.CountsOneStoreOfARun, "L73"),
    (of_browsing.OldestWriteFirst, "L74"),
    (of_browsing.WatchesTheFewFirst, "L75"),
    (of_browsing.ForgetsWhatIsReserved, "L75"),
    (of_browsing.CountsSalesOfAllTime, "L75"),
    (of_keys.BeginsWithTheLast, "L80"),
    (of_keys.FindsKeysOfAnyCase, "L81"),
    (of_history.ForgetsTheMomentItself, "L82"),
    (of_history.NewestComesFirst, "L82"),
    (of_history.RepeatsTheLastOfAPage, "L83"),
    (of_history.GoesOnBeforeTheMoment, "L83"),
    (of_history.KnowsTheLevelsOfToday, "L84"),
    (of_history.CountsTheMomentToo, "L84"),
    (of_sales.KnowsLinesOfAnyStore, "L90"),
    (of_sales.KeepsTheFirstUnits, "L90"),
    (of_sales.NewestWaitsFirst, "L91"),
    (of_sales.TakesTheGoneForAbsent, "L93"),
    (of_sales.ForgetsMissedCensuses, "L91"),
    (of_sales.RemembersEveryLook, "L92"),
    (of_sales.ForgetsWhatHeldBefore, "L92"),
    (of_sales.LosesTheFeed, "L47"),
    (of_sales.ForgetsHowSlowItIs, "L47"),
    (of_sales.SellsAgainAtTheEdge, "L94"),
    (of_sales.BelievesEveryClock, "L94"),
]
#: How a clause fails: by what it asserts, or by an error that ought (not) to have been raised.
CAUGHT = (AssertionError, pytest.fail.Exception, LedgerError)


@pytest.mark.parametrize(
    ("mutant", "clause_id"), MUTANTS, ids=lambda at: getattr(at, "__name__", at)
)
async def test_mutant_is_caught(mutant: type[MemoryLedger], clause_id: str) -> None:
    async with memory_rig(mutant) as rig:
        with pytest.raises(CAUGHT):
            await CLAUSES[clause_id].check(rig)


async def test_books_without_a_trigger_are_caught(tmp_path: Path) -> None:
    async with sqlite_rig(tmp_path) as rig:
        assert rig.execute
        rig.execute("DROP TRIGGER movements_never_change")
        with pytest.raises(CAUGHT):
            await CLAUSES["L05"].check(rig)


def test_every_clause_has_a_mutant() -> None:
    assert {clause_id for _, clause_id in MUTANTS} == set(CLAUSES)
