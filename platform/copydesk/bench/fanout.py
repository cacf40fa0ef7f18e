"""`bench fanout`: one leader fill to the last follower's acknowledgement, on real processes.

Time starts at the exchange's timestamp of the leader's execution and ends when this machine has the last
follower's answer. Lab, listener and replicator are processes of their own, as in production.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import ccxt  # type: ignore[import-untyped]
from sqlalchemy import text

from copydesk.bench.plain import Follower, gather_orders, loop_orders, queue_orders
from copydesk.bootstrap import Runtime
from copydesk.db import migrate
from copydesk.demo.lab_control import LabControl
from copydesk.identity import Role, User
from copydesk.kernel import Unavailable
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, shard_of, subscribe
from copydesk.stack import (
    ROLES,
    RoleOptions,
    Stack,
    Supervisor,
    embedded_stack,
    lab_token,
    require_free_ports,
    role_environment,
    wait_until,
)
from copydesk.stack import (
    Role as StackRole,
)
from copydesk.trading import Environment
from copydesk.vault import NewAccount, add_account
from copydesk.venues.lab import binance_urls

Say = Callable[[str], None]
SYMBOL = "BTC/USDT"
BRAND = "aurora"
_WARM_UP = 3
_LEADER_EQUITY = "1000000"
_ALLOCATION = Decimal(20_000)
_LEADER_QTY = 0.1
_ROLES = ("lab", "listener", "replicator", "relay")


@dataclass(frozen=True)
class Plan:
    """What to measure. `plain` also runs the comparisons."""

    followers: int
    rtt_ms: float
    signals: int
    plain: bool = True


@dataclass(frozen=True)
class Bench:
    """A running stage with everybody subscribed."""

    runtime: Runtime
    supervisor: Supervisor
    stack: Stack
    lab: LabControl
    leader: Any
    crowd: list[Follower]
    urls: dict[str, Any]


def run_fanout(plan: Plan, options: RoleOptions, environ: Mapping[str, str], say: Say) -> dict[str, Any]:
    """Run the benchmark and return its figures by name, in milliseconds unless the name says otherwise."""
    with _stage(plan, options, environ, say) as bench:
        bench.lab.call("POST", "rtt", {"ms": plan.rtt_ms})
        for _ in range(_WARM_UP):
            _signal(bench, plan)
        cpu_before, rows = _cpu_s(bench.supervisor), []
        for number in range(plan.signals):
            rows.append(_signal(bench, plan))
            if (number + 1) % 10 == 0:
                say(f"{number + 1} of {plan.signals} signals: last acknowledgement {rows[-1].last_ack_ms:.0f} ms")
        cpu_us = (_cpu_s(bench.supervisor) - cpu_before) * 1e6 / (plan.signals * plan.followers)
        figures = summarize(plan, rows, cpu_us)
        return figures | (_plain(bench, say) if plan.plain else {})


@dataclass(frozen=True)
class SignalRow:
    """The hops of one signal, in milliseconds after the leader's execution."""

    stored_ms: float
    copies_stored_ms: float
    first_sent_ms: float
    last_sent_ms: float
    ack_p50_ms: float
    last_ack_ms: float


_HOPS = text(
    """
    WITH c AS (SELECT c.*, s.venue_at, s.stored_at AS signal_stored_at FROM copy c
               JOIN signal s ON s.tenant_id = c.tenant_id AND s.id = c.signal_id WHERE c.signal_id = :signal_id)
    SELECT extract(epoch FROM min(signal_stored_at) - min(venue_at)) * 1000,
           (SELECT extract(epoch FROM max(d.stored_at)) FROM delivery d WHERE d.signal_id = :signal_id) * 1000
               - extract(epoch FROM min(venue_at)) * 1000,
           extract(epoch FROM min(sent_at) - min(venue_at)) * 1000,
           extract(epoch FROM max(sent_at) - min(venue_at)) * 1000,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acked_at - venue_at) * 1000),
           extract(epoch FROM max(acked_at) - min(venue_at)) * 1000
    FROM c
    """
)

_FILLED = text("SELECT count(*) FROM copy WHERE signal_id = :signal_id AND status = 'filled'")
_NEWEST = text("SELECT max(id) FROM signal")


def _signal(bench: Bench, plan: Plan) -> SignalRow:
    """Let the leader trade once, wait until every follower has copied, and read the hops."""
    tenant_id = bench.runtime.tenant_ids[BRAND]
    known = _read(bench, tenant_id, _NEWEST)[0] or 0
    side = "buy" if _signal_is_open(bench) else "sell"
    bench.leader.create_order(SYMBOL, "market", side, _LEADER_QTY)
    if not wait_until(lambda: (_read(bench, tenant_id, _NEWEST)[0] or 0) > known, patience_s=30, poll_s=0.02):
        raise Unavailable("the leader's trade never became a signal; see log/listener.log")
    signal_id = _read(bench, tenant_id, _NEWEST)[0]
    done = partial(_all_filled, bench, tenant_id, signal_id, plan.followers)
    if not wait_until(done, patience_s=60, poll_s=0.05):
        raise Unavailable(f"not every follower's copy was filled: {_statuses(bench, tenant_id, signal_id)}")
    return SignalRow(*(float(value) for value in _read(bench, tenant_id, _HOPS, signal_id=signal_id)))


def _signal_is_open(bench: Bench) -> bool:
    balance = bench.leader.fetch_balance()
    return float(balance.get("BTC", {}).get("free") or 0) < _LEADER_QTY


def _all_filled(bench: Bench, tenant_id: int, signal_id: int, followers: int) -> bool:
    return bool(_read(bench, tenant_id, _FILLED, signal_id=signal_id)[0] >= followers)


def _statuses(bench: Bench, tenant_id: int, signal_id: int) -> dict[str, int]:
    query = text("SELECT status || coalesce(' ' || reason, ''), count(*) FROM copy WHERE signal_id = :id GROUP BY 1")
    with bench.runtime.db.tenant(tenant_id) as session:
        return dict(session.execute(query, {"id": signal_id}).tuples().all())


def _read(bench: Bench, tenant_id: int, query: Any, **params: Any) -> Any:
    with bench.runtime.db.tenant(tenant_id) as session:
        return session.execute(query, params).one()


def summarize(plan: Plan, rows: list[SignalRow], cpu_us_per_copy: float) -> dict[str, Any]:
    """Return medians over signals; the last acknowledgement also as p99 (of 30 signals, the worst but none)."""
    last = [row.last_ack_ms for row in rows]
    p50 = median(last)
    return {
        "followers": plan.followers,
        "rtt_ms": plan.rtt_ms,
        "signals": len(rows),
        "stored_ms": _ms(median(row.stored_ms for row in rows)),
        "copies_stored_ms": _ms(median(row.copies_stored_ms for row in rows)),
        "first_sent_ms": _ms(median(row.first_sent_ms for row in rows)),
        "last_sent_ms": _ms(median(row.last_sent_ms for row in rows)),
        "ack_p50_ms": _ms(median(row.ack_p50_ms for row in rows)),
        "last_ack_p50_ms": _ms(p50),
        "last_ack_p99_ms": _ms(quantiles(last, n=100, method="inclusive")[98]),
        "cpu_us_per_copy": round(cpu_us_per_copy, 1),
        "orders_per_s": round(plan.followers / p50 * 1000),  # Followers served per second of one signal's whole way.
    }


def _ms(value: float) -> float:
    return round(value, 1)


def _plain(bench: Bench, say: Say) -> dict[str, Any]:
    """Do the same work the plain ways, on the same lab with the same round trip."""
    say("the same orders by ccxt.async_support and asyncio.gather")
    gathered = gather_orders(bench.crowd, bench.urls, rounds=5)
    say("the same orders by one RQ job per follower")
    queued = queue_orders(bench.crowd, bench.urls, bench.stack)
    say("the same orders by a plain ccxt loop")
    looped = loop_orders(bench.crowd, bench.urls)
    return {
        "ccxt_loop_last_ack_ms": _ms(looped),
        "ccxt_gather_last_ack_ms": _ms(gathered),
        "rq_job_each_last_ack_ms": _ms(queued),
    }


@contextmanager
def _stage(plan: Plan, options: RoleOptions, environ: Mapping[str, str], say: Say) -> Iterator[Bench]:
    roles: tuple[StackRole, ...] = tuple(role for role in ROLES if role.name in _ROLES)
    preflight = partial(require_free_ports, roles, options)
    with embedded_stack(options.var_dir, say=say, preflight=preflight) as stack:
        token = lab_token(options.var_dir / "lab")
        migrate(stack.owner_url)
        environment = role_environment(environ, stack, options)
        supervisor, runtime = Supervisor(stack.var, roles, options), Runtime(environment)
        try:
            supervisor.start(environment)
            urls = binance_urls(environment["COPYDESK_LAB_REST"], environment["COPYDESK_LAB_STREAM"])
            with LabControl(environment["COPYDESK_LAB_CONTROL"], token) as lab:
                say(f"opening {plan.followers} follower accounts")
                leader_key, crowd = _seed(runtime, lab, plan.followers)
                leader = ccxt.binance(
                    {"apiKey": leader_key[0], "secret": leader_key[1], "urls": urls, "options": PLAIN_OPTIONS}
                )
                yield Bench(runtime, supervisor, stack, lab, leader, crowd, urls)
        finally:
            runtime.close()
            supervisor.stop()


PLAIN_OPTIONS = {"fetchMargins": False, "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}


def _seed(runtime: Runtime, lab: LabControl, followers: int) -> tuple[tuple[str, str], list[Follower]]:
    tenant_id = runtime.tenant_ids[BRAND]
    leader_key = lab.open_account("bench:leader", {"USDT": _LEADER_EQUITY})
    crowd = [Follower(*lab.open_account(f"bench:{n}", {"USDT": "50000"})) for n in range(followers)]
    with runtime.db.tenant(tenant_id) as session:
        trader = User(tenant_id=tenant_id, email="leader@bench.invalid", display_name="Leader", role=Role.TRADER)
        copier = User(tenant_id=tenant_id, email="crowd@bench.invalid", display_name="Crowd", role=Role.FOLLOWER)
        session.add_all([trader, copier])
        session.flush()

        def account(user_id: int, label: str, key: tuple[str, str]) -> int:
            shard = shard_of("binance", Environment.LAB, 0, 1)
            return add_account(
                session, runtime.vault, NewAccount(user_id, "binance", Environment.LAB, label, shard, *key)
            )

        leader = account(trader.id, "leader", leader_key)
        strategy = add_strategy(session, NewStrategy(trader.id, leader, "bench", "Bench", "Measures."))
        for number, follower in enumerate(crowd):
            copying = account(copier.id, str(number), (follower.api_key, follower.secret))
            subscribe(session, NewSubscription(strategy, copying, _ALLOCATION))
    return leader_key, crowd


def _cpu_s(supervisor: Supervisor) -> float:
    """Return the processor time of the replicator so far, in seconds (proc(5), fields 14 and 15 of stat)."""
    pid = next(role.pid for role in supervisor.states() if role.name == "replicator")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
