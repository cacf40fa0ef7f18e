"""Limits, orders and equities of every kind, as Hypothesis makes them."""

from __future__ import annotations

from decimal import Decimal

from copydesk.risk.equity_rules import EquityState, Spans
from copydesk.risk.measures import MEASURES, Comparison, Judged, Telling
from copydesk.risk.model import Limit, Measure, Scope, Scoped, Threshold, Unit
from copydesk.risk.order_rules import Opening, OrderState, Purse, Sums
from hypothesis import strategies as st

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BTC/USDT:USDT")
AT_ORDERS = [measure for measure, rule in MEASURES.items() if Judged.ORDER in rule.judged]
AT_PRICES = [measure for measure, rule in MEASURES.items() if Judged.EQUITY in rule.judged]


def decimals(low: str, high: str, places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False, allow_infinity=False)


def values(telling: Telling) -> st.SearchStrategy[Decimal]:
    """Any threshold that may be told so."""
    if telling.whole:
        return st.integers(int(telling.low), int(telling.high)).map(Decimal)
    return decimals(str(telling.low), str(min(telling.high, Decimal(2_000_000))), places=2)


@st.composite
def thresholds(draw: st.DrawFn, telling: Telling, currency: str) -> Threshold:
    if telling.unit is Unit.NAMES:
        return Threshold(unit=Unit.NAMES, names=draw(st.frozensets(st.sampled_from(SYMBOLS), min_size=1)))
    return Threshold(draw(values(telling)), telling.unit, currency if telling.unit is Unit.MONEY else "")


@st.composite
def limits(draw: st.DrawFn, among: list[Measure] | None = None, currencies: tuple[str, ...] = ("USDT",)) -> Limit:
    """Any limit that can be written."""
    measure = draw(st.sampled_from(among or list(MEASURES)))
    rule = MEASURES[measure]
    telling = draw(st.sampled_from(rule.tellings))
    return Limit(
        measure=measure,
        threshold=draw(thresholds(telling, draw(st.sampled_from(currencies)))),
        basis=draw(st.sampled_from(telling.bases)),
        window=draw(st.sampled_from(rule.windows)),
        action=draw(st.sampled_from(rule.actions)),
    )


def scoped(among: list[Measure] | None = None) -> st.SearchStrategy[Scoped]:
    return st.builds(Scoped, st.sampled_from(Scope), limits(among))


def moved(limit: Limit, *, closer: Decimal) -> Limit:
    """Return the limit made tighter: `closer` (0 to 1) of the way to where it would always be broken."""
    told = limit.threshold
    comparison = MEASURES[limit.measure].comparison
    if comparison is Comparison.IN:
        kept = sorted(told.names)[: max(int(len(told.names) * (1 - closer)), 0)]
        new = Threshold(unit=told.unit, names=frozenset(kept))
    else:
        factor = 1 + closer if comparison is Comparison.BELOW else 1 - closer
        value = told.value * factor
        whole = told.unit in (Unit.COUNT, Unit.TIMES)
        new = Threshold(Decimal(max(int(value), 1)) if whole else value, told.unit, told.currency)
    return Limit(limit.measure, new, limit.basis, limit.window, limit.action)


amounts = decimals("0", "200000", 2)
sums = st.builds(
    Sums,
    equity=decimals("-100", "100000", 2),
    balance=amounts,
    exposure=amounts,
    positions=st.integers(0, 30),
    orders=st.integers(0, 90),
)
openings = st.builds(
    Opening, notional=decimals("0.01", "100000", 2), symbol=st.sampled_from(SYMBOLS), leverage=st.integers(1, 125)
)
order_states = st.builds(
    OrderState,
    own=sums,
    account=sums,
    position=amounts,
    instrument=amounts,
    allocation=amounts,
    allocation_total=amounts,
    overlap=amounts,
    depth=st.none() | decimals("0", "5000000", 2),
    volume=st.none() | decimals("0", "5000000", 2),
    correlation=st.none() | decimals("-1", "1"),
    margin_distance=st.none() | decimals("0", "1"),
    purse=st.none() | st.builds(Purse, amounts, amounts),
)
gains = decimals("-50000", "50000", 2)
equity_states = st.builds(
    EquityState,
    equity=decimals("-100", "100000", 2),
    balance=amounts,
    opened=st.builds(Spans, amounts, amounts, amounts, amounts),
    realised=st.builds(Spans, gains, gains, gains, gains),
    peak=amounts,
    margin_distance=st.none() | decimals("0", "1"),
)
