"""What a kill switch does to orders that open: they are denied when planned, and held back when they are written.

Where prices of an instrument lie too far apart, opens are denied when planned.

Closes never come near a gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from copydesk.kernel import Unavailable, decimal_text
from copydesk.marks import FreshPrice
from copydesk.replication.model import Follower, No
from copydesk.replication.settle import Settlement
from copydesk.replication.shards import whereabouts_of
from copydesk.risk import Spot, SwitchesNow, ThrownSwitch
from copydesk.trading import Denial, OrderStatus
from copydesk.venues import Outcome

MaySend = Callable[[], bool]
_TENTH = Decimal("0.1")


def spot_of(tenant_id: int, shard: str, symbol: str, strategy_id: int) -> Spot:
    """Say where an order of a lane would open."""
    return Spot(tenant_id, whereabouts_of(shard).exchange, symbol, strategy_id)


class OpenGate:
    """Whether orders that open at one spot may be written: asked for each, and shut for good by its first no.

    While no switch changes, that costs one look at which board is in force.
    """

    __slots__ = ("_board", "_may_send", "_now", "_spot", "switch")

    def __init__(self, now: SwitchesNow, spot: Spot, may_send: MaySend) -> None:
        self._now = now
        self._spot = spot
        self._may_send = may_send
        self.switch: ThrownSwitch | None = None
        self._look()

    def __call__(self) -> bool:
        if self._now.board is not self._board:
            self._look()
        return self.switch is None and self._may_send()

    def held_back(self, outcome: Outcome) -> bool:
        """Tell whether an order was not written and may not be any more: it has ended by that."""
        return self.switch is not None and outcome.sent_at is None and isinstance(outcome.result, Unavailable)

    def settlement(self, copy_id: int) -> Settlement:
        """End a copy that was held back; reconcile never sends it again."""
        denial, facts = denied_by(self.switch) if self.switch else (Denial.STOPPED_BY_SWITCH, {})
        return Settlement(copy_id, OrderStatus.REJECTED, reason=denial, facts=facts)

    def _look(self) -> None:
        self._board = self._now.board
        self.switch = self.switch or self._board.stopped(self._spot)


def denied_by(switch: ThrownSwitch) -> No:
    """Name the denial of an open that a switch stops, with who is told what."""
    return Denial.STOPPED_BY_SWITCH, switch.facts


def denied_by_unrest(price: FreshPrice) -> No | None:
    """Name the denial of an open while the instrument's prices lie too far apart, None where they do not."""
    if price.unrest is None:
        return None
    moved, limit = (
        decimal_text((ratio * 100).quantize(_TENTH)) for ratio in (price.unrest.ratio, price.unrest.ratio_max)
    )
    return Denial.RISK_VOLATILE, {"moved": moved, "limit": limit, "limit_unit": "percent"}


def refuse_opens(crowd: Iterable[Follower], switch: ThrownSwitch) -> list[Follower]:
    """Return the followers so that every open is denied; what they hold on the other side is closed all the same."""
    no = denied_by(switch)
    return [follower._replace(refusal=follower.refusal or no) for follower in crowd]
