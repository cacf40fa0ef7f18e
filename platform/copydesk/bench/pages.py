"""`bench pages`: how long the server takes for each page of a person with very many rows.

The whole application answers in this process, from the request's environment to the last byte; only the socket is left
out. PostgreSQL and Redis are real. Beside the time that passes stands the processor time, ours and that of our
connections' PostgreSQL processes, which other programs on the machine disturb less.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import psycopg
from flask import Flask
from sqlalchemy import event
from werkzeug.test import Client

from copydesk.bench.crowd import BRAND
from copydesk.bench.pages_asked import Page, pages_of
from copydesk.bench.pages_past import store_past
from copydesk.bench.pages_people import MEASURED, store_copying, store_people
from copydesk.bench.pages_plan import PagesPlan
from copydesk.bench.plain_pages import plain_ways
from copydesk.bootstrap import Runtime
from copydesk.kernel import SystemClock, Unavailable, utc_now
from copydesk.marks import Listings, MarkWriter
from copydesk.performance.keep import update_strategy
from copydesk.risk.grammar import text_of
from copydesk.risk.profiles import Profile
from copydesk.risk.service import ground_of, profile_of
from copydesk.trading import Instrument
from copydesk.venues import Price
from copydesk.web.database import db
from copydesk.web.public.what_if import Replays

Say = Callable[[str], None]
# Builds the application on an installation.
MakeApp = Callable[[Runtime], Flask]
_OK = 200
_NS_PER_MS = 1e6
_PLACES = ("binance-lab", "okx-lab")
# Prices at which everything held is worth a little more than it cost.
_PRICES = {"BTC/USDT": "60600", "ETH/USDT:USDT": "3030", "SOL/USDT": "151.5"}
_CENTILES = {"p50": 49, "p95": 94, "p99": 98}


class Seen(NamedTuple):
    """One answer: milliseconds that passed, processor milliseconds of ours and of PostgreSQL, statements, bytes."""

    wall_ms: float
    cpu_ms: float
    database_ms: float
    statements: int
    size: int


def run_pages(
    plan: PagesPlan, make_app: MakeApp, environ: Mapping[str, str], owner_url: str, say: Say
) -> dict[str, Any]:
    """Store the people's past in a migrated database without rows, ask every page, and return the figures."""
    with closing(Runtime(environ)) as runtime:
        brand = runtime.tenant_ids[BRAND]
        say(f"storing {plan.subscriptions:,} subscriptions, {plan.receipts:,} receipts, {plan.followers:,} followers")
        store_desk(runtime, plan, owner_url)
        with runtime.db.tenant(brand) as session:
            pages = pages_of(session, notices=plan.notices, subscriptions=plan.subscriptions)
        rows = []
        with _served(make_app(runtime), runtime) as site:
            for number, page in enumerate(pages, 1):
                rows.append(row_of(page.name, site.ask(page, plan.rounds, plan.warm)))
                say(f"{number} of {len(pages)}: {page.name}, p95 {rows[-1]['p95_ms']} ms")
        figures = summarize(plan, rows)
        if plan.plain:
            say("the figures of some pages the plain way")
            with runtime.db.tenant(brand) as session:
                figures["plain"] = plain_ways(session, {place: _marks() for place in _PLACES})
    return figures


def store_desk(runtime: Runtime, plan: PagesPlan, owner_url: str) -> None:
    """Store everybody and everything, and compute the figures of the trader's strategy, as the roles would."""
    brand, now = runtime.tenant_ids[BRAND], utc_now()
    tenant = runtime.tenant(brand)
    lines = [text_of(limit) for limit in profile_of(ground_of(tenant), Profile.BALANCED)]
    with runtime.db.tenant(brand) as session:
        store_people(session, now)
    with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
        store_copying(cursor, plan, brand, now)
        store_past(cursor, plan, brand, now, lines)
        found = cursor.execute("SELECT id FROM strategy WHERE tenant_id = %s AND slug = %s", (brand, MEASURED))
        (strategy_id,) = found.fetchone() or (0,)
    with runtime.db.tenant(brand) as session:
        update_strategy(session, tenant, strategy_id, now=now)
    # What autovacuum does behind so many rows, so that it does not run beside the pages.
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    for place in _PLACES:
        Listings(runtime.redis).write(place, {symbol: _instrument(place, symbol) for symbol in _PRICES})


def summarize(plan: PagesPlan, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of all pages together: those of the slowest, by its name, and how many there are."""
    worst = max(rows, key=lambda row: row["p95_ms"])
    told = {"subscriptions": plan.subscriptions, "receipts": plan.receipts, "pages": len(rows), "rounds": plan.rounds}
    slowest = {f"page_{centile}_ms": worst[f"{centile}_ms"] for centile in _CENTILES}
    return {**told, **slowest, "page_slowest": worst["page"], "rows": list(rows)}


def row_of(name: str, seen: Sequence[Seen]) -> dict[str, Any]:
    """Return what was seen of one page."""
    wall, cpu = [one.wall_ms for one in seen], [one.cpu_ms for one in seen]
    busy = [one.cpu_ms + one.database_ms for one in seen]
    return {
        "page": name,
        "n": len(seen),
        **{f"{centile}_ms": told for centile, told in _centiles(wall).items()},
        **{f"cpu_{centile}_ms": told for centile, told in _centiles(cpu).items()},
        "with_database_p50_ms": _centiles(busy)["p50"],
        "statements": max(one.statements for one in seen),
        "kb": round(max(one.size for one in seen) / 1024),
    }


@dataclass
class _Site:
    """The application, and what its connections to PostgreSQL use."""

    app: Flask
    host: str
    tell_prices: Callable[[], None]
    forget: Callable[[], None]
    backends: set[int] = field(default_factory=set)
    statements: int = 0

    def ask(self, page: Page, rounds: int, warm: int) -> list[Seen]:
        """Ask for a page so many times, after `warm` that do not count."""
        client = Client(self.app)
        client.set_cookie("session", page.visitor, domain=self.host)
        seen = []
        gc.collect()
        for path in islice(cycle(page.paths), rounds + warm):
            self.tell_prices()
            if page.anew:
                self.forget()
            seen.append(self._asked(client, path))
        return seen[warm:]

    def _asked(self, client: Client, path: str) -> Seen:
        database_ns, statements = self._database_ns(), self.statements
        cpu_ns, began_ns = time.process_time_ns(), time.perf_counter_ns()
        answer = client.get(path, base_url=f"http://{self.host}")
        size = len(answer.data)
        wall_ns, own_ns = time.perf_counter_ns() - began_ns, time.process_time_ns() - cpu_ns
        if answer.status_code != _OK:
            raise Unavailable(f"{path} answers {answer.status_code}")
        spent_ns = self._database_ns() - database_ns
        told = (wall_ns / _NS_PER_MS, own_ns / _NS_PER_MS, spent_ns / _NS_PER_MS)
        return Seen(*told, self.statements - statements, size)

    def _database_ns(self) -> int:
        """Return the processor time of our connections so far (proc(5): the first field of schedstat)."""
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in self.backends)


@contextmanager
def _served(app: Flask, runtime: Runtime) -> Iterator[_Site]:
    tenant = runtime.tenant(runtime.tenant_ids[BRAND])
    site = _Site(app, tenant.hosts[0], lambda: _tell_prices(runtime), lambda: _forget(app, runtime))

    def connected(connection: Any, _record: Any) -> None:
        site.backends.add(connection.info.backend_pid)

    def sent(*_told: Any) -> None:
        site.statements += 1

    with app.app_context():
        engine = db.engine
    event.listen(engine, "connect", connected)
    event.listen(engine, "before_cursor_execute", sent)
    try:
        yield site
    finally:
        engine.dispose()


def _forget(app: Flask, runtime: Runtime) -> None:
    app.extensions["copydesk_replays"] = Replays(Listings(runtime.redis), SystemClock())


def _tell_prices(runtime: Runtime) -> None:
    """Have prices be fresh, as a feed does."""
    now_ms = int(utc_now().timestamp() * 1000)
    told = [Price(symbol, px, now_ms, px, now_ms) for symbol, px in _marks().items()]
    for place in _PLACES:
        MarkWriter(runtime.redis, place).write(told)


def _marks() -> dict[str, Decimal]:
    return {symbol: Decimal(px) for symbol, px in _PRICES.items()}


def _instrument(place: str, symbol: str) -> Instrument:
    base, step = symbol.partition("/")[0], Decimal("0.0001")
    return Instrument(
        venue=place.partition("-")[0],
        symbol=symbol,
        venue_symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        px_tick=Decimal("0.01"),
        qty_step=step,
        qty_min=step,
        qty_max=Decimal(10_000),
        notional_min=Decimal(5),
        settle="USDT" if ":" in symbol else "",
    )


def _centiles(values: Sequence[float]) -> dict[str, float]:
    cut = quantiles(values, n=100, method="inclusive") if len(values) > 1 else [values[0]] * 99
    return {centile: round(cut[at], 1) for centile, at in _CENTILES.items()}
