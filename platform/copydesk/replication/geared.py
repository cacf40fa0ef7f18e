"""The leverage that an open's account is set to: as far as the exchange allows it by size, and what bound it. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from copydesk.kernel import decimal_text
from copydesk.replication.model import Planned
from copydesk.replication.opening_terms import Opening
from copydesk.risk.futures import LeverageBound, leverage_permitted
from copydesk.trading import Bracket

_CENT = Decimal("0.01")
_ANY_SIZE = Decimal("Infinity")


def with_leverage(planned: Planned, case: Opening, follower_max: int | None) -> Planned:
    """Lower the leverage to what the exchange's bracket allows the position that this open makes.

    Where the copy has less than the leader, its facts name what bound it: the follower's own bound, the brand's, or the
    exchange's with the size that it was about. A limit that lowered it further is named by itself. The position is the
    subscription's own, at the worst price of the order.
    """
    notional = abs(planned.target_qty) * case.cost_px
    if planned.leverage == case.leader_leverage and notional <= case.notional_free:
        return planned
    found = leverage_permitted(
        leader=case.leader_leverage,
        follower_max=follower_max,
        brand_max=case.limits.leverage_max,
        brackets=case.limits.brackets or (Bracket(_ANY_SIZE, case.instrument.leverage_max, Decimal(0)),),
        notional=notional,
    )
    if planned.leverage < found.leverage or found.by is LeverageBound.LEADER:
        return planned
    told = {
        "leverage": str(found.leverage),
        "leverage_wanted": str(case.leader_leverage),
        "leverage_bound": str(found.by),
    }
    if found.by is LeverageBound.BRACKET:
        told |= {
            "leverage_notional": decimal_text(notional.quantize(_CENT, ROUND_HALF_EVEN)),
            "leverage_currency": case.instrument.quote,
        }
    return planned._replace(leverage=found.leverage, facts=(planned.facts or {}) | told)


def is_bracketed(planned: Planned) -> bool:
    """Tell whether the exchange's bracket lowered the leverage of an open."""
    return (planned.facts or {}).get("leverage_bound") == LeverageBound.BRACKET
