"""The pages: which address shows what, and which scope it needs."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from stocksync.domain.identifiers import StoreId
from stocksync.engine.story import STANDING
from stocksync.errors import UnknownName
from stocksync.ops import views_overview, views_rules, views_runs, views_sku, views_stock
from stocksync.ops.access import Scope
from stocksync.ops.desk import Desk
from stocksync.ops.page_actions import Actions
from stocksync.ops.page_doors import Doors
from stocksync.ops.pagekit import PageRoute, new_key, render, sku_given, static

Handler = Callable[..., Awaitable[Response]]
MOVEMENTS_MAX: Final = 1_000
#: What a page says after a form was sent to it; the address carries the word only.
SAID: Final = {
    "adjusted": "Booked. The stores are brought to the new number now.",
    "adjusted-before": "This form was sent before; it was booked once.",
    "approved": "Approved. The store is read now, and the plan carried out.",
    "rejected": "Rejected. Nothing of it is done; numbers that a store showed are put right.",
    "reloaded": "Configuration and rules were read anew and are in force.",
}


def router(desk: Desk) -> APIRouter:
    """Serve the pages; whoever is not signed in is sent to do so."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    pages, actions, doors = Pages(desk), Actions(desk), Doors(desk)

    def add(method: str, path: str, handler: Handler, scope: Scope | None) -> None:
        guards = [Depends(desk.access.require(scope))] if scope else []
        routes.add_api_route(
            path,
            handler,
            methods=[method],
            dependencies=guards,
            response_class=HTMLResponse,
            response_model=None,
        )

    add("GET", "/static/{name}", send_static, None)
    add("GET", "/sign-in", doors.show, None)
    add("POST", "/sign-in", doors.sign_in, None)
    add("POST", "/sign-out", doors.sign_out, "read")
    add("GET", "/", pages.overview, "read")
    add("GET", "/parts/now", pages.overview_now, "read")
    add("GET", "/stock", pages.stock, "read")
    add("GET", "/stock/{name:path}", pages.sku, "read")
    add("GET", "/holds", pages.holds, "read")
    add("GET", "/runs", pages.runs, "read")
    add("GET", "/runs/{run}", pages.run, "read")
    add("GET", "/parts/runs/{run}", pages.run_progress, "read")
    add("GET", "/rules", pages.rules, "read")
    add("POST", "/actions/reconcile", actions.reconcile, "operate")
    add("POST", "/actions/adjust", actions.adjust, "operate")
    add("POST", "/actions/reload", actions.reload, "operate")
    add("POST", "/actions/holds/{name}/approve", actions.approve, "approve")
    add("POST", "/actions/holds/{name}/reject", actions.reject, "approve")
    return routes


async def send_static(name: str) -> Response:
    """Send one of our own files; they say nothing of anybody's stock."""
    return static(name)


class Pages:
    """Shows what is; changes nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def overview(self, request: Request) -> Response:
        """Show every store, the sums and the last day."""
        context = self._desk.context()
        charts = await views_overview.charts_of(context)
        now = await views_overview.now_of(self._desk)
        settings = self._desk.settings
        return render(request, "overview.html", **now, charts=charts, warnings=settings.warnings)

    async def overview_now(self, request: Request) -> Response:
        """Show the part of the overview that changes from minute to minute."""
        return render(request, "part_now.html", **await views_overview.now_of(self._desk))

    async def stock(
        self, request: Request, q: str = "", show: str = "all", page: int = 1
    ) -> Response:
        """Show the matrix of SKUs and stores, page by page."""
        context = self._desk.context()
        shows = show if show in views_stock.SHOWS else "all"
        number = min(max(1, page), views_stock.PAGES_MAX)
        found = await views_stock.page_of(context, q, show=shows, page=number)
        return render(
            request, "stock.html", found=found, stores=list(context.stores), q=q, show=shows
        )

    async def sku(
        self,
        request: Request,
        name: str,
        sku: str = "",
        movements: int = views_sku.MOVEMENTS_SHOWN,
        said: str = "",
    ) -> Response:
        """Show one SKU; its name stands in the path, or where no path can hold it, in `sku`."""
        context = self._desk.context()
        shown = min(max(1, movements), MOVEMENTS_MAX)
        found = await views_sku.page_of(context, sku_given(name or sku), movements=shown)
        return render(
            request,
            "sku.html",
            page=found,
            places=views_sku.places(found.found),
            change_of=views_sku.change_of,
            shown=shown,
            movements_max=MOVEMENTS_MAX,
            key=new_key(),
            said=SAID.get(said, ""),
        )

    async def holds(self, request: Request, said: str = "") -> Response:
        """Show the plans that wait for a person, and those decided that still stand."""
        context = self._desk.context()
        holds = await context.ledger.holds(None, STANDING)
        return render(
            request,
            "holds.html",
            waiting=[hold for hold in holds if not hold.decided_by],
            decided=[hold for hold in holds if hold.decided_by],
            lines_max=views_runs.LINES_SHOWN,
            now=context.now(),
            said=SAID.get(said, ""),
        )

    async def runs(self, request: Request) -> Response:
        """Show the last runs."""
        context = self._desk.context()
        rows = await views_runs.rows_of(context)
        return render(request, "runs.html", rows=rows, now=context.now())

    async def run(self, request: Request, run: str) -> Response:
        """Show one run: how far it is, and what it did or, when dry, would do."""
        context = self._desk.context()
        progress = await self._progress(run)
        record = None if "\0" in run else await context.ledger.run(run)
        if record is None and progress is None:
            raise UnknownName(f"no run is called {run!r}; the list of runs shows the last ones")
        return render(
            request,
            "run.html",
            run=run,
            row=None if record is None else views_runs.row_of(record),
            progress=progress,
            lines_max=views_runs.LINES_SHOWN,
            now=context.now(),
        )

    async def run_progress(self, request: Request, run: str) -> Response:
        """Show how far a run is, for a page that watches it."""
        progress = await self._progress(run)
        if progress is None:
            raise UnknownName("this run is not remembered here; see the list of runs")
        busy = request.query_params.get("busy") == "yes"
        return render(request, "part_progress.html", progress=progress, busy=busy)

    async def _progress(self, run: str) -> views_runs.Progress | None:
        stores = len(self._desk.context().stores)
        return await views_runs.progress_of(self._desk.dispatcher, run, stores=stores)

    async def rules(
        self, request: Request, sku: str = "", store: str = "", said: str = ""
    ) -> Response:
        """Show the rules in force, what is odd about them, and why a SKU gets its number."""
        context, settings = self._desk.context(), self._desk.settings
        at = StoreId(store) if store else None
        if at is not None and at not in context.stores:
            raise UnknownName(f"no store is called {store!r}")
        rulings = []
        if sku:
            rulings = await views_rules.rulings_for(context, sku_given(sku), at)
        return render(
            request,
            "rules.html",
            book=context.book,
            rules=views_rules.rows_of(context.book.rules),
            settings=settings,
            stores=list(context.stores),
            sku=sku,
            store=store,
            rulings=rulings,
            said=SAID.get(said, ""),
        )
