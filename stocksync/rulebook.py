"""Turn the rules folder into the domain's rulebook; mistakes carry file, line and fix.

A file is a list of rules, or a mapping with any of `rules`, `groups`, `aliases`, `bundles` and
`availability`. Files are read in the order of their names, rules in the order of their lines.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import WISH_NAMES, Condition, Rule
from stocksync.domain.schedule import Schedule
from stocksync.errors import ConfigurationError
from stocksync.files.complaints import Complaints, Entry, complain_of_blanks, nearest, why_not_text
from stocksync.files.expressions import condition_from
from stocksync.files.rulechecks import (
    SWITCHED_PLATFORM,
    check_rules,
    fingerprint_of,
    impossible_kits,
)
from stocksync.files.rulefile import (
    LOCATION_WISHES,
    SECTIONS,
    AliasEntry,
    AvailabilityEntry,
    GroupEntry,
    PartEntry,
    RuleEntry,
    text_from,
)
from stocksync.files.yamlfile import Document, Keys, load

_MAPPINGS: Final = (("groups",), ("bundles",))
_AnyEntry = TypeVar("_AnyEntry", bound=Entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rulebook, and warnings: what is allowed and seldom meant."""

    book: Rulebook
    warnings: tuple[str, ...] = ()


def load_rulebook(folder: Path, platforms: Mapping[StoreId, str]) -> Rules:
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
    book = reader.book()
    return Rules(book=book, warnings=check_rules(book))


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


def _without_resets(item: Any) -> tuple[Any, frozenset[str]]:
    """Take the wishes out of a rule that are taken back with `null`; return their names too."""
    wishes = item.get("set") if isinstance(item, dict) else None
    if not isinstance(wishes, dict):
        return item, frozenset()
    resets = frozenset(name for name, value in wishes.items() if value is None)
    known = resets & frozenset(WISH_NAMES)
    left = {name: value for name, value in wishes.items() if name not in known}
    return {**item, "set": left}, known


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
        return replace(book, fingerprint=fingerprint_of(book))

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
        for kit, why in impossible_kits(self._bundles).items():
            self.complaints.add(*self._kit_places[kit], why)

    def _items(
        self,
        document: Document,
        keys: Keys,
        content: Any,
        read: Callable[[Document, Keys, Any], None],
    ) -> None:
        """Hand the things of one section to its reader, one by one."""
        form: type[Any] = dict if keys in _MAPPINGS else list
        complain_of_blanks(document, keys, content, self.complaints)
        if not isinstance(content, form):
            wanted = "a list; begin each with -" if form is list else "names with what they hold"
            self.complaints.add(document, keys, f"must be {wanted}")
            return
        pairs: Iterable[tuple[Hashable, Any]] = (
            content.items() if form is dict else enumerate(content)
        )
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
        """Take in one rule, to stand after those read before it."""
        self._check_names(document, keys, item)
        item, resets = _without_resets(item)
        entry = self._entry(document, keys, item, RuleEntry)
        if entry is None:
            return
        if not resets and not entry.set.model_fields_set:
            text = "sets nothing; name at least one wish, such as buffer"
            self.complaints.add(document, (*keys, "set"), text)
        self._rules.append(
            Rule(
                name=entry.name,
                place=document.place((*keys, "name")),
                match=entry.match.match(),
                wishes=entry.set.wishes(resets),
                schedule=self._schedule(document, keys, entry),
                when=self._condition(document, keys, entry),
            )
        )

    def _schedule(self, document: Document, keys: Keys, entry: RuleEntry) -> Schedule | None:
        try:
            return None if entry.schedule is None else entry.schedule.schedule()
        except ValueError as error:
            self.complaints.add(document, (*keys, "schedule"), str(error))
            return None

    def _condition(self, document: Document, keys: Keys, entry: RuleEntry) -> Condition | None:
        try:
            return None if entry.when is None else condition_from(entry.when)
        except ValueError as error:
            self.complaints.add(document, (*keys, "when"), str(error))
            return None

    def _check_names(self, document: Document, keys: Keys, item: Any) -> None:
        """Check the names in a rule, whatever else may be wrong with it."""
        if not isinstance(item, dict):
            return
        name, match, wishes = item.get("name"), item.get("match"), item.get("set")
        if isinstance(name, str):
            self._take(document, (*keys, "name"), ("rule", name), f"a rule called '{name}'")
        if not isinstance(match, dict):
            return
        self._check_store(document, (*keys, "match", "store"), match.get("store"))
        platform, known = match.get("platform"), set(self._platforms.values())
        if isinstance(platform, str) and platform not in known:
            text = f"no store has the platform '{platform}'"
            hint = nearest(platform, known, called="platforms")
            self.complaints.add(document, (*keys, "match", "platform"), text + hint)
        if isinstance(match.get("group"), str):
            self._groups_named.append((document, (*keys, "match", "group"), match["group"]))
        for wish in wishes if isinstance(wishes, dict) and "location" in match else ():
            if wish in WISH_NAMES and wish not in LOCATION_WISHES:
                text = "a rule for one location may set buffer and hold only"
                self.complaints.add(document, (*keys, "set", wish), text)

    def _check_store(self, document: Document, keys: Keys, store: object) -> None:
        if isinstance(store, str) and store not in self._platforms:
            hint = nearest(store, self._platforms, called="stores")
            self.complaints.add(document, keys, f"no store is called '{store}'{hint}")

    def _take(self, document: Document, keys: Keys, thing: Hashable, called: str) -> None:
        """Note where a thing is said, and complain when it was said before."""
        if thing in self._taken:
            text = f"{called} is already at {self._taken[thing]}; keep one"
            self.complaints.add(document, keys, text)
        else:
            self._taken[thing] = document.place(keys)

    def _name_of(self, document: Document, keys: Keys) -> str | None:
        """Return the last key, which is a SKU or a name; None when it is not text."""
        name = keys[-1]
        try:
            if isinstance(name, str):
                return text_from(name)
            self.complaints.add(document, keys, why_not_text(name))
        except ValueError as error:
            self.complaints.add(document, keys, str(error))
        return None

    def _group(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `name: [globs]`."""
        name = self._name_of(document, keys)
        if name is None:
            return
        self._take(document, keys, ("group", name), f"a group called '{name}'")
        self._groups[name] = ()
        try:
            self._groups[name] = tuple(GroupEntry(globs=item).globs)
        except ValidationError as error:
            self.complaints.add_refusals(document, keys, error, GroupEntry, wrapped=True)

    def _bundle(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `KIT: {PART: units}`."""
        kit = self._name_of(document, keys)
        if not isinstance(item, dict) or not item:
            self.complaints.add(document, keys, "must hold its parts, such as {PART: 2}")
        elif kit is not None:
            self._take(document, keys, ("kit", kit), f"a kit called '{kit}'")
            self._kit_places[Sku(kit)] = (document, keys)
            self._bundles[Sku(kit)] = self._parts(document, keys, item)

    def _parts(
        self, document: Document, keys: Keys, item: Mapping[Hashable, Any]
    ) -> dict[Sku, int]:
        parts: dict[Sku, int] = {}
        for key, units in item.items():
            part = self._name_of(document, (*keys, key))
            try:
                checked = PartEntry(units=units)
            except ValidationError as error:
                inner = (*keys, key)
                self.complaints.add_refusals(document, inner, error, PartEntry, wrapped=True)
            else:
                if part is not None:
                    parts[Sku(part)] = checked.units
        return parts

    def _alias(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `{store, code, sku}`."""
        entry = self._entry(document, keys, item, AliasEntry)
        if entry is None:
            return
        self._check_store(document, (*keys, "store"), entry.store)
        key = (StoreId(entry.store), entry.code)
        called = f"an alias for '{entry.code}' in {entry.store}"
        self._take(document, (*keys, "code"), ("alias", *key), called)
        self._aliases[key] = Sku(entry.sku)

    def _switch(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `{store, product or variant, sku or skus}`."""
        entry = self._entry(document, keys, item, AvailabilityEntry)
        if entry is None:
            return
        self._check_store(document, (*keys, "store"), entry.store)
        platform = self._platforms.get(StoreId(entry.store))
        if platform not in (None, SWITCHED_PLATFORM):
            text = f"is for stores of {SWITCHED_PLATFORM}; {entry.store} has quantities of its own"
            self.complaints.add(document, (*keys, "store"), text)
        listing, skus = entry.listing(), entry.behind()
        if listing is None:
            self.complaints.add(document, (*keys, "product"), "give either product or variant")
        elif not skus:
            self.complaints.add(document, (*keys, "skus"), "give either sku or skus")
        else:
            called = f"{listing.replace(':', ' ')} of {entry.store}"
            self._take(document, (*keys, "store"), ("listing", entry.store, listing), called)
            self._availability[StoreId(entry.store), listing] = skus
