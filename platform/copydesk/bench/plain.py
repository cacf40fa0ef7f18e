"""The same orders done the plain ways: a ccxt loop, ccxt with asyncio.gather, one RQ job per follower.

Every comparison is kind to the plain way: markets are loaded beforehand and shared, connections are warm where
the way allows it, and only the orders are timed.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import ccxt  # type: ignore[import-untyped]
import ccxt.async_support as ccxt_async  # type: ignore[import-untyped]
import orjson
from redis import Redis
from rq import Queue, Worker

from copydesk.kernel import Unavailable
from copydesk.stack import Stack, spawn, stop, wait_until

SYMBOL = "BTC/USDT"
QTY = 0.002
LOOP_FOLLOWERS_MAX = 1000
QUEUE = "bench-plain"
QUEUE_S_MAX = 450  # RQ keeps results for 500 s.
OPTIONS = {"fetchMargins": False, "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}


@dataclass(frozen=True)
class Follower:
    """A follower's key on the lab."""

    api_key: str
    secret: str = field(repr=False)

    def config(self, urls: dict[str, Any]) -> dict[str, Any]:
        return {"apiKey": self.api_key, "secret": self.secret, "urls": urls, "options": OPTIONS}


def loop_orders(crowd: Sequence[Follower], urls: dict[str, Any]) -> float:
    """Place one order per follower, one after the other; return milliseconds to the last answer.

    Over 1,000 followers the first 1,000 are measured and the rest is taken to cost the same.
    """
    some = crowd[:LOOP_FOLLOWERS_MAX]
    master = ccxt.binance(some[0].config(urls))
    master.load_markets()
    exchanges = [ccxt.binance(follower.config(urls)) for follower in some]
    for exchange in exchanges:
        exchange.set_markets_from_exchange(master)
    begun = time.perf_counter()
    for exchange in exchanges:
        exchange.create_order(SYMBOL, "market", "buy", QTY)
    return (time.perf_counter() - begun) * 1000 * len(crowd) / len(some)


def gather_orders(crowd: Sequence[Follower], urls: dict[str, Any], *, rounds: int) -> float:
    """Place all orders at once with asyncio.gather; return the median milliseconds of the rounds, connections warm."""
    return asyncio.run(_gather(crowd, urls, rounds))


async def _gather(crowd: Sequence[Follower], urls: dict[str, Any], rounds: int) -> float:
    master = ccxt_async.binance(crowd[0].config(urls))
    await master.load_markets()
    exchanges = [ccxt_async.binance(follower.config(urls)) for follower in crowd]
    context = ssl.create_default_context()
    for exchange in exchanges:
        exchange.set_markets_from_exchange(master)
        exchange.ssl_context = context
    try:
        for batch in range(0, len(exchanges), 100):
            await asyncio.gather(*(one.fetch_time() for one in exchanges[batch : batch + 100]))
        times = []
        for number in range(rounds):
            side = "buy" if number % 2 == 0 else "sell"
            begun = time.perf_counter()
            await asyncio.gather(*(one.create_order(SYMBOL, "market", side, QTY) for one in exchanges))
            times.append((time.perf_counter() - begun) * 1000)
        return median(times)
    finally:
        await asyncio.gather(*(one.close() for one in [master, *exchanges]))


def queue_orders(crowd: Sequence[Follower], urls: dict[str, Any], stack: Stack) -> float:
    """Place one order per follower in one RQ job each, with RQ's default worker; milliseconds to the last answer."""
    redis = Redis.from_url(stack.redis_url)
    queue = Queue(QUEUE, connection=redis)
    worker = _start_worker(stack, urls)
    try:
        if not wait_until(lambda: any(Worker.all(queue=queue)), patience_s=60, poll_s=0.1):
            raise Unavailable("RQ's worker did not start; see log/bench-rq.log")
        begun = time.time()
        jobs = queue.enqueue_many(
            [Queue.prepare_data(place_one, (follower.api_key, follower.secret)) for follower in crowd]
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


def _start_worker(stack: Stack, urls: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start RQ's default, forking worker with ccxt and its markets loaded before the first fork."""
    command = [sys.executable, "-m", "copydesk.bench.plain", stack.redis_url, orjson.dumps(urls).decode()]
    return spawn(command, stack.var.log / "bench-rq.log")


_MASTER: Any = None


def place_one(api_key: str, secret: str) -> float:
    """Place one follower's order in an RQ job and return the time of the answer, in epoch seconds."""
    exchange = ccxt.binance(Follower(api_key, secret).config(_MASTER.plain_urls))
    exchange.set_markets_from_exchange(_MASTER)
    exchange.create_order(SYMBOL, "market", "buy", QTY)
    return time.time()


def _serve(redis_url: str, urls: str) -> None:
    from copydesk.bench import plain

    master = ccxt.binance({"urls": orjson.loads(urls), "options": OPTIONS})
    master.load_markets()
    master.plain_urls = orjson.loads(urls)
    plain._MASTER = master
    connection = Redis.from_url(redis_url)
    Worker([Queue(QUEUE, connection=connection)], connection=connection).work(logging_level="WARNING")


if __name__ == "__main__":
    _serve(*sys.argv[1:])
