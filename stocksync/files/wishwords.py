"""Read what a merchant writes for numbers and choices: `2 + 10%`, `50%`, `yes`, `auto`."""

import re
from fractions import Fraction
from typing import Annotated, Final, NoReturn

from pydantic import PlainValidator, WithJsonSchema

from stocksync.domain.rules import Buffer, Increases, Mode
from stocksync.files.complaints import did_you_mean

UNITS_MAX: Final = 1_000_000

#: The same forms for editors (`files.ruleschema`), limits included; a test keeps the two alike.
_PERCENT_FORM: Final = r"(?:100(?:\.0{1,6})?|0?[0-9]{1,2}(?:\.[0-9]{1,6})?) ?%"
_UNITS_FORM: Final = r"(?:1000000|0?[0-9]{1,6})"
_BUFFER_FORM: Final = "|".join(
    (
        _UNITS_FORM,
        _PERCENT_FORM,
        rf"{_UNITS_FORM}\s*\+\s*{_PERCENT_FORM}",
        rf"{_PERCENT_FORM}\s*\+\s*{_UNITS_FORM}",
    )
)

_UNITS: Final = re.compile(r"[0-9]{1,7}", re.ASCII)
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", re.ASCII)


def percent_from(text: str) -> Fraction | None:
    """Read `12.5%` as a fraction of one; None when it is not written like that."""
    matched = _PERCENT.fullmatch(text.strip())
    if matched is None:
        return None
    part = Fraction(matched[1]) / 100
    if part > 1:
        raise ValueError("must be from 0% to 100%")
    return part


def share_from(given: object) -> Fraction:
    """Read a share; a bare number is refused, as 50 may mean units and 0.5 a half."""
    part = percent_from(given) if isinstance(given, str) else None
    if part is None:
        raise ValueError("must be a part of what is available, from 0% to 100%, such as 50%")
    return part


def buffer_from(given: object) -> Buffer:
    """Read units kept back (`3`), a part (`10%`), or both (`3 + 10%`)."""
    if isinstance(given, int) and not isinstance(given, bool):
        if not 0 <= given <= UNITS_MAX:
            raise ValueError(f"must be from 0 to {UNITS_MAX} units")
        return Buffer(units=given)
    units: list[int] = []
    parts: list[Fraction] = []
    for piece in given.split("+") if isinstance(given, str) else []:
        part = percent_from(piece)
        if part is not None:
            parts.append(part)
        elif _UNITS.fullmatch(piece.strip()):
            units.append(int(piece))
        else:
            _no_buffer()
    if not (units or parts) or len(units) > 1 or len(parts) > 1 or sum(units) > UNITS_MAX:
        _no_buffer()
    return Buffer(units=sum(units), percent=sum(parts, Fraction(0)))


def _no_buffer() -> NoReturn:
    raise ValueError("must be units, a part, or both, none of them negative: 3, 10%, 3 + 10%")


def increases_from(given: object) -> Increases:
    """Read yes, no, hold or twice; YAML reads the first two as true and false."""
    if isinstance(given, bool):
        return Increases.YES if given else Increases.NO
    if isinstance(given, str) and given in tuple(Increases):
        return Increases(given)
    hint = did_you_mean(given, Increases) if isinstance(given, str) else ""
    raise ValueError(f"must be yes, no, hold or twice{hint}")


def mode_from(given: object) -> Mode:
    """Read shared, allocated or auto."""
    if isinstance(given, str) and given in tuple(Mode):
        return Mode(given)
    hint = did_you_mean(given, Mode) if isinstance(given, str) else ""
    raise ValueError(f"must be shared, allocated or auto{hint}")


def units_from(text: str) -> int | str:
    """Read a whole number from a table; what is none is left for the one who judges it."""
    return int(text) if _UNITS.fullmatch(text.strip()) else text


BufferWish = Annotated[
    Buffer | None,
    PlainValidator(buffer_from),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": UNITS_MAX},
                {"type": "string", "pattern": rf"^\s*(?:{_BUFFER_FORM})\s*$"},
            ]
        }
    ),
]
ShareWish = Annotated[
    Fraction | None,
    PlainValidator(share_from),
    WithJsonSchema({"type": "string", "pattern": rf"^\s*{_PERCENT_FORM}\s*$"}),
]
IncreasesWish = Annotated[
    Increases | None,
    PlainValidator(increases_from),
    # Editors read `yes` as a word, and older YAML as true.
    WithJsonSchema({"enum": [*Increases, True, False]}),
]
ModeWish = Annotated[Mode | None, PlainValidator(mode_from), WithJsonSchema({"enum": [*Mode]})]
