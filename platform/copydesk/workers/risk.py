"""The risk role: watch every book at prices that can be trusted, and close what is past a limit, on its own.

It needs no queue, no Redis, no web and no replicator; PostgreSQL only to learn of changes. Prices come in from a
resident loop, changes of books from a thread, and closes go out from others, so that nothing that is slow keeps a
price waiting. Everything is decided in one thread.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from copydesk.bootstrap import Runtime, WorkerSurroundings
from copydesk.kernel import SystemClock, utc_now
from copydesk.replication import LEASE_MS, UNKNOWN_WAIT_MS, Exposure, Stopper, Timing, whereabouts_of
from copydesk.risk.acts import Act, Watch
from copydesk.risk.journal import Journal
from copydesk.risk.model import Action
from copydesk.risk.monitor import Key, Listing, Monitor, Verdict
from copydesk.risk.settings import PROTECTIVE_VERIFY_S, protection_terms, trust_terms
from copydesk.risk.stops import EVENT_OF, FIRED, Stop, StopEvent, StopState
from copydesk.risk.trust import Tick
from copydesk.trading import SubscriptionState
from copydesk.venues import MarketStream, Venue
from copydesk.workers.guarding import Guarding, Market
from copydesk.workers.key_news import KeyWatch
from copydesk.workers.loop import ResidentLoop, prefer_latency
from copydesk.workers.protection import Protector
from copydesk.workers.replicator import open_exchanges
from copydesk.workers.risk_acts import Closing, RiskActs, act_of, stop_after_restart
from copydesk.workers.risk_desk import RiskDesk, Seen
from copydesk.workers.risk_prices import RiskPrices
from copydesk.workers.risk_strategies import StrategyGuards, brands_of
from copydesk.workers.wake import Waker, wake_for_look

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 0.1
KEEP_EVERY_S = 5.0
TELL_EVERY_S = 0.5
# Of brands of which there is nothing new; well before anybody wonders whether they are watched at all.
TELL_ALL_EVERY_S = 2.0
_STOPPED = frozenset({SubscriptionState.PAUSED, SubscriptionState.DISARMED})
_RUNNING = frozenset({SubscriptionState.SYNCED, SubscriptionState.CATCHING_UP})
_STOPPED_STATES = FIRED | {StopState.SOFT}
_UNDER_WAY = frozenset({StopState.FIRING, StopState.CLOSING})

Event = Callable[[], None]


class RiskRole:
    """One process that watches all brands of an installation."""

    def __init__(
        self, runtime: Runtime, acts: RiskActs, prices: RiskPrices, monitor: Monitor, guarding: Guarding
    ) -> None:
        self._runtime = runtime
        self._acts = acts
        self._guarding = guarding
        self._prices = prices
        self._monitor = monitor
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._exposures: dict[tuple[int, int], Exposure] = {}
        self._members: dict[Key, set[int]] = {}
        self._seen_stopped: set[Key] = set()
        self._closing: dict[Key, Closing] = {}
        self._suspected: dict[Key, datetime] = {}
        self._kept_at = self._told_at = self._told_all_at = float("-inf")
        self._told: dict[int, Watch] = {}
        self._copy_ids: dict[int, int] = {}

    @property
    def closing(self) -> bool:
        """Tell whether stops are on their way."""
        return bool(self._closing)

    def hear(self, listing: Listing, tick: Tick) -> None:
        """Take a price in, from any thread."""
        self._events.put(partial(self._heard, listing, tick))

    def tell(self, seen: Seen) -> None:
        """Take in what was read of a brand, from any thread."""
        self._events.put(partial(self._see, seen))

    def run(self, stopped: threading.Event) -> None:
        """Watch until told to stop."""
        sweep_at = time.monotonic()
        while not stopped.is_set():
            self._work_off(until=sweep_at)
            sweep_at = max(sweep_at + SWEEP_EVERY_S, time.monotonic())
            self._prices.follow(self._monitor.listings)
            self._prices.ask()
            for key in list(self._seen_stopped):
                self._mind_people(key)
            suspects = self._monitor.sweep(utc_now())
            self._suspected = {key: self._suspected[key] for key in suspects if key in self._suspected}
            self._judge(suspects)
            self._judge(self._monitor.changed(), suspected=False)
            self._go_on_closing()
            self._guarding.sweep(self._monitor, self._exposures, time.monotonic())
            self._keep()
            self._tell_watch()

    def _work_off(self, *, until: float) -> None:
        while True:
            try:
                event = self._events.get(timeout=max(until - time.monotonic(), 0.0))
            except queue.Empty:
                return
            event()

    def _heard(self, listing: Listing, tick: Tick) -> None:
        self._judge(self._monitor.note(listing, tick))

    def _judge(self, keys: Iterable[Key], *, suspected: bool = True) -> None:
        """Act on whoever is past a limit; ask for a second opinion on who is suspected, and not past it for certain."""
        now = utc_now()
        doubtful: set[str] = set()
        found: list[Verdict] = []
        for key in dict.fromkeys(keys):
            if key in self._monitor:
                verdict = self._monitor.judge(key, now)
                if verdict.broken:
                    found.append(verdict)
                if suspected:
                    self._suspected.setdefault(key, now)
                    doubtful |= set() if verdict.broken else self._monitor.places(key)
        if doubtful:
            self._prices.ask(doubtful)
        self._act(found)

    def _act(self, verdicts: Collection[Verdict]) -> None:
        """Fire, block or warn, each once: what is decided here is done in other threads."""
        now = utc_now()
        firing: list[Closing] = []
        for verdict in verdicts:
            worst = verdict.broken[0]
            event = EVENT_OF[worst.scoped.limit.action]
            turn = self._monitor.stop_of(verdict.key).turn
            if not self._monitor.advance(verdict.key, event):
                continue
            act = act_of(verdict, turn=turn, now=now, suspected_at=self._suspected.pop(verdict.key, now))
            log.warning("%s of brand %s: %s", act.reference, verdict.key.tenant_id, act.line)
            exposures = self._exposures_of(verdict.key)
            if event is StopEvent.FIRE:
                disarms = worst.scoped.limit.action is Action.CLOSE_AND_DISARM
                firing.append(self._closing.setdefault(verdict.key, Closing(verdict.key, act, exposures, disarms)))
            else:
                self._acts.note(verdict.key.tenant_id, act, exposures, blocks=event is StopEvent.BLOCK)
        if firing:
            self._acts.fire(firing, lambda closing: self._events.put(partial(self._sent, closing)))

    def _sent(self, closing: Closing) -> None:
        if closing.key in self._monitor:
            self._monitor.advance(closing.key, StopEvent.SENT)

    def _go_on_closing(self) -> None:
        """Look after what is being closed until it is flat, and give up, with a flag, where it cannot be."""
        self._acts.catch_up()
        for key, closing in list(self._closing.items()):
            closing.exposures = self._exposures_of(key)
            if closing.busy:
                continue
            if closing.flat:
                self._end(closing, StopEvent.FLAT)
            elif closing.given_up:
                self._end(closing, StopEvent.GIVEN_UP)
            elif closing.due:
                self._acts.again(closing)

    def _end(self, closing: Closing, event: StopEvent) -> None:
        del self._closing[closing.key]
        if closing.key in self._monitor:
            self._monitor.advance(closing.key, event)
        self._acts.end(closing, flat=event is StopEvent.FLAT)

    def _see(self, seen: Seen) -> None:
        now, before = utc_now(), seen.before
        self._copy_ids[seen.tenant_id] = seen.copy_id
        for number, exposure in seen.exposures.items():
            self._exposures[seen.tenant_id, number] = exposure
            self._guarding.stir(seen.tenant_id, number)
            self._members.setdefault(Key(seen.tenant_id, exposure.account_id, account=True), set()).add(number)
        for number in seen.gone:
            self._forget(seen.tenant_id, number)
        for key, holding in seen.holdings.items():
            owner = key.owner
            new = key not in self._monitor
            stop = stop_after_restart(*before.acts[owner]) if new and owner in before.acts else None
            self._monitor.see(key, holding, now=now, waters=before.waters.get(owner), stop=stop)
            if new and stop is not None:
                self._take_up(key, stop, before.under_way.get(owner))
            self._mind_people(key)

    def _take_up(self, key: Key, stop: Stop, act: Act | None) -> None:
        """Go on with what an earlier process began, or arm again what a person has resumed meanwhile."""
        if stop.state in _STOPPED_STATES:
            self._seen_stopped.add(key)
        if act is not None and stop.state in _UNDER_WAY:
            disarms = act.action == Action.CLOSE_AND_DISARM
            self._closing[key] = Closing(key, act, self._exposures_of(key), disarms)

    def _mind_people(self, key: Key) -> None:
        """Arm a stop again that a person has resumed since it was seen stopped."""
        stop = self._monitor.stop_of(key)
        states = {one.state for one in self._exposures_of(key)}
        if stop.state not in _STOPPED_STATES:
            return
        if states & _STOPPED:
            self._seen_stopped.add(key)
        elif key in self._seen_stopped and states & _RUNNING and self._monitor.rearm(key, by="owner"):
            self._seen_stopped.discard(key)
            self._closing.pop(key, None)

    def _forget(self, tenant_id: int, number: int) -> None:
        exposure = self._exposures.pop((tenant_id, number), None)
        self._guarding.forget(tenant_id, number)
        gone = [Key(tenant_id, number)]
        if exposure is not None:
            account = Key(tenant_id, exposure.account_id, account=True)
            members = self._members.get(account, set())
            members.discard(number)
            gone += [] if members else [account]
        for key in gone:
            self._members.pop(key, None)
            self._seen_stopped.discard(key)
            self._suspected.pop(key, None)
            if key in self._monitor:
                self._monitor.forget(key)

    def _exposures_of(self, key: Key) -> tuple[Exposure, ...]:
        numbers = sorted(self._members.get(key, ())) if key.account else [key.number]
        known = [self._exposures.get((key.tenant_id, number)) for number in numbers]
        return tuple(one for one in known if one is not None)

    def _keep(self) -> None:
        """Keep high waters now and then; another process goes on with them."""
        now = time.monotonic()
        if now - self._kept_at < KEEP_EVERY_S:
            return
        self._kept_at = now
        by_brand: dict[int, list[Any]] = {}
        for key in self._monitor:
            owner = key.owner
            by_brand.setdefault(key.tenant_id, []).append((owner, self._monitor.waters_of(key)))
        self._acts.keep(by_brand)

    def _tell_watch(self) -> None:
        """Say how far each brand is watched."""
        now = time.monotonic()
        if now - self._told_at < TELL_EVERY_S:
            return
        self._told_at = now
        doubts = self._monitor.doubts(utc_now())
        holders, stops = (
            Counter(key.tenant_id for key in self._monitor),
            Counter(key.tenant_id for key in self._closing),
        )
        watched = {one: Watch(at, holders[one], stops[one], doubts) for one, at in self._copy_ids.items()}
        again = now - self._told_all_at >= TELL_ALL_EVERY_S
        news = {one: told for one, told in watched.items() if again or self._told.get(one) != told}
        if not news or self._acts.watch(news):
            self._told, self._told_all_at = watched, now if again else self._told_all_at


def run_risk(runtime: Runtime, stopped: threading.Event) -> None:
    """Watch until told to stop."""
    loop = ResidentLoop()
    waker = Waker(runtime.hasty_redis)
    around = WorkerSurroundings(runtime, loop.start, partial(wake_for_look, waker), role="risk")
    timing = Timing(runtime.number(LEASE_MS), runtime.number(UNKNOWN_WAIT_MS))
    journal = Journal(runtime.places.var / "risk" / "acts.jsonl")
    stopper = Stopper(runtime.db, around, SystemClock(), timing, journal)
    acts = RiskActs(runtime, stopper, ThreadPoolExecutor(8, thread_name_prefix="risk-acts"))
    heard: list[RiskRole] = []
    prices = RiskPrices(loop.start, partial(_open_place, runtime, around), lambda *told: heard[0].hear(*told))
    monitor = Monitor(trust_terms(runtime.number))
    protector = Protector(
        *(runtime.db, around, SystemClock(), timing),
        verify_every=timedelta(seconds=runtime.number(PROTECTIVE_VERIFY_S)),
        tenants=lambda: tuple(runtime.tenant_ids.values()),
        mark_of=partial(_mark_of, monitor),
        busy=lambda: heard[0].closing,
    )
    role = RiskRole(runtime, acts, prices, monitor, Guarding(protector, partial(_market_of, runtime, around)))
    heard.append(role)
    desk = RiskDesk(runtime, role.tell, around.credentials)
    guards = StrategyGuards(
        runtime.db, partial(brands_of, runtime), wake=partial(wake_for_look, waker), announce=runtime.announce
    )
    key_watch = KeyWatch(runtime)
    loop.start(key_watch.start()).result()
    open_exchanges(runtime, around)
    prefer_latency()
    try:
        desk.start()
        guards.start()
        protector.start()
        role.run(stopped)
    finally:
        desk.close()
        guards.close()
        protector.close()
        prices.close()
        acts.close()
        stopper.close()
        loop.start(key_watch.aclose()).result()
        around.close()
        loop.close()


def _open_place(runtime: Runtime, around: WorkerSurroundings, place: str) -> tuple[Venue, MarketStream]:
    tenant_id = next(iter(runtime.tenant_ids.values()))
    venue = around.exchange(tenant_id, f"{place}:0").venue
    return venue, runtime.market_stream(venue)


def _mark_of(monitor: Monitor, shard: str, symbol: str) -> Decimal | None:
    return monitor.mark(Listing(whereabouts_of(shard).exchange, symbol))


def _market_of(runtime: Runtime, around: WorkerSurroundings, tenant_id: int, shard: str) -> Market | None:
    """Return what is listed on a lane and how positions are protected; None where the brand wants no such stops."""
    terms = protection_terms(runtime.tenant(tenant_id))
    return None if terms is None else (around.exchange(tenant_id, shard).instruments, terms)
