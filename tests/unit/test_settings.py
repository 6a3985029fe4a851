"""The configuration file becomes settings, or a list of everything that is wrong with it."""

import ipaddress
import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.merge import FirstContact as DomainFirstContact
from stocksync.domain.merge import Role
from stocksync.environment import read_secret
from stocksync.errors import ConfigurationError
from stocksync.origins import origin_from
from stocksync.settings import (
    FirstContact,
    HttpSettings,
    Settings,
    StoreSettings,
    load_settings,
    starter_configuration,
)
from stocksync.settings_file import duration

CANARY = "hunter2-canary"

DESIGN = """\
database: sqlite:///stocksync.db          # or postgresql://…
rules: rules/
http: {host: 127.0.0.1, port: 8080, token: ${STOCKSYNC_TOKEN}}
stores:
  - {id: shop, platform: recplus, url: https://shop.example, username: u,
     password: ${SHOP_PASSWORD}, role: channel, first_contact: hold, poll: 60s, sweep: 1h, time_zone: Europe/London}
  - {id: trade, platform: b2bwave, url: https://trade.example, app_code: a, token_file: trade}
  - {id: web, platform: freewebstore, url: https://api.freewebstore.com, api_key: ${WEB_KEY}}
  - {id: site, platform: simvoly, url: https://site.example, api_key: ${SITE_KEY}}
  - {id: print, platform: idealfactory, url: https://oms.example, token: ${OMS_TOKEN}}
"""
ENVIRONMENT = {
    "STOCKSYNC_TOKEN": "door",
    "SHOP_PASSWORD": "p",
    "WEB_KEY": "w",
    "SITE_KEY": "s",
    "OMS_TOKEN": "o",
}
WEB = "{id: web, platform: freewebstore, url: https://web.example, api_key: ${KEY}}"


def settings_of(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> Settings:
    path = folder / "stocksync.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return load_settings(path, {"KEY": "k"} if environment is None else environment)


def problems(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        settings_of(folder, text, environment)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def store_of(folder: Path, fields: str) -> StoreSettings:
    """Load a Freewebstore store with more fields."""
    text = f"stores:\n  - {{{WEB[1:-1]}, {fields}}}\n"
    return settings_of(folder, text).stores[0]


def store_problem(folder: Path, line: str, *, without: str = "") -> str:
    """Return the only problem of a Freewebstore store that has this line as its third one."""
    lines = {
        "id": "    id: web",
        "platform": "    platform: freewebstore",
        "url": "    url: https://web.example",
        "api_key": "    api_key: ${KEY}",
    }
    key = line.partition(":")[0]
    kept = [text for name, text in lines.items() if name not in (key, without)]
    [problem] = problems(folder, "\n".join(["stores:", "  -", f"    {line}", *kept]))
    return problem


def secrets_of(store: StoreSettings) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in store.credentials.items()}


def test_the_example_of_the_design_loads_as_it_stands(tmp_path: Path) -> None:
    token = tmp_path / "trade"
    token.write_text("from the file\n")
    token.chmod(0o600)
    loaded = settings_of(tmp_path, DESIGN, ENVIRONMENT)
    assert loaded.database.get_secret_value() == f"sqlite:///{tmp_path}/stocksync.db"
    assert loaded.rules == tmp_path / "rules"
    assert (loaded.http.host, loaded.http.port) == ("127.0.0.1", 8080)
    assert loaded.http.token is not None
    assert loaded.http.token.get_secret_value() == "door"
    assert [(store.id, store.platform, store.url) for store in loaded.stores] == [
        ("shop", "recplus", "https://shop.example"),
        ("trade", "b2bwave", "https://trade.example"),
        ("web", "freewebstore", "https://api.freewebstore.com"),
        ("site", "simvoly", "https://site.example"),
        ("print", "idealfactory", "https://oms.example"),
    ]
    assert [secrets_of(store) for store in loaded.stores] == [
        {"username": "u", "password": "p"},
        {"app_code": "a", "token": "from the file"},
        {"api_key": "w"},
        {"api_key": "s"},
        {"token": "o"},
    ]
    assert loaded.stores[0].time_zone == "Europe/London"
    assert loaded.stores[0].options == {"time_zone": "Europe/London"}
    assert loaded.platforms == {
        "shop": "recplus",
        "trade": "b2bwave",
        "web": "freewebstore",
        "site": "simvoly",
        "print": "idealfactory",
    }


def test_what_is_left_out_has_a_careful_default(tmp_path: Path) -> None:
    loaded = settings_of(tmp_path, f"stores:\n  - {WEB}\n")
    assert loaded.database.get_secret_value() == f"sqlite:///{tmp_path}/stocksync.db"
    assert loaded.rules == tmp_path / "rules"
    assert loaded.http == HttpSettings(host="127.0.0.1", port=8080, token=None)
    assert loaded.warnings == ()
    store = loaded.stores[0]
    assert (store.role, store.first_contact) == (Role.CHANNEL, FirstContact.HOLD)
    assert (store.poll, store.sweep) == (timedelta(minutes=1), timedelta(hours=1))
    assert (store.time_zone, store.rate, store.concurrency) == ("UTC", None, None)
    assert store.options == {}


def test_first_contact_is_the_word_that_the_domain_compares_with() -> None:
    assert FirstContact is DomainFirstContact


def test_every_option_reaches_its_store(tmp_path: Path) -> None:
    text = """
stores:
  - {id: a, platform: recplus, url: https://a.example, username: u, password: p}
  - {id: b, platform: b2bwave, url: https://b.example, app_code: c, token: t,
     location_ids: {main: 1, north end: N2}, role: master, first_contact: adopt}
  - {id: c, platform: freewebstore, url: https://c.example, api_key: k, write_shape: core,
     rate: 2.5, concurrency: 2, poll: 90, sweep: 1d, role: observe, first_contact: push}
  - {id: d, platform: simvoly, url: https://d.example, api_key: k, update_method: PATCH,
     base_path: /api/v2/site, role: mirror, poll: 5m}
"""
    a, b, c, d = settings_of(tmp_path, text).stores
    assert a.options == {"time_zone": "UTC"}
    assert b.options == {"location_ids": "main=1,north end=N2"}
    assert (b.role, b.first_contact) == (Role.MASTER, FirstContact.ADOPT)
    assert c.options == {"write_shape": "core"}
    assert (c.rate, c.concurrency) == (2.5, 2)
    assert (c.poll, c.sweep) == (timedelta(seconds=90), timedelta(days=1))
    assert (c.role, c.first_contact) == (Role.OBSERVE, FirstContact.PUSH)
    assert d.options == {"update_method": "PATCH", "base_path": "/api/v2/site"}
    assert (d.role, d.poll) == (Role.MIRROR, timedelta(minutes=5))


def test_every_mistake_is_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = f"""\
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
    assert problems(tmp_path, text, {}) == [
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
            "stocksync.yaml:24: stores[3].url: end it after the host, such as https://shop.example, "
            "without path or query"
        ),
        (
            "stocksync.yaml:25: stores[3].update_method: must be one of PUT, POST, PATCH; "
            "did you mean 'PUT'?"
        ),
        "stocksync.yaml:26: stores[3].base_path: must look like /api/site",
    ]


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
        ("time_zone: Mars/Olympus", "time_zone: is not a time zone; write it as Europe/London"),
        ("time_zone: ../UTC", "time_zone: is not a time zone; did you mean 'UTC'?"),
        ("rate: 1001", "rate: must be at most 1000.0"),
        ("rate: fast", "rate: must be a number"),
        ("concurrency: 33", "concurrency: must be at most 32"),
        ("concurrency: 0", "concurrency: must be at least 1"),
        ("concurrency: no", "concurrency: must be a whole number"),
        ("api_key_fil: x", "api_key_fil: unknown key; did you mean 'api_key_file'?"),
        ("update_method: PUT", ("update_method: unknown key; known keys: api_key, api_key_file, "
         "concurrency, first_contact, id, platform, poll, rate, role, sweep, time_zone, url, "
         "write_shape")),
        ("password_file: x", ("password_file: unknown key; known keys: api_key, api_key_file, "
         "concurrency, first_contact, id, platform, poll, rate, role, sweep, time_zone, url, "
         "write_shape")),
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


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "why"),
    [
        pytest.param("https://shop.example@evil.test/", "user names", id="U01"),
        pytest.param("https://shop.example\\@evil.test/", "blanks and back-slashes", id="U03"),
        pytest.param(" https://evil.test/", "blanks and back-slashes", id="U04"),
        pytest.param("https://shop.example\t.evil.test/", "blanks", id="U05"),
        pytest.param("//evil.test/x", "must begin with https://", id="U07"),
        pytest.param("https://shop.example./", "dot at the end", id="U11"),
        pytest.param("https://\u24e2hop.example/", "plain ASCII", id="U12"),
        pytest.param("https://sh\u043ep.example/", "plain ASCII", id="U13"),
        pytest.param("https://2852039166/", "a number that is not an address", id="U15"),
        pytest.param("https://[::ffff:169.254.169.254]/", "no store lives", id="U16"),
        pytest.param("file:///etc/passwd", "must begin with https://", id="U17"),
        pytest.param("http://shop", "loopback addresses only", id="C01"),
        pytest.param("https://u:p@shop", "user names", id="C02"),
        ("https://0x7f.1", "a number that is not an address"),
        ("https://0177.0.0.1", "a number that is not an address"),
        ("https://169.254.169.254", "no store lives"),
        ("https://0.0.0.0", "no store lives"),
        ("https://[::1", "must look like"),
        ("https://[:::]", "a number that is not an address"),
        ("https://", "must look like"),
        ("https://shop.example/api", "without path or query"),
        ("https://shop.example//", "without path or query"),
        ("https://shop.example?a=1", "without path or query"),
        ("https://shop.example#a", "without path or query"),
        ("https://shop.example:0", "a port is a number from 1 to 65535"),
        ("https://shop.example:70000", "a port is a number from 1 to 65535"),
        ("https://-shop.example", "must look like"),
        ("https://shop..example", "must look like"),
        (f"https://{'a.' * 130}example", "at most 253 letters"),
        ("http://127.0.0.1.evil.test", "loopback addresses only"),
        ("http://localhost.evil.test", "loopback addresses only"),
        ("http://192.168.1.5", "loopback addresses only"),
    ],
)
def test_an_address_that_can_be_misunderstood_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        origin_from(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("HTTPS://Shop.Example:443", "https://shop.example"),
        ("https://xn--bcher-kva.example:08443", "https://xn--bcher-kva.example:8443"),
        ("https://10.0.0.5", "https://10.0.0.5"),
        ("http://localhost:8001/", "http://localhost:8001"),
        ("http://127.9.9.9:80", "http://127.9.9.9"),
        ("http://[::1]:8001", "http://[::1]:8001"),
        # Right as an address: what makes these two evil is a store that sends us there, and
        # no connector follows what a store sends (bad inputs U08, U09).
        ("https://shop.example.evil.test", "https://shop.example.evil.test"),
        ("https://shop.example:8443", "https://shop.example:8443"),
    ],
)
def test_an_address_is_kept_in_its_plainest_form(url: str, origin: str) -> None:
    assert origin_from(url) == origin


@given(
    st.one_of(
        st.text(max_size=30),
        st.text("htps:/\\@.[]?#%a1x \t-_\u24e2", max_size=30),
        st.builds("{}{}{}".format, st.sampled_from(["https://", "http://"]),
                  st.text("ab1.x-_:[]@%", max_size=20), st.sampled_from(["", "/", ":1", ":99/"])),
    )
)  # fmt: skip
def test_an_accepted_address_means_the_same_to_every_parser(url: str) -> None:
    try:
        origin = origin_from(url)
    except ValueError:
        return
    parts, sent = urlsplit(origin), httpx.URL(origin)
    assert parts.hostname == sent.host
    assert parts.scheme == sent.scheme
    assert not (parts.path)
    assert not (parts.query)
    assert not (parts.fragment)
    assert not (parts.username)
    if parts.scheme == "http" and sent.host != "localhost":
        assert ipaddress.ip_address(sent.host).is_loopback
    assert origin_from(origin) == origin


def test_a_wrong_address_is_refused_with_its_line_and_is_not_repeated(tmp_path: Path) -> None:
    problem = store_problem(tmp_path, f"url: https://user:{CANARY}@shop.example")
    assert problem == (
        "stocksync.yaml:3: stores[0].url: user names and passwords do not belong in it; "
        "use the credential keys"
    )


# --- stores side by side -----------------------------------------------------------------------


def test_two_stores_cannot_have_one_name(tmp_path: Path) -> None:
    other = WEB.replace("web.example", "other.example")
    assert problems(tmp_path, f"stores:\n  - {WEB}\n  - {other}\n") == [
        "stocksync.yaml:3: stores[1].id: 'web' is taken by line 2"
    ]


@pytest.mark.parametrize("url", ["https://web.example", "https://WEB.example:443/"])
def test_one_account_cannot_be_two_stores(tmp_path: Path, url: str) -> None:
    other = WEB.replace("id: web", "id: two").replace("https://web.example", url)
    found = problems(tmp_path, f"stores:\n  - {WEB}\n  - {other}\n", {"KEY": CANARY})
    assert found == [
        (
            "stocksync.yaml:3: stores[1].url: the store at line 2 has the same address and "
            "credentials; keep one"
        )
    ]


def test_two_accounts_at_one_address_are_two_stores(tmp_path: Path) -> None:
    other = WEB.replace("id: web", "id: two").replace("KEY", "KEY_TWO")
    text = f"stores:\n  - {WEB}\n  - {other}\n"
    loaded = settings_of(tmp_path, text, {"KEY": "a", "KEY_TWO": "b"})
    assert [secrets_of(store) for store in loaded.stores] == [{"api_key": "a"}, {"api_key": "b"}]


def test_what_is_seldom_meant_is_a_warning(tmp_path: Path) -> None:
    first = WEB.replace("}}", "}, role: master, first_contact: adopt}")
    second = first.replace("id: web", "id: two").replace("web.example", "two.example")
    assert settings_of(tmp_path, f"stores:\n  - {first}\n").warnings == ()
    path = tmp_path / "stocksync.yaml"
    assert settings_of(tmp_path, f"stores:\n  - {first}\n  - {second}\n").warnings == (
        f"{path}: more than one store has first_contact adopt: web, two",
        f"{path}: more than one store is master: web, two; one alone can be the truth",
    )


# --- http --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "'::'", "stocksync.example"])  # noqa: S104
def test_others_reach_the_pages_with_a_token_only(tmp_path: Path, host: str) -> None:
    stores = f"stores:\n  - {WEB}\n"
    assert problems(tmp_path, f"http:\n  host: {host}\n{stores}") == [
        (
            "stocksync.yaml:2: http.host: others can reach this address; set http.token, "
            "or use 127.0.0.1"
        )
    ]
    loaded = settings_of(tmp_path, f"http:\n  host: {host}\n  token: ${{KEY}}\n{stores}")
    assert loaded.http.host == host.strip("'")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "'::1'", "localhost"])
def test_this_machine_needs_no_token(tmp_path: Path, host: str) -> None:
    loaded = settings_of(tmp_path, f"http: {{host: {host}}}\nstores:\n  - {WEB}\n")
    assert loaded.http.token is None


def test_a_port_may_come_from_the_environment(tmp_path: Path) -> None:
    text = f"http: {{port: ${{PORT}}}}\nstores:\n  - {WEB}\n"
    assert settings_of(tmp_path, text, {"PORT": "9000", "KEY": "k"}).http.port == 9000


# --- the database ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "database",
    [
        "sqlite:////var/lib/stocksync.db",
        "sqlite:///:memory:",
        "sqlite://",
        "postgresql://u:p@db.example/stock",
        "postgresql+psycopg://u:p@db.example/stock",
    ],
)
def test_a_database_elsewhere_is_taken_as_it_stands(tmp_path: Path, database: str) -> None:
    loaded = settings_of(tmp_path, f"database: '{database}'\nstores:\n  - {WEB}\n")
    assert loaded.database.get_secret_value() == database


def test_files_are_found_from_the_folder_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    text = f"database: sqlite:///data/stock.db\nrules: ../rules\nstores:\n  - {WEB}\n"
    (tmp_path / "etc" / "stocksync.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    loaded = load_settings(Path("etc/stocksync.yaml"), {"KEY": "k"})
    assert loaded.database.get_secret_value() == f"sqlite:///{tmp_path}/etc/data/stock.db"
    assert loaded.rules == Path("etc/../rules")


def test_the_database_may_come_from_a_secret_file(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://u:p@db/stock\n")
    secret.chmod(0o600)
    loaded = settings_of(tmp_path, f"database_file: dsn\nstores:\n  - {WEB}\n")
    assert loaded.database.get_secret_value() == "postgresql://u:p@db/stock"


# --- variables ---------------------------------------------------------------------------------


def key_from(folder: Path, written: str, environment: Mapping[str, str]) -> str:
    text = f"stores:\n  - {WEB.replace('${KEY}', written)}\n"
    return secrets_of(settings_of(folder, text, environment).stores[0])["api_key"]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("${A}", "one"),
        ("'${A}'", "one"),
        ("pre-${A}-${B_2}", "pre-one-two: #2"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A", "$A"),
        ("a$b", "a$b"),
    ],
)
def test_variables_are_filled_in(tmp_path: Path, written: str, key: str) -> None:
    assert key_from(tmp_path, written, {"A": "one", "B_2": "two: #2"}) == key


@given(secret=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip))
def test_what_a_variable_holds_is_text_and_never_yaml(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    assert key_from(tmp_path_factory.getbasetemp(), "${A}", {"A": secret}) == secret


@pytest.mark.parametrize("written", ["'${not a name}'", "'${}'", "'${A'", "'${1A}'", "'${A:-b}'"])
def test_an_odd_variable_is_refused(tmp_path: Path, written: str) -> None:
    text = f"stores:\n  - {WEB.replace('${KEY}', written)}\n"
    assert problems(tmp_path, text, {"A": "one"}) == [
        "stocksync.yaml:2: stores[0].api_key: write ${NAME} for a variable, or $${ for a plain ${"
    ]


def test_every_missing_variable_is_named(tmp_path: Path) -> None:
    text = (
        "http: {token: ${ONE}}\n"
        "stores:\n"
        "  - {id: b, platform: b2bwave, url: '${TWO}', app_code: a,\n"
        "     token: ${THREE}, location_ids: {main: '${FOUR}'}}\n"
    )
    assert problems(tmp_path, text, {}) == [
        "stocksync.yaml:1: http.token: the environment variable ONE is not set; set it",
        "stocksync.yaml:3: stores[0].url: the environment variable TWO is not set; set it",
        (
            "stocksync.yaml:4: stores[0].location_ids.main: the environment variable FOUR is not "
            "set; set it"
        ),
        "stocksync.yaml:4: stores[0].token: the environment variable THREE is not set; set it",
    ]


def test_an_empty_variable_is_no_secret(tmp_path: Path) -> None:
    assert problems(tmp_path, f"stores:\n  - {WEB}\n", {"KEY": ""}) == [
        "stocksync.yaml:2: stores[0].api_key: is empty"
    ]


# --- secret files ------------------------------------------------------------------------------

WEB_FILE = "{id: web, platform: freewebstore, url: https://web.example, api_key_file: key}"


def secret_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b" s3cret ", " s3cret "),
        (b"${KEY}", "${KEY}"),
        ("gehe\u00efm\n".encode(), "gehe\u00efm"),
    ],
)
def test_a_secret_is_read_from_its_file_less_one_line_end(
    tmp_path: Path, content: bytes, secret: str
) -> None:
    secret_file(tmp_path, content)
    store = settings_of(tmp_path, f"stores:\n  - {WEB_FILE}\n").stores[0]
    assert secrets_of(store) == {"api_key": secret}


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        pytest.param(CANARY.encode(), 0o644, "can be read by others; run: chmod 600 ", id="C04"),
        (CANARY.encode(), 0o640, "can be read by others; run: chmod 600 "),
        (CANARY.encode(), 0o602, "can be read by others; run: chmod 600 "),
        (b"\n", 0o600, "is empty"),
        (b"\xff" + CANARY.encode(), 0o600, "is not UTF-8 text"),
        (CANARY.encode() * 10_000, 0o600, "is too large for a secret"),
    ],
)
def test_a_secret_file_that_cannot_be_trusted_is_refused(
    tmp_path: Path, content: bytes, mode: int, why: str
) -> None:
    secret_file(tmp_path, content, mode)
    [problem] = problems(tmp_path, f"stores:\n  - {WEB_FILE}\n")
    assert problem.startswith(f"stocksync.yaml:2: stores[0].api_key_file: key {why}")
    assert CANARY not in problem


def test_a_secret_of_several_lines_is_refused(tmp_path: Path) -> None:
    secret_file(tmp_path, b"one\ntwo\n")
    assert problems(tmp_path, f"stores:\n  - {WEB_FILE}\n") == [
        (
            "stocksync.yaml:2: stores[0].api_key: holds a line break or another control character; "
            "take it out"
        )
    ]


def test_a_missing_secret_file_is_one_mistake_and_not_two(tmp_path: Path) -> None:
    assert problems(tmp_path, f"stores:\n  - {WEB_FILE}\n") == [
        (
            "stocksync.yaml:2: stores[0].api_key_file: there is no such file; paths start at this "
            "folder, or with /"
        )
    ]


def test_a_folder_is_no_secret_file(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    assert problems(tmp_path, f"stores:\n  - {WEB_FILE}\n") == [
        "stocksync.yaml:2: stores[0].api_key_file: key cannot be read: Is a directory"
    ]


def test_the_path_of_a_secret_file_may_hold_a_variable(tmp_path: Path) -> None:
    secret_file(tmp_path, b"s3cret")
    text = f"stores:\n  - {WEB_FILE.replace(': key', ': ${WHERE}/key')}\n"
    store = settings_of(tmp_path, text, {"WHERE": str(tmp_path)}).stores[0]
    assert secrets_of(store) == {"api_key": "s3cret"}
    assert problems(tmp_path, text, {}) == [
        (
            "stocksync.yaml:2: stores[0].api_key_file: the environment variable WHERE is not set; "
            "set it"
        )
    ]


@pytest.mark.parametrize("path", ["7", "''", "[a]"])
def test_the_path_of_a_secret_file_is_text(tmp_path: Path, path: str) -> None:
    text = f"stores:\n  - {WEB_FILE.replace(': key', f': {path}')}\n"
    assert problems(tmp_path, text) == [
        "stocksync.yaml:2: stores[0].api_key_file: must be the path of a file, as text"
    ]


def test_a_secret_and_its_file_cannot_both_be_given(tmp_path: Path) -> None:
    secret_file(tmp_path, b"s3cret")
    text = f"http:\n  token: a\n  token_file: key\nstores:\n  - {WEB_FILE[:-1]}, api_key: b}}\n"
    assert problems(tmp_path, text) == [
        "stocksync.yaml:3: http.token_file: give either token or token_file, not both",
        "stocksync.yaml:5: stores[0].api_key_file: give either api_key or api_key_file, not both",
    ]


def test_a_mounted_secret_may_be_open_to_others(tmp_path: Path) -> None:
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    inside = secret_file(mounted, b"s3cret", 0o444)
    assert read_secret(inside, mounted=mounted) == "s3cret"
    with pytest.raises(ValueError, match="can be read by others"):
        read_secret(inside, mounted=tmp_path / "elsewhere")


def test_a_link_among_the_mounted_secrets_does_not_make_its_target_one(tmp_path: Path) -> None:
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    (mounted / "link").symlink_to(secret_file(tmp_path, b"s3cret", 0o644))
    with pytest.raises(ValueError, match="can be read by others"):
        read_secret(mounted / "link", mounted=mounted)


@pytest.mark.parametrize(
    "secret",
    [
        "stores:\n  - {id: web, platform: freewebstore, url: https://web.example, api_key: x}",
        f"http: {{token: x}}\nstores:\n  - {WEB}",
        f"database: postgresql://u:x@db/stock\nstores:\n  - {WEB}",
    ],
)
def test_a_secret_in_an_open_configuration_is_a_warning(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "stocksync.yaml"
    assert settings_of(tmp_path, secret).warnings == ()
    path.chmod(0o644)
    assert load_settings(path, {"KEY": "k"}).warnings == (
        (
            f"{path}: holds a secret in plain text and can be read by others; chmod 600, "
            "or use ${NAME}"
        ),
    )


def test_an_open_configuration_without_secrets_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "stocksync.yaml"
    path.write_text(f"database: postgresql://u:${{KEY}}@db/stock\nstores:\n  - {WEB}\n")
    path.chmod(0o644)
    assert load_settings(path, {"KEY": "k"}).warnings == ()


# --- secrets stay secret -----------------------------------------------------------------------


def test_settings_show_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = DESIGN.replace("sqlite:///stocksync.db", f"postgresql://u:{CANARY}@db/stock")
    text = text.replace("token_file: trade", f"token: {CANARY}-b")
    environment = {name: f"{CANARY}-{name}" for name in ENVIRONMENT}
    loaded = settings_of(tmp_path, text, environment)
    logging.getLogger("test").warning("%s %r", loaded, loaded)
    shown = [repr(loaded), str(loaded), f"{loaded.stores}", repr(loaded.http), caplog.text]
    assert caplog.text
    assert not [text for text in shown if CANARY in text]
    assert loaded.database.get_secret_value().count(CANARY) == 1


@pytest.mark.parametrize(
    "key",
    [
        "id",
        "platform",
        "url",
        "role",
        "first_contact",
        "poll",
        "sweep",
        "time_zone",
        "rate",
        "concurrency",
        "api_key",
        "write_shape",
        "passwrd",
        "username",
        "api_key_file",
    ],
)
@pytest.mark.parametrize("form", [CANARY, f"[{CANARY}]", f"{{a: {CANARY}}}", "${SECRET}", "${"])
def test_no_refusal_shows_what_may_be_a_secret(tmp_path: Path, key: str, form: str) -> None:
    lines = {"id": "web", "platform": "freewebstore", "url": "https://web.example"}
    lines |= {"api_key": "1", "role": "no such role", key: form}
    entry = "\n".join(f"    {name}: {value}" for name, value in lines.items())
    path = tmp_path / "stocksync.yaml"
    path.write_text(f"stores:\n  -\n{entry}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, {"SECRET": CANARY})
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# --- durations and the starter ------------------------------------------------------------------


@given(count=st.integers(1, 8_000), unit=st.sampled_from("smh"))
def test_a_duration_is_its_number_of_units(count: int, unit: str) -> None:
    words = {"s": "seconds", "m": "minutes", "h": "hours"}
    assert duration(f"{count}{unit}") == timedelta(**{words[unit]: count})


def test_whole_seconds_and_days_are_durations_too() -> None:
    assert duration(90) == timedelta(seconds=90)
    assert duration("90") == timedelta(seconds=90)
    assert duration("2d") == timedelta(days=2)


def test_the_starter_configuration_has_one_store_of_each_platform(tmp_path: Path) -> None:
    names = ["SHOP_USERNAME", "SHOP_PASSWORD", "TRADE_APP_CODE", "TRADE_TOKEN", "WEB_KEY"]
    names += ["SITE_KEY", "OMS_TOKEN"]
    loaded = settings_of(tmp_path, starter_configuration(), dict.fromkeys(names, "x"))
    assert loaded.platforms == {
        "shop": "recplus",
        "trade": "b2bwave",
        "web": "freewebstore",
        "site": "simvoly",
        "print": "idealfactory",
    }
    assert loaded.warnings == ()
    assert {store.first_contact for store in loaded.stores} == {FirstContact.HOLD}
    assert loaded.http.token is None
    assert ZoneInfo(loaded.stores[0].time_zone).key == "Europe/London"


def test_the_starter_configuration_names_every_variable_that_it_needs(tmp_path: Path) -> None:
    found = problems(tmp_path, starter_configuration(), {})
    assert len(found) == 7
    assert all("is not set; set it" in problem for problem in found)
