"""Hold an opening order that is sized against its follower's limits: let it be, cut it, or name a denial. Pure."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import floor_to_step
from copydesk.replication.model import Bound, No, Planned, RiskView
from copydesk.risk.grammar import text_of
from copydesk.risk.model import Scoped
from copydesk.risk.order_rules import DENIALS, Opening, judge_opening
from copydesk.risk.sentences import limit_facts
from copydesk.trading import Instrument, Side


def held_to_limits(
    planned: Planned, risk: RiskView, instrument: Instrument, *, px: Decimal, smallest_qty: Decimal
) -> tuple[Planned, No | None]:
    """Return the order as the limits allow it, and what denies it or None.

    `px` is the most that one unit may be worth; what a limit leaves below `smallest_qty` is denied in its name. The
    target falls with the order: what a limit kept back is not made up for later.
    """
    wanted = Opening(planned.qty * px, instrument.symbol, planned.leverage)
    verdict = judge_opening(risk.bounds, wanted, risk.state)
    if verdict.denial is not None:
        assert verdict.bit is not None, "a limit denies"
        return planned, (verdict.denial, told_facts(verdict.bit))
    facts = warned_facts(verdict.warned)
    if verdict.bit is None:
        return planned._replace(facts=facts) if facts else planned, None
    facts = (facts or {}) | told_facts(verdict.bit)
    if verdict.notional >= wanted.notional:
        return planned._replace(leverage=verdict.leverage, facts=facts), None
    qty = floor_to_step(verdict.notional / px, instrument.qty_step)
    if qty < smallest_qty or not qty:
        return planned, (DENIALS[verdict.bit.limit.measure], facts)
    cut = planned.qty - qty
    target_qty = planned.target_qty - cut if planned.side is Side.BUY else planned.target_qty + cut
    smaller = planned._replace(
        qty=qty, target_qty=target_qty, leverage=verdict.leverage, facts=facts, bound=Bound.RISK_LIMIT
    )
    return smaller, None


def told_facts(scoped: Scoped) -> dict[str, str]:
    """Return what a receipt says of the limit that bit: its line, where it lies, and whose it is."""
    return limit_facts(scoped) | {"limit_line": text_of(scoped.limit)}


def warned_facts(warned: tuple[Scoped, ...]) -> dict[str, str] | None:
    """Return what a receipt says of the first limit that only wanted to be told; None where there is none."""
    return {"warned_line": text_of(warned[0].limit), "warned_scope": str(warned[0].scope)} if warned else None
