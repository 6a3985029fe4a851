"""A merchant whose every secret is a canary, stores that say them aloud, and ears everywhere."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from stocksync.ledger.migrations import migrate
from stocksync.sandbox import serve as sandbox_serve
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.serve import Sandbox
from stocksync.sandbox.shop import Shop
from tests.e2e.prometheus_kit import free_port

#: Every secret of the configuration; each begins with twelve letters that nothing else begins with.
CANARIES: Final[Mapping[str, str]] = {
    name: f"Zq{number:02}XjWvKpYh-{name}-of-nobody"
    for number, name in enumerate(
        (
            "shop-word",
            "trade-token",
            "web-key",
            "site-key",
            "print-token",
            "main-token",
            "anna-token",
            "shop-hook",
            "shop-hook-word",
            "site-hook",
            "site-signature",
            "database-word",
        )
    )
}
_HEAD: Final = 12
CREDENTIALS: Final = {
    "recplus": {"username": "sandbox-user", "password": CANARIES["shop-word"]},
    "b2bwave": {"app_code": "sandbox", "token": CANARIES["trade-token"]},
    "freewebstore": {"api_key": CANARIES["web-key"]},
    "simvoly": {"api_key": CANARIES["site-key"]},
    "idealfactory": {"token": CANARIES["print-token"]},
}
PLATFORMS: Final = {"shop": "recplus", "trade": "b2bwave", "web": "freewebstore", "site": "simvoly"}
OWN_FILES: Final = {"stocksync.yaml", "postgres.yaml", "site-key"}
SKUS: Final = ("MUG", "CAP", "TEE", "BOX")
PLACES: Final = {"stdout", "stderr", "log", "ledger", "metrics", "api"}


def basic(user: str, word: str) -> str:
    """Return the token of HTTP Basic authentication."""
    return base64.b64encode(f"{user}:{word}".encode()).decode()


def _basic_shape(user: str, word: str) -> bytes:
    """Return the part of a Basic token that holds the beginning of the word, whatever follows."""
    whole = len(f"{user}:{word[:_HEAD]}") // 3 * 4
    return basic(user, word)[:whole][-_HEAD:].encode()


#: What a leak looks like: the canary, even when cut, and the headers that hold it.
SHAPES: Final[Mapping[bytes, str]] = {
    **{word[:_HEAD].encode(): name for name, word in CANARIES.items()},
    _basic_shape("sandbox-user", CANARIES["shop-word"]): "shop-word",
    _basic_shape("sandbox", CANARIES["trade-token"]): "trade-token",
    _basic_shape("caller", CANARIES["shop-hook-word"]): "shop-hook-word",
}


@dataclass
class Ears:
    """What was heard, by place."""

    heard: dict[str, bytearray] = field(default_factory=dict)

    def hear(self, place: str, said: bytes) -> None:
        self.heard.setdefault(place, bytearray()).extend(said)

    def leaks(self) -> dict[str, set[str]]:
        """Return the canaries that were heard, by place."""
        return {
            place: found
            for place, said in self.heard.items()
            if (found := {name for shape, name in SHAPES.items() if shape in said})
        }


@dataclass
class Cage:
    """The installation, its stores, and the program that is listened to."""

    folder: Path
    sandbox: Sandbox
    port: int
    program: Sequence[str]
    ears: Ears = field(default_factory=Ears)

    @property
    def shops(self) -> dict[str, Shop]:
        return self.sandbox.shops

    async def start(
        self, *words: str, config: str = "stocksync.yaml"
    ) -> asyncio.subprocess.Process:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return await asyncio.create_subprocess_exec(
            *self.program,
            "--config",
            str(self.folder / config),
            *words,
            env={**kept, "SHOP_WORD": CANARIES["shop-word"], "STOCKSYNC_LOG_FORMAT": "json"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *words: str, expect: int, config: str = "stocksync.yaml") -> None:
        """Run a command, hear what it says, and insist on its exit code."""
        process = await self.start(*words, config=config)
        out, errors = await asyncio.wait_for(process.communicate(), 60)
        self.ears.hear("stdout", out)
        self.ears.hear("stderr", errors)
        assert process.returncode == expect, (words, out.decode(), errors.decode())

    def hear_the_files(self) -> None:
        """Hear every file but those that the secrets were written into."""
        for file in self.folder.rglob("*"):
            if file.is_file() and file.name not in OWN_FILES:
                self.ears.hear("ledger", file.read_bytes())


def say_aloud(shop: Shop, fault: Fault, **details: Any) -> None:
    """Let a store meet every request with a fault, and repeat the request's secrets in it."""
    shop.faults.clear()
    shop.faults.always(fault, **details)


def echo(store: str, status: int, **details: Any) -> dict[str, Any]:
    """Return an answer in which a store repeats what it was told."""
    user, word = "", ""
    for value in CREDENTIALS[PLATFORMS[store]].values():
        user, word = word, value
    header = f"Basic {basic(user, word)}" if user else f"Bearer {word}"
    said = {"message": f"{word} is wrong, as in {header}"}
    body = json.dumps(said).encode()
    return {"status": status, "body": body, "content_type": "application/json", **details}


def _configuration(sandbox: Sandbox, port: int) -> dict[str, Any]:
    text = sandbox.configuration("sqlite:///stocksync.db", "rules/")
    written: list[dict[str, Any]] = [
        json.loads(line.removeprefix("  - ")) for line in text.splitlines() if "  - " in line
    ]
    stores = {at["id"]: at | {"poll": "1s", "first_contact": "push"} for at in written}
    stores["shop"]["password"] = "${SHOP_WORD}"
    del stores["site"]["api_key"]
    stores["site"]["api_key_file"] = "site-key"
    stores["shop"]["webhook"] = {
        "secret": CANARIES["shop-hook"],
        "username": "caller",
        "password": CANARIES["shop-hook-word"],
    }
    stores["site"]["webhook"] = {
        "secret": CANARIES["site-hook"],
        "signature": CANARIES["site-signature"],
    }
    tokens = [{"name": "anna", "token": CANARIES["anna-token"], "scopes": ["read"]}]
    http = {"port": port, "token": CANARIES["main-token"], "tokens": tokens}
    return {
        "database": "sqlite:///stocksync.db",
        "rules": "rules/",
        "http": http,
        "stores": list(stores.values()),
    }


def _put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o600)


@asynccontextmanager
async def caged(folder: Path, program: Sequence[str] = ()) -> AsyncIterator[Cage]:
    """Serve the stores and write the files; the stores differ from the count at first."""
    shops = {store: Shop(platform) for store, platform in PLATFORMS.items()}
    shops["print"] = Shop("idealfactory")
    for store in PLATFORMS:
        for sku in SKUS:
            shops[store].add(sku, 5)
    async with Sandbox(shops) as sandbox:
        cage = Cage(folder, sandbox, free_port(), program or [sys.executable, "-m", "stocksync"])
        document = _configuration(sandbox, cage.port)
        (folder / "rules").mkdir()
        _put(folder, "stocksync.yaml", json.dumps(document))
        word = CANARIES["database-word"]
        elsewhere = f"postgresql://anna:{word}@127.0.0.1:{free_port()}/none"
        _put(folder, "postgres.yaml", json.dumps(document | {"database": elsewhere}))
        _put(folder, "site-key", CANARIES["site-key"])
        _put(folder, "stock.csv", "sku,on_hand\n" + "".join(f"{sku},7\n" for sku in SKUS))
        migrate(f"sqlite:///{folder / 'stocksync.db'}")
        yield cage


async def ask_everything(cage: Cage, client: httpx.AsyncClient) -> None:
    """Ask every door of a running service, with right and with wrong secrets, and hear it all."""
    right = {"authorization": f"Bearer {CANARIES['main-token']}"}
    reader = {"authorization": f"Bearer {CANARIES['anna-token']}"}
    wrong = {"authorization": f"Bearer {CANARIES['main-token'][:-1]}"}
    hook = f"/webhooks/shop/{CANARIES['shop-hook']}"
    caller = {"authorization": f"Basic {basic('caller', CANARIES['shop-hook-word'])}"}
    cage.ears.hear("metrics", (await client.get("/metrics", headers=right)).content)
    pages = ("runs", "stores", "holds", "stock", "stock/MUG", "stock/MUG/history", "openapi.json")
    asked = [client.get(f"/api/v1/{page}", headers=right) for page in pages]
    asked += [client.get("/metrics", headers=wrong), client.get("/api/v1/runs", headers=wrong)]
    asked += [client.post("/api/v1/reconcile", headers=reader, json={"stores": ["nowhere"]})]
    asked += [client.post("/api/v1/reconcile", headers=right, json={"stores": ["nowhere"]})]
    asked += [client.post(hook, headers=caller, json={"event": "x"}), client.post(hook, json={})]
    asked += [client.post(hook[:-1], headers=caller, json={}), client.get(hook)]
    asked += [client.post(f"/webhooks/site/{CANARIES['site-hook']}", content=b"{broken")]
    asked += [client.get("/"), client.get("/", headers=right)]
    for answer in await asyncio.gather(*asked):
        heard = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        cage.ears.hear("api", heard.encode() + answer.content)
    for run in (await client.get("/api/v1/runs", headers=right)).json()["runs"]:
        answer = await client.get(f"/api/v1/runs/{run['id']}", headers=right)
        cage.ears.hear("api", answer.content)


def with_canaries() -> Mapping[str, Mapping[str, str]]:
    """Return what each fake store asks for here; keys as in the sandbox's own table."""
    assert CREDENTIALS.keys() == sandbox_serve.CREDENTIALS.keys()
    return CREDENTIALS
