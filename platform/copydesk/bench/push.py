"""`bench push`: from the leader's execution at the exchange to open pages, push messages and mail.

Roles, lab and pages are processes of their own; the push service and the mail server are sockets on loopback. Then the
same news go the plain ways: to a page that asks every second, and by a job that does. The second part, thousands of
pages on one live process, is `push_clients`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from sqlalchemy import text

from copydesk.bench.crowd import BRAND
from copydesk.bench.fallen import running
from copydesk.bench.fanout import copied, desk_of, warm_up
from copydesk.bench.figures import Figures, percentiles
from copydesk.bench.hops import Desk
from copydesk.bench.installation import Settings, raise_file_limit
from copydesk.bench.load import Load, Plan
from copydesk.bench.pace import pause_s
from copydesk.bench.push_clients import run_clients
from copydesk.bench.push_pages import Pages, open_pages
from copydesk.bench.push_people import doors, own_accounts, people
from copydesk.bench.push_plain import asking, job
from copydesk.bench.push_post import PostOffice, post_office
from copydesk.bench.push_roles import APART_S, PATIENCE_S, expect_port, host_of, pages_command
from copydesk.bench.push_ways import Ways, await_crier, mail_through, reach
from copydesk.bench.stage import Bench, staged
from copydesk.kernel import Unavailable
from copydesk.stack import RoleOptions, stop, wait_until

Say = Callable[[str], None]
# Push goes to this machine, where no push service is.
_SETTINGS: Settings = {"notices": {"private_targets": True}}
# By the plain job: enough for so many messages.
_PLAIN_MESSAGES = 100
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
        figures |= run_clients(plan.clients, plan.news, folder("clients"), environ, pages, say)
    return figures


def _executions(
    plan: PushPlan, options: RoleOptions, environ: Mapping[str, str], pages: Sequence[str], say: Say
) -> Figures:
    with ExitStack() as stack:
        office = stack.enter_context(post_office())
        staging = staged(
            Plan(Load(plan.followers), plan.rtt_ms, plan.signals), options, environ, say, settings=_SETTINGS
        )
        bench = stack.enter_context(staging)
        listening, ways = _listening(plan, bench, office, stack, pages)
        worker = stack.enter_context(running(bench, "worker"))
        await_crier(bench.runtime)
        desk, apart_s = _warm(plan, bench, ways)
        poller = stack.enter_context(asking(bench.options.port, host_of(bench.runtime))) if plan.plain else None
        signals = _trade(plan.signals, bench, desk, apart_s, say)
        heard = _receipts(listening, signals, plan.followers)
        figures = percentiles("execution_to_page", _waits(bench, heard)) | {"page_events": len(heard)}
        for name, told in (("push", ways.pushed(signals)), ("mail", ways.mailed(signals))):
            figures |= percentiles(f"execution_to_{name}", _waits(bench, [(one.signal_id, one.at_ms) for one in told]))
        if poller is not None:
            figures |= percentiles("execution_to_poll", _waits(bench, [(one, poller[one]) for one in signals]))
            stop(worker)
            figures |= _plainly(plan, bench, desk, apart_s, ways, say)
        return figures


def _listening(
    plan: PushPlan, bench: Bench, office: PostOffice, stack: ExitStack, pages: Sequence[str]
) -> tuple[Pages, Ways]:
    """Have every follower reached in every way: by an open page, by push and by mail."""
    sessions = people(bench.runtime, plan.followers)
    own_accounts(bench.runtime)
    ways = reach(bench.runtime, office, sorted(sessions.values()))
    mail_through(office, bench.options.root)
    for name, port in (("live", bench.options.live_port), ("web", bench.options.port)):
        stack.enter_context(running(bench, name))
        expect_port(port, name)
    command = pages_command(bench.options, pages)
    opening = open_pages(command, host_of(bench.runtime), bench.options.live_port, doors(bench.runtime, sessions))
    return stack.enter_context(opening), ways


def _warm(plan: PushPlan, bench: Bench, ways: Ways) -> tuple[Desk, float]:
    """Trade until nothing is cold, the words of messages included; return who knows the signals, and their distance."""
    desk = desk_of(bench)
    bench.lab.call("POST", "rtt", {"ms": plan.rtt_ms})
    apart_s = max(pause_s(bench.load, plan.signals + 8), APART_S)
    warm_up(bench, desk, apart_s)
    ways.pushed([desk.newest()])
    ways.mailed([desk.newest()])
    return desk, apart_s


def _trade(many: int, bench: Bench, desk: Desk, apart_s: float, say: Say) -> list[int]:
    signals = []
    for number in range(many):
        signals.append(copied(bench, desk))
        time.sleep(apart_s)
        if (number + 1) % 10 == 0:
            say(f"{number + 1} of {many} signals")
    return signals


def _plainly(plan: PushPlan, bench: Bench, desk: Desk, apart_s: float, ways: Ways, say: Say) -> Figures:
    """Tell of further signals by the plain job, with nobody else telling of them."""
    say("the same messages by a job that looks every second")
    with job(ways) as plain:
        signals = _trade(-(-_PLAIN_MESSAGES // plan.followers), bench, desk, apart_s, say)
        told = (("push", plain.pushed(signals)), ("mail", plain.mailed(signals)))
    return {key: value for name, one in told for key, value in percentiles(f"plain_{name}", _waits(bench, one)).items()}


def _receipts(listening: Pages, signals: Sequence[int], pages: int) -> list[tuple[int, float]]:
    """Return signal and time of the first receipt of each on every page; all pages must have had all."""
    first: dict[tuple[int, int], float] = {}

    def complete() -> bool:
        for one in listening.heard():
            if one.name == "receipt" and one.data["signal"] in wanted:
                first.setdefault((one.page, one.data["signal"]), one.at_ms)
        return len(first) == len(signals) * pages

    wanted = frozenset(signals)
    if not wait_until(complete, patience_s=PATIENCE_S, poll_s=0.2):
        raise Unavailable(f"pages heard of {len(first)} of {len(signals) * pages} copies; see log/live.log")
    return [(signal, at_ms) for (_, signal), at_ms in first.items()]


def _waits(bench: Bench, seen: Sequence[tuple[int, float]]) -> list[float]:
    """Return how long after the leader's execution each was seen, in ms, by the exchange's own time of it."""
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        rows = session.execute(_EXECUTED, {"ids": sorted({signal for signal, _ in seen})})
        executed = {signal: float(at_ms) for signal, at_ms in rows}
    return [at_ms - executed[signal] for signal, at_ms in seen]
