"""What copying on chosen terms would have meant and may cost: the past replayed, the worst case, what is joined.

Reads only, and of exchanges nothing but what is stored: an exchange that is away makes no page wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from copydesk.db import TenantSession
from copydesk.kernel import Unavailable
from copydesk.performance.whatif_past import Wanted as Asking
from copydesk.performance.whatif_past import limits_of, markets_at, newest_signal, read_terms
from copydesk.replication import (
    NEW,
    JoinLine,
    Standing,
    Wanted,
    excesses,
    join_preview,
    leader_in_figures,
    limits_on_joining,
    needs_of,
    read_joining_limits,
    standings,
    suitability,
)
from copydesk.replication.allocating import Excess
from copydesk.replication.model import No
from copydesk.replication.suitability import Probe
from copydesk.risk.limits import LimitSet
from copydesk.risk.model import Limit, Measure, Scope, Scoped, Unit, Window
from copydesk.risk.store import Holder
from copydesk.trading import Instrument, JoinMode
from copydesk.venues import TRAITS, KeyScope
from copydesk.web.asking import transaction
from copydesk.web.copying.asked import Chosen
from copydesk.web.copying.facing import Facing, Own
from copydesk.web.public.what_if import Answer, answered, course_of, current_replays
from copydesk.web.risk.prices import current_prices
from copydesk.web.what_if_words import Told

DAYS = 90
# What markets bear is asked of an exchange alone; orders are held against these limits, and a page cannot be.
_LIQUID = frozenset({Measure.DEPTH_SHARE, Measure.VOLUME})


@dataclass(frozen=True)
class Worst:
    """The limit that ends the copying first, and what of the amount would be lost there; None where none does."""

    limit: Limit | None
    loss: Decimal


@dataclass(frozen=True)
class Joining:
    """What the trader holds now, and what would be done about it; `lines` is None where prices are not known."""

    held: tuple[Standing, ...]
    lines: tuple[JoinLine, ...] | None


@dataclass(frozen=True)
class Preflight:
    """Everything that is told before somebody starts. `answer` is None where the past was not, or cannot be `replayed`.

    `against` are reasons for which the account cannot copy the strategy, `excess` limits that the amount is beyond.
    """

    chosen: Chosen
    own: Own
    answer: Answer | None
    replayed: bool
    worst: Worst
    joining: Joining
    against: tuple[No, ...]
    notes: tuple[No, ...]
    excess: tuple[Excess, ...]


def preflight(facing: Facing, chosen: Chosen, *, replays: bool = True) -> Preflight:
    """Look at everything that these terms mean; without `replays` the past, which takes longest, is left for later."""
    own, newest = facing.account(chosen.account_id), 0
    with transaction() as session:
        limits = _limits(session, facing, chosen)
        holder = Holder(NEW, facing.subject.strategy_id, own.id)
        excess = excesses(session, limits, holder, chosen.amount, currency=facing.currency)
        needs = needs_of(session, strategy_id=facing.subject.strategy_id, account_id=own.id)
        held = standings(session, facing.subject.strategy_id)
        if replays:
            newest = newest_signal(session, facing.subject.strategy_id)
    symbols = {*(one.symbol for one in held), *needs.modes, *needs.pairs}
    listed = current_replays().listings.read(own.place, symbols)
    fit = None if listed is None else suitability(needs, _probe(own), TRAITS[own.health.venue], listed)
    return Preflight(
        chosen=chosen,
        own=own,
        answer=_answer(facing, own, chosen, newest) if replays else None,
        replayed=replays,
        worst=worst_of((one.limit for one in limits), chosen.amount),
        joining=Joining(tuple(held), _lines(facing, own, chosen, limits, held, listed)),
        against=() if fit is None else tuple(fit.against),
        notes=() if fit is None else tuple(fit.notes),
        excess=tuple(excess),
    )


def worst_of(limits: Iterable[Limit], amount: Decimal) -> Worst:
    """Return the limit that closes everything first as an amount falls from its beginning. Pure.

    A limit on a day or a week alone ends nothing for good: many such days follow each other.
    """
    found = [
        (limit, limit.threshold.value if limit.threshold.unit is Unit.MONEY else amount * limit.threshold.value / 100)
        for limit in limits
        if limit.action.closes
        and (limit.measure is Measure.DRAWDOWN or (limit.measure is Measure.LOSS and limit.window is Window.START))
    ]
    limit, loss = min(found, key=lambda pair: pair[1], default=(None, amount))
    return Worst(limit, min(loss, amount))


def _limits(session: TenantSession, facing: Facing, chosen: Chosen) -> LimitSet:
    mine = facing.profiles[chosen.profile] if chosen.profile is not None else ()
    holder = Holder(NEW, facing.subject.strategy_id, chosen.account_id)
    return limits_on_joining(session, facing.ground, holder, [Scoped(Scope.SUBSCRIPTION, one) for one in mine])


def _probe(own: Own) -> Probe:
    """Return what is stored of an account's rights; positions that it holds are not known here."""
    rights = own.health.scope or {}
    scope = KeyScope(
        can_read=True,
        can_trade=bool(rights.get("can_trade", True)),
        can_withdraw=False,
        can_transfer=False,
        ip_bound=bool(own.health.ip_bound),
        can_trade_perpetuals=bool(rights.get("can_trade_perpetuals", True)),
    )
    return Probe(None, "", scope)


def _answer(facing: Facing, own: Own, chosen: Chosen, newest: int) -> Answer | None:
    """Replay the last months by the rules of the account's exchange; None where those are not known, or others wait."""
    tenant, subject, replays = facing.tenant, facing.subject_at(own), current_replays()
    key = ("copying", tenant.slug, subject, newest, facing.terms.profit_share, replace(chosen, account_id=0))
    try:
        return replays.of(key, lambda: _replayed(facing, own, chosen, newest))
    except Unavailable:
        return None


def _replayed(facing: Facing, own: Own, chosen: Chosen, newest: int) -> Answer:
    tenant, subject = facing.tenant, facing.subject_at(own)
    course = course_of(tenant, subject, newest, DAYS)
    asking = Asking(chosen.amount, chosen.sizing, chosen.value, chosen.small, chosen.profile, DAYS)
    with transaction() as session:
        terms = read_terms(session, tenant, subject, asking, course.past)
    terms = replace(terms, profit_share=facing.terms.profit_share, leverage_max=chosen.leverage)
    return answered(course, terms, Told(DAYS, subject.venue, terms, course.past.perpetual))


def _lines(
    facing: Facing,
    own: Own,
    chosen: Chosen,
    limits: LimitSet,
    held: list[Standing],
    listed: dict[str, Instrument] | None,
) -> tuple[JoinLine, ...] | None:
    """Say what joining would buy and sell now; None where the exchange's rules or prices are not known."""
    if not held or chosen.join in (JoinMode.IGNORE, JoinMode.WAIT_UNTIL_FLAT):
        return ()
    prices = current_prices().of(own.place, {one.symbol for one in held})
    if listed is None or not prices:
        return None
    judged = LimitSet(tuple(one for one in limits.holdings if one.scoped.limit.measure not in _LIQUID))
    wanted = Wanted(chosen.amount, chosen.sizing, chosen.value, chosen.join)
    markets = markets_at(facing.tenant, own.place)
    holder = Holder(NEW, facing.subject.strategy_id, own.id)
    with transaction() as session:
        leads = leader_in_figures(session, facing.subject.strategy_id)
        risk = read_joining_limits(
            session, judged, holder, chosen.amount, currency=facing.currency, prices=prices, instruments=listed
        )
    bounds = limits_of(facing.tenant, held[0].symbol, markets)
    lines = join_preview(
        held, wanted, leads, prices=prices, instruments=listed, markets=markets, limits=bounds, risk=risk
    )
    return tuple(lines)
