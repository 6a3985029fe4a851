"""Tokens with names and scopes in the configuration, and what is wrong with them."""

from pathlib import Path

from stocksync.settings import Settings
from tests.unit.settings_kit import CANARY, WEB, problems, settings_of


def with_tokens(*lines: str, http: str = "") -> str:
    entries = "".join(f"    - {line}\n" for line in lines)
    return f"http:\n{http}  tokens:\n{entries}stores: [{WEB}]\n"


def tokens_of(settings: Settings) -> list[tuple[str, str, list[str]]]:
    return [(at.name, at.token.get_secret_value(), list(at.scopes)) for at in settings.http.tokens]


def test_tokens_have_names_scopes_and_secrets_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "grafana").write_text("from-a-file\n")
    (tmp_path / "grafana").chmod(0o600)
    settings = settings_of(
        tmp_path,
        with_tokens(
            "{name: anna, token: '${ANNA}', scopes: [read, operate, approve]}",
            "{name: grafana, token_file: grafana, scopes: [read]}",
            http="  host: 0.0.0.0\n",
        ),
        {"KEY": "k", "ANNA": "hers"},
    )
    assert tokens_of(settings) == [
        ("anna", "hers", ["read", "operate", "approve"]),
        ("grafana", "from-a-file", ["read"]),
    ]
    assert settings.http.token is None
    assert "hers" not in repr(settings)


def test_no_tokens_are_no_tokens(tmp_path: Path) -> None:
    assert settings_of(tmp_path, f"stores: [{WEB}]").http.tokens == ()


def test_every_mistake_in_a_token_is_named_and_no_secret_is(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        with_tokens(
            "{name: Anna, token: a, scopes: [read]}",
            "{name: ben, scopes: [read]}",
            "{name: cleo, token: c, scopes: []}",
            "{name: dora, token: d, scopes: [operat]}",
            "{name: emil, token: e, scopes: read}",
            "{name: fred, tokn: f, token: g, scopes: [read]}",
            "oops",
        ),
    )
    assert found == [
        (
            "stocksync.yaml:3: http.tokens[0].name: must be 1 to 32 of a-z, 0-9, ., - and _, and "
            "begin with one of a-z, 0-9"
        ),
        "stocksync.yaml:4: http.tokens[1].token: is missing; give it, or token_file",
        "stocksync.yaml:5: http.tokens[2].scopes: must name at least one",
        (
            "stocksync.yaml:6: http.tokens[3].scopes[0]: must be one of read, operate, approve; "
            "did you mean 'operate'?"
        ),
        "stocksync.yaml:7: http.tokens[4].scopes: must be a list, such as [a, b]",
        "stocksync.yaml:8: http.tokens[5].tokn: unknown key; did you mean 'token'?",
        "stocksync.yaml:9: http.tokens[6]: must hold keys with values",
    ]


def test_two_tokens_never_share_a_name_or_a_secret(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        with_tokens(
            f"{{name: anna, token: {CANARY}, scopes: [read]}}",
            "{name: anna, token: other, scopes: [read]}",
            f"{{name: ben, token: {CANARY}, scopes: [read]}}",
            "{name: admin, token: door, scopes: [read]}",
            http="  token: door\n",
        ),
    )
    assert found == [
        "stocksync.yaml:5: http.tokens[1].name: 'anna' is taken; give another",
        (
            "stocksync.yaml:6: http.tokens[2].token: is the secret of another token; nobody could "
            "tell who came with it"
        ),
        "stocksync.yaml:7: http.tokens[3].name: 'admin' is taken; give another",
        (
            "stocksync.yaml:7: http.tokens[3].token: is the secret of another token; nobody could "
            "tell who came with it"
        ),
    ]
