"""Go through the entries of rule files: what is wrong with each, and what was said before."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from stocksync.domain.identifiers import StoreId
from stocksync.files.complaints import Complaints, Entry, complain_of_blanks, nearest, why_not_text
from stocksync.files.rulefile import text_from
from stocksync.files.yamlfile import Document, Keys

Thing = tuple[str, ...]
"""What is said once only: `("rule", name)`, `("alias", store, code)`, `("kit", sku)`, …"""
Read = Callable[[Document, Keys, Any], None]

_AnyEntry = TypeVar("_AnyEntry", bound=Entry)


class Notes:
    """What all readers of the rules share: their complaints, and where each thing is said.

    `platforms` names that of each store there is; `places` are `file:line`.
    """

    def __init__(self, platforms: Mapping[StoreId, str]) -> None:
        self.complaints = Complaints("rules")
        self.platforms = platforms
        self.places: dict[Thing, str] = {}

    def each(
        self, document: Document, keys: Keys, content: Any, read: Read, form: type[Any] = list
    ) -> None:
        """Hand the things of one section, a list or a mapping, to their reader one by one."""
        complain_of_blanks(document, keys, content, self.complaints)
        if not isinstance(content, form):
            wanted = "a list; begin each with -" if form is list else "names with what they hold"
            self.complaints.add(document, keys, f"must be {wanted}")
            return
        pairs: Iterable[tuple[Hashable, Any]] = (
            content.items() if isinstance(content, dict) else enumerate(content)
        )
        for key, item in pairs:
            if item is not None:
                read(document, (*keys, key), item)

    def entry(
        self, document: Document, keys: Keys, item: Any, model: type[_AnyEntry]
    ) -> _AnyEntry | None:
        """Check one entry; None when anything is wrong with it."""
        try:
            return model.model_validate(item)
        except ValidationError as error:
            self.complaints.add_refusals(document, keys, error, model)
            return None

    def take(self, document: Document, keys: Keys, thing: Thing, called: str) -> bool:
        """Note where a thing is said; False, with a complaint, when it was said before."""
        if thing in self.places:
            text = f"{called} is already at {self.places[thing]}; keep one"
            self.complaints.add(document, keys, text)
            return False
        self.places[thing] = document.place(keys)
        return True

    def name_of(self, document: Document, keys: Keys) -> str | None:
        """Return the last key, which is a SKU or a name; None when it is not text."""
        name = keys[-1]
        try:
            if isinstance(name, str):
                return text_from(name)
            self.complaints.add(document, keys, why_not_text(name))
        except ValueError as error:
            self.complaints.add(document, keys, str(error))
        return None

    def check_store(self, document: Document, keys: Keys, store: object) -> None:
        """Complain when no store is called like this."""
        if isinstance(store, str) and store not in self.platforms:
            hint = nearest(store, self.platforms, called="stores")
            self.complaints.add(document, keys, f"no store is called '{store}'{hint}")
