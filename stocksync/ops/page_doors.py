"""Sign in with a token, and out again."""

from fastapi import Request, Response

from stocksync.ops.desk import Desk
from stocksync.ops.pagekit import form_of, render, see, with_query


def inside(path: str) -> str:
    """Return an address of ours; the start for anything that could lead elsewhere."""
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if ours and path.isprintable() else "/"


class Doors:
    """The way in and out; nobody is asked for anything where there is no token at all."""

    def __init__(self, desk: Desk) -> None:
        self._access = desk.access

    async def show(self, request: Request, next: str = "/") -> Response:  # noqa: A002 - its name
        """Ask for a token; who is in already goes on."""
        caller = self._access.caller(request)
        if caller is not None:
            return see(inside(next))
        return render(request, "sign_in.html", next=inside(next), wrong=False)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session for who shows a token of the configuration."""
        form = await form_of(request)
        onward = inside(form.get("next", "/"))
        response: Response = see(onward)
        if self._access.is_open:
            return response
        caller = self._access.sign_in(request, response, form.get("token", "").strip())
        if caller is None:
            return render(request, "sign_in.html", status=401, next=onward, wrong=True)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session, also for whoever kept a copy of its cookie."""
        response = see(with_query("/sign-in"))
        self._access.sessions.end(request, response)
        return response
