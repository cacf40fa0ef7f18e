"""Tells everything about one follower's copies of one signal, in sections of labels and words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.replication.explain import CopyTold, Explanation, LeaderMove
from copydesk.replication.moves import move_between
from copydesk.trading import CopyMode, Instrument, OrderStatus, Side, SizePolicy
from copydesk.web.act_words import place_words
from copydesk.web.decisions import absence_words, base_qty, leg_words, purpose_words, sized_words
from copydesk.web.format import begun, bps, figure, isolated, money, ms, pct, px, qty
from copydesk.web.market import leverage_words, move_words
from copydesk.web.reason_words import state_reason_words
from copydesk.web.risk_words import limit_words
from copydesk.web.words import exchange_name, sizing_words, state_words, words

_POLICIES: dict[str, LazyString] = {
    SizePolicy.SKIP: lazy_gettext("left out"),
    SizePolicy.ROUND_UP: lazy_gettext("raised to the smallest order"),
    SizePolicy.ACCUMULATE: lazy_gettext("added up until they are large enough"),
}

_COPIED: dict[str, LazyString] = {
    CopyMode.FILLS: lazy_gettext("what the trader's orders fill"),
    CopyMode.ORDERS: lazy_gettext("the trader's orders, resting ones as well"),
}

Row = tuple[str, str]


class Section(NamedTuple):
    """A title, and below it what there is to say: each a label with its words."""

    title: str
    rows: list[Row]


def told(explanation: Explanation, rules: Instrument | None = None) -> list[Section]:
    """Tell the leader's side, the follower's, then each copy in the order in which it was made.

    `rules` is the instrument as the follower's exchange lists it today, where that was asked for.
    """
    sections = [
        Section(_leader_title(explanation.move), list(_leader_rows(explanation))),
        Section(_follower_title(explanation), list(_follower_rows(explanation, rules))),
    ]
    sections += [Section(_copy_title(copy), list(_copy_rows(copy, explanation))) for copy in explanation.copies]
    if explanation.absence is not None:
        said = absence_words(explanation.absence, explanation.joined_into)
        sections.append(Section(gettext("No copy"), [(gettext("Reason"), said), *_unplaced_rows(explanation)]))
    return sections


def _unplaced_rows(explanation: Explanation) -> Iterator[Row]:
    if explanation.unplaced is not None:
        denial, facts = explanation.unplaced
        yield gettext("Reason"), words(denial, facts)
        for said in limit_words(facts):
            yield gettext("Risk"), said


def _leader_title(move: LeaderMove) -> str:
    title = gettext(
        "Signal %(id)s of %(strategy)s by %(trader)s",
        id=move.signal_id,
        strategy=move.strategy_name,
        trader=move.trader_name,
    )
    return str(title)


def _leader_rows(explanation: Explanation) -> Iterator[Row]:
    move, fact = explanation.move, explanation.move.fact
    did = (
        gettext("bought %(qty)s @ %(px)s", qty=base_qty(move.qty, fact.symbol), px=px(fact.px))
        if move.side == Side.BUY
        else gettext("sold %(qty)s @ %(px)s", qty=base_qty(move.qty, fact.symbol), px=px(fact.px))
    )
    yield gettext("Trade"), f"{did} ({money(move.qty * fact.px, move.quote)}), {exchange_name(move.exchange)}"
    yield gettext("When"), _moment(fact.venue_at)
    yield gettext("Position"), _way(fact.position_before, fact.position_after, fact.symbol)
    named = move_between(fact.position_before, fact.position_after)
    if fact.perpetual and named:
        yield gettext("Move"), " · ".join([move_words(named), *leverage_words(fact.leverage)])
    yield gettext("Equity"), money(fact.leader_equity, move.quote)
    yield gettext("Order"), isolated(move.order_id)
    yield gettext("Seen by us"), ms(move.seen_ms)
    yield gettext("Stored"), ms(move.stored_ms)
    yield from _whole_rows(explanation)


def _whole_rows(explanation: Explanation) -> Iterator[Row]:
    """Tell what was sized: the share of the equity, or of the position; of a burst also what was planned as one."""
    whole = explanation.whole
    earlier = [str(move.signal_id) for move in explanation.together[:-1]]
    if earlier:
        way = _way(whole.position_before, whole.position_after, whole.symbol)
        yield gettext("Together with signals"), f"{', '.join(earlier)}: {way} @ {px(whole.px)}"
    if explanation.equity_share is not None:
        yield gettext("Share of the equity"), pct(explanation.equity_share, signed=False, digits=2)
    if explanation.kept_share is not None:
        yield gettext("Kept of the position"), pct(explanation.kept_share, signed=False, digits=2)


def _follower_title(explanation: Explanation) -> str:
    follower = explanation.follower
    return str(gettext("Subscription %(id)s, as it is set now", id=follower.subscription_id))


def _follower_rows(explanation: Explanation, rules: Instrument | None) -> Iterator[Row]:
    follower, currency = explanation.follower, explanation.move.quote
    place = place_words(f"{follower.exchange}-{follower.environment}")
    yield gettext("Account"), f"{isolated(follower.account)} · {place}"
    state = state_words(follower.state)
    yield gettext("State"), f"{state} ({state_reason_words(follower.state_reason)})" if follower.state_reason else state
    yield gettext("Allocation"), money(follower.allocation, currency)
    yield gettext("What is copied"), str(_COPIED[follower.copies])
    yield gettext("Sizing"), sizing_words(follower.sizing_mode, follower.sizing_value, currency)
    if explanation.ratio is not None:
        yield gettext("Factor"), isolated(f"× {figure(explanation.ratio, '#,##0.########')}")
    yield gettext("Orders that are too small"), str(_POLICIES.get(follower.size_policy, follower.size_policy))
    if follower.leverage_max is not None:
        yield gettext("Leverage at most"), isolated(f"{follower.leverage_max}×")
    yield gettext("Subscribed"), _moment(follower.created_at)
    if rules is not None:
        yield gettext("Exchange's step today"), base_qty(rules.qty_step, rules.symbol)
        smallest = f"{base_qty(rules.qty_min, rules.symbol)}, {money(rules.notional_min, rules.quote)}"
        yield gettext("Exchange's smallest order today"), smallest


def _copy_title(copy: CopyTold) -> str:
    return f"{begun(leg_words(copy.leg))}: {state_words(copy.status)}"


def _copy_rows(copy: CopyTold, explanation: Explanation) -> Iterator[Row]:
    symbol = explanation.move.fact.symbol
    if copy.status != OrderStatus.DENIED:
        yield gettext("Sent as"), _order(copy, symbol)
    purpose = purpose_words(copy.leg, copy.decision, symbol)
    if purpose:
        yield gettext("Why this order"), purpose
    if copy.decision is not None:
        yield gettext("Why this size"), sized_words(copy.decision, symbol)
        yield gettext("Held before"), base_qty(copy.decision.book_qty, symbol)
        yield gettext("Allocation then"), money(copy.decision.allocation, explanation.move.quote)
    if copy.reason:
        yield gettext("Reason"), words(copy.reason, copy.facts)
    for said in limit_words(copy.facts):
        yield gettext("Risk"), said
    if copy.status == OrderStatus.DENIED:
        yield gettext("Planned"), ms(copy.planned_ms)
        return
    yield from _result_rows(copy, symbol)
    yield (
        gettext("Planned, sent, confirmed"),
        " · ".join(ms(at) for at in (copy.planned_ms, copy.sent_ms, copy.acked_ms)),
    )
    yield gettext("Our order number"), isolated(copy.client_order_id)
    yield gettext("Exchange's order number"), isolated(copy.order_id or "–")


def _order(copy: CopyTold, symbol: str) -> str:
    side = gettext("Buy") if copy.side == Side.BUY else gettext("Sell")
    bound = gettext("market") if copy.px is None else gettext("limit %(px)s", px=px(copy.px))
    waiting = [gettext("waits for the close of the other side")] if copy.waits else []
    return " · ".join([f"{side} {base_qty(copy.qty, symbol)}", bound, *waiting])


def _result_rows(copy: CopyTold, symbol: str) -> Iterator[Row]:
    if copy.cum_qty and copy.avg_px is not None:
        filled = f"{qty(copy.cum_qty)} / {base_qty(copy.qty, symbol)} @ {px(copy.avg_px)}"
        yield gettext("Filled"), filled
        yield gettext("Slippage"), bps(copy.slippage_bps)
    for fill in copy.fills:
        fee = figure(fill.fee, "#,##0.########", unit=fill.fee_currency)
        said = gettext("%(qty)s @ %(px)s, fee %(fee)s", qty=base_qty(fill.qty, symbol), px=px(fill.px), fee=fee)
        yield gettext("Fill"), f"{said}, {_moment(fill.at)}"


def _way(before: Decimal, after: Decimal, symbol: str) -> str:
    return isolated(f"{qty(before)} → {base_qty(after, symbol)}")


def _moment(at: datetime) -> str:
    """Write a moment to the millisecond, in UTC: it is held against the exchange's own lists."""
    return isolated(f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC")
