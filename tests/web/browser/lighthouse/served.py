"""The brand of `inhabitants` on real sockets in any theme, with prices that go on: for who looks at its pages."""

from __future__ import annotations

import random
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
_WEB = HERE.parents[1]
sys.path[:0] = [str(one) for one in (_WEB.parent, _WEB, _WEB / "browser", _WEB / "accounts", HERE)]

from browser_site import LiveRuntime, serving_live, serving_sites, themed  # noqa: E402 - found beside this folder
from copydesk.db.migrate import migrate  # noqa: E402
from copydesk.marks import ComingFunding, Listings, MarkWriter, epoch_ms  # noqa: E402
from copydesk.stack import APP_ROLE, OWNER_ROLE, embedded_stack  # noqa: E402
from copydesk.terminal.bars import Bars  # noqa: E402
from copydesk.terminal.market import MarketBoard  # noqa: E402
from copydesk.terminal.view import BookView  # noqa: E402
from copydesk.trading import Instrument  # noqa: E402
from copydesk.venues import FundingRate, Price  # noqa: E402
from copydesk.venues.candles import Candle, Interval  # noqa: E402
from guest_people import PaperLab  # noqa: E402
from inhabitants import BRAND, World, settle  # noqa: E402
from matrix_people import begin_again  # noqa: E402
from redis import Redis  # noqa: E402
from risk_seed import watched  # noqa: E402
from site_seed import HOSTS, NOW, FakeRuntime  # noqa: E402
from world import PX, SWAP, D  # noqa: E402

THEMES = ("core", "aurora", "obsidian")
_PLACES = ("binance-lab", "okx-lab", "bybit-lab")
_TICK_S = 2.0


@dataclass(frozen=True)
class Sites:
    """The seeded brand, which `serving` shows in a theme."""

    world: World
    runtime: FakeRuntime
    folder: Path

    @contextmanager
    def serving(self, theme: str, *, locale: str = "en") -> Iterator[str]:
        """Serve the brand from a thread, live events too, until the block ends; yields its origin."""
        begin_again(self.runtime.database, self.world.seeded, BRAND)  # Nobody has tried too many codes yet.
        folder = Path(tempfile.mkdtemp(dir=self.folder)) / "tenants"
        listening = socket.create_server(("127.0.0.1", 0))

        def change(file: str) -> str:
            return re.sub(r"(?m)^locales: .*$", f"locales: [{', '.join({'en': 0, locale: 0})}]", file)

        runtime = LiveRuntime(
            self.runtime.database_url,
            themed(folder, theme, change),
            redis_url=self.runtime.redis_url,
            tenant_ids=self.runtime.tenant_ids,
            exchange_store=self.runtime.exchange_store,
            identity_store=self.runtime.identity_store,
            lab_door=PaperLab(),
            live_port=listening.getsockname()[1],
        )
        runtime.identity_vault = self.runtime.identity_vault
        with serving_sites(runtime) as port, serving_live(runtime, listening):
            yield f"http://{HOSTS[BRAND]}:{port}"


@contextmanager
def seeded_sites() -> Iterator[Sites]:
    """Start servers of their own with the brand in them, and let its prices go on until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="copydesk-pages-"))
    try:
        with embedded_stack(folder / "stack", durable=False) as stack:
            assert stack.postgres is not None and stack.redis is not None
            migrate(stack.postgres.url(OWNER_ROLE, "postgres"))
            url = stack.postgres.url(APP_ROLE, "postgres")
            runtime = FakeRuntime(url, themed(folder / "tenants", "core"), redis_url=stack.redis.url)
            runtime.intake_opener.ready()
            world = settle(url, runtime.identity_vault)
            runtime.tenant_ids = world.seeded.tenant_ids
            with _going_on(runtime):
                yield Sites(world, runtime, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _going_on(runtime: FakeRuntime) -> Iterator[None]:
    """Tell rules and funding once, and again and again what nobody believes for long: prices, and that limits watch."""
    ending = threading.Event()
    with Redis.from_url(runtime.redis_url) as redis:
        _tell_once(redis)

        def tell() -> None:
            _tell_prices(redis)
            with runtime.database.tenant(runtime.tenant_ids[BRAND]) as session:
                watched(session)

        def go_on() -> None:
            while not ending.wait(_TICK_S):
                tell()

        tell()
        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()


def _tell_once(redis: Redis) -> None:
    for place in _PLACES:
        Listings(redis).write(place, {symbol: _rules(place.partition("-")[0], symbol) for symbol in PX})
        ComingFunding(redis).write(place, {SWAP: FundingRate(D("0.0001"), epoch_ms() + 3_600_000)})


def _tell_prices(redis: Redis) -> None:
    board, now_ms = MarketBoard(redis), epoch_ms()
    for place in _PLACES:
        MarkWriter(redis, place).write([Price(symbol, px, now_ms, px, now_ms) for symbol, px in PX.items()])
        for symbol, px in PX.items():
            step = px / 10_000
            sides = [[(px + sign * step * n, D(n) / 4) for n in range(1, 16)] for sign in (-1, 1)]
            board.write_book(place, symbol, BookView(*sides, now_ms))
            for interval in Interval:
                board.write_bars(place, symbol, interval, _bars(px, interval.seconds))


def _bars(px: Decimal, length_s: int) -> Bars:
    """Draw candles that end now."""
    ended_s, chance, candles = int(NOW.timestamp()) // length_s * length_s, random.Random(1), {}
    for number in range(240):
        opened = px
        px = px * D(f"{1 + chance.gauss(0, 0.0012):.6f}")
        low, high = min(opened, px) * D("0.9996"), max(opened, px) * D("1.0004")
        candles[ended_s - number * length_s] = Candle(px, high, low, opened)
    return Bars(ended_s, dict(sorted(candles.items())))


def _rules(venue: str, symbol: str) -> Instrument:
    base = symbol.partition("/")[0]
    steps = (D("0.01"), D("0.00001"), D("0.00001"), D(9_000), D(5))
    known = Instrument(venue, symbol, f"{base}USDT", base, "USDT", *steps)
    return replace(known, settle="USDT", leverage_max=125) if ":" in symbol else known
