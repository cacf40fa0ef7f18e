"""Starting and stopping the lab: configuration, composition, timers, and what survives in the data folder."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import secrets
import signal
import string
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import orjson
from aiohttp import web

from copydesk.kernel import ConfigError
from copydesk.venues.lab import state
from copydesk.venues.lab.control import RTT_MS_MAX, SPEED_MAX, Control
from copydesk.venues.lab.dialects.binance import BinanceSpot
from copydesk.venues.lab.dialects.binance_streams import MarketSession, MarketStreams
from copydesk.venues.lab.dialects.binance_wsapi import ApiSession
from copydesk.venues.lab.exchange import Lab, MarketClock
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.gate import Gate
from copydesk.venues.lab.history import DAY_MS
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import KeyRing
from copydesk.venues.lab.maker import MarketMaker
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.server import HttpServer
from copydesk.venues.lab.streams import SessionMaker, StreamConnection, StreamServer

TICK_S = 0.1
FLUSH_S = 0.05
SNAPSHOT_EVERY_S = 1.0
# New objects before a young collection; orders and journal buffers come in thousands, cycles hardly ever.
GC_THRESHOLD = 100_000
# Saving stops the exchange meanwhile, so a large state waits until nobody trades.
SNAPSHOT_CHEAP_S = 0.01
SNAPSHOT_SHARE = 50.0
SNAPSHOT_QUIET_S = 10.0
_LOCK = "lock"
_KEY_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class LabConfig:
    """How to run a lab. Ports of 0 mean any free one. `speed` is market time per wall time.

    `start` is the market time to begin at, in epoch ms of the replayed days; None begins on the first day at
    the present time of day, which at speed 1 makes old and new candles meet without a seam.
    """

    SPEED_MAX: ClassVar[float] = SPEED_MAX
    RTT_MS_MAX: ClassVar[float] = RTT_MS_MAX

    data_dir: Path
    token: str = field(repr=False)
    host: str = "127.0.0.1"
    rest_port: int = 0
    ws_port: int = 0
    seed: int = 0
    speed: float = 1.0
    rtt_ms: float = 0.0
    start: int | None = None

    def __post_init__(self) -> None:
        if not self.token:
            raise ConfigError("lab token: expected a text, found nothing")
        for name, value, most in (("speed", self.speed, SPEED_MAX), ("rtt_ms", self.rtt_ms, RTT_MS_MAX)):
            if not 0 <= value <= most:
                raise ConfigError(f"lab {name}: expected a number from 0 to {most}, found {value}")


@dataclass(frozen=True)
class Addresses:
    """Where a started lab listens, as `binance_urls` wants it."""

    rest: str
    ws: str


async def serve(config: LabConfig, on_ready: Callable[[Addresses], None] | None = None) -> None:
    """Run until SIGTERM or SIGINT; the state is on disk when this returns."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as addresses:
        _spare_collections()
        (on_ready or _announce)(addresses)
        await stop.wait()


def _spare_collections() -> None:
    """Keep the garbage collector off what lives long: a full collection would stop the exchange for milliseconds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 100)


@asynccontextmanager
async def running(config: LabConfig) -> AsyncIterator[Addresses]:
    """Run a lab on this loop for as long as the block lasts."""
    with _alone_on(config.data_dir):
        lab = open_lab(config)
        try:
            async with _listening(lab, config) as addresses:
                yield addresses
            state.save(lab, config.data_dir)
        finally:
            lab.journal.close()


@contextmanager
def _alone_on(data_dir: Path) -> Iterator[None]:
    """Own a data folder: two labs would spoil its journal. The kernel lets go of it when the process ends."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / _LOCK).open("wb")
    except OSError as error:
        raise ConfigError(f"lab data folder {data_dir}: expected a folder, found {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"lab data folder {data_dir}: expected no other lab on it, found one running") from error
        yield


def open_lab(config: LabConfig) -> Lab:
    """Load or create the exchange of a data folder that is ours, without listening yet."""
    loaded, market = state.load(config.data_dir), Market(seed=config.seed)
    now_ms = time.time() * 1000.0
    start_ms = loaded.market_ms if loaded.market_ms is not None else config.start
    if start_ms is None:
        start_ms = market.start_ms + (now_ms - market.start_ms) % DAY_MS
    lab = Lab(
        engine=loaded.engine,
        market=market,
        maker=MarketMaker(config.seed),
        journal=Journal(config.data_dir / state.JOURNAL),
        keys=KeyRing(_token, config.data_dir / state.KEYS),
        faults=FaultPlan(config.seed),
        clock=MarketClock(start_ms, now_ms, config.speed),
        clock_ms=lambda: time.time() * 1000.0,
        rtt_ms=config.rtt_ms,
    )
    lab.tick()
    return lab


@asynccontextmanager
async def _listening(lab: Lab, config: LabConfig) -> AsyncIterator[Addresses]:
    spot, control = BinanceSpot(lab), Control(lab, config.token)
    gate, market_streams = Gate(lab, spot, control), MarketStreams(lab)
    api_sessions: set[ApiSession] = set()
    lab.streams.disconnect = lambda account: _disconnect(api_sessions, account)

    def market_session(connection: StreamConnection, request: web.Request) -> MarketSession:
        return MarketSession(market_streams, connection, request)

    sessions: dict[str, SessionMaker] = {
        "/stream/stream": market_session,
        "/stream/ws": market_session,
        "/stream/ws/{name:.*}": market_session,
        "/ws-api/v3": lambda connection, _request: ApiSession(spot, connection, api_sessions),
    }
    rest = HttpServer(gate)
    streams = StreamServer(sessions, lambda request: _stream_ip(gate, request))
    try:
        await _listen(rest.start(config.host, config.rest_port), "rest", config.host, config.rest_port)
        await _listen(streams.start(config.host, config.ws_port), "ws", config.host, config.ws_port)
        async with _timers(lab, market_streams, config.data_dir):
            yield Addresses(f"http://{config.host}:{rest.port}", f"ws://{config.host}:{streams.port}")
    finally:
        await streams.stop()
        await rest.stop()


@asynccontextmanager
async def _timers(lab: Lab, market_streams: MarketStreams, data_dir: Path) -> AsyncIterator[None]:
    """Keep market, journal and snapshots going; a bug in one stops the lab instead of leaving a frozen market."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_every(TICK_S, lambda: _tick(lab, market_streams))),
            group.create_task(_every(FLUSH_S, lab.journal.flush)),
            group.create_task(_keep_snapshots(lab, data_dir)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _listen(starting: Awaitable[None], name: str, host: str, port: int) -> None:
    try:
        await starting
    except OSError as error:
        raise ConfigError(f"lab {name} port: expected to listen on {host}:{port}, found {error.strerror}") from error


def _tick(lab: Lab, market_streams: MarketStreams) -> None:
    lab.tick()
    market_streams.tick()


async def _every(period_s: float, act: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(period_s)
        act()


async def _keep_snapshots(lab: Lab, data_dir: Path) -> None:
    """Save what changed: every second while saving is cheap, else after ten quiet seconds.

    A crash loses nothing either way: the journal's tail covers the time since the last save.
    """
    wait_s, cost_s, saved, seen = SNAPSHOT_EVERY_S, 0.0, lab.changes, lab.changes
    quiet_since_s = time.monotonic()
    while True:
        await asyncio.sleep(wait_s)
        now_s = time.monotonic()
        if lab.changes != seen:
            seen, quiet_since_s = lab.changes, now_s
        waits = cost_s > SNAPSHOT_CHEAP_S and now_s - quiet_since_s < SNAPSHOT_QUIET_S
        if seen == saved or waits:
            continue
        saved = seen
        state.save(lab, data_dir)
        cost_s = time.monotonic() - now_s
        wait_s = max(SNAPSHOT_EVERY_S, min(SNAPSHOT_SHARE * cost_s, SNAPSHOT_QUIET_S))


def _disconnect(sessions: set[ApiSession], account: str) -> int:
    chosen = [session for session in sessions if session.serves(account)]
    for session in chosen:
        session.disconnect()
    return len(chosen)


def _stream_ip(gate: Gate, request: web.Request) -> str:
    headers = {name.lower(): value for name, value in request.raw_headers}
    return gate.ip_of(request.remote or "", headers)


def _token() -> str:
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(64))


def _announce(addresses: Addresses) -> None:
    """Print one JSON line with the ports, for whoever started the process."""
    ports = {name: int(url.rpartition(":")[2]) for name, url in vars(addresses).items()}
    line = {"rest_port": ports["rest"], "ws_port": ports["ws"], "rest": addresses.rest, "ws": addresses.ws}
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()
