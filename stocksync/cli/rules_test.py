"""`rules test`: try a merchant's own examples, which stand in the rule files beside the rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.listings import draw_steps
from stocksync.cli.session import session_of
from stocksync.cli.tables import draw_table, note, say
from stocksync.cli.text import count
from stocksync.domain.examples import Expected, Finding, findings
from stocksync.engine.explain import step_json
from stocksync.engine.words import line, name
from stocksync.errors import ConfigurationError
from stocksync.rulebook import load_rulebook


def try_examples(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Only the examples of this file of the rules folder."),
    ] = None,
) -> int:
    """Try the examples that stand beside the rules, with all rules; exit 2 if one does not hold."""
    session = session_of(ctx)
    settings = books.read_settings(session)
    rules = load_rulebook(settings.rules, settings.platforms)
    examples = [at for at in rules.examples if file is None or _stands_in(at.place, file)]
    if file is not None and not examples:
        text = f"{file}: holds no examples; the rule files are in {settings.rules}"
        raise ConfigurationError([text])
    found = list(findings(examples, rules.book))
    failed = [each for each in found if not each.holds]
    if not found:
        note("no file holds examples; see the key `examples` in the README")
    document = {
        "examples": len(examples),
        "held": len(found) - len(failed),
        "failed": len(failed),
        "findings": [_document(each) for each in found],
    }
    session.answer(document, lambda: _draw(found, failed))
    return Exit.WRONG if failed else Exit.DONE


def _stands_in(place: str, file: Path) -> bool:
    """Tell whether `file:line` is in a file, however the file was named."""
    return Path(place.rpartition(":")[0]).resolve() == file.resolve()


def words(value: Expected) -> str:
    """Write what a store shows as an example does."""
    if value is None:
        return "hold"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "example": finding.example.name,
        "place": finding.example.place,
        "sku": finding.example.sku,
        "store": finding.store,
        "expected": words(finding.expected),
        "found": words(finding.found),
        "holds": finding.holds,
        "steps": [step_json(step) for step in finding.steps],
    }


def _draw(found: Sequence[Finding], failed: Sequence[Finding]) -> None:
    rows = [
        (
            "ok" if each.holds else "FAILED",
            name(each.example.name),
            each.store,
            words(each.expected),
            words(each.found),
        )
        for each in found
    ]
    if rows:
        draw_table(["", "example", "store", "expected", "found"], rows, numbers=("", "store"))
    for each in failed:
        say()
        wanted, got = words(each.expected), words(each.found)
        where = line(each.example.place)
        say(f"{where}: {name(each.example.name)}: {each.store} shows {got}, not {wanted}")
        draw_steps(each.steps)
    say()
    say(f"{count(len(found), 'example')} tried, {len(failed)} failed")
