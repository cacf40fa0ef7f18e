"""`bench lab`: how many orders the lab takes on one core, by dialect, matched and light, beside unmodified ccxt.

The lab is a process of its own on one core, the client is on the other. Every order is signed, verified, executed,
journaled and answered; orders are spread over many accounts and addresses because the lab enforces the exchanges'
limits here as always.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
import ccxt.async_support as ccxt_async  # type: ignore[import-untyped]
import orjson

from copydesk.bench.lab_orders import LANES, Lane, Login
from copydesk.bench.wire_client import Tally, send_all
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import Unavailable
from copydesk.venues.lab import ccxt_urls

Say = Callable[[str], None]
HOST = "127.0.0.1"
# Bybit and Bitget take 10 orders a second of one account: so many are sent at once, then the window must pass.
ROUND_PER_ACCOUNT = 10
WINDOW_S = 1.1
# Bybit takes 600 requests in five seconds from one address.
PLAIN_ACCOUNTS = 100
PLAIN_PER_ACCOUNT = 5
MEMORY_VENUES = ("binance", "okx", "bybit", "bitget")
_PAGE_KB = 1024


@dataclass(frozen=True)
class Plan:
    """What to measure: accounts of each dialect, rounds of ten orders each, connections, requests sent ahead."""

    accounts: int = 1000
    rounds: int = 3
    connections: int = 64
    ahead: int = 8
    plain: bool = True
    lanes: tuple[str, ...] = ()

    @property
    def orders(self) -> int:
        return self.accounts * ROUND_PER_ACCOUNT * self.rounds


@dataclass(frozen=True)
class RunningLab:
    """A lab process of the benchmark."""

    process: subprocess.Popen[bytes]
    places: dict[str, Any]
    ready_s: float
    control: LabControl

    def cpu_s(self) -> float:
        """Return the processor time used so far (proc(5), fields 14 and 15 of stat)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / _PAGE_KB


@dataclass(frozen=True)
class BenchStage:
    """Where labs of the benchmark keep their data, and the core they run on."""

    folder: Path
    core: int

    def lab(self, name: str, *options: str) -> AbstractContextManager[RunningLab]:
        """Run a lab on its data folder of that name."""
        return lab_process(self.folder / name.replace(" ", "-"), self.core, *options)


def run_lab(plan: Plan, folder: Path, say: Say) -> dict[str, Any]:
    """Run the benchmark; one row for each dialect and mode, then memory and restart."""
    cores = sorted(os.sched_getaffinity(0))
    stage = BenchStage(folder, cores[0])
    os.sched_setaffinity(0, {cores[-1]})
    try:
        rows = [
            _lane_row(plan, lane, light, stage, say)
            for lane in LANES
            if not plan.lanes or lane.name in plan.lanes
            for light in (False, True)
        ]
        memory = _memory(plan, stage, say)
    finally:
        os.sched_setaffinity(0, set(cores))
    return {"cores": len(cores), "orders": plan.orders, "rows": rows, "memory": memory}


@contextmanager
def lab_process(folder: Path, core: int, *options: str) -> Iterator[RunningLab]:
    """Run a lab on one core for as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    token_file = folder / "bench-token"
    token_file.write_text("bench")
    command = [sys.executable, "-m", "copydesk.venues.lab", "--data-dir", str(folder), "--token-file", str(token_file)]
    began_s = time.perf_counter()
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE) as process:
        try:
            os.sched_setaffinity(process.pid, {core})
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise Unavailable("the lab of the benchmark did not start")
            places = orjson.loads(line)
            with LabControl(places["control"], "bench") as control:
                yield RunningLab(process, places, time.perf_counter() - began_s, control)
        finally:
            process.terminate()


def _lane_row(plan: Plan, lane: Lane, light: bool, stage: BenchStage, say: Say) -> dict[str, Any]:
    mode = "light" if light else "matched"
    say(f"{lane.name}, {mode}: {plan.orders:,} orders")
    with stage.lab(f"{lane.name} {mode}", *(["--light"] if light else [])) as lab:
        crowd = _crowd(lab.control, lane.venue, plan.accounts)
        rounds = [_round(plan, lane, lab, crowd, number) for number in range(plan.rounds)]
        row = _figures(lane.name, mode, plan, rounds)
        if plan.plain:
            time.sleep(WINDOW_S)
            row["ccxt_per_s"] = round(asyncio.run(_plain(lane, lab, crowd)))
    return row


@dataclass(frozen=True)
class Round:
    """One round of orders: wall and server processor seconds, and each order's latency."""

    wall_s: float
    cpu_s: float
    tally: Tally


def _round(plan: Plan, lane: Lane, lab: RunningLab, crowd: Sequence[Login], number: int) -> Round:
    """Sign a round's orders, wait for the limits' window, send them, and check that every one was accepted."""
    first = number * ROUND_PER_ACCOUNT
    requests = [lane.order(login, first + place) for place in range(ROUND_PER_ACCOUNT) for login in crowd]
    time.sleep(WINDOW_S)
    cpu_before_s = lab.cpu_s()
    sending = send_all(
        HOST,
        lab.places["rest_port"],
        requests,
        connections=plan.connections,
        ahead=plan.ahead,
        accepted=lane.accepted,
    )
    wall_s, tally = asyncio.run(sending)
    if tally.refused:
        raise Unavailable(f"{lane.name}: {len(tally.refused)} orders were refused, such as {tally.refused[0][-300:]!r}")
    return Round(wall_s, lab.cpu_s() - cpu_before_s, tally)


def _figures(name: str, mode: str, plan: Plan, rounds: Sequence[Round]) -> dict[str, Any]:
    count = plan.accounts * ROUND_PER_ACCOUNT
    latencies_ms = [second * 1000 for one in rounds for second in one.tally.latencies_s]
    return {
        "dialect": name,
        "mode": mode,
        "orders": len(latencies_ms),
        "orders_per_s": round(median(count / one.wall_s for one in rounds)),
        "orders_per_cpu_s": round(len(latencies_ms) / sum(one.cpu_s for one in rounds)),
        "p50_ms": round(median(latencies_ms), 2),
        "p99_ms": round(quantiles(latencies_ms, n=100, method="inclusive")[98], 2),
    }


def _crowd(control: LabControl, venue: str, count: int) -> list[Login]:
    """Open accounts with money in both wallets and a key each."""
    crowd = []
    for number in range(count):
        name = f"{venue}-{number}"
        control.call(
            "POST", "accounts", {"account": name, "venue": venue, "balances": {"USDT": "1000000", "BTC": "10"}}
        )
        control.call("POST", "deposits", {"account": name, "asset": "USDT", "qty": "1000000", "wallet": "futures"})
        key = control.call("POST", "keys", {"account": name})
        crowd.append(Login(name, key["apiKey"], key["secret"], key["passphrase"]))
    return crowd


async def _plain(lane: Lane, lab: RunningLab, crowd: Sequence[Login]) -> float:
    """Place the same orders by unmodified ccxt, one after the other; return orders per second.

    Markets are loaded beforehand and shared, connections are kept, and only the orders are timed.
    """
    urls = ccxt_urls(lane.venue, lab.places["rest"], lab.places["ws"])
    some = crowd[:PLAIN_ACCOUNTS]
    context = ssl.create_default_context()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        clients = [_client(lane, login, urls, session, context) for login in some]
        await clients[0].load_markets()
        for client in clients[1:]:
            client.set_markets_from_exchange(clients[0])
        await clients[0].fetch_balance()
        await asyncio.sleep(WINDOW_S)
        began_s = time.perf_counter()
        for place in range(PLAIN_PER_ACCOUNT):
            for client in clients:
                await client.create_order(lane.ccxt_symbol, "market", "sell" if place % 2 else "buy", lane.ccxt_qty)
        took_s = time.perf_counter() - began_s
        # Each waits a quarter of a second for its transports.
        await asyncio.gather(*(client.close() for client in clients))
        for client in clients:
            client.session = None  # It is not theirs; they would complain about it.
    return len(some) * PLAIN_PER_ACCOUNT / took_s


def _client(
    lane: Lane, login: Login, urls: dict[str, Any], session: aiohttp.ClientSession, context: ssl.SSLContext
) -> Any:
    options = {
        "createMarketBuyOrderRequiresPrice": False,
        "enableUnifiedAccount": True,
        "enableUnifiedMargin": False,
        "uta": False,
    }
    client = getattr(ccxt_async, lane.venue)(
        {
            "apiKey": login.api_key,
            "secret": login.secret,
            "password": login.passphrase,
            "urls": urls,
            "session": session,
            "enableRateLimit": False,
            "options": options,
        }
    )
    client.ssl_context = context
    return client


def _memory(plan: Plan, stage: BenchStage, say: Say) -> dict[str, Any]:
    """Give accounts of four dialects in one lab an open position each; tell memory, and how long a restart takes."""
    lanes = [lane for venue in MEMORY_VENUES for lane in LANES if lane.venue == venue and ":" in lane.ccxt_symbol]
    each = plan.accounts // len(lanes)
    say(f"memory: {each * len(lanes):,} accounts with open positions on {len(lanes)} dialects")
    with stage.lab("memory") as lab:
        empty_mb = lab.rss_mb()
        for lane in lanes:
            requests = [lane.order(login, 0) for login in _crowd(lab.control, lane.venue, each)]
            port, links = lab.places["rest_port"], min(plan.connections, each)
            _, tally = asyncio.run(send_all(HOST, port, requests, connections=links, ahead=1, accepted=lane.accepted))
            if tally.refused:
                raise Unavailable(f"{lane.name}: an order was refused: {tally.refused[0][-300:]!r}")
        full_mb = lab.rss_mb()
    with stage.lab("memory") as lab:
        held = sum(
            bool(account["positions"])
            for lane in lanes
            for account in lab.control.call("GET", "accounts", {"venue": lane.venue, "limit": each})["accounts"]
        )
        restarted_mb, ready_s = lab.rss_mb(), lab.ready_s
    return {
        "accounts": each * len(lanes),
        "positions_after_restart": held,
        "rss_empty_mb": round(empty_mb, 1),
        "rss_mb": round(full_mb, 1),
        "rss_after_restart_mb": round(restarted_mb, 1),
        "restart_to_ready_s": round(ready_s, 2),
    }
