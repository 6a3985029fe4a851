"""Turn the rules folder into the domain's rulebook; mistakes carry file, line and fix.

A file is a list of rules, or a mapping with any of the sections of `files.ruleschema.RulesFile`.
Files are read in the order of their names, rules in the order of their lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from stocksync.domain.examples import Example
from stocksync.domain.identifiers import StoreId
from stocksync.domain.remarks import shares_beyond_all
from stocksync.domain.rulebook import Rulebook
from stocksync.errors import ConfigurationError
from stocksync.files.complaints import Complaints, nearest
from stocksync.files.examples import ExampleReader
from stocksync.files.linkreading import LinkReader
from stocksync.files.notes import Notes, Read, Thing
from stocksync.files.rulechecks import fingerprint_of
from stocksync.files.rulereading import RuleReader
from stocksync.files.ruleschema import SECTIONS
from stocksync.files.yamlfile import Document, load

_MAPPINGS: Final = ("groups", "bundles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rulebook, its own examples, and warnings: what is allowed and seldom meant.

    `places` are where each thing is said, as `file:line`: `("kit", sku)`, `("part", kit, sku)`,
    `("alias", store, code)`, `("group", name)` and so on.
    """

    book: Rulebook
    warnings: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    places: Mapping[Thing, str] = field(default_factory=dict)


def load_rulebook(folder: Path, platforms: Mapping[StoreId, str]) -> Rules:
    """Read every `*.yaml` of a folder (`DESIGN §5`); `platforms` names that of each store.

    Raises:
        ConfigurationError: Everything that is wrong, as `file:line: what, and the fix`.
    """
    reader = _Reader(folder, platforms)
    complaints = reader.notes.complaints
    for path in _files(folder, complaints):
        try:
            document = load(path, roots=(dict, list, type(None)))
        except ConfigurationError as error:
            complaints.add_unread(error.problems)
        else:
            reader.read(document)
    reader.compare()
    complaints.raise_any()
    book = reader.book()
    warnings = tuple(str(remark) for remark in shares_beyond_all(book))
    return Rules(book=book, warnings=warnings, examples=reader.examples, places=reader.notes.places)


def _files(folder: Path, complaints: Complaints) -> list[Path]:
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name)
    except FileNotFoundError:
        raise ConfigurationError([f"{folder}: there is no such folder for rules"]) from None
    except OSError as error:
        raise ConfigurationError([f"{folder}: cannot be read: {error.strerror}"]) from None
    seen = [path for path in found if not path.name.startswith(".")]
    for path in seen:
        if path.suffix.lower() in (".yml", ".yaml") and path.suffix != ".yaml":
            complaints.add_unread([f"{path}: would not be read; name it {path.stem}.yaml"])
    return [path for path in seen if path.suffix == ".yaml"]


class _Reader:
    """Hands each section of each file to the one who reads it."""

    def __init__(self, folder: Path, platforms: Mapping[StoreId, str]) -> None:
        self.notes = Notes(platforms)
        self._rules = RuleReader(self.notes)
        self._links = LinkReader(self.notes, folder)
        self._examples = ExampleReader(self.notes)
        self._sections: Mapping[str, Read] = {
            "rules": self._rules.rule,
            "groups": self._rules.group,
            "aliases": self._links.alias,
            "bundles": self._links.bundle,
            "availability": self._links.switch,
            "examples": self._examples.example,
        }
        self._tables: Mapping[str, Read] = {
            "aliases_file": self._links.alias_table,
            "bundles_file": self._links.bundle_table,
        }

    def read(self, document: Document) -> None:
        """Take in one file."""
        data = document.data
        if isinstance(data, list):
            self.notes.each(document, (), data, self._rules.rule)
            return
        for section, content in (data or {}).items():
            if section in self._tables:
                self._tables[section](document, (section,), content)
            elif section not in self._sections:
                hint = nearest(str(section), SECTIONS, called="known keys")
                self.notes.complaints.add(document, (section,), f"unknown key{hint}")
            elif content is not None:
                form = dict if section in _MAPPINGS else list
                self.notes.each(document, (section,), content, self._sections[section], form)

    def compare(self) -> None:
        """Check what can be known only when every file is read."""
        self._rules.compare()
        self._links.compare()

    @property
    def examples(self) -> tuple[Example, ...]:
        """Return what the rules are to do, as the files say it themselves."""
        return tuple(self._examples.examples)

    def book(self) -> Rulebook:
        """Return everything as one value, with the fingerprint of its content."""
        book = Rulebook(
            rules=tuple(self._rules.rules),
            groups=self._rules.groups,
            aliases=self._links.aliases,
            bundles=self._links.bundles,
            availability=self._links.availability,
            platforms=dict(self.notes.platforms),
        )
        return replace(book, fingerprint=fingerprint_of(book))
