"""Configuration files for tests: written, loaded, and their problems as they read."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from stocksync.errors import ConfigurationError
from stocksync.settings import (
    Settings,
    StoreSettings,
    load_settings,
)

CANARY = "hunter2-canary"

DESIGN = """\
database: sqlite:///stocksync.db          # or postgresql://…
rules: rules/
http: {host: 127.0.0.1, port: 8080, token: ${STOCKSYNC_TOKEN}}
stores:
  - {id: shop, platform: recplus, url: https://shop.example, username: u,
     password: ${SHOP_PASSWORD}, role: channel, first_contact: hold, poll: 60s, sweep: 1h,
     time_zone: Europe/London}
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
