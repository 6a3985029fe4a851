"""Read the rules themselves, and the groups of SKUs that they speak about."""

from typing import Any

from pydantic import ValidationError

from stocksync.domain.rules import WISH_NAMES, Rule
from stocksync.files.complaints import nearest
from stocksync.files.notes import Notes
from stocksync.files.rulefile import LOCATION_WISHES, GroupEntry, RuleEntry
from stocksync.files.yamlfile import Document, Keys


class RuleReader:
    """Gathers rules, in the order in which they are read, and groups."""

    def __init__(self, notes: Notes) -> None:
        self.rules: list[Rule] = []
        self.groups: dict[str, tuple[str, ...]] = {}
        self._notes = notes
        self._groups_named: list[tuple[Document, Keys, str]] = []

    def rule(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in one rule, to stand after those read before it."""
        if isinstance(item, dict):
            self._check_name(document, keys, item.get("name"))
            self._check_match(document, keys, item.get("match"))
            self._check_wishes(document, keys, item)
        item, resets = _without_resets(item)
        entry = self._notes.entry(document, keys, item, RuleEntry)
        if entry is not None:
            rule = Rule(
                name=entry.name,
                place=document.place((*keys, "name")),
                match=entry.match.match(),
                wishes=entry.set.wishes(resets),
                schedule=None if entry.schedule is None else entry.schedule.schedule(),
                when=entry.when,
            )
            self.rules.append(rule)

    def group(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `name: [globs]`."""
        name = self._notes.name_of(document, keys)
        if name is None:
            return
        self._notes.take(document, keys, ("group", name), f"a group called '{name}'")
        self.groups[name] = ()
        try:
            self.groups[name] = tuple(GroupEntry(globs=item).globs)
        except ValidationError as error:
            complaints = self._notes.complaints
            complaints.add_refusals(document, keys, error, GroupEntry, wrapped=True)

    def compare(self) -> None:
        """Check what can be known only when every file is read."""
        for document, keys, group in self._groups_named:
            if group not in self.groups:
                hint = nearest(group, self.groups, called="groups")
                text = f"no group is called '{group}'{hint}"
                self._notes.complaints.add(document, keys, text)

    def _check_name(self, document: Document, keys: Keys, name: object) -> None:
        if isinstance(name, str):
            called = f"a rule called '{name}'"
            self._notes.take(document, (*keys, "name"), ("rule", name), called)

    def _check_match(self, document: Document, keys: Keys, match: object) -> None:
        """Check the names in a match, whatever else may be wrong with the rule."""
        if not isinstance(match, dict):
            return
        at = (*keys, "match")
        self._notes.check_store(document, (*at, "store"), match.get("store"))
        platform, known = match.get("platform"), set(self._notes.platforms.values())
        if isinstance(platform, str) and platform not in known:
            text = f"no store has the platform '{platform}'"
            hint = nearest(platform, known, called="platforms")
            self._notes.complaints.add(document, (*at, "platform"), text + hint)
        if isinstance(match.get("group"), str):
            self._groups_named.append((document, (*at, "group"), match["group"]))

    def _check_wishes(self, document: Document, keys: Keys, item: dict[Any, Any]) -> None:
        """Complain of wishes that such a rule cannot have, and of none at all."""
        wishes, match = item.get("set"), item.get("match")
        if not isinstance(wishes, dict):
            return
        at = (*keys, "set")
        if not wishes:
            text = "sets nothing; name at least one wish, such as buffer"
            self._notes.complaints.add(document, at, text)
        if not isinstance(match, dict) or "location" not in match:
            return
        for wish, value in wishes.items():
            text = ""
            if wish in LOCATION_WISHES and value is None:
                text = "takes nothing back in a rule for one location; write buffer: 0, hold: no"
            elif wish in WISH_NAMES and wish not in LOCATION_WISHES:
                text = "a rule for one location may set buffer and hold only"
            if text:
                self._notes.complaints.add(document, (*at, wish), text)


def _without_resets(item: Any) -> tuple[Any, frozenset[str]]:
    """Take the wishes out of a rule that are taken back with `null`; return their names too."""
    wishes = item.get("set") if isinstance(item, dict) else None
    if not isinstance(wishes, dict):
        return item, frozenset()
    resets = frozenset(name for name, value in wishes.items() if value is None)
    known = resets & frozenset(WISH_NAMES)
    left = {name: value for name, value in wishes.items() if name not in known}
    return {**item, "set": left}, known
