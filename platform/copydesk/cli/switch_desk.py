"""What the commands about kill switches do with an open installation: name, look ahead, throw, and carry out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id
from copydesk.cli.subscription_acts import wake_lane
from copydesk.kernel import InvalidInput, utc_now
from copydesk.marks import Marks
from copydesk.replication import (
    SwitchPreview,
    carry_out,
    concerns,
    in_use,
    preview_switch,
    strategy_keys,
    together,
)
from copydesk.risk import Reach, Stops, ThrownSwitch
from copydesk.risk.switches import NewSwitch, Subjects, checked, note_switch, nudge


@dataclass(frozen=True)
class Named:
    """What the options of a command name: whose switch it is, and what it is about."""

    tenant: str | None
    platform: bool
    exchange: str | None = None
    instrument: str | None = None
    strategy: str | None = None
    everything: bool = False


class SwitchDesk:
    """Throw switches of one brand, or of the whole platform, and have them carried out."""

    def __init__(self, runtime: Runtime, named: Named) -> None:
        """Raises InvalidInput where neither a brand nor the platform is named, NotFound for an unknown brand."""
        if not named.tenant and not named.platform:
            raise InvalidInput("whose switch: expected --tenant or --platform, found neither")
        self._runtime = runtime
        self._named = named
        self._brand = brand_id(runtime, named.tenant) if named.tenant else None
        self.tenant_id = None if named.platform else self._brand
        self._marks = Marks(runtime.redis)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a transaction on the brand's switches, or on the platform's."""
        if self.tenant_id is None:
            with self._runtime.db.installation() as session:
                yield session
        else:
            with self._runtime.db.tenant(self.tenant_id) as session:
                yield session

    def new(self, stops: Stops, reason: str, author: str) -> NewSwitch:
        """Return the switch that the options describe, checked; raises InvalidInput and NotFound."""
        reach, subject = self._subject()
        new = NewSwitch(reach, subject, stops, reason, author)
        return checked(new, self.known(), of_platform=self.tenant_id is None)

    def known(self) -> Subjects:
        """Return what can be named: what brands offer, and what is in use besides."""
        runtime, exchanges, instruments, strategies = self._runtime, set[str](), set[str](), set[int]()
        for number in self._brands():
            for exchange in runtime.tenant(number).config.exchanges:
                exchanges.add(f"{exchange.venue}-{exchange.environment}")
                instruments.update(exchange.markets)
            with runtime.db.tenant(number) as session:
                used = in_use(session)
            exchanges.update(used.exchanges)
            instruments.update(used.instruments)
            strategies.update(used.strategies)
        return Subjects(exchanges, instruments, strategies, list(runtime.tenant_ids.values()))

    def preview(self, switch: ThrownSwitch) -> SwitchPreview:
        """Return what a switch would reach, over all the brands that it concerns."""
        found = []
        for number in self._concerned(switch):
            with self._runtime.db.tenant(number) as session:
                found.append(preview_switch(session, switch, self._marks.worth))
        return together(found)

    def carry_out(self, switch: ThrownSwitch) -> int:
        """Tell every process of a change that is stored, do in each brand what it asks for, and return for how many.

        The replicators do the same: should this break off, nothing is left undone.
        """
        nudge(self._runtime.redis)
        reached = 0
        for number in self._concerned(switch):
            with self._runtime.db.tenant(number) as session:
                stopped = carry_out(session, switch)
                if switch.of_platform:
                    note_switch(session, _act_of(switch), switch, number, at=utc_now())
            reached += len(stopped.subscription_ids)
            wake(self._runtime, number, stopped.shards)
        return reached

    def _brands(self) -> list[int]:
        return list(self._runtime.tenant_ids.values()) if self._brand is None else [self._brand]

    def _concerned(self, switch: ThrownSwitch) -> list[int]:
        return [number for number in self._runtime.tenant_ids.values() if concerns(switch, number)]

    def _subject(self) -> tuple[Reach, str]:
        named = self._named
        given = [name for name in ("exchange", "instrument", "strategy") if getattr(named, name)]
        if len(given) + named.everything > 1:
            raise InvalidInput("reach: expected one of --exchange, --instrument, --strategy, --all, found several")
        if given == ["strategy"]:
            return Reach.STRATEGY, str(self._strategy())
        if given and named.platform and named.tenant:
            raise InvalidInput(f"reach: a switch of the platform stops one brand, or one {given[0]}, not both")
        if given:
            return Reach(given[0]), str(getattr(named, given[0]))
        if named.platform and self._brand is not None:
            return Reach.TENANT, str(self._brand)
        if not named.everything:
            raise InvalidInput("reach: expected one of --exchange, --instrument, --strategy, --all, found none")
        return (Reach.ALL if named.platform else Reach.TENANT), ""

    def _strategy(self) -> int:
        if self._brand is None:
            raise InvalidInput("strategy: expected --tenant too, which brand's it is, found none")
        with self._runtime.db.tenant(self._brand) as session:
            return strategy_keys(session, str(self._named.strategy)).strategy_id


def _act_of(switch: ThrownSwitch) -> str:
    if switch.lifted_at:
        return "switch.lifted"
    return "switch.confirmed" if switch.confirmed_by else "switch.thrown"


def as_if_thrown(new: NewSwitch, tenant_id: int | None) -> ThrownSwitch:
    """Return a switch as it would be, for a look ahead; it is stored nowhere."""
    return ThrownSwitch(0, tenant_id, new.reach, new.subject, new.stops, new.reason, new.author, utc_now())


def wake(runtime: Runtime, tenant_id: int, shards: Sequence[str]) -> None:
    """Have lanes begin at once."""
    for shard in shards:
        wake_lane(runtime, tenant_id, shard, f"switch-{utc_now().timestamp()}")


def preview_json(preview: SwitchPreview) -> dict[str, Any]:
    """Return what is printed of a look ahead; what is not known is null."""
    return {
        "followers": preview.followers,
        "subscriptions": preview.subscriptions,
        "positions": preview.positions,
        "resting_orders": preview.resting,
        "instruments": [
            {
                "exchange": one.exchange,
                "symbol": one.symbol,
                "positions": one.positions,
                "long_qty": one.long_qty,
                "short_qty": one.short_qty,
                "notional": one.notional,
                "currency": one.currency,
                "slippage_bps": one.slippage_bps,
                "slippage": one.slippage,
            }
            for one in preview.exposed
        ],
    }
