"""Laws of opening orders under limits: never more than without, never above the limit, and closes as ever."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from copydesk.replication.model import Book, Follower, Limits, Planned, RiskView, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.risk.grammar import parse
from copydesk.risk.limits import effective
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.order_rules import OrderState, Sums, order_bounds
from copydesk.trading import Instrument, SizePolicy, SizingMode, SubscriptionState
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BTC = Instrument(
    "binance", "BTC/USDT:USDT", "BTCUSDT", "BTC", "USDT", D("0.1"), D("0.001"), D("0.001"), D(100), D(5), settle="USDT"
)
LINES = (
    "order > 50 USDT -> shrink",
    "order > 5 % of equity -> block_opens",
    "position > 80 USDT -> shrink",
    "exposure > 20 % of equity -> shrink",
    "positions > 2 -> block_opens",
    "leverage > 2 -> shrink",
    "instruments in ETH/USDT -> block_opens",
    "depth_share > 1 % -> shrink",
    "order > 10 USDT -> warn",
)
amounts = st.decimals(min_value=0, max_value=2_000, places=2)
quantities = st.decimals(min_value=D("-0.05"), max_value=D("0.05"), places=3)


@st.composite
def views(draw: st.DrawFn) -> RiskView:
    limits = [Scoped(Scope.TENANT, parse(line)) for line in draw(st.sets(st.sampled_from(LINES), min_size=1))]
    sums = Sums(draw(amounts), draw(amounts), draw(amounts), draw(st.integers(0, 4)))
    state = OrderState(sums, sums, draw(amounts), depth=draw(st.none() | amounts))
    return RiskView(order_bounds(effective(limits), currency="USDT"), state)


@st.composite
def cases(draw: st.DrawFn) -> tuple[SignalFact, Follower]:
    before, after = draw(quantities), draw(quantities)
    signal = SignalFact(7, BTC.symbol, D(10_000), before, after, D(1_000), NOW, leverage=draw(st.integers(1, 10)))
    held = draw(quantities)
    follower = Follower(
        1,
        1,
        SubscriptionState.SYNCED,
        usable=True,
        sizing_mode=SizingMode.EQUITY_RATIO,
        sizing_value=None,
        allocation=D(1_000),
        spent=abs(held) * 10_000,
        book=Book(held, held, cost=abs(held) * 10_000),
        size_policy=draw(st.sampled_from(SizePolicy)),
    )
    return signal, follower


def planned(signal: SignalFact, follower: Follower) -> list[Planned]:
    return plan_copies(signal, [follower], BTC, Limits(50, 20_000), now=NOW)


@given(cases(), views())
def test_limits_only_ever_make_opens_smaller_and_lower_their_leverage(
    case: tuple[SignalFact, Follower], view: RiskView
) -> None:
    signal, follower = case
    free, held = planned(signal, follower), planned(signal, follower._replace(risk=view))
    assert [(one.leg, one.side) for one in free] == [(one.leg, one.side) for one in held]
    for plain, limited in zip(free, held, strict=True):
        assert limited.qty <= plain.qty
        assert limited.leverage <= plain.leverage or limited.denial is not None
        assert limited.qty % BTC.qty_step == 0
        assert (limited.denial is None) is (limited.qty > 0)


@given(cases(), views())
def test_closes_are_the_same_with_and_without_limits(case: tuple[SignalFact, Follower], view: RiskView) -> None:
    signal, follower = case
    free, held = planned(signal, follower), planned(signal, follower._replace(risk=view))
    assert [one for one in free if one.reduces] == [one for one in held if one.reduces]


@given(cases(), amounts)
def test_no_order_is_worth_more_than_its_limit_even_at_its_worst_price(
    case: tuple[SignalFact, Follower], equity: Decimal
) -> None:
    signal, follower = case
    limit = effective([Scoped(Scope.SUBSCRIPTION, parse("order > 50 USDT -> shrink"))])
    view = RiskView(order_bounds(limit, currency="USDT"), OrderState(Sums(equity, equity), Sums(equity, equity)))
    for one in planned(signal, follower._replace(risk=view)):
        assert one.reduces or one.qty * max(one.px or 0, signal.px) <= 50


@given(cases(), views())
def test_the_target_falls_with_the_order(case: tuple[SignalFact, Follower], view: RiskView) -> None:
    signal, follower = case
    free, held = planned(signal, follower), planned(signal, follower._replace(risk=view))
    for plain, limited in zip(free, held, strict=True):
        if not limited.reduces and limited.denial is None:
            assert abs(plain.target_qty - limited.target_qty) == plain.qty - limited.qty
