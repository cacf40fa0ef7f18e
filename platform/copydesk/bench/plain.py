"""The same orders done the plain ways: a ccxt loop, ccxt with asyncio.gather, one RQ job per follower.

Every comparison is kind to the plain way: markets are loaded beforehand and shared, connections are warm where
the way allows it, every follower calls from an address of its own, so that no limit slows it down, and only the
orders are timed.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, NamedTuple

import ccxt  # type: ignore[import-untyped]
import ccxt.async_support as ccxt_async  # type: ignore[import-untyped]
import orjson
from redis import Redis
from requests.adapters import HTTPAdapter
from rq import Queue, Worker

from copydesk.bench.load import ORDER_QTY, PX, SPOT, SYMBOLS
from copydesk.kernel import Unavailable
from copydesk.stack import Stack, spawn, stop, wait_until
from copydesk.venues.lab import ccxt_urls

LOOP_FOLLOWERS_MAX = 1000
QUEUE = "bench-plain"
QUEUE_S_MAX = 450  # RQ keeps results for 500 s.
WARM_AT_ONCE = 100


@dataclass(frozen=True)
class Way:
    """How a plain client reaches the lab. With `token` it calls from an address of its own; `ca_file` is for TLS."""

    rest: str
    stream: str
    token: str = field(repr=False)
    market: str
    ca_file: str = ""

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.market]


class Follower(NamedTuple):
    """A follower's account and key on the lab."""

    account: str
    venue: str
    api_key: str
    secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return f"Follower({self.account!r}, {self.venue!r})"


class _LabTrust(HTTPAdapter):
    """Trust the lab's authority: ccxt passes no file of its own on to requests."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file = ca_file
        super().__init__()

    def send(self, *arguments: Any, **options: Any) -> Any:
        return super().send(*arguments, **options | {"verify": self._ca_file})


def config_of(follower: Follower, way: Way, number: int = 0) -> dict[str, Any]:
    """Return what ccxt needs to trade for a follower; `number` makes the address that it calls from."""
    swap = "linear" if follower.venue in ("binance", "bybit") else "swap"
    kind = "spot" if way.market == SPOT else swap
    own = {"X-Lab-Token": way.token, "X-Forwarded-For": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
    return {
        "apiKey": follower.api_key,
        "secret": follower.secret,
        "password": follower.passphrase,
        "enableRateLimit": False,
        "urls": ccxt_urls(follower.venue, way.rest, way.stream),
        "headers": own if way.token else {},
        "options": {
            "defaultType": "spot" if way.market == SPOT else "swap",
            "fetchMargins": False,
            "fetchMarkets": {"types": [kind]},
            "fetchCurrencies": False,
        },
    }


def open_client(follower: Follower, way: Way, number: int = 0) -> Any:
    """Return ccxt's plain client of a follower, without markets."""
    client = getattr(ccxt, follower.venue)(config_of(follower, way, number))
    client.has["fetchCurrencies"] = False
    if way.ca_file:
        client.session.mount("https://", _LabTrust(way.ca_file))
    return client


def order_of(client: Any, way: Way, side: str) -> tuple[Any, ...]:
    """Return the arguments of ccxt's `create_order`."""
    size = float(client.market(way.symbol)["contractSize"] or 1)
    return way.symbol, "market", side, ORDER_QTY / size, PX if way.market == SPOT else None


def loop_orders(crowd: Sequence[Follower], way: Way) -> float:
    """Place one order per follower, one after the other; return milliseconds to the last answer.

    Over 1,000 followers the first 1,000 are measured and the rest is taken to cost the same.
    """
    some = crowd[:LOOP_FOLLOWERS_MAX]
    clients = [open_client(follower, way, number) for number, follower in enumerate(some)]
    _share_markets(clients, _masters(some, way))
    begun = time.perf_counter()
    for client in clients:
        client.create_order(*order_of(client, way, "buy"))
    return (time.perf_counter() - begun) * 1000 * len(crowd) / len(some)


def _masters(crowd: Sequence[Follower], way: Way) -> dict[str, Any]:
    """Return a client of each exchange that has read the markets."""
    masters = {follower.venue: open_client(follower, way) for follower in crowd}
    for master in masters.values():
        master.load_markets()
    return masters


def _share_markets(clients: Sequence[Any], masters: dict[str, Any]) -> None:
    for client in clients:
        client.set_markets_from_exchange(masters[client.id])


def gather_orders(crowd: Sequence[Follower], way: Way, *, rounds: int) -> float:
    """Place all orders at once with asyncio.gather; return the median milliseconds of the rounds, connections warm."""
    return asyncio.run(_gather(crowd, way, rounds))


async def _gather(crowd: Sequence[Follower], way: Way, rounds: int) -> float:
    masters = _masters(crowd, way)
    context = ssl.create_default_context(cafile=way.ca_file or None)
    clients = []
    for number, follower in enumerate(crowd):
        client = getattr(ccxt_async, follower.venue)(config_of(follower, way, number))
        client.ssl_context = context
        clients.append(client)
    _share_markets(clients, masters)
    try:
        for batch in range(0, len(clients), WARM_AT_ONCE):
            await asyncio.gather(*(one.fetch_time() for one in clients[batch : batch + WARM_AT_ONCE]))
        return median([await _round(clients, way, "sell" if number % 2 else "buy") for number in range(rounds)])
    finally:
        await asyncio.gather(*(one.close() for one in clients))


async def _round(clients: Sequence[Any], way: Way, side: str) -> float:
    """Place everybody's order at once and return the milliseconds to the last answer."""
    begun = time.perf_counter()
    await asyncio.gather(*(one.create_order(*order_of(one, way, side)) for one in clients))
    return (time.perf_counter() - begun) * 1000


def queue_orders(crowd: Sequence[Follower], way: Way, stack: Stack) -> float:
    """Place one order per follower in one RQ job each, with RQ's default worker; milliseconds to the last answer."""
    redis = Redis.from_url(stack.redis_url)
    queue = Queue(QUEUE, connection=redis)
    worker = _start_worker(stack, crowd, way)
    try:
        if not wait_until(lambda: any(Worker.all(queue=queue)), patience_s=60, poll_s=0.1):
            raise Unavailable("RQ's worker did not start; see log/bench-rq.log")
        begun = time.time()
        jobs = queue.enqueue_many(
            [Queue.prepare_data(place_one, (*follower, number)) for number, follower in enumerate(crowd)]
        )
        last = jobs[-1].id
        finished = queue.finished_job_registry
        failed = queue.failed_job_registry
        if not wait_until(lambda: finished.count + failed.count >= len(jobs), patience_s=QUEUE_S_MAX, poll_s=0.2):
            raise Unavailable(f"RQ's worker did not finish {len(jobs)} jobs within {QUEUE_S_MAX} s")
        if failed.count:
            raise Unavailable(f"{failed.count} of {len(jobs)} RQ jobs failed, the last of them perhaps {last}")
        answered_at: list[float] = [job.return_value(refresh=True) or 0.0 for job in jobs]
        return (max(answered_at) - begun) * 1000
    finally:
        stop(worker)
        redis.close()


def _start_worker(stack: Stack, crowd: Sequence[Follower], way: Way) -> subprocess.Popen[bytes]:
    """Start RQ's default, forking worker with ccxt and its markets loaded before the first fork."""
    venues = dict.fromkeys(follower.venue for follower in crowd)
    told = orjson.dumps({"way": asdict(way), "venues": list(venues)}).decode()
    command = [sys.executable, "-m", "copydesk.bench.plain", stack.redis_url, told]
    return spawn(command, stack.var.log / "bench-rq.log")


class _Prepared(NamedTuple):
    """What RQ's worker has ready before it forks."""

    way: Way
    masters: dict[str, Any]


_PREPARED: _Prepared | None = None


def place_one(account: str, venue: str, api_key: str, secret: str, passphrase: str, number: int) -> float:
    """Place one follower's order in an RQ job and return the time of the answer, in epoch seconds."""
    assert _PREPARED is not None, "the worker prepares before it works"
    way, masters = _PREPARED
    client = open_client(Follower(account, venue, api_key, secret, passphrase), way, number)
    client.set_markets_from_exchange(masters[venue])
    client.create_order(*order_of(client, way, "buy"))
    return time.time()


def _serve(redis_url: str, told: str) -> None:
    from copydesk.bench import plain

    words = orjson.loads(told)
    way = Way(**words["way"])
    nobody = [Follower("", venue, "", "") for venue in words["venues"]]
    plain._PREPARED = _Prepared(way, _masters(nobody, way))
    connection = Redis.from_url(redis_url)
    Worker([Queue(QUEUE, connection=connection)], connection=connection).work(logging_level="WARNING")


if __name__ == "__main__":
    _serve(*sys.argv[1:])
