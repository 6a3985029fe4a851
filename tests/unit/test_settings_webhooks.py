"""What a configuration says about webhooks: an address nobody guesses, and what comes with it."""

from pathlib import Path

import pytest

from stocksync.settings import load_settings
from tests.unit.settings_kit import CANARY, problems, settings_of

SECRET = "hunter2-canary-0123456789"
STORES = {
    "recplus": "platform: recplus, url: https://a.example, username: u, password: ${KEY}",
    "simvoly": "platform: simvoly, url: https://a.example, api_key: ${KEY}",
    "idealfactory": "platform: idealfactory, url: https://a.example, token: ${KEY}",
    "freewebstore": "platform: freewebstore, url: https://a.example, api_key: ${KEY}",
}


def configured(platform: str, webhook: str) -> str:
    return f"stores:\n  - {{id: a, {STORES[platform]},\n     webhook: {webhook}}}\n"


def webhook_of(folder: Path, platform: str, webhook: str) -> dict[str, str]:
    [store] = settings_of(folder, configured(platform, webhook)).stores
    assert SECRET not in repr(store)
    return {name: secret.get_secret_value() for name, secret in store.webhook.items()}


@pytest.mark.parametrize(
    ("platform", "more"),
    [
        ("recplus", {}),
        ("recplus", {"username": "rec", "password": "päss"}),
        ("recplus", {"token": "bearer"}),
        ("simvoly", {}),
        ("simvoly", {"signature": "key"}),
        ("idealfactory", {}),
    ],
)
def test_each_platform_says_what_its_webhooks_bring(
    tmp_path: Path, platform: str, more: dict[str, str]
) -> None:
    given = {"secret": SECRET, **more}
    text = ", ".join(f"{name}: {value}" for name, value in given.items())
    assert webhook_of(tmp_path, platform, f"{{{text}}}") == given


def test_a_store_has_no_webhooks_unless_it_says_so(tmp_path: Path) -> None:
    [store] = settings_of(tmp_path, f"stores: [{{id: a, {STORES['recplus']}}}]").stores
    assert store.webhook == {}


def test_every_part_can_be_read_from_a_file_or_a_variable(tmp_path: Path) -> None:
    for name, text in (("path", SECRET), ("key", "k3y")):
        (tmp_path / name).write_text(f"{text}\n")
        (tmp_path / name).chmod(0o600)
    found = webhook_of(tmp_path, "simvoly", "{secret_file: path, signature_file: key}")
    assert found == {"secret": SECRET, "signature": "k3y"}
    assert (
        webhook_of(tmp_path, "recplus", f"{{secret: {SECRET}, token: '${{KEY}}'}}")["token"] == "k"
    )


@pytest.mark.parametrize(
    ("platform", "webhook", "told"),
    [
        ("recplus", "{secret: short}", "webhook.secret: must be 16 to 128 of A-Z"),
        ("recplus", f"{{secret: {SECRET}/x}}", "webhook.secret: must be 16 to 128 of A-Z"),
        ("recplus", "{token: t}", "webhook.secret: is missing; give it, or secret_file"),
        ("recplus", f"{{secret: {SECRET}, username: u}}", "give username and password together"),
        ("recplus", f"{{secret: {SECRET}, password: {CANARY}}}", "give username and password toge"),
        (
            "recplus",
            f"{{secret: {SECRET}, token: {CANARY}, username: u, password: p}}",
            "give either username and password (Basic), or token (Bearer)",
        ),
        ("recplus", f"{{secret: {SECRET}, signature: x}}", "webhook.signature: unknown key"),
        ("simvoly", f"{{secret: {SECRET}, token: x}}", "webhook.token: unknown key"),
        ("simvoly", f"{{secret: {SECRET}, signatur: x}}", "did you mean 'signature'?"),
        ("simvoly", f"{{secret: {SECRET}, signature: 5}}", "signature: must be text; put it in q"),
        ("simvoly", "{secret_file: nope}", "webhook.secret_file: there is no such file"),
        ("simvoly", "{secret: '${UNSET}'}", "the environment variable UNSET is not set"),
        ("simvoly", f"{{secret: {SECRET}, secret_file: f}}", "give either secret or secret_file"),
        ("idealfactory", "yes", "webhook: must hold keys with values"),
        ("freewebstore", f"{{secret: {SECRET}}}", "webhook: unknown key"),
    ],
)
def test_a_mistake_is_told_once_with_its_line_and_no_secret(
    tmp_path: Path, platform: str, webhook: str, told: str
) -> None:
    [problem] = problems(tmp_path, configured(platform, webhook))
    assert problem.startswith("stocksync.yaml:3: stores[0].webhook")
    assert told in problem
    assert CANARY not in problem


def test_a_secret_in_a_file_that_others_read_is_warned_of(tmp_path: Path) -> None:
    for webhook, warned in (
        (f"{{secret: {SECRET}}}", 1),
        ("{secret: '${KEY}0123456789abcdef'}", 0),
    ):
        path = tmp_path / "stocksync.yaml"
        settings_of(tmp_path, configured("simvoly", webhook))
        path.chmod(0o644)
        assert len(load_settings(path, {"KEY": "k"}).warnings) == warned
