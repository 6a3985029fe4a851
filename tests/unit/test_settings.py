"""The configuration file becomes settings, with careful defaults."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.merge import FirstContact as DomainFirstContact
from stocksync.domain.merge import Role
from stocksync.files.settings_file import duration
from stocksync.settings import (
    FirstContact,
    HttpSettings,
    load_settings,
    starter_configuration,
)
from tests.unit.settings_kit import (
    CANARY,
    DESIGN,
    ENVIRONMENT,
    WEB,
    problems,
    secrets_of,
    settings_of,
)


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
     rate: 2.5, concurrency: 2, time_zone: UTC,
     poll: 90, sweep: 1d, role: observe, first_contact: push}
  - {id: d, platform: simvoly, url: https://d.example, api_key: k, update_method: PATCH,
     base_path: /api/v2/site, role: mirror, poll: 5m}
"""
    a, b, c, d = settings_of(tmp_path, text).stores
    assert a.options == {"time_zone": "UTC"}
    assert b.options == {"location_ids": "main=1,north end=N2", "time_zone": "UTC"}
    assert (b.role, b.first_contact) == (Role.MASTER, FirstContact.ADOPT)
    assert c.options == {"write_shape": "core"}
    assert (c.rate, c.concurrency) == (2.5, 2)
    assert (c.poll, c.sweep) == (timedelta(seconds=90), timedelta(days=1))
    assert (c.role, c.first_contact) == (Role.OBSERVE, FirstContact.PUSH)
    assert d.options == {"update_method": "PATCH", "base_path": "/api/v2/site"}
    assert (d.role, d.poll) == (Role.MIRROR, timedelta(minutes=5))


def test_orders_are_read_where_the_documents_of_a_platform_know_them(tmp_path: Path) -> None:
    token = tmp_path / "trade"
    token.write_text("t\n")
    token.chmod(0o600)
    loaded = settings_of(tmp_path, DESIGN, ENVIRONMENT)
    assert {store.platform: store.orders for store in loaded.stores} == {
        "recplus": True,
        "b2bwave": False,
        "freewebstore": True,
        "simvoly": True,
        "idealfactory": False,
    }


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("yes", True), ("true", True), ("no", False), ("off", False), ("${ORDERS}", True)],
)
def test_orders_can_be_switched_for_each_store(tmp_path: Path, given: str, wanted: bool) -> None:
    text = (
        "stores:\n  - {id: b, platform: b2bwave, url: https://b.example, app_code: c, token: t,\n"
        f"     orders: {given}}}\n"
        "  - {id: c, platform: freewebstore, url: https://c.example, api_key: k,\n"
        f"     orders: {given}}}\n"
    )
    stores = settings_of(tmp_path, text, {"ORDERS": "yes"}).stores
    assert [store.orders for store in stores] == [wanted, wanted]


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
