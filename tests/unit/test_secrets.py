"""Variables and secret files are filled in, and what they hold is never shown."""

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.errors import ConfigurationError
from stocksync.files.environment import passed_by_systemd, read_secret
from stocksync.settings import (
    load_settings,
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


def status(mode: int, owner: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, owner, 0, 6, 0, 0, 0))


@pytest.mark.parametrize(
    ("place", "mode", "owner", "accepted"),
    [
        ("credentials/key", 0o440, 0, True),
        ("credentials/key", 0o440, 1000, False),
        ("credentials/key", 0o444, 0, False),
        ("credentials/key", 0o640, 0, False),
        ("credentials/link", 0o440, 0, False),
        ("credentials/inner/key", 0o440, 0, False),
        ("elsewhere", 0o440, 0, False),
    ],
)
def test_only_roots_file_in_the_folder_of_systemd_is_its_credential(
    tmp_path: Path, place: str, mode: int, owner: int, *, accepted: bool
) -> None:
    folder = tmp_path / "credentials"
    (folder / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").touch()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    given = tmp_path / place
    assert passed_by_systemd(given, status(mode, owner), str(folder)) is accepted
    assert not passed_by_systemd(given, status(mode, owner), "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that is root's")
def test_a_secret_may_come_by_load_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the unit file: `LoadCredential=key:…`, named by `${CREDENTIALS_DIRECTORY}/key`."""
    secret_file(tmp_path, b"s3cret\n", 0o440)
    named = WEB_FILE.replace(": key", ": ${CREDENTIALS_DIRECTORY}/key")
    text, environment = f"stores:\n  - {named}\n", {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    [problem] = problems(tmp_path, text, environment)
    assert "can be read by others" in problem
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    store = settings_of(tmp_path, text, environment).stores[0]
    assert secrets_of(store) == {"api_key": "s3cret"}


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
