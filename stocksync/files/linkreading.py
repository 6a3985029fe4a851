"""Read what belongs together: codes and SKUs, kits and their parts, switches and the stock behind.

Codes and kits may stand in YAML, or in a CSV file that a YAML file names.
"""

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.reach import SWITCHED_PLATFORM
from stocksync.files.complaints import why_not_text
from stocksync.files.csvfile import load_table
from stocksync.files.linkfile import AliasEntry, AvailabilityEntry, KitRow, PartEntry
from stocksync.files.notes import Notes
from stocksync.files.rulechecks import impossible_kits
from stocksync.files.wishwords import units_from
from stocksync.files.yamlfile import Document, Keys

ALIAS_COLUMNS: Final = tuple(AliasEntry.model_fields)
KIT_COLUMNS: Final = tuple(KitRow.model_fields)


class LinkReader:
    """Gathers aliases, kits and availability; CSV files are looked for inside `folder` only."""

    def __init__(self, notes: Notes, folder: Path) -> None:
        self.aliases: dict[tuple[StoreId, str], Sku] = {}
        self.bundles: dict[Sku, dict[Sku, int]] = {}
        self.availability: dict[tuple[StoreId, ListingId], tuple[Sku, ...]] = {}
        self._notes = notes
        self._folder = folder
        self._kit_places: dict[Sku, tuple[Document, Keys]] = {}

    def alias(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `{store, code, sku}`."""
        entry = self._notes.entry(document, keys, item, AliasEntry)
        if entry is None:
            return
        self._notes.check_store(document, (*keys, "store"), entry.store)
        called = f"an alias for '{entry.code}' in {entry.store}"
        thing = ("alias", entry.store, entry.code)
        self._notes.take(document, (*keys, "code"), thing, called)
        self.aliases[StoreId(entry.store), entry.code] = Sku(entry.sku)

    def alias_table(self, document: Document, keys: Keys, name: Any) -> None:
        """Take in the CSV file with a row for each alias."""
        table = self._table(document, keys, name, ALIAS_COLUMNS)
        for line, row in table.data.items():
            self.alias(table, (line,), row)

    def bundle(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `KIT: {PART: units}`."""
        kit = self._notes.name_of(document, keys)
        if not isinstance(item, dict) or not item:
            self._notes.complaints.add(document, keys, "must hold its parts, such as {PART: 2}")
        elif kit is not None and self._begins(document, keys, kit):
            for part, units in item.items():
                self._part(document, (*keys, part), kit, units)

    def bundle_table(self, document: Document, keys: Keys, name: Any) -> None:
        """Take in the CSV file with a row for each part of a kit."""
        table = self._table(document, keys, name, KIT_COLUMNS)
        mine: dict[str, bool] = {}
        for line, row in table.data.items():
            counted = {**row, "units": units_from(row["units"])}
            entry = self._notes.entry(table, (line,), counted, KitRow)
            if entry is None:
                continue
            if entry.kit not in mine:
                mine[entry.kit] = self._begins(table, (line,), entry.kit)
            if mine[entry.kit]:
                called = f"'{entry.part}' in the kit '{entry.kit}'"
                thing = ("part", entry.kit, entry.part)
                self._notes.take(table, (line,), thing, called)
                self.bundles[Sku(entry.kit)][Sku(entry.part)] = entry.units

    def switch(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in `{store, product or variant, sku or skus}`."""
        entry = self._notes.entry(document, keys, item, AvailabilityEntry)
        if entry is None:
            return
        complaints = self._notes.complaints
        self._notes.check_store(document, (*keys, "store"), entry.store)
        platform = self._notes.platforms.get(StoreId(entry.store))
        if platform not in (None, SWITCHED_PLATFORM):
            text = f"is for stores of {SWITCHED_PLATFORM}; {entry.store} has quantities of its own"
            complaints.add(document, (*keys, "store"), text)
        listing, skus = entry.listing(), entry.behind()
        if listing is None:
            complaints.add(document, (*keys, "product"), "give either product or variant")
        elif not skus:
            complaints.add(document, (*keys, "skus"), "give either sku or skus")
        else:
            called = f"{listing.replace(':', ' ')} of {entry.store}"
            thing = ("listing", entry.store, listing)
            self._notes.take(document, (*keys, "store"), thing, called)
            self.availability[StoreId(entry.store), listing] = skus

    def compare(self) -> None:
        """Check what can be known only when every file is read."""
        for kit, why in impossible_kits(self.bundles).items():
            self._notes.complaints.add(*self._kit_places[kit], why)

    def _begins(self, document: Document, keys: Keys, kit: str) -> bool:
        """Take in a kit without its parts; False when there is one of that name already."""
        if not self._notes.take(document, keys, ("kit", kit), f"a kit called '{kit}'"):
            return False
        self._kit_places[Sku(kit)] = (document, keys)
        self.bundles[Sku(kit)] = {}
        return True

    def _part(self, document: Document, keys: Keys, kit: str, units: Any) -> None:
        part = self._notes.name_of(document, keys)
        try:
            checked = PartEntry(units=units)
        except ValidationError as error:
            complaints = self._notes.complaints
            complaints.add_refusals(document, keys, error, PartEntry, wrapped=True)
            return
        if part is not None:
            self._notes.places["part", kit, part] = document.place(keys)
            self.bundles[Sku(kit)][Sku(part)] = checked.units

    def _table(
        self, document: Document, keys: Keys, name: Any, columns: tuple[str, ...]
    ) -> Document:
        """Read the CSV file that a YAML file names, from beside it; empty when there is none."""
        path = document.path.parent / name if isinstance(name, str) else document.path
        why = self._why_not(name, path)
        if why:
            self._notes.complaints.add(document, keys, why)
        elif self._notes.take(document, keys, ("file", str(path)), f"the file '{name}'"):
            return load_table(path, columns, self._notes.complaints)
        return Document(path=path, data={}, lines={}, table=True)

    def _why_not(self, name: Any, path: Path) -> str:
        """Say why a CSV file cannot be read; nothing when it may be."""
        if name is None or name == "":
            return "has no value; name a CSV file beside this one, or take the line out"
        if not isinstance(name, str):
            return why_not_text(name)
        if not self._is_inside(path):
            return f"'{name}' is outside of the rules folder; put it beside this file"
        return "" if path.is_file() else f"there is no file '{name}' beside this one"

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._folder.resolve())
        except (OSError, ValueError, RuntimeError):
            return False
