"""`bench push`: from the leader's execution at the exchange to the pages that are open, and to thousands of pages.

Roles, lab and pages are processes of their own. Beside our stream the same signals reach a page that asks every second.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import quantiles

from sqlalchemy import text

from copydesk.bench.crowd import BRAND
from copydesk.bench.fallen import running
from copydesk.bench.fanout import copied, desk_of, warm_up
from copydesk.bench.figures import Figures
from copydesk.bench.installation import raise_file_limit
from copydesk.bench.load import Load, Plan
from copydesk.bench.pace import pause_s
from copydesk.bench.processes import cpu_s, rss_mb
from copydesk.bench.push_pages import Event, Pages, open_pages
from copydesk.bench.push_people import doors, followed_strategy, own_accounts, people
from copydesk.bench.stage import Bench, staged
from copydesk.bootstrap import Runtime
from copydesk.db.migrate import migrate
from copydesk.kernel import Unavailable
from copydesk.stack import ROLES, RoleOptions, embedded_stack, role_environment, spawn, stop, wait_until
from copydesk.stack.process import leash, port_answers

Say = Callable[[str], None]
_PATIENCE_S = 60
_APART_S = 0.37  # No whole part of a second, so that whoever asks every second is met at any moment of theirs.
_ASKS_EVERY_S = 1.0
_WARM_UP = 3
_EXECUTED = text("SELECT id, extract(epoch FROM venue_at) * 1000 FROM signal WHERE id = ANY(:ids)")


@dataclass(frozen=True)
class PushPlan:
    """So many followers with a page each, signals, and clients of one live process with so many pieces of news."""

    followers: int
    signals: int
    rtt_ms: float
    clients: int
    news: int
    plain: bool = True


def run_push(
    plan: PushPlan, folder: Callable[[str], RoleOptions], environ: Mapping[str, str], pages: Sequence[str], say: Say
) -> Figures:
    """Measure both. `folder` gives each part options of its own.

    `pages` are the words after the command's name that run the process of open pages.
    """
    raise_file_limit()
    figures: Figures = {"followers": plan.followers, "signals": plan.signals, "rtt_ms": plan.rtt_ms}
    figures |= _executions(plan, folder("executions"), environ, pages, say)
    if plan.clients:
        figures |= _clients(plan, folder("clients"), environ, pages, say)
    return figures


def _executions(
    plan: PushPlan, options: RoleOptions, environ: Mapping[str, str], pages: Sequence[str], say: Say
) -> Figures:
    load = Load(plan.followers)
    with ExitStack() as stack:
        bench = stack.enter_context(staged(Plan(load, plan.rtt_ms, plan.signals), options, environ, say))
        sessions = people(bench.runtime, plan.followers)
        own_accounts(bench.runtime)
        for name in ("live", *(("web",) if plan.plain else ())):
            stack.enter_context(running(bench, name))
        host, live_port = _host(bench.runtime), bench.options.live_port
        expect_port(live_port, "live")
        everybody = doors(bench.runtime, sessions)
        listening = stack.enter_context(open_pages(_command(options, pages), host, live_port, everybody))
        poller = stack.enter_context(asking(bench.options.port, host)) if plan.plain else None
        signals = _trade(plan, bench, say)
        heard = _receipts(listening, signals, plan.followers)
        told = percentiles("execution_to_page", _waits(bench, heard))
        if poller is not None:
            told |= percentiles("execution_to_poll", _waits(bench, [(one, poller[one]) for one in signals]))
        return told | {"page_events": len(heard)}


def _trade(plan: PushPlan, bench: Bench, say: Say) -> list[int]:
    desk = desk_of(bench)
    bench.lab.call("POST", "rtt", {"ms": plan.rtt_ms})
    apart_s = max(pause_s(bench.load, plan.signals + 4), _APART_S)
    warm_up(bench, desk, apart_s)
    signals = []
    for number in range(plan.signals):
        signals.append(copied(bench, desk))
        time.sleep(apart_s)
        if (number + 1) % 10 == 0:
            say(f"{number + 1} of {plan.signals} signals")
    return signals


def _receipts(listening: Pages, signals: Sequence[int], pages: int) -> list[tuple[int, float]]:
    """Return signal and time of the first receipt of each on every page; all pages must have had all."""
    first: dict[tuple[int, int], float] = {}

    def complete() -> bool:
        for one in listening.heard():
            if one.name == "receipt" and one.data["signal"] in wanted:
                first.setdefault((one.page, one.data["signal"]), one.at_ms)
        return len(first) == len(signals) * pages

    wanted = frozenset(signals)
    if not wait_until(complete, patience_s=_PATIENCE_S, poll_s=0.2):
        raise Unavailable(f"pages heard of {len(first)} of {len(signals) * pages} copies; see log/live.log")
    return [(signal, at_ms) for (_, signal), at_ms in first.items()]


def _waits(bench: Bench, seen: Sequence[tuple[int, float]]) -> list[float]:
    """Return how long after the leader's execution each was seen, in ms, by the exchange's own time of it."""
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        rows = session.execute(_EXECUTED, {"ids": sorted({signal for signal, _ in seen})})
        executed = {signal: float(at_ms) for signal, at_ms in rows}
    return [at_ms - executed[signal] for signal, at_ms in seen]


@contextmanager
def asking(port: int, host: str) -> Iterator[dict[int, float]]:
    """Ask for the brand's desk every second, the plain way; when each signal's row was there first, by its id."""
    expect_port(port, "web")
    seen: dict[int, float] = _Patient()
    over = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not over.wait(_ASKS_EVERY_S):
            connection.request("GET", "/desk", headers={"Host": host})
            page = connection.getresponse().read().decode()
            at_ms = time.time() * 1000
            for found in page.split('id="signal-')[1:]:
                seen.setdefault(int(found.partition('"')[0]), at_ms)
        connection.close()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


class _Patient(dict[int, float]):
    """Wait for what is not seen yet."""

    def __missing__(self, signal: int) -> float:
        if not wait_until(lambda: signal in self, patience_s=_PATIENCE_S, poll_s=0.1):
            raise Unavailable("the desk's page never showed a signal; see log/web.log")
        return self[signal]


def _clients(
    plan: PushPlan, options: RoleOptions, environ: Mapping[str, str], pages: Sequence[str], say: Say
) -> Figures:
    """Open many pages of as many people on one live process, and tell news that concern all of them."""
    with ExitStack() as cleanup:
        stack = cleanup.enter_context(embedded_stack(options.var_dir, say=say))
        migrate(stack.owner_url)
        environment = role_environment(environ, stack, options, lab=False)
        runtime = Runtime(environment)
        cleanup.callback(runtime.close)
        everybody = people(runtime, plan.clients)
        strategy_id = followed_strategy(runtime)
        role = next(role for role in ROLES if role.name == "live")
        live = spawn([*leash("KILL"), *role.argv(options)], stack.var.log / "live.log", env=environment)
        cleanup.callback(stop, live)
        expect_port(options.live_port, "live")
        empty_mb, begun_s = rss_mb(live.pid), time.monotonic()
        say(f"opening {plan.clients:,} pages")
        listening = cleanup.enter_context(
            open_pages(_command(options, pages), _host(runtime), options.live_port, doors(runtime, everybody))
        )
        opened_s = time.monotonic() - begun_s
        for _ in range(_WARM_UP):
            _told(runtime, listening, strategy_id)
        used_s = cpu_s(live.pid)
        waits = [wait for _ in range(plan.news) for wait in _told(runtime, listening, strategy_id)]
        return {
            "clients": plan.clients,
            "news": plan.news,
            **percentiles("news_to_clients", waits),
            "live_cpu_us_per_event": round((cpu_s(live.pid) - used_s) / len(waits) * 1e6, 1),
            "live_open_s": round(opened_s, 1),
            "live_empty_mb": round(empty_mb, 1),
            "live_rss_mb": round(rss_mb(live.pid), 1),
        }


def _told(runtime: Runtime, listening: Pages, strategy_id: int) -> list[float]:
    """Tell news that concern everybody once, and return how long each page waited, in ms."""
    heard: list[Event] = []

    def complete() -> bool:
        heard.extend(one for one in listening.heard() if one.name == "equity")
        return len(heard) >= listening.opened

    time.sleep(_APART_S)
    told_ms = time.time() * 1000
    runtime.announce(runtime.tenant_ids[BRAND], {"type": "figures", "strategy_id": strategy_id})
    # Asking takes from what is measured: not before everybody can have heard.
    time.sleep(1)
    if not wait_until(complete, patience_s=_PATIENCE_S, poll_s=0.5):
        raise Unavailable(f"{len(heard)} of {listening.opened} pages heard the news; see log/live.log")
    return [one.at_ms - told_ms for one in heard]


def percentiles(name: str, waits: Sequence[float]) -> Figures:
    """Return the 50th, 95th and 99th percentile of so many waits."""
    cut = quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else [*waits] * 99
    told = {f"{name}_{label}_ms": round(cut[at], 1) for label, at in (("p50", 49), ("p95", 94), ("p99", 98))}
    return {**told, f"{name}_n": len(waits)}


def expect_port(port: int, role: str) -> None:
    """Wait until a role serves. Raises `Unavailable` where it does not."""
    if not wait_until(lambda: port_answers(port), patience_s=_PATIENCE_S, poll_s=0.1):
        raise Unavailable(f"{role} does not serve; see log/{role}.log")


def _command(options: RoleOptions, words: Sequence[str]) -> list[str]:
    live = next(role for role in ROLES if role.name == "live")
    return [live.argv(options)[0], *words]


def _host(runtime: Runtime) -> str:
    return runtime.tenant(runtime.tenant_ids[BRAND]).hosts[0]
