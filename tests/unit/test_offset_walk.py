"""Lists read by offset: complete, or an error; never cut off in silence."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from stocksync.connectors.offset_walk import OffsetWalk
from stocksync.errors import UnexpectedResponse

PAGE = 10


@dataclass
class Shelf:
    """A list served in pages; `change` moves it after each page."""

    ids: list[str]
    tells_total: bool
    page_max: int = PAGE
    start_counts: int = 1
    change: Callable[[int, list[str]], object] = lambda _page, _ids: None
    pages: int = 0
    seen: list[str] = field(default_factory=list)

    def walk(self) -> list[str]:
        walk = OffsetWalk()
        while not walk.ended:
            assert self.pages < 100, "the walk does not end"
            first = walk.start * self.start_counts
            page = self.ids[first : first + self.page_max]
            total = len(self.ids) if self.tells_total else None
            self.pages += 1
            fresh = walk.take(page, total)
            self.seen += [each for each in page if each in fresh]
            self.change(self.pages, self.ids)
        return self.seen


def names(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


@pytest.mark.parametrize("tells_total", [False, True])
@pytest.mark.parametrize("page_max", [1, 2, 3, 10])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 9, 10, 11, 19, 20, 21, 30, 35])
def test_every_row_is_seen_once_in_its_order(
    count: int, page_max: int, *, tells_total: bool
) -> None:
    shelf = Shelf(names(count), tells_total=tells_total, page_max=page_max)
    assert shelf.walk() == names(count)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (10, 1), (11, 2), (30, 3), (31, 4)])
def test_with_a_total_each_page_is_asked_for_once(count: int, pages: int) -> None:
    shelf = Shelf(names(count), tells_total=True)
    shelf.walk()
    assert shelf.pages == pages


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 2), (10, 2), (11, 2), (25, 3), (30, 4)])
def test_without_a_total_the_proof_costs_at_most_one_page(count: int, pages: int) -> None:
    shelf = Shelf(names(count), tells_total=False)
    shelf.walk()
    assert shelf.pages == pages


@pytest.mark.parametrize("page_max", [3, 10])
def test_an_offset_that_counts_pages_is_noticed(page_max: int) -> None:
    shelf = Shelf(names(10), tells_total=False, page_max=page_max, start_counts=page_max)
    with pytest.raises(UnexpectedResponse, match="count rows"):
        shelf.walk()


@pytest.mark.parametrize("tells_total", [False, True])
def test_an_offset_that_is_ignored_is_noticed(*, tells_total: bool) -> None:
    shelf = Shelf(names(30), tells_total=tells_total, start_counts=0)
    with pytest.raises(UnexpectedResponse):
        shelf.walk()
    assert shelf.pages <= 4


@pytest.mark.parametrize("tells_total", [False, True])
@pytest.mark.parametrize("gone", [0, 5, 9, 10, 24])
def test_a_row_removed_after_the_first_page_hides_no_neighbour(
    gone: int, *, tells_total: bool
) -> None:
    shelf = Shelf(names(25), tells_total=tells_total)
    shelf.change = lambda page, ids: ids.pop(gone) if page == 1 else None
    assert set(names(25)) - {f"p{gone}"} <= set(shelf.walk())


@pytest.mark.parametrize("page", [1, 2])
def test_with_a_total_many_rows_may_go_at_any_time(page: int) -> None:
    shelf = Shelf(names(45), tells_total=True)
    shelf.change = lambda at, ids: ids.__delitem__(slice(0, 15)) if at == page else None
    assert set(names(45)[15:]) <= set(shelf.walk())


@pytest.mark.parametrize("tells_total", [False, True])
@pytest.mark.parametrize("page", [1, 2])
def test_a_row_added_at_the_end_is_seen_once(page: int, *, tells_total: bool) -> None:
    shelf = Shelf(names(25), tells_total=tells_total)
    shelf.change = lambda at, ids: ids.append("new") if at == page else None
    assert shelf.walk() == [*names(25), "new"]


@pytest.mark.parametrize("page", [1, 2])
def test_with_a_total_a_row_added_in_front_is_found_by_looking_again(page: int) -> None:
    shelf = Shelf(names(25), tells_total=True)
    shelf.change = lambda at, ids: ids.insert(0, "new") if at == page else None
    assert shelf.walk() == [*names(25), "new"]


def test_a_total_that_is_never_reached_is_not_complete() -> None:
    walk = OffsetWalk()
    walk.take(names(10), 12)
    with pytest.raises(UnexpectedResponse, match="10 of 12"):
        walk.take([], 12)


def test_one_row_shown_twice_does_not_stand_for_the_one_missing() -> None:
    walk = OffsetWalk()
    walk.take(["a", "b"], 4)
    with pytest.raises(UnexpectedResponse, match="3 of 4"):
        walk.take(["b", "c"], 4)


def test_a_total_that_vanishes_on_the_way_is_an_error() -> None:
    walk = OffsetWalk()
    walk.take(names(10), 30)
    with pytest.raises(UnexpectedResponse, match="how long"):
        walk.take(["x"], None)


def test_a_list_that_is_empty_all_at_once_is_an_error() -> None:
    walk = OffsetWalk()
    walk.take(["1", "2"], 3)
    with pytest.raises(UnexpectedResponse, match="held 2 products, and now none"):
        walk.take([], 0)


def test_a_list_that_never_stops_moving_is_given_up() -> None:
    shelf = Shelf(names(25), tells_total=False)
    shelf.change = lambda _page, ids: ids.pop(0)
    with pytest.raises(UnexpectedResponse, match="keeps moving"):
        shelf.walk()


@pytest.mark.parametrize("total", [None, 500])
def test_a_page_that_comes_twice_aborts_the_walk_at_once(total: int | None) -> None:
    walk = OffsetWalk()
    walk.take(names(10), total)
    walk.take(names(20)[walk.start : walk.start + 10], total)
    with pytest.raises(UnexpectedResponse, match="repeats"):
        walk.take(names(10), total)
