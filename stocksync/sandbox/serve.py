"""Serve fake stores on loopback ports inside a running event loop."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from stocksync.sandbox import b2bwave, freewebstore, idealfactory, recplus, simvoly
from stocksync.sandbox.control import with_control
from stocksync.sandbox.faults import ConnectionDropped
from stocksync.sandbox.shop import Shop

LOGGER: Final = logging.getLogger(__name__)
#: Longer than any poll in a demo, so that a kept connection is not closed under a request.
KEEP_ALIVE_SECONDS: Final = 300

APPS: Final[Mapping[str, Callable[..., ASGIApp]]] = {
    "recplus": recplus.app,
    "b2bwave": b2bwave.app,
    "freewebstore": freewebstore.app,
    "simvoly": simvoly.app,
    "idealfactory": idealfactory.app,
}
#: What each platform asks for, named as in the configuration. Invented, and worth nothing.
CREDENTIALS: Final[Mapping[str, Mapping[str, str]]] = {
    "recplus": {"username": "sandbox-user", "password": "sandbox-word"},
    "b2bwave": {"app_code": "sandbox", "token": "sandbox-b2b"},
    "freewebstore": {"api_key": "sandbox-free"},
    "simvoly": {"api_key": "sandbox-site"},
    "idealfactory": {"token": "sandbox-oms"},
}
#: What else the configuration must say: the fake's clock, and that it is in no hurry to refuse.
EXTRAS: Final[Mapping[str, Mapping[str, object]]] = {
    "recplus": {"time_zone": "UTC"},
    "freewebstore": {"rate": 100},
}
#: Options that a fake store and the configuration have in common.
SHARED_OPTIONS: Final = {"write_shape", "update_method"}


class Sandbox:
    """Fake stores behind real sockets: `async with Sandbox(shops) as sandbox: sandbox.urls`.

    `shops` by store id; `ports` and the `options` of a platform's `app` by store id too. A
    store without a port gets a free one.
    """

    def __init__(
        self,
        shops: Mapping[str, Shop],
        *,
        host: str = "127.0.0.1",
        ports: Mapping[str, int] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Prepare the stores without opening any port."""
        self.shops = dict(shops)
        self.urls: dict[str, str] = {}
        self._host = host
        self._ports = ports or {}
        self._options = options or {}
        self._servers: list[asyncio.Server] = []
        self._states: list[ServerState] = []

    async def __aenter__(self) -> Self:
        """Open one port per store; installs no signal handlers and configures no logging."""
        try:
            for store in self.shops:
                await self._open(store)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all ports and connections, also those that were never going to answer."""
        await self._close()

    def configuration(
        self,
        database: str,
        rules: str,
        *,
        http: Mapping[str, object] | None = None,
        every_store: Mapping[str, object] | None = None,
    ) -> str:
        """Write a `stocksync.yaml` for these stores.

        `http` is that section as it is; `every_store` adds fields such as `poll` to each store.
        """
        lines = [f"database: {json.dumps(database)}", f"rules: {json.dumps(rules)}"]
        if http is not None:
            lines.append(f"http: {json.dumps(dict(http))}")
        lines.append("stores:")
        for store, shop in self.shops.items():
            given = self._options.get(store, {})
            entry = {
                "id": store,
                "platform": shop.platform,
                "url": self.urls[store],
                **CREDENTIALS[shop.platform],
                **EXTRAS.get(shop.platform, {}),
                **{name: given[name] for name in sorted(SHARED_OPTIONS & given.keys())},
                **(every_store or {}),
            }
            lines.append(f"  - {json.dumps(entry)}")
        return "\n".join([*lines, ""])

    async def _open(self, store: str) -> None:
        shop = self.shops[store]
        make = APPS[shop.platform]
        app = make(shop, **CREDENTIALS[shop.platform], **self._options.get(store, {}))
        config = uvicorn.Config(
            with_control(app, shop),
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: StoreProtocol(config=config, server_state=state, app_state={}),
            self._host,
            self._ports.get(store, 0),
        )
        self._servers.append(server)
        self._states.append(state)
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.urls[store] = f"http://{host}:{server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for state in self._states:
            for connection in list(state.connections):
                connection.transport.abort()
        # One turn of the loop for the connections to notice, then nobody is left to answer.
        await asyncio.sleep(0)
        tasks = [task for state in self._states for task in state.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        self._states.clear()


class StoreProtocol(H11Protocol):
    """HTTP as uvicorn speaks it, except that a dropped connection really is dropped."""

    def __init__(self, **settings: Any) -> None:
        """Take uvicorn's own arguments; logs only what is a mistake in the fake itself."""
        super().__init__(**settings)
        self.access_log = False
        self.logger = LOGGER
        self.app = self._dropping(self.app)

    def _dropping(self, app: Any) -> Any:
        async def dropping(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except ConnectionDropped:
                # Closing sends what was already written and then nothing more.
                self.transport.close()
                while (await receive())["type"] != "http.disconnect":
                    pass
            except asyncio.CancelledError:
                if not self.transport.is_closing():
                    raise

        return dropping
