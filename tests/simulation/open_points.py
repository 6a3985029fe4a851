"""What the simulator does not judge yet, and why: printed with every run, never skipped."""

#: Invariants of `reliability §2.6` that no checker here judges, or judges in part.
OPEN = {
    "I3 without a feed": "units sold in exposure windows are lost; they are counted, exactly",
    "I4 without a feed": "suspense is bounded here, not emptied: it waits a day for a person",
    "I4 with a feed": "edits, returns and mass changes are left out where orders are read",
    "I7 citation": "a write must differ from what was seen; which entry caused it is not said yet",
    "I12 for REC+": "a code made anew is taken for the same listing: REC+ shows no other identity",
    "I13 over several looks": "each look is judged alone: hints can take a store to zero in parts",
    "I14 in shared and auto mode": "only allocated mode promises that nothing is oversold",
    "I20 in other modes": "where units are given to one store each, another's write is a cause",
    "I24 memory": "requests at once are judged; growth is, by tests/unit/test_http_bodies.py",
    "I26 for the last change": "books that lack only what the witness never heard of go unnoticed",
    "I26 for writes under way": "accepted before the horizon, a late write is a stranger's edit",
    "looks that grow old": "a lease ends sooner on so slow a disk; judged by tests/unit",
    "stale reads with orders": "orders are fresh, and a level beside them that is old looks wrong",
    "stale reads of two ages": "a store with several copies goes back and forth: sale and return",
    "clocks set ahead": "by more than a late write needs: the horizon goes by the wall clock",
    "clocks of two runners": "set ahead, one takes a lease that lasts: its epoch fences the other",
    "adopting REC+ products with variations": "their derived sum is adopted as a SKU and written",
    "not taken without read-back": "REC+ and B2B Wave are believed when they answer yes",
    "cancelled orders of Freewebstore": "its older documents know no way to list them",
}
