"""Serve the application until told to stop, without taking the signals away from the service."""

from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


class Server(uvicorn.Server):
    """A uvicorn that leaves signals to us: we drain stores first, then close the door."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Install nothing; `should_exit` is set by the service."""
        yield


def build(app: FastAPI, *, host: str, port: int) -> Server:
    """Return a server for the application; it starts with `await server.serve()`."""
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=True,
        )
    )
