"""`init`, `migrate`, `check`, `sandbox`, `ledger verify`: from nothing to a sound installation."""

import json
import signal
import sqlite3
import stat
from pathlib import Path

import httpx

from stocksync.sandbox.faults import Fault
from tests.integration.cli_kit import Merchant, call, keys, merchant, start, table_under, widest

ROOT = Path(__file__).parents[2]
SECRETS = {
    "SHOP_USERNAME": "u", "SHOP_PASSWORD": "p", "TRADE_APP_CODE": "a", "TRADE_TOKEN": "t",
    "WEB_KEY": "w", "SITE_KEY": "s", "OMS_TOKEN": "o",
}  # fmt: skip


def test_init_writes_a_configuration_only_its_owner_can_read_and_the_rules(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "place"

    document = json.loads(call("init", str(folder), "--json").stdout)

    config = folder / "stocksync.yaml"
    rules = sorted(at.name for at in (ROOT / "rules").glob("*.yaml"))
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert sorted(at.name for at in (folder / "rules").iterdir()) == rules
    assert document["written"] == [str(config), *(str(folder / "rules" / at) for at in rules)]
    assert (document["existing"], document["database"]) == ([], "waiting")
    assert any("SHOP_PASSWORD is not set" in problem for problem in document["problems"])
    assert f"stocksync --config {config} migrate" in document["next"]
    assert not (folder / "stocksync.db").exists()


def test_init_makes_the_database_when_the_configuration_is_complete(tmp_path: Path) -> None:
    result = call("init", str(tmp_path), **SECRETS)

    assert result.exit_code == 0
    assert "the database is ready" in result.stdout
    words = ("--config", str(tmp_path / "stocksync.yaml"), "check", "--offline", "--json")
    checked = call(*words, **SECRETS)
    assert (checked.exit_code, json.loads(checked.stdout)["database"]["ready"]) == (0, True)


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    mine = {"stocksync.yaml": "mine", "rules/mine.yaml": "[]"}
    for name, text in mine.items():
        (tmp_path / name).write_text(text)

    document = json.loads(call("init", str(tmp_path), "--json").stdout)

    assert document["written"] == []
    assert document["existing"] == [str(tmp_path / name) for name in mine]
    assert {name: (tmp_path / name).read_text() for name in mine} == mine
    assert [at.name for at in (tmp_path / "rules").iterdir()] == ["mine.yaml"]


def test_init_says_when_a_file_is_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call("init", str(tmp_path / "file"))
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "no folder" in result.stderr


def test_migrating_twice_changes_nothing_the_second_time(two_stores: Merchant) -> None:
    (two_stores.folder / "stocksync.db").unlink()
    for command in ("sync", "stock list", "ledger verify", "plan"):
        result = two_stores.run(*command.split(), expect=2)
        assert "run `stocksync migrate`" in result.stderr
    assert not (two_stores.folder / "stocksync.db").exists()

    answers = [two_stores.answer("migrate")["migrated"] for _ in range(2)]

    assert answers == [True, False]
    assert two_stores.answer("stock", "list") == []


def test_a_password_in_the_address_of_the_database_is_never_shown(two_stores: Merchant) -> None:
    text = two_stores.config.read_text()
    address = "postgresql://anna:pl4nted@127.0.0.1:1/books"
    two_stores.write("stocksync.yaml", text.replace("sqlite:///stocksync.db", address))

    result = two_stores.run("check", expect=2)

    assert "pl4nted" not in result.output
    assert "postgresql://anna:***@127.0.0.1:1/books: not ready" in result.stdout


def test_check_asks_every_store_and_writes_to_none(two_stores: Merchant) -> None:
    document = two_stores.answer("check")

    assert list(document) == [
        "configuration", "rules", "database", "problems", "warnings", "stores",
    ]  # fmt: skip
    assert keys(document["stores"]) == [
        [
            "store", "outcome", "reachable", "credentials", "listings", "page_max",
            "write_batch_max", "guarantee", "read_back", "switches_only", "error",
        ]
    ] * 2  # fmt: skip
    assert [(at["store"], at["outcome"], at["listings"]) for at in document["stores"]] == [
        ("shop", "ok", 3),
        ("web", "ok", 3),
    ]
    asked = {request.method for shop in two_stores.shops.values() for request in shop.requests}
    assert asked == {"GET"}
    text = two_stores.run("check").stdout
    assert widest("\n".join(text.splitlines()[2:])) <= 80
    assert table_under(text, "store")[1][:4] == ["shop", "yes", "accepted", "3"]


def test_check_tells_apart_a_refused_key_a_dead_store_and_a_strange_answer(
    tmp_path: Path, blank_books: Path
) -> None:
    platforms = {"shop": "recplus", "web": "freewebstore", "trade": "b2bwave"}
    with merchant(tmp_path, blank_books, platforms) as subject:
        subject.shops["shop"].faults.always(Fault.UNAUTHORISED)
        subject.shops["web"].faults.always(Fault.ERROR_BEFORE, status=503)
        subject.shops["trade"].faults.always(Fault.HTML)

        stores = subject.answer("check", expect=1)["stores"]

    assert {at["store"]: (at["reachable"], at["credentials"]) for at in stores} == {
        "shop": (True, False),
        "web": (False, None),
        "trade": (True, None),
    }
    assert all(at["error"] for at in stores)


def test_check_offline_asks_nobody(two_stores: Merchant) -> None:
    assert two_stores.answer("check", "--offline")["stores"] == []
    assert [shop.requests for shop in two_stores.shops.values()] == [[], []]


def test_a_store_without_listings_in_the_rules_is_not_called_reachable(
    tmp_path: Path, blank_books: Path
) -> None:
    with merchant(tmp_path, blank_books, {"print": "idealfactory"}, units={}) as subject:
        [store] = subject.answer("check")["stores"]
        assert (store["outcome"], store["reachable"], store["credentials"]) == ("ok", None, None)
        assert "no `availability` in the rules" in subject.run("check").stdout


def test_every_mistake_in_the_configuration_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "stocksync.yaml"
    config.write_text(
        "databas: sqlite:///a.db\n"
        "stores:\n"
        "  - {id: shop, platform: recplu, url: https://shop.example}\n"
        "  - {id: web, platform: freewebstore, url: http://shop.example, api_key: k}\n"
    )
    config.chmod(0o600)

    for words in (("check",), ("sync",), ("migrate",), ("rules", "check"), ("stock", "list")):
        result = call(*words, config=config)
        assert result.exit_code == 2
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert [line.partition(f"error: {config}:")[2][:2] for line in lines] == ["1:", "3:", "4:"]
        document = json.loads(call(*words, "--json", config=config).stdout)
        assert list(document) == ["error", "problems"]
        assert [f"error: {problem}" for problem in document["problems"]] == lines


def test_without_a_configuration_it_says_how_to_begin(tmp_path: Path) -> None:
    result = call("sync", config=tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {tmp_path}/none.yaml: there is no such file; "
        "run `stocksync init`, or name yours with --config\n"
    )


def test_sound_books_are_proved_and_changed_ones_are_not(two_stores: Merchant) -> None:
    two_stores.opened()
    sound = two_stores.answer("ledger", "verify")
    connection = sqlite3.connect(two_stores.folder / "stocksync.db")
    for (trigger,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    connection.execute("UPDATE movements SET units = 99 WHERE sku = 'MUG'")
    connection.commit()
    connection.close()

    broken = two_stores.answer("ledger", "verify", expect=1)
    told = two_stores.run("ledger", "verify", expect=1).stdout

    assert sound == {
        "sound": True, "movements": 3, "skus": 3,
        "imbalances": [], "mismatches": [], "broken_seals": [],
    }  # fmt: skip
    assert broken["sound"] is False
    assert broken["broken_seals"] == [1]
    assert "NOT sound" in told
    assert "restore the last backup" in told


def test_the_sandbox_is_ready_to_be_used_and_can_be_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    config = folder / "stocksync.yaml"
    words = ("sandbox", "--skus", "6", "--folder", str(folder), "--json")
    urls = []
    for _ in range(2):
        process = start(*words, config=config)
        assert process.stdout is not None
        text = ""
        while not text.endswith("\n}\n"):
            text += process.stdout.readline()
        urls.append(json.loads(text)["stores"])
        if len(urls) == 1:
            try_it(folder, urls[0])
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
        assert (process.returncode, stdout, stderr) == (0, "", "")

    assert list(urls[0]) == ["shop", "trade", "web", "site", "print"]
    assert urls[1] == urls[0]


def try_it(folder: Path, urls: dict[str, str]) -> None:
    """Do what the sandbox says can be done in another terminal."""
    subject = Merchant(folder=folder)
    subject.run("migrate")
    subject.run("stock", "import", str(folder / "stock.csv"))
    subject.run("check")
    sku = subject.answer("stock", "list")[0]["sku"]
    body = {"code": sku, "units": 1}
    sold = httpx.post(f"{urls['shop']}/_sandbox/sell", json=body, trust_env=False)
    assert sold.json() == {"units": 1}
    assert subject.answer("sync", "--store", "print")["outcome"] == "ok"


def test_a_folder_that_is_no_sandbox_is_left_alone(two_stores: Merchant) -> None:
    before = two_stores.config.read_text()
    result = two_stores.run("sandbox", "--folder", str(two_stores.folder), expect=2)

    assert "is not the configuration of a sandbox" in result.stderr
    assert two_stores.config.read_text() == before


def test_the_shared_options_may_stand_before_or_after_the_command(two_stores: Merchant) -> None:
    file = two_stores.write("other.yaml", two_stores.config.read_text())
    for words in (
        ("--config", str(file), "--json", "stock", "list"),
        ("stock", "list", "--json", "--config", str(file)),
        ("stock", "--json", "--config", str(file), "list"),
    ):
        result = call(*words, STOCKSYNC_CONFIG="nowhere.yaml")
        assert (result.exit_code, result.stdout) == (0, "[]\n")
