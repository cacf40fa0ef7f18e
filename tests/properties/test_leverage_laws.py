"""Laws of a copy's leverage, whatever leader, follower, brand and exchange say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from copydesk.replication.model import Book, Follower, Limits, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.risk.futures import bracket_at
from copydesk.trading import Bracket, Instrument, SizingMode, SubscriptionState
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PERP = Instrument(
    "binance", "BTC/USDT:USDT", "BTCUSDT", "BTC", "USDT", D("0.1"), D("0.001"), D("0.001"), D(1000), D(5),
    settle="USDT", leverage_max=125,
)  # fmt: skip
LEVERAGES = st.integers(1, 125)


@st.composite
def brackets(draw: st.DrawFn) -> tuple[Bracket, ...]:
    """Return brackets that allow less the larger a position is; none where they are not known."""
    caps = sorted(draw(st.sets(st.integers(10, 5_000), max_size=4)))
    most = sorted(draw(st.lists(LEVERAGES, min_size=len(caps), max_size=len(caps))), reverse=True)
    return tuple(Bracket(D(cap), leverage, D("0.004")) for cap, leverage in zip(caps, most, strict=True))


@given(
    leader=st.none() | LEVERAGES,
    own=st.none() | LEVERAGES,
    brand=LEVERAGES,
    steps=brackets(),
    thousandths=st.integers(-2_000, 2_000).filter(bool),
)
def test_a_copy_never_has_more_leverage_than_anybody_allows_and_says_who_lowered_it(
    leader: int | None, own: int | None, brand: int, steps: tuple[Bracket, ...], thousandths: int
) -> None:
    after = D(thousandths) / 1000
    fact = SignalFact(10, PERP.symbol, D(50_000), D(0), after, D(100_000), NOW, leverage=leader)
    who = Follower(
        1, 11, SubscriptionState.SYNCED, True, SizingMode.EQUITY_RATIO, None, D(1000), D(0), Book(), leverage_max=own
    )
    limits = replace(Limits(50, 20_000), leverage_max=brand, brackets=steps)
    (planned,) = plan_copies(fact, [who], PERP, limits, now=NOW)
    if planned.denial is not None:
        return
    worth = abs(planned.target_qty) * D(50_000)
    exchange = bracket_at(steps, worth).leverage_max if steps else PERP.leverage_max
    assert 1 <= planned.leverage <= min(leader or 1, own or 125, brand, exchange)
    lowered = planned.leverage < (leader or 1)
    assert (planned.facts is not None) is lowered
    if lowered:
        bound = (planned.facts or {})["leverage_bound"]
        assert planned.leverage == {"follower": own, "brand": brand}.get(bound, planned.leverage)
