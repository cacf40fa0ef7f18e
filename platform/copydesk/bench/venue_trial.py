"""One measurement of `bench venues` in a process of its own: our adapters, the plain way, or stalls of the event loop.

Run as `python -m copydesk.bench.venue_trial` with a `Trial` in JSON on standard input; prints its figures in JSON.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson
import uvloop

from copydesk.kernel import Unavailable, new_id
from copydesk.trading import Credentials, OrderRequest, OrderType, OrderView, Side
from copydesk.venues import PoolLimits, Venue, VenueUrls, open_venue
from copydesk.venues.lab import ccxt_urls
from copydesk.workers.loop import prefer_latency

SYMBOL = "BTC/USDT:USDT"
QTY = Decimal("0.01")
STALL_MS_MAX = 20.0
BEAT_S = 0.001
# As a replicator has them unless its settings say otherwise.
CONNECTIONS, CONNECTIONS_MAX = 200, 1000
WINDOW_S = 5.1
READ_PAUSE_S = 2.1  # OKX counts public requests in windows of two seconds.
CCXT_AT_ONCE = 100
CCXT_OPTIONS = {
    "createMarketBuyOrderRequiresPrice": False,
    "enableUnifiedAccount": True,
    "enableUnifiedMargin": False,
    "uta": False,
}


@dataclass(frozen=True)
class Trial:
    """What to measure of one exchange. `keys` are (key, secret, passphrase); `burst` is how many orders a window takes.

    `ccxt_qty` is the same order in the unit of ccxt, which counts contracts on some exchanges.
    """

    kind: str
    venue: str
    rest: str
    stream: str
    keys: tuple[tuple[str, str, str], ...]
    burst: int
    ccxt_qty: float
    rounds: int


class Stall(NamedTuple):
    """How long the event loop was kept: by the clock, and in processor time of this process, all threads together.

    The latter leaves out what other programs on the same core take, and counts the threads that hold the interpreter.
    """

    wall_ms: float
    cpu_ms: float


async def ours(trial: Trial) -> dict[str, Any]:
    """Open one venue, then trade once on every account."""
    began_s = time.perf_counter()
    venue = _open(trial)
    opened_s = time.perf_counter()
    try:
        await venue.warm(1)
        await venue.instruments()
        read_s = time.perf_counter()
        before_mb = rss_mb()
        await venue.warm(CONNECTIONS)
        accepted = 0
        for start in range(0, len(trial.keys), trial.burst):
            accepted += await _trade(venue, _orders(trial.keys[start : start + trial.burst]))
            if start + trial.burst < len(trial.keys):
                await asyncio.sleep(WINDOW_S)
        if accepted < len(trial.keys):
            raise Unavailable(f"{trial.venue}: {len(trial.keys) - accepted} orders were not accepted")
        return {
            "instances": 1,
            "instance_ms": round((opened_s - began_s) * 1000, 2),
            "markets_ms": round((read_s - opened_s) * 1000, 1),
            "rss_mb": round(rss_mb() - before_mb, 1),
        }
    finally:
        await venue.aclose()


async def plain(trial: Trial) -> dict[str, Any]:
    """Do the same with one unmodified ccxt instance for each account, which share markets and TLS context."""
    context = ssl.create_default_context()
    began_s = time.perf_counter()
    master = _ccxt(trial, trial.keys[0], context)
    await master.load_markets()
    read_s = time.perf_counter()
    before_mb = rss_mb()
    began_instances_s = time.perf_counter()
    clients = [_ccxt(trial, key, context) for key in trial.keys]
    for client in clients:
        client.set_markets_from_exchange(master)
    instances_s = time.perf_counter() - began_instances_s
    try:
        for start in range(0, len(clients), CCXT_AT_ONCE):
            some = clients[start : start + CCXT_AT_ONCE]
            await asyncio.gather(*(one.create_order(SYMBOL, "market", "buy", trial.ccxt_qty) for one in some))
            if (start + CCXT_AT_ONCE) % trial.burst < CCXT_AT_ONCE:
                await asyncio.sleep(WINDOW_S)
        return {
            "instances": len(clients),
            "instance_ms": round(instances_s * 1000 / len(clients), 2),
            "markets_ms": round((read_s - began_s) * 1000, 1),
            "rss_mb": round(rss_mb() - before_mb, 1),
        }
    finally:
        await asyncio.gather(*(client.close() for client in (master, *clients)))


async def stalls(trial: Trial) -> dict[str, Any]:
    """Find the longest time that each call keeps the event loop from everything else, set up as the roles set it up.

    "idle" is the same without a call: what the machine itself delays.
    """
    venue = _open(trial)
    try:
        await venue.warm(CONNECTIONS)
        listed = len(await venue.instruments())
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "idle": lambda: asyncio.sleep(0.2),
            "instruments": venue.instruments,
            "prices": venue.prices,
        }
        prefer_latency()
        found: dict[str, list[Stall]] = {name: [] for name in calls}
        for _ in range(trial.rounds):
            for name, call in calls.items():
                found[name].append(await longest_stall(call))
            await asyncio.sleep(READ_PAUSE_S)
        return {"listed": listed, "stalls": found}
    finally:
        await venue.aclose()


async def order_stalls(trial: Trial) -> dict[str, Any]:
    """The same for sending an order of every account at once; what the rate budget leaves out is refused at once."""
    venue = _open(trial)
    try:
        await venue.warm(CONNECTIONS)
        await venue.instruments()
        prefer_latency()
        found = []
        for _ in range(trial.rounds):
            orders = _orders(trial.keys)
            found.append(await longest_stall(partial(_trade, venue, orders)))
            await asyncio.sleep(WINDOW_S)
        return {"listed": len(trial.keys), "stalls": {"submit_many": found}}
    finally:
        await venue.aclose()


async def longest_stall(call: Callable[[], Awaitable[Any]]) -> Stall:
    """Return how long at worst a task that wants to run every millisecond had to wait while the call ran."""
    wall_s = cpu_s = 0.0

    async def beat() -> None:
        nonlocal wall_s, cpu_s
        while True:
            before_s, before_cpu_s = time.perf_counter(), time.process_time()
            await asyncio.sleep(BEAT_S)
            wall_s = max(wall_s, time.perf_counter() - before_s - BEAT_S)
            cpu_s = max(cpu_s, time.process_time() - before_cpu_s)

    beating = asyncio.ensure_future(beat())
    await asyncio.sleep(0)
    await call()
    await asyncio.sleep(2 * BEAT_S)  # The last of the call may be what kept the task.
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    return Stall(wall_s * 1000, cpu_s * 1000)


def rss_mb() -> float:
    """Return this process's resident memory in MiB, without garbage."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def summary(stalls: Sequence[Stall]) -> dict[str, Any]:
    """Judge the rounds by the median of what this process computed; the clock on the wall is told beside it."""
    cpu_ms = median(stall.cpu_ms for stall in stalls)
    return {
        "stall_ms": round(cpu_ms, 2),
        "stall_ms_max": round(max(stall.cpu_ms for stall in stalls), 2),
        "wall_ms": round(median(stall.wall_ms for stall in stalls), 2),
        "ok": cpu_ms <= STALL_MS_MAX,
    }


def _open(trial: Trial) -> Venue:
    urls = VenueUrls.lab(trial.venue, trial.rest, trial.stream)
    return open_venue(trial.venue, urls, limits=PoolLimits(connections_max=CONNECTIONS_MAX))


async def _trade(venue: Venue, orders: Sequence[tuple[Credentials, OrderRequest]]) -> int:
    """Send orders; return how many were accepted."""
    return sum(isinstance(outcome.result, OrderView) for outcome in await venue.submit_many(orders))


def _orders(keys: Sequence[tuple[str, str, str]]) -> list[tuple[Credentials, OrderRequest]]:
    """Make one market order for every key."""
    return [
        (
            Credentials(number, *key),
            OrderRequest(new_id().hex, SYMBOL, Side.BUY, OrderType.MARKET, QTY),
        )
        for number, key in enumerate(keys)
    ]


def _ccxt(trial: Trial, key: tuple[str, str, str], context: ssl.SSLContext) -> Any:
    import ccxt.async_support as ccxt_async  # type: ignore[import-untyped]  # Only here: our memory is without it.

    api_key, secret, password = key
    urls = ccxt_urls(trial.venue, trial.rest, trial.stream)
    login = {"apiKey": api_key, "secret": secret, "password": password}
    client = getattr(ccxt_async, trial.venue)({**login, "urls": urls, "options": CCXT_OPTIONS})
    client.ssl_context = context
    return client


KINDS: dict[str, Callable[[Trial], Any]] = {
    "ours": ours,
    "plain": plain,
    "stalls": stalls,
    "order_stalls": order_stalls,
}


def written(trial: Trial) -> bytes:
    """Write a trial as `main` reads it."""
    return orjson.dumps(asdict(trial))


def main() -> None:
    """Run the trial of standard input."""
    told = orjson.loads(sys.stdin.buffer.read())
    trial = Trial(**{**told, "keys": tuple(tuple(key) for key in told["keys"])})
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(KINDS[trial.kind](trial)), default=list))


if __name__ == "__main__":
    main()
