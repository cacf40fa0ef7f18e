"""What the exchange's journal says of a follower who was stopped: closed once, out for good, and the others went on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from copydesk.demo.expect import Seat
from copydesk.demo.ledger import Record, net_base
from copydesk.demo.listed import Listed

# Copies that were on their way when the stop fired may still arrive; what they open is closed again.
ON_THE_WAY_MS = 2_000


@dataclass(frozen=True)
class StopSeen:
    """What became of one stopped follower, from when the stop fired; times in milliseconds after that.

    `closes` are its closing orders for the `positions` that were held, `again` those of them that found nothing left to
    close. `opens` came when none could be on its way any more. `left` are the instruments
    that it still holds. `others` are followers of the same trader who traded afterwards.
    """

    positions: int
    closes: int
    again: int
    opens: int
    left: tuple[str, ...]
    closed_ms: float | None
    trader_went_on: bool
    others: int

    @property
    def well(self) -> bool:
        """Tell whether it was closed once and stays out, while its trader and others go on."""
        out = bool(self.positions and self.closes) and not (self.again or self.opens or self.left)
        return out and self.trader_went_on and self.others > 0

    def figures(self) -> dict[str, Any]:
        return {**vars(self), "left": list(self.left), "well": self.well}


def judge_stop(
    records: Iterable[Record], seats: Sequence[Seat], account: str, at_ms: float, listed: Listed | None = None
) -> StopSeen:
    """Replay the journal for one follower whose stop fired at a time. Pure."""
    listed = listed or Listed()
    seat = next(seat for seat in seats if seat.account == account)
    kin = {one.account for one in seats if one.leader == seat.leader} - {account}
    before: dict[str, Decimal] = defaultdict(Decimal)
    held: dict[str, Decimal] = defaultdict(Decimal)
    orders, closed_ms, traded = _Orders(), None, set[str]()
    for record in records:
        later = record["at_ms"] >= at_ms
        if record["kind"] == "execution" and later and record["account"] in kin | {seat.leader}:
            traded |= {record["account"]} if record["at_ms"] > at_ms + ON_THE_WAY_MS else set()
        if record.get("account") != account or record["kind"] not in ("order", "execution"):
            continue
        symbol = listed.symbol(record)
        if record["kind"] == "execution":
            held[symbol] += net_base(record)
            if not later:
                before[symbol] = held[symbol]
            elif abs(held[symbol]) < listed.rules(record["venue"], symbol).qty_min:
                closed_ms = record["at_ms"] - at_ms
        elif later:
            some = abs(held[symbol]) >= listed.rules(record["venue"], symbol).qty_min
            orders.note(record, held=some, late=record["at_ms"] > at_ms + ON_THE_WAY_MS)
    venue = seat.terms.venue
    return StopSeen(
        sum(abs(qty) >= listed.rules(venue, symbol).qty_min for symbol, qty in before.items()),
        orders.closes,
        orders.again,
        orders.opened_late,
        tuple(sorted(symbol for symbol, qty in held.items() if abs(qty) >= listed.rules(venue, symbol).qty_min)),
        closed_ms,
        seat.leader in traded,
        len(traded & kin),
    )


@dataclass
class _Orders:
    """The orders of a stopped follower: closes, those that found nothing to close, and opens."""

    closes: int = 0
    again: int = 0
    opened_late: int = 0

    def note(self, record: Record, *, held: bool, late: bool) -> None:
        closes = bool(record.get("reduce_only"))
        if record["change"] not in ("NEW", "REJECTED"):
            return
        self.closes += closes
        self.again += closes and not held
        self.opened_late += late and not closes


def stop_words(figures: Mapping[str, Any]) -> str:
    """Say in one line what became of the follower whose stop was to fire."""
    who = f"{figures['account']}: {figures['line']}"
    if not figures["fired"]:
        return f"{who} did not fire"
    closed = "not closed" if figures["closed_ms"] is None else f"out after {figures['closed_ms']:.0f} ms"
    again = f"{figures['again']} orders too many" if figures["again"] else "each once"
    stays = f"opened {figures['opens']} orders afterwards" if figures["opens"] else "stays out"
    left = f", still holds {', '.join(figures['left'])}" if figures["left"] else ""
    trader = "its trader" if figures["trader_went_on"] else "not its trader"
    return (
        f"{who} fired: {figures['positions']} positions closed, {again}; {closed}, {stays}{left}; "
        f"{trader} and {figures['others']} others of the strategy go on"
    )
