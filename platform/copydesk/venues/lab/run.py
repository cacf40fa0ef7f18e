"""Starting and stopping the lab: configuration, composition, timers, and what survives in the data folder."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import orjson
from aiohttp import web

from copydesk.kernel import ConfigError
from copydesk.venues.lab import state
from copydesk.venues.lab.control import RTT_MS_MAX, SPEED_MAX, Control, Lab
from copydesk.venues.lab.dialect import Dialect
from copydesk.venues.lab.dialects import open_dialects
from copydesk.venues.lab.express import Express
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.gate import Gate
from copydesk.venues.lab.history import DAY_MS
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.server import HttpServer
from copydesk.venues.lab.streams import StreamServer
from copydesk.venues.lab.tls import open_authority
from copydesk.venues.lab.world import MarketClock, World

TICK_S = 0.1
FLUSH_S = 0.05
SNAPSHOT_EVERY_S = 1.0
# New objects before a collection that waits for nothing, and before one that waits until hardly any more come. Orders
# come in thousands and last, cycles hardly ever: going through them while orders come would be felt in their times.
GC_THRESHOLD = 1_000_000
GC_QUIET_THRESHOLD, GC_QUIET_GROWTH = 50_000, 500
GC_LOOK_S = 1.0
# Saving stops the exchange meanwhile, so a large state waits until nobody trades.
SNAPSHOT_CHEAP_S = 0.01
SNAPSHOT_SHARE = 50.0
SNAPSHOT_QUIET_S = 10.0
_LOCK = "lock"
# Where a running lab says where it listens, for commands on the same machine.
ADDRESSES = "addresses.json"


@dataclass(frozen=True)
class LabConfig:
    """How to run a lab. Ports of 0 mean any free one. `speed` is market time per wall time.

    Each of `tls_ports` serves REST and WebSocket of every exchange, by their real host names; see tls.py.
    `light` begins with orders filled at the last price without a book; see light.py.

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
    control_port: int = 0
    tls_ports: Sequence[int] = ()
    seed: int = 0
    speed: float = 1.0
    rtt_ms: float = 0.0
    start: int | None = None
    light: bool = False

    def __post_init__(self) -> None:
        if not self.token:
            raise ConfigError("lab token: expected a text, found nothing")
        for name, value, most in (("speed", self.speed, SPEED_MAX), ("rtt_ms", self.rtt_ms, RTT_MS_MAX)):
            if not 0 <= value <= most:
                raise ConfigError(f"lab {name}: expected a number from 0 to {most}, found {value}")


@dataclass(frozen=True)
class Addresses:
    """Where a started lab listens. `rest` and `ws` are plain; each of `tls` serves both, trusted by `ca_file`."""

    rest: str
    ws: str
    control: str
    tls: tuple[str, ...] = ()
    ca_file: str = ""

    def told(self) -> dict[str, Any]:
        """Return the addresses and their ports, as programs read them."""
        return {
            "rest_port": port_of(self.rest),
            "ws_port": port_of(self.ws),
            "control_port": port_of(self.control),
            "tls_ports": [port_of(url) for url in self.tls],
            **vars(self),
        }


def port_of(url: str) -> int:
    """Return the port at the end of an address."""
    return int(url.rpartition(":")[2])


async def serve(config: LabConfig, on_ready: Callable[[Addresses], None] | None = None) -> None:
    """Run until SIGTERM or SIGINT; the state is on disk when this returns."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    place = config.data_dir / ADDRESSES
    async with running(config) as addresses:
        tidying = asyncio.ensure_future(_collect_when_quiet())
        place.write_bytes(orjson.dumps(addresses.told()))
        try:
            (on_ready or _announce)(addresses)
            await stop.wait()
        finally:
            tidying.cancel()
            place.unlink(missing_ok=True)


async def _collect_when_quiet() -> None:
    """Keep the garbage collector off what lives long, and let it run while nobody trades: it stops the exchange."""
    gc.set_threshold(GC_THRESHOLD, 20, 100)
    made, before = GC_QUIET_THRESHOLD, GC_QUIET_THRESHOLD
    while True:
        if made >= GC_QUIET_THRESHOLD and made - before < GC_QUIET_GROWTH:
            gc.collect()
            gc.freeze()
        before = made
        await asyncio.sleep(GC_LOOK_S)
        made = gc.get_count()[0]


@asynccontextmanager
async def running(config: LabConfig) -> AsyncIterator[Addresses]:
    """Run a lab on this loop for as long as the block lasts."""
    with _alone_on(config.data_dir):
        world = open_world(config)
        try:
            async with _listening(world, config) as addresses:
                yield addresses
            state.save(world, config.data_dir)
        finally:
            world.journal.close()


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


def open_world(config: LabConfig) -> World:
    """Load or create the exchanges of a data folder that is ours, without listening yet."""
    saved, market = state.read(config.data_dir), Market(seed=config.seed)
    now_ms = time.time() * 1000.0
    start_ms = saved.market_ms if saved is not None else config.start
    if start_ms is None:
        start_ms = market.start_ms + (now_ms - market.start_ms) % DAY_MS
    world = World(
        market=market,
        journal=Journal(config.data_dir / state.JOURNAL),
        faults=FaultPlan(config.seed),
        clock=MarketClock(start_ms, now_ms, config.speed),
        clock_ms=lambda: time.time() * 1000.0,
        seed=config.seed,
        rtt_ms=config.rtt_ms,
    )
    state.fill(world, saved, config.data_dir)
    world.tick()
    return world


@asynccontextmanager
async def _listening(world: World, config: LabConfig) -> AsyncIterator[Addresses]:
    lab = Lab(world, open_dialects(world))
    for exchange in world.exchanges.values():
        exchange.light = config.light
    async with AsyncExitStack() as doors:
        addresses = await _open_doors(lab, config, doors)
        lab.places = addresses.told()
        async with _timers(world, lab.dialects, config.data_dir):
            yield addresses


async def _open_doors(lab: Lab, config: LabConfig, doors: AsyncExitStack) -> Addresses:
    """Listen on every port; what was opened is closed again when a later one cannot be."""
    host, gate = config.host, Gate(lab.world, lab.dialects, config.token)
    sessions = {path: make for dialect in lab.dialects for path, make in dialect.sessions().items()}

    def ip_of(request: web.Request) -> str:
        return _stream_ip(gate, request)

    express = Express(lab.world, [lane for dialect in lab.dialects for lane in dialect.lanes()], gate.named_ip)
    # What the journal was told is on its way to the disk before anyone is: a killed lab knows what it answered.
    rest, control = HttpServer(gate, express, lab.world.journal.flush), HttpServer(Control(lab, config.token))
    streams, tls = StreamServer(sessions, ip_of), StreamServer(sessions, ip_of, gate)
    for server in (streams, tls, control, rest):
        doors.push_async_callback(server.stop)
    await _listen(rest.start(host, config.rest_port), "rest", host, config.rest_port)
    await _listen(streams.start(host, [config.ws_port]), "ws", host, config.ws_port)
    await _listen(control.start(host, config.control_port), "control", host, config.control_port)
    ca_file = ""
    if config.tls_ports:
        authority = open_authority(config.data_dir)
        await _listen(tls.start(host, config.tls_ports, authority.context), "tls", host, config.tls_ports)
        ca_file = str(authority.ca_file)
    return Addresses(
        f"http://{host}:{rest.port}",
        f"ws://{host}:{streams.port}",
        f"http://{host}:{control.port}",
        tuple(f"https://{host}:{port}" for port in tls.ports),
        ca_file,
    )


@asynccontextmanager
async def _timers(world: World, dialects: Sequence[Dialect], data_dir: Path) -> AsyncIterator[None]:
    """Keep market, journal and snapshots going; a bug in one stops the lab instead of leaving a frozen market."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_every(TICK_S, lambda: _tick(world, dialects))),
            group.create_task(_every(FLUSH_S, world.journal.flush)),
            group.create_task(_keep_snapshots(world, data_dir)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _listen(starting: Awaitable[None], name: str, host: str, port: int | Sequence[int]) -> None:
    try:
        await starting
    except OSError as error:
        raise ConfigError(f"lab {name} port: expected to listen on {host}:{port}, found {error.strerror}") from error


def _tick(world: World, dialects: Sequence[Dialect]) -> None:
    world.tick()
    for dialect in dialects:
        dialect.tick()


async def _every(period_s: float, act: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(period_s)
        act()


async def _keep_snapshots(world: World, data_dir: Path) -> None:
    """Save what changed: every second while saving is cheap, else after ten quiet seconds.

    A crash loses nothing either way: the journal's tail covers the time since the last save.
    """
    wait_s, cost_s, saved, seen = SNAPSHOT_EVERY_S, 0.0, world.changes, world.changes
    quiet_since_s = time.monotonic()
    while True:
        await asyncio.sleep(wait_s)
        now_s = time.monotonic()
        if world.changes != seen:
            seen, quiet_since_s = world.changes, now_s
        waits = cost_s > SNAPSHOT_CHEAP_S and now_s - quiet_since_s < SNAPSHOT_QUIET_S
        if seen == saved or waits:
            continue
        saved = seen
        state.save(world, data_dir)
        cost_s = time.monotonic() - now_s
        wait_s = max(SNAPSHOT_EVERY_S, min(SNAPSHOT_SHARE * cost_s, SNAPSHOT_QUIET_S))


def _stream_ip(gate: Gate, request: web.Request) -> str:
    headers = {name.lower(): value for name, value in request.raw_headers}
    return gate.ip_of(request.remote or "", headers)


def _announce(addresses: Addresses) -> None:
    """Print one JSON line with the addresses, for whoever started the process."""
    sys.stdout.write(orjson.dumps(addresses.told()).decode() + "\n")
    sys.stdout.flush()
