"""What the exchange's journal proves about one leader and the accounts that copy it, without asking our database.

Every follower copies by a fixed ratio, so what it should hold follows from the leader's executions alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from copydesk.demo.ledger import net_base
from copydesk.kernel import ZERO

Record = Mapping[str, Any]
STEP = {"BTCUSDT": Decimal("0.00001"), "ETHUSDT": Decimal("0.0001")}
# What is worth less cannot be sold, so the leader counts as flat.
NOTIONAL_MIN = Decimal(5)


@dataclass(frozen=True)
class Verdict:
    """Orders placed once too often, orders that never came, orders for another brand's pair, distance in steps."""

    leader_orders: int
    duplicates: int
    missing: int
    strangers: int
    drift_steps: int

    @property
    def clean(self) -> bool:
        return self.duplicates == self.missing == self.strangers == 0 and self.drift_steps <= 1


@dataclass
class _Account:
    """One follower on its way through the journal."""

    ratio: Decimal
    held: Decimal = ZERO
    target: Decimal = ZERO
    placed: Counter[str] = field(default_factory=Counter)
    sides: Counter[str] = field(default_factory=Counter)
    filled: set[str] = field(default_factory=set)
    filled_sides: Counter[str] = field(default_factory=Counter)
    strangers: int = 0


@dataclass
class _Leader:
    held: Decimal = ZERO
    orders: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    executions: Counter[str] = field(default_factory=Counter)


def verdict(
    records: Iterable[Record], *, leader: str, symbol: str, ratios: Mapping[str, Decimal], after_seq: int = 0
) -> Verdict:
    """Replay the journal. Orders are counted after `after_seq`, holdings from the beginning."""
    lead, crowd = _Leader(), {account: _Account(ratio) for account, ratio in ratios.items()}
    for record in records:
        counts = record["seq"] > after_seq
        account = record.get("account")
        if account == leader and record["kind"] == "execution":
            _lead(lead, crowd, record, counts)
        elif account in crowd and record["kind"] in ("order", "execution"):
            _follow(crowd[account], record, symbol, counts)
    return Verdict(
        leader_orders=sum(len(orders) for orders in lead.orders.values()),
        duplicates=sum(_extra(lead, one) for one in crowd.values()),
        missing=sum(_missing(lead, one) for one in crowd.values()),
        strangers=sum(one.strangers for one in crowd.values()),
        drift_steps=max((int(abs(one.held - one.target) / STEP[symbol]) for one in crowd.values()), default=0),
    )


def placed_by(records: Iterable[Record], accounts: Iterable[str], after_seq: int = 0) -> list[Record]:
    """Return the orders that these accounts got onto the exchange."""
    wanted = set(accounts)
    return [
        record
        for record in records
        if record["kind"] == "order"
        and record["change"] == "NEW"
        and record["account"] in wanted
        and record["seq"] > after_seq
    ]


def holdings(records: Iterable[Record], accounts: Iterable[str]) -> dict[str, Decimal]:
    """Return what each account has bought and not sold, net of fees taken in base."""
    held = dict.fromkeys(accounts, ZERO)
    for record in records:
        if record["kind"] == "execution" and record["account"] in held:
            held[record["account"]] += net_base(record)
    return held


def _lead(lead: _Leader, crowd: Mapping[str, _Account], record: Record, counts: bool) -> None:
    before = lead.held
    lead.held = max(before + net_base(record), ZERO)
    flat = lead.held * Decimal(record["px"]) < NOTIONAL_MIN
    for one in crowd.values():
        if lead.held > before:
            one.target += one.ratio * (lead.held - before)
        else:
            one.target = ZERO if flat or before == 0 else one.target * lead.held / before
    if counts:
        lead.orders[record["side"]].add(record["order_id"])
        lead.executions[record["side"]] += 1


def _follow(one: _Account, record: Record, symbol: str, counts: bool) -> None:
    one.strangers += record["symbol"] != symbol
    if record["kind"] == "execution":
        one.held += net_base(record)
        if record["side"] == "buy":
            one.target = max(one.target - Decimal(record["fee"]), ZERO)
        if counts and record["client_order_id"] not in one.filled:
            one.filled.add(record["client_order_id"])
            one.filled_sides[record["side"]] += 1
    elif record["change"] == "NEW" and counts:
        one.placed[record["client_order_id"]] += 1
        one.sides[record["side"]] += 1


def _extra(lead: _Leader, one: _Account) -> int:
    """Count orders beyond one per execution of the leader, or ids that came twice where that is more."""
    twice = sum(times - 1 for times in one.placed.values())
    return max(twice, sum(max(one.sides[side] - lead.executions[side], 0) for side in ("buy", "sell")))


def _missing(lead: _Leader, one: _Account) -> int:
    return sum(max(len(lead.orders[side]) - one.filled_sides[side], 0) for side in ("buy", "sell"))
