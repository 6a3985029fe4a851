"""Turn the rules folder into the domain's rulebook; mistakes carry file, line and fix.

A file is a list of rules, or a mapping with any of `rules`, `groups`, `aliases`, `bundles` and
`availability`. Files are read in the order of their names, rules in the order of their lines.
"""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from stocksync.complaints import (
    Complaints,
    Entry,
    complain_of_blanks,
    nearest,
    why_not_text,
)
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Rule
from stocksync.errors import ConfigurationError
from stocksync.rulechecks import chains_of, fingerprint_of
from stocksync.rulefile import (
    LOCATION_WISHES,
    SECTIONS,
    AliasEntry,
    AvailabilityEntry,
    PartUnits,
    RuleEntry,
    Texts,
    text_from,
)
from stocksync.yamlfile import Document, Keys, load

SWITCHED_PLATFORM: Final = "idealfactory"
"""The platform without quantities, whose listings are switched on and off (`DESIGN §4`)."""

_FORMS: Final[Mapping[str, type]] = {"groups": dict, "bundles": dict}
_AnyEntry = TypeVar("_AnyEntry", bound=Entry)


def load_rulebook(folder: Path, platforms: Mapping[StoreId, str]) -> Rulebook:
    """Read every `*.yaml` of a folder (`DESIGN §5`); `platforms` names that of each store.

    Raises:
        ConfigurationError: Everything that is wrong, as `file:line: what, and the fix`.
    """
    reader = _Reader(platforms)
    for path in _files(folder, reader.complaints):
        try:
            document = load(path, roots=(dict, list, type(None)))
        except ConfigurationError as error:
            reader.complaints.add_unread(error.problems)
        else:
            reader.read(document)
    reader.compare()
    reader.complaints.raise_any()
    return reader.book()


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
    """Gathers what the files say, and what is wrong with it."""

    def __init__(self, platforms: Mapping[StoreId, str]) -> None:
        self.complaints = Complaints("rules")
        self._platforms = platforms
        self._rules: list[Rule] = []
        self._groups: dict[str, tuple[str, ...]] = {}
        self._aliases: dict[tuple[StoreId, str], Sku] = {}
        self._bundles: dict[Sku, dict[Sku, int]] = {}
        self._availability: dict[tuple[StoreId, ListingId], tuple[Sku, ...]] = {}
        self._taken: dict[Hashable, str] = {}
        self._groups_named: list[tuple[Document, Keys, str]] = []
        self._kit_places: dict[Sku, tuple[Document, Keys]] = {}

    def book(self) -> Rulebook:
        """Return everything as one value, with the fingerprint of its content."""
        book = Rulebook(
            rules=tuple(self._rules),
            groups=self._groups,
            aliases=self._aliases,
            bundles=self._bundles,
            availability=self._availability,
            platforms=dict(self._platforms),
        )
        return fingerprint_of(book)

    def read(self, document: Document) -> None:
        """Take in one file."""
        data = document.data
        if isinstance(data, list):
            self._items(document, (), data, self._rule)
            return
        readers: Mapping[str, Callable[[Document, Keys, Any], None]] = {
            "rules": self._rule,
            "groups": self._group,
            "aliases": self._alias,
            "bundles": self._bundle,
            "availability": self._switch,
        }
        for section, content in (data or {}).items():
            if section not in readers:
                hint = nearest(str(section), SECTIONS, called="known keys")
                self.complaints.add(document, (section,), f"unknown key{hint}")
            elif content is not None:
                self._items(document, (section,), content, readers[section])

    def compare(self) -> None:
        """Check what can be known only when every file is read."""
        for document, keys, group in self._groups_named:
            if group not in self._groups:
                hint = nearest(group, self._groups, called="groups")
                self.complaints.add(document, keys, f"no group is called '{group}'{hint}")
        for kit, chain in chains_of(self._bundles).items():
            self.complaints.add(*self._kit_places[kit], chain)

    def _items(
        self,
        document: Document,
        keys: Keys,
        content: Any,
        read: Callable[[Document, Keys, Any], None],
    ) -> None:
        """Hand the things of one section to its reader, one by one."""
        form = _FORMS.get(str(keys[-1]), list) if keys else list
        complain_of_blanks(document, keys, content, self.complaints)
        if not isinstance(content, form):
            wanted = "a list; begin each with -" if form is list else "names with what they hold"
            self.complaints.add(document, keys, f"must be {wanted}")
            return
        pairs = enumerate(content) if form is list else content.items()
        for key, item in pairs:
            if item is not None:
                read(document, (*keys, key), item)

    def _entry(
        self, document: Document, keys: Keys, item: Any, model: type[_AnyEntry]
    ) -> _AnyEntry | None:
        try:
            return model.model_validate(item)
        except ValidationError as error:
            self.complaints.add_refusals(document, keys, error, model)
            return None

    def _rule(self, document: Document, keys: Keys, item: Any) -> None:
        self._names(document, keys, item)
        entry = self._entry(document, keys, item, RuleEntry)
        if entry is None:
            return
        given = sorted(entry.set.model_fields_set)
        if not given:
            self.complaints.add(document, (*keys, "set"), "sets nothing; name at least one wish")
        for name in given:
            if entry.match.location is not None and name not in LOCATION_WISHES:
                text = "a rule for one location may set buffer and hold only"
                self.complaints.add(document, (*keys, "set", name), text)
        if entry.match.group is not None:
            self._groups_named.append((document, (*keys, "match", "group"), entry.match.group))
        place = document.place((*keys, "name"))
        wishes = entry.set.wishes()
        self._rules.append(
            Rule(name=entry.name, place=place, match=entry.match.match(), wishes=wishes)
        )
