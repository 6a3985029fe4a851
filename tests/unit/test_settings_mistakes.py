"""Everything that is wrong in a configuration file is told at once, with line and fix."""

from pathlib import Path

import pytest

from stocksync.errors import ConfigurationError
from stocksync.settings import (
    load_settings,
)
from tests.unit.settings_kit import CANARY, WEB, problems, store_problem

MANY_MISTAKES = f"""\
database: mysql://u:{CANARY}@x
rulez: rules/
http: {{host: 0.0.0.0, port: 99999}}
stores:
  - id: no
    platform: recplu
    url: http://shop
    poll: 1:30
  - id: trade
    platform: b2bwave
    polll: 60s
    url: https://u:{CANARY}@shop
    app_code: 01234
    token: ${{NOPE}}
    role: chanel
    time_zone: Europe/london
    sweep:
    rate: 0
    concurrency: 1.5
    location_ids: [1]
  - trade
  - id: trade
    platform: simvoly
    url: https://x.example/api
    update_method: put
    base_path: ../x
"""
THE_MISTAKES = [
    "stocksync.yaml:1: database: must begin with sqlite:/// or postgresql://",
    "stocksync.yaml:2: rulez: unknown key; did you mean 'rules'?",
    (
        "stocksync.yaml:3: http.host: others can reach this address; set http.token, "
        "or use 127.0.0.1"
    ),
    "stocksync.yaml:3: http.port: must be at most 65535",
    (
        "stocksync.yaml:5: stores[0].id: must be text, and YAML reads yes, no, on, off as true "
        "or false; put it in quotes"
    ),
    "stocksync.yaml:6: stores[0].platform: is not a platform; did you mean 'recplus'?",
    "stocksync.yaml:7: stores[0].url: http:// is for loopback addresses only; use https://",
    "stocksync.yaml:8: stores[0].poll: must be a time such as 60s, 5m, 1h or 1d",
    "stocksync.yaml:11: stores[1].polll: unknown key; did you mean 'poll'?",
    (
        "stocksync.yaml:12: stores[1].url: user names and passwords do not belong in it; "
        "use the credential keys"
    ),
    "stocksync.yaml:13: stores[1].app_code: must be text; put it in quotes",
    "stocksync.yaml:14: stores[1].token: the environment variable NOPE is not set; set it",
    (
        "stocksync.yaml:15: stores[1].role: must be one of channel, master, mirror, observe; "
        "did you mean 'channel'?"
    ),
    "stocksync.yaml:16: stores[1].time_zone: is not a time zone; did you mean 'Europe/London'?",
    "stocksync.yaml:17: stores[1].sweep: has no value; give it one or take the line out",
    "stocksync.yaml:18: stores[1].rate: must be more than 0.0",
    "stocksync.yaml:19: stores[1].concurrency: must be a whole number",
    (
        "stocksync.yaml:20: stores[1].location_ids: must hold the warehouse of each location, "
        "without , or =: {main: 1}"
    ),
    "stocksync.yaml:21: stores[2]: must hold keys with values",
    "stocksync.yaml:22: stores[3].api_key: is missing; give it, or api_key_file",
    "stocksync.yaml:22: stores[3].id: 'trade' is taken by line 9",
    (
        "stocksync.yaml:24: stores[3].url: end it after the host, such as "
        "https://shop.example, without path or query"
    ),
    (
        "stocksync.yaml:25: stores[3].update_method: must be one of PUT, POST, PATCH; "
        "did you mean 'PUT'?"
    ),
    "stocksync.yaml:26: stores[3].base_path: must look like /api/site",
]


def test_every_mistake_is_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    assert problems(tmp_path, MANY_MISTAKES, {}) == THE_MISTAKES


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("id: Web", "id: must be 1 to 32 of a-z, 0-9, - and _, and not begin with - or _"),
        ("id: -web", "id: must be 1 to 32 of a-z, 0-9, - and _, and not begin with - or _"),
        (f"id: {'a' * 33}", "id: must be 1 to 32 of a-z, 0-9, - and _, and not begin with - or _"),
        ("id: 7", 'id: must be text; put it in quotes: "7"'),
        ("id: 007", ("id: YAML does not read 007 as it stands; put text in quotes: "
         '"007", or write a plain number')),
        ("platform: shopify", ("platform: is not a platform; known: b2bwave, freewebstore, "
         "idealfactory, recplus, simvoly")),
        ("api_key: 12345", "api_key: must be text; put it in quotes"),
        ("api_key: 00123", "api_key: must be text; put it in quotes"),
        ("api_key: [a]", "api_key: must be text"),
        ("api_key: '  '", "api_key: is empty"),
        ('api_key: "a\\nb"', ("api_key: holds a line break or another control character; "
         "take it out")),
        ("write_shape: nested", "write_shape: must be one of flat, core"),
        ("write_shape: [flat]", "write_shape: must be one of flat, core"),
        ("first_contact: adop", ("first_contact: must be one of hold, push, adopt; "
         "did you mean 'adopt'?")),
        ("poll: 0s", "poll: must be longer than no time and at most 366d"),
        ("poll: 999d", "poll: must be longer than no time and at most 366d"),
        ("poll: -5", "poll: must be a time such as 60s, 5m, 1h or 1d"),
        ("poll: 1.5h", "poll: must be a time such as 60s, 5m, 1h or 1d"),
        ("poll: 1w", "poll: must be a time such as 60s, 5m, 1h or 1d"),
        ("poll: yes", "poll: must be a time such as 60s, 5m, 1h or 1d"),
        ("sweep: ten minutes", "sweep: must be a time such as 60s, 5m, 1h or 1d"),
        ("orders: maybe", "orders: must be yes or no"),
        ("orders: 1", "orders: must be yes or no"),
        ("orders: [yes]", "orders: must be yes or no"),
        ("orders: 'Yes'", "orders: must be yes or no"),
        ("order: yes", "order: unknown key; did you mean 'orders'?"),
        ("time_zone: Mars/Olympus", "time_zone: is not a time zone; write it as Europe/London"),
        ("time_zone: ../UTC", "time_zone: is not a time zone; did you mean 'UTC'?"),
        ("rate: 1001", "rate: must be at most 1000.0"),
        ("rate: fast", "rate: must be a number"),
        ("concurrency: 33", "concurrency: must be at most 32"),
        ("concurrency: 0", "concurrency: must be at least 1"),
        ("concurrency: no", "concurrency: must be a whole number"),
        ("api_key_fil: x", "api_key_fil: unknown key; did you mean 'api_key_file'?"),
        ("update_method: PUT", ("update_method: unknown key; known keys: api_key, api_key_file, "
         "concurrency, first_contact, id, orders, platform, poll, rate, role, sweep, time_zone, "
         "url, write_shape")),
        ("password_file: x", ("password_file: unknown key; known keys: api_key, api_key_file, "
         "concurrency, first_contact, id, orders, platform, poll, rate, role, sweep, time_zone, "
         "url, write_shape")),
    ],
)  # fmt: skip
def test_a_mistake_in_a_store_has_its_line_and_fix(tmp_path: Path, line: str, refusal: str) -> None:
    assert store_problem(tmp_path, line) == f"stocksync.yaml:3: stores[0].{refusal}"


@pytest.mark.parametrize("key", ["id", "platform", "url", "api_key"])
def test_what_is_missing_is_named(tmp_path: Path, key: str) -> None:
    expected = {
        "platform": "is missing; known: b2bwave, freewebstore, idealfactory, recplus, simvoly",
        "api_key": "is missing; give it, or api_key_file",
    }.get(key, "is missing; give it")
    problem = store_problem(tmp_path, "poll: 60s", without=key)
    assert problem == f"stocksync.yaml:3: stores[0].{key}: {expected}"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("http: 8080", "1: http: must hold keys with values"),
        ("http: {prt: 1}", "1: http.prt: unknown key; did you mean 'port'?"),
        ("http: {port: -1}", "1: http.port: must be at least 0"),
        ("http: {port: 8o8o}", "1: http.port: must be a whole number"),
        (
            "http: {host: 'a b', token: t}",
            "1: http.host: must be an address or a host name, such as 127.0.0.1",
        ),
        ("rules: ''", "1: rules: is empty"),
        ("rules: [a]", "1: rules: must be text"),
        ("database: postgres://x/y", "1: database: must begin with postgresql:// in full"),
        (
            "database: sqlite://stocksync.db",
            "1: database: needs three slashes before a file: sqlite:///stocksync.db",
        ),
    ],
)
def test_a_mistake_at_the_top_has_its_line_and_fix(tmp_path: Path, text: str, refusal: str) -> None:
    assert problems(tmp_path, f"{text}\nstores:\n  - {WEB}\n") == [f"stocksync.yaml:{refusal}"]


@pytest.mark.parametrize(
    ("stores", "refusal"),
    [
        ("http: {}", "1: stores: is missing; give it"),
        ("stores: []", "1: stores: must name at least one"),
        ("stores:", "1: stores: has no value; give it one or take the line out"),
        ("stores: {web: 1}", "1: stores: must be a list, such as [a, b]"),
    ],
)
def test_at_least_one_store_is_needed(tmp_path: Path, stores: str, refusal: str) -> None:
    assert problems(tmp_path, f"{stores}\nrules: r\n") == [f"stocksync.yaml:{refusal}"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        load_settings(tmp_path / "stocksync.yaml", {})


@pytest.mark.parametrize(
    "given", ["{}", "main", "{main: ''}", "{main: yes}", "{main: 'a,b'}", "{a=b: 1}", "{1: 2}"]
)
def test_the_locations_of_a_store_need_plain_names(tmp_path: Path, given: str) -> None:
    text = (
        "stores:\n  - {id: b, platform: b2bwave, url: https://b.example, app_code: a, token: t,\n"
        f"     location_ids: {given}}}\n"
    )
    assert problems(tmp_path, text) == [
        (
            "stocksync.yaml:3: stores[0].location_ids: must hold the warehouse of each location, "
            "without , or =: {main: 1}"
        )
    ]


@pytest.mark.parametrize("given", ["yes", "no"])
def test_a_platform_without_orders_says_so(tmp_path: Path, given: str) -> None:
    text = (
        "stores:\n  - {id: p, platform: idealfactory, url: https://p.example, token: t,\n"
        f"     orders: {given}}}\n"
    )
    assert problems(tmp_path, text) == [
        "stocksync.yaml:3: stores[0].orders: this platform tells of no orders; take the line out"
    ]
