"""Raw rows become fills, payments and points by rules that need no database."""

from __future__ import annotations

import numpy as np
import pytest
from copydesk.analytics import Fills, Marks, Raw, Summary
from copydesk.performance.advance import GRAINS, advance, opening_parts, parts_json, parts_of
from copydesk.performance.audit_run import same
from copydesk.performance.flows import Seen, Stood, jumps, stood_at
from copydesk.performance.ledger import Fee, Held, Ledger, fee_kind, fills_of, named, quote_of, symbol_of
from copydesk.performance.marks import MarkLine
from copydesk.performance.raw import Samples, read_up_to
from hypothesis import given
from hypothesis import strategies as st


def ledger(*rows: tuple[int, float, float, float, Fee]) -> Ledger:
    """Return trades of BTC/USDT: second, quantity, price, fee, in what; a third coin is BNB."""
    at_s, qty, px, fee, kind = (np.array(column) for column in zip(*rows, strict=True))
    whole = np.zeros(len(rows), np.int64)
    seq = np.arange(1, len(rows) + 1)
    floats = (qty.astype(float), px.astype(float), fee.astype(float))
    return Ledger(("BTC/USDT",), ("BNB/USDT",), seq, whole, at_s.astype(np.int64) * 1000, *floats, kind, whole)


@pytest.mark.parametrize(
    ("symbol", "currency", "kind"),
    [
        ("BTC/USDT", "BTC", Fee.BASE),
        ("BTC/USDT", "USDT", Fee.QUOTE),
        ("BTC/USDT", "BNB", Fee.OTHER),
        ("BTC/USDT", "", Fee.QUOTE),
        ("BTC/USDT:USDT", "BTC", Fee.OTHER),
        ("BTC/USD:BTC", "BTC", Fee.QUOTE),
    ],
)
def test_a_fee_is_told_by_its_currency(symbol: str, currency: str, kind: Fee) -> None:
    assert fee_kind(symbol, currency) is kind


def test_a_side_of_hedge_mode_has_a_name_of_its_own() -> None:
    assert (named("BTC/USDT:USDT", "net"), named("BTC/USDT:USDT", "long")) == ("BTC/USDT:USDT", "BTC/USDT:USDT#long")
    assert (symbol_of("BTC/USDT:USDT#long"), quote_of("BTC/USDT:USDT"), quote_of("ETH/BTC")) == (
        *("BTC/USDT:USDT", "USDT", "BTC"),
    )


def test_fees_are_paid_in_quote_in_base_and_at_a_coins_price_where_it_is_known() -> None:
    rows = ledger(
        (100, 1, 50, 0.1, Fee.BASE), (100, 1, 50, 2, Fee.QUOTE), (59, 1, 50, 2, Fee.OTHER), (60, 1, 50, 2, Fee.OTHER)
    )
    line = MarkLine(np.array([60]), np.array([300.0]))

    priced, unpriced = fills_of(rows, {"BNB/USDT": line}), fills_of(rows, {})

    assert priced.qty.tolist() == [0.9, 1, 1, 1]
    assert priced.cost.tolist() == [5, 2, 0, 600]
    assert unpriced.cost.tolist() == [5, 2, 0, 0]


@given(st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.integers(1, 9)), max_size=12), st.integers(0, 5))
def test_a_spot_position_never_falls_below_nothing(moves: list[tuple[int, int]], held: int) -> None:
    if not moves:
        return
    rows = ledger(*((number, qty, px, 0.5, Fee.QUOTE) for number, (qty, px) in enumerate(moves)))

    fills = fills_of(rows, {}, held={"BTC/USDT": Held(held, held)})

    level, expected = float(held), []
    for qty, _ in moves:
        after = max(level + qty, 0.0)
        expected.append(after - level)
        level = after
    assert fills.qty.tolist() == pytest.approx(expected)
    assert all(
        cost == pytest.approx(0.5 * cut / qty) for cost, cut, (qty, _) in zip(fills.cost, expected, moves, strict=True)
    )


def seen(
    equities: list[float], *, gross: float = 0.0, gap_s: float = 5.0, fills_s: tuple[float, ...] = ()
) -> list[Seen]:
    at_s = 1_000 + gap_s * np.arange(len(equities))
    stood = Stood(np.full(len(equities), gross), np.zeros(len(equities)))
    return jumps(Samples(at_s, np.array(equities)), stood, np.array(fills_s))


def test_a_jump_that_nothing_explains_is_a_payment() -> None:
    assert seen([1_000, 1_001, 1_501, 1_401]) == [Seen(1_010, 500), Seen(1_015, -100)]


@pytest.mark.parametrize(
    ("equities", "beside"),
    [
        ([1_000, 1_002], {}),
        ([100, 100.9], {}),
        ([1_000, 1_500], {"fills_s": (1_002.0,)}),
        ([1_000, 1_500], {"fills_s": (1_009.0,)}),
        ([1_000, 1_250], {"gross": 9_000.0}),
        ([1_000], {}),
        ([], {}),
    ],
    ids=["small", "less than one", "a trade between", "a trade just after", "large positions", "one sample", "none"],
)
def test_what_may_be_something_else_is_no_payment(equities: list[float], beside: dict[str, float]) -> None:
    assert seen(equities, **beside) == []  # type: ignore[arg-type]


def test_between_samples_far_apart_prices_explain_what_they_do() -> None:
    line = MarkLine(np.array([0, 600]), np.array([100.0, 150.0]))
    samples = Samples(np.array([60.0, 660.0, 1_260.0]), np.array([1_000.0, 1_500.0, 2_500.0]))
    moves = [("A/USDT", np.array([30.0]), np.array([8.0]))]

    stood = stood_at(samples.at_s, {"A/USDT": 2.0, "B/USDT": 1.0}, moves, {"A/USDT": line})

    assert stood.net.tolist() == [1_000, 1_500, 1_500]
    assert jumps(samples, stood, np.array([30.0])) == [Seen(1_260, 1_000)]


def test_what_is_not_settled_is_read_again() -> None:
    before = {"from": 3, "seen": 4, "fill_s": 7.0}
    rows = ledger((10, 1, 1, 0, Fee.QUOTE), (40, 1, 1, 0, Fee.QUOTE), (20, 1, 1, 0, Fee.QUOTE))

    assert read_up_to(rows, 50, before) == {"from": 4, "seen": 4, "fill_s": 40.0}
    assert read_up_to(rows, 30, before) == {"from": 1, "seen": 4, "fill_s": 40.0}
    assert read_up_to(rows.part(slice(0, 0)), 30, before) == before


@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=6), st.lists(st.floats(50, 200), min_size=3, max_size=3))
def test_points_come_out_the_same_in_any_steps(steps: list[int], prices: list[float]) -> None:
    began = 86_400 * 10 + 80_000
    end = began + sum(steps)
    at_s = np.arange(began // 60 * 60, end + 60, 60)
    px = np.array([prices[number % 3] for number in range(len(at_s))])
    half = began + sum(steps) // 2
    qty, cost = np.array([2.0, -2.0]), np.zeros(2)
    fills = Fills(
        np.array([1, 2]), np.zeros(2, np.int64), np.array([began + 1, half]) * 1000, qty, np.full(2, 100.0), cost
    )
    raw = Raw(fills, ("A/USDT",), {0: Marks(at_s, px)})
    summary, parts = Summary.empty(began, 1_000.0), opening_parts(began, 1_000.0)
    whole = advance(summary, parts, raw, now_s=end)

    kept: dict[str, dict[int, tuple[float, ...]]] = {grain: {} for grain in GRAINS}
    now_s = began
    for step in steps:
        now_s += step
        done = advance(summary, parts, raw, now_s=now_s)
        for grain, spans in done.points.items():
            kept[grain] = {at: point for at, point in kept[grain].items() if at < done.since_s[grain]}
            columns = (spans.equity, spans.flow, spans.index_close, spans.index_low, spans.index_high)
            kept[grain] |= dict(zip(spans.at_s.tolist(), zip(*columns, strict=True), strict=True))
        summary, parts = done.kept, parts_of(parts_json(done.parts))

    for grain, spans in whole.points.items():
        assert sorted(kept[grain]) == spans.at_s.tolist()
        low = [kept[grain][at][3] for at in spans.at_s.tolist()]
        assert low == pytest.approx(spans.index_low.tolist())
        assert [kept[grain][at][2] for at in spans.at_s.tolist()] == pytest.approx(spans.index_close.tolist())


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (1.0, 1.0 + 1e-9, True),
        (1.0, 1.0 + 1e-7, False),
        (1e9, 1e9 + 1, True),
        (0.0, 1e-9, True),
        (None, None, True),
        (None, 0.0, False),
        ({"a": 1.0}, {"a": 1.0 + 1e-10}, True),
        ({"a": 1.0}, {"b": 1.0}, False),
        (["a"], ["a"], True),
    ],
)
def test_figures_are_the_same_to_a_hundred_millionth(one: object, other: object, alike: bool) -> None:
    assert same(one, other) is alike
