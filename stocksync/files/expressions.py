"""Read a rule's `when`: an expression in CEL about one SKU in one store; the only door to cel.

CEL has no loops, no I/O and no regular expressions that backtrack. An expression that fails for a
SKU has no answer, which holds that SKU back; it is never taken for no.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.rules import Condition, ConditionFailed
from stocksync.files.complaints import nearest

#: What an expression may speak about.
VARIABLES: Final = ("groups", "platform", "sku", "store")
#: Names that an expression gives to the members of a list, as in `groups.exists(g, g == "x")`.
_OWN: Final = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*([A-Za-z_]\w*)\s*,", re.ASCII)
_EXTRA: Final = "needs another package: pip install 'stocksync[cel]'"


@dataclass(frozen=True, eq=False)
class Expression:
    """A compiled expression, and the text it was compiled from."""

    text: str
    program: Any

    def holds(self, sku: Sku, store: StoreId, platform: str, groups: Sequence[str]) -> bool:
        """Tell whether the expression is true for a SKU in a store (`domain.rules.Condition`)."""
        answer = _answer(
            self.program,
            {"sku": sku, "store": store, "platform": platform, "groups": list(groups)},
        )
        if not isinstance(answer, bool):
            raise ConditionFailed(f"'{self.text}' is {answer!r} and must be true or false")
        return answer


def _answer(program: Any, facts: dict[str, object]) -> object:
    try:
        return program.execute(facts)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        raise ConditionFailed(f"no answer: {error}") from None


def condition_from(text: str) -> Condition:
    """Compile an expression.

    Raises:
        ValueError: It is none, it speaks about something unknown, or CEL is not installed.
    """
    try:
        import cel  # noqa: PLC0415 - an extra, asked for by the first rule that needs it
    except ImportError:
        raise ValueError(_EXTRA) from None
    try:
        program = cel.compile(text)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"is not an expression in CEL: {first}") from None
    own = set(_OWN.findall(text))
    for name in sorted(set(program.variables()) - own - set(VARIABLES)):
        hint = nearest(name, VARIABLES, called="known names")
        raise ValueError(f"speaks about '{name}', which is unknown{hint}")
    return Expression(text=text, program=program)
