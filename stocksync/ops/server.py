"""Serve the application until told to stop, without taking the signals away from the service."""

import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from stocksync.errors import ConfigurationError

BACKLOG: Final = 2048
_WHY: Final = {
    errno.EADDRINUSE: "is taken by another program: end that one, or choose another http.port",
    errno.EACCES: "may not be opened by this user: choose an http.port above 1023",
    errno.EADDRNOTAVAIL: "is no address of this machine: see http.host",
}


class Server(uvicorn.Server):
    """A uvicorn that leaves signals to us: we drain stores first, then close the door."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Install nothing; `should_exit` is set by the service."""
        yield


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket, None, None]:
    """Open the address where the service answers; port 0 takes a free one.

    Raises:
        ConfigurationError: It is taken, or not ours.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        why = _WHY.get(error.errno or 0, f"cannot be opened: {error.strerror}")
        raise ConfigurationError([f"http: {host}:{port} {why}"]) from None
    with listener:
        yield listener


def address(listener: socket.socket) -> str:
    """Return the address that a browser opens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def build(app: FastAPI, *, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Return a server for the application; `serve(sockets=[…])` makes it use those instead."""
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
