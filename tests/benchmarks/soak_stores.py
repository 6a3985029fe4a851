"""The stores of the soak, in a process of their own: shoppers, faults, and no memory of requests.

Prints one line of JSON with the addresses and the configuration, then serves until SIGTERM.
SIGUSR1 sends the shoppers home and mends every store.
"""

import argparse
import asyncio
import json
import signal
from random import Random
from typing import Final

from stocksync.sandbox.catalogue import Catalogue, plain_catalogue
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.serve import Sandbox
from stocksync.sandbox.shoppers import Shoppers

#: What a busy shop and a bad network do at their own pace; the soak hurries both.
VISIT_SECONDS: Final = 10.0
OUTAGE_EVERY_SECONDS: Final = 1_800.0
OUTAGE_SECONDS: Final = 120.0
FAULT_RATE: Final = 0.05
TIDY_SECONDS: Final = 5.0
KINDS: Final = (
    Fault.DROP_REQUEST,
    Fault.DROP_REPLY,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.RATE_LIMITED,
    Fault.SLOW,
    Fault.TRUNCATED,
    Fault.CONTENT_LENGTH_LIE,
    Fault.HTML,
    Fault.EMPTY_BODY,
)
OUTAGES: Final = (Fault.ERROR_BEFORE, Fault.UNAUTHORISED, Fault.DROP_REQUEST, Fault.RATE_LIMITED)


async def bad_days(catalogue: Catalogue, random: Random, speed: float) -> None:
    """Let one store after the other be down for a while."""
    names = sorted(catalogue.shops)
    while True:
        await asyncio.sleep(OUTAGE_EVERY_SECONDS / speed)
        faults = catalogue.shops[random.choice(names)].faults
        faults.always(random.choice(OUTAGES))
        await asyncio.sleep(OUTAGE_SECONDS / speed)
        faults.clear()
        faults.randomly(FAULT_RATE, KINDS, random)


async def tidy(catalogue: Catalogue) -> None:
    """Forget what was asked, so that the stores themselves do not grow."""
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        for shop in catalogue.shops.values():
            for record in (shop.requests, shop.writes, shop.orders, shop.faults.met):
                record.clear()


async def serve(skus: int, seed: int, speed: float) -> None:
    """Serve the stores; shop and break things until told to stop."""
    catalogue, random = plain_catalogue(skus, seed, spread=0), Random(seed)
    quiet, stop = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, quiet.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with Sandbox(catalogue.shops) as sandbox:
        text = sandbox.configuration(
            "sqlite:///stocksync.db",
            "rules/",
            every_store={
                "poll": f"{60 / speed:g}s",
                "sweep": f"{3600 / speed:g}s",
                "first_contact": "push",
                "rate": 1000,
            },
        )
        said = {"urls": sandbox.urls, "configuration": text, "rules": catalogue.rules()}
        print(json.dumps(said | {"opening": catalogue.opening}), flush=True)
        for shop in catalogue.shops.values():
            shop.faults.randomly(FAULT_RATE, KINDS, random)
        shoppers = Shoppers(catalogue.shops, random)
        people = shoppers.run(quiet.is_set, lambda: random.expovariate(speed / VISIT_SECONDS))
        busy = [asyncio.create_task(people), asyncio.create_task(tidy(catalogue))]
        weather = asyncio.create_task(bad_days(catalogue, random, speed))
        await quiet.wait()
        weather.cancel()
        for shop in catalogue.shops.values():
            shop.faults.clear()
        await stop.wait()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, weather, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--speed", type=float, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.skus, given.seed, given.speed))
