"""What every page shares: templates, safe headers, forms, and errors that a person can read."""

import secrets
from collections.abc import Callable, Coroutine, Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from stocksync import __version__
from stocksync.domain.identifiers import SKU_LENGTH_MAX, Sku, sku_from
from stocksync.engine.words import line, name
from stocksync.errors import (
    ConfigurationError,
    LedgerError,
    RunInProgress,
    StaleLevel,
    StalePlan,
    StockSyncError,
    UnknownName,
)
from stocksync.ops import words
from stocksync.ops.access import Caller
from stocksync.ops.guarded import GuardedRoute

#: `ASVS 3.4`: nothing inline, nothing foreign, no frame around us, no guessing of types. The
#: referrer stays with us, and not away: browsers send no `Origin` where it is away.
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ASSETS: Final = {
    "page.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_STATIC: Final = {name: files("stocksync.ops").joinpath("static", name) for name in ASSETS}
#: Path segments that a browser takes for a step in the tree, and so never sends.
_STEPS: Final = (".", "..")
_STATUS: Final[tuple[tuple[type[StockSyncError], int], ...]] = (
    (UnknownName, 404),
    (RunInProgress, 409),
    (StalePlan, 409),
    (ConfigurationError, 422),
    (StaleLevel, 409),
    (LedgerError, 503),
)


def sku_address(sku: str) -> str:
    """Return the address of a SKU's page, whatever the SKU is made of."""
    if sku in _STEPS:
        return with_query("/stock/", sku=sku)
    return f"/stock/{quote(sku, safe='')}"


def with_query(path: str, **values: object) -> str:
    """Return an address with those values that say something."""
    said = {name: str(value) for name, value in values.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(said)}" if said else path


def sku_given(text: str) -> Sku:
    """Take a text of an address or a form as a SKU, exactly as it stands.

    Raises:
        ConfigurationError: It cannot name anything.
    """
    sku = sku_from(text)
    if sku is None or "\0" in text:
        raise ConfigurationError([f"a SKU has 1 to {SKU_LENGTH_MAX} letters and is not blank"])
    return sku


def asset(name: str) -> str:
    """Return the address of a file of ours; it changes with the file, so it may be kept."""
    return f"/static/{name}?v={sha256(_STATIC[name].read_bytes()).hexdigest()[:12]}"


def static(name: str) -> Response:
    """Return one of our files."""
    if name not in ASSETS:
        raise HTTPException(404, "there is no such file")
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_STATIC[name].read_bytes(), headers=kept, media_type=ASSETS[name])


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stocksync.ops"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "assets": {name: asset(name) for name in ASSETS},
        "version": __version__,
        "sku_address": sku_address,
        "with_query": with_query,
        "age": words.age,
        "count": words.count,
        "span": words.span,
    }
    environment.filters |= {
        "visible": name,
        "line": line,
        "number": words.number,
        "signed": words.signed,
        "moment": words.moment,
        "machine": words.machine_moment,
        "spaced": words.spaced,
    }
    return environment


TEMPLATES: Final = _environment()


def _caller_if_any(request: Request) -> Caller | None:
    """Return who the guard of this route let in; None where it has none."""
    found: Caller | None = getattr(request.state, "caller", None)
    return found


def by_htmx(request: Request) -> bool:
    """Tell whether a piece of a page asks, and not a browser for a whole one."""
    return request.headers.get("hx-request") == "true"


def render(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Fill a template in; who asks and where is known to every one of them."""
    caller = _caller_if_any(request)
    text = TEMPLATES.get_template(template).render(
        caller=caller, csrf=caller.csrf if caller else "", path=request.url.path, **values
    )
    return HTMLResponse(text, status_code=status)


def see(path: str) -> RedirectResponse:
    """Send a browser on after it sent a form, so that reloading repeats nothing."""
    return RedirectResponse(path, status_code=303)


async def form_of(request: Request) -> Mapping[str, str]:
    """Read a form: each field once, the last one counting. `Envelope` keeps it small."""
    body = await request.body()
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def new_key() -> str:
    """Make the key under which a form books once, however often it is sent."""
    return secrets.token_urlsafe(16)


class PageRoute(GuardedRoute):
    """A route whose errors are pages, and whose every answer carries `HEADERS`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                response = await handle(request)
            except HTTPException as error:
                response = _refusal(request, error)
            except RequestValidationError:
                response = problem(request, 422, "This address or form holds something wrong.")
            except StockSyncError as error:
                status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
                response = problem(request, status, str(error))
            for header, value in HEADERS.items():
                response.headers.setdefault(header, value)
            return response

        return handle_as_page


def _refusal(request: Request, error: HTTPException) -> Response:
    """Show why a request was refused; who is not signed in is asked to."""
    if error.status_code == 401 and not by_htmx(request):  # noqa: PLR2004 - not signed in
        wanted = str(request.url.path) if request.method == "GET" else ""
        if request.url.query and wanted:
            wanted += f"?{request.url.query}"
        return see(with_query("/sign-in", next="" if wanted == "/" else wanted))
    response = problem(request, error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


def problem(request: Request, status: int, text: str) -> Response:
    """Say what is wrong, as a page or as a piece of one."""
    template = "part_problem.html" if by_htmx(request) else "problem.html"
    return render(request, template, status=status, code=status, lines=text.splitlines())
