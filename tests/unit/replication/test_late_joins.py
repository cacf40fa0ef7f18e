"""What a late joiner may take over: entry prices, what is left, and what it would cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from copydesk.replication.joining_limits import NEW, JoiningLimits
from copydesk.replication.late import Leads, Move, Standing, bounded_px, entry_px, is_better, left_of
from copydesk.replication.model import Limits
from copydesk.replication.order_states import Copier, HeldRow, Scene
from copydesk.replication.preview import JoinLine, Wanted, join_preview
from copydesk.risk.grammar import parse
from copydesk.risk.limits import effective
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.order_rules import order_bounds
from copydesk.trading import Denial, JoinMode, PositionSide, Side, SizingMode
from hypothesis import given
from hypothesis import strategies as st
from perpetual_values import PERP, SYMBOL
from plan_values import BTC, D

NET = PositionSide.NET


def moves(*steps: tuple[str, str, str]) -> list[Move]:
    return [Move(D(before), D(after), D(px)) for before, after, px in steps]


def test_the_entry_price_is_the_average_of_what_was_bought() -> None:
    assert entry_px(moves(("0", "1", "100"), ("1", "3", "130"))) == 120


def test_reducing_leaves_the_entry_price_as_it_was() -> None:
    assert entry_px(moves(("0", "2", "100"), ("2", "1", "300"), ("1", "2", "200"))) == 150


def test_turning_round_begins_a_new_entry() -> None:
    assert entry_px(moves(("0", "2", "100"), ("2", "-1", "90"), ("-1", "-2", "80"))) == 85


def test_the_entry_of_a_position_whose_beginning_was_not_seen_is_not_known() -> None:
    assert entry_px(moves(("1", "2", "100"))) is None
    assert entry_px([]) is None
    assert not is_better(D(1), None, short=False)


def test_what_was_added_since_is_not_part_of_what_was_held() -> None:
    assert left_of(D(4), moves(("4", "6", "1"))) == 4
    assert left_of(D(4), moves(("4", "6", "1"), ("6", "3", "1"))) == 2


def test_what_is_told_late_but_was_traded_before_the_subscription_belongs_to_the_position() -> None:
    assert left_of(D(4), [Move(D(4), D(6), D(1), older=True)]) == 6
    assert left_of(D(4), [Move(D(4), D(-1), D(1), older=True)]) == -1


def test_once_flat_nothing_is_left() -> None:
    assert left_of(D(4), moves(("4", "0", "1"), ("0", "4", "1"))) == 0
    assert left_of(D(-4), moves(("-4", "2", "1"))) == 0


sizes = st.decimals("0.001", "100", places=3)


@given(sizes, st.lists(sizes, max_size=6))
def test_what_is_left_never_grows_and_keeps_its_side(qty: Decimal, positions: list[Decimal]) -> None:
    steps = [Move(before, after, D(1)) for before, after in zip([qty, *positions], positions, strict=False)]
    assert 0 <= left_of(qty, steps) <= qty


def test_a_joining_order_with_better_price_never_pays_more_than_the_leader_did() -> None:
    tick = D("0.1")
    assert bounded_px(D(101), D("100.07"), tick, short=False) == D("100.0")
    assert bounded_px(D(99), D("100.07"), tick, short=False) == D(99)
    assert bounded_px(D(99), D("100.07"), tick, short=True) == D("100.1")
    assert bounded_px(D(101), D("100.07"), tick, short=True) == D(101)


HELD = [Standing(BTC.symbol, NET, D("0.4"), D(50_000), 1), Standing(SYMBOL, NET, D("-0.8"), D(50_000), 2)]
LEADS = Leads(D(100_000), {SYMBOL: 4})


def previewed(mode: JoinMode = JoinMode.AT_MARKET, **changed: Any) -> list[JoinLine]:
    terms: dict[str, Any] = {
        "prices": {BTC.symbol: D(50_000), SYMBOL: D(50_000)},
        "instruments": {BTC.symbol: BTC, SYMBOL: PERP},
        "markets": frozenset({BTC.symbol, SYMBOL}),
        "limits": Limits(50, 20_000),
    } | changed
    wanted = Wanted(terms.pop("allocation", D(1_000)), SizingMode.EQUITY_RATIO, None, mode)
    return join_preview(terms.pop("held", HELD), wanted, terms.pop("leads", LEADS), **terms)


def test_the_cost_of_joining_is_shown_for_each_position() -> None:
    spot, perpetual = previewed()
    assert (spot.side, spot.qty, spot.notional, spot.margin, spot.fee) == (
        Side.BUY,
        D("0.00400"),
        D("200.00"),
        D("200.00"),
        D("0.20"),
    )
    assert spot.px_worst == D("50250.00")
    assert (perpetual.side, perpetual.qty, perpetual.notional) == (Side.SELL, D("0.008"), D("400.00"))
    assert (perpetual.margin, perpetual.fee) == (D("100.00"), D("0.24"))


def test_lines_share_the_allocation_as_the_orders_would() -> None:
    lines = previewed(leads=Leads(D(10_000), {}))
    assert sum(line.qty * (line.px_worst or 0) for line in lines) <= 1_000
    assert lines[0].qty == D("0.01990")


@pytest.mark.parametrize(
    ("mode", "changed", "reason"),
    [
        (JoinMode.IGNORE, {}, Denial.POSITION_IGNORED),
        (JoinMode.WAIT_UNTIL_FLAT, {}, Denial.WAITING_UNTIL_FLAT),
        (JoinMode.AT_MARKET, {"instruments": {}}, Denial.INSTRUMENT_UNMAPPED),
        (JoinMode.AT_MARKET, {"markets": frozenset()}, Denial.MARKET_NOT_ALLOWED),
        (JoinMode.AT_MARKET, {"prices": {}}, Denial.VENUE_UNAVAILABLE),
        (JoinMode.BETTER_PRICE, {"prices": {BTC.symbol: D(50_001)}}, Denial.JOIN_PRICE_NOT_BETTER),
        (JoinMode.AT_MARKET, {"instruments": {BTC.symbol: replace(BTC, trading=False)}}, Denial.INSTRUMENT_HALTED),
        (JoinMode.AT_MARKET, {"allocation": D(10)}, Denial.BELOW_NOTIONAL_MIN),
    ],
)
def test_what_would_be_skipped_says_why(mode: JoinMode, changed: dict[str, Any], reason: Denial) -> None:
    (line,) = previewed(mode, held=HELD[:1], **changed)
    assert line.skipped is not None
    assert line.skipped[0] is reason
    assert line.qty == 0


def test_with_better_price_the_worst_price_shown_is_the_leaders_entry() -> None:
    (line,) = previewed(JoinMode.BETTER_PRICE, held=HELD[:1])
    assert line.px_worst == 50_000


def limited_by(*lines: str, held: tuple[HeldRow, ...] = (), **known: Any) -> JoiningLimits:
    """Return limits on a new subscription of account 5, which has another one of 500 USDT."""
    limits = effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines)
    copiers = (Copier(9, 5, D(500)), Copier(NEW, 5, D(1_000)))
    scene = Scene("", NET, short=False, marks={BTC.symbol: D(50_000)}, **known)
    return JoiningLimits(order_bounds(limits, currency="USDT"), copiers, held, scene)


def test_a_preview_says_how_much_a_limit_would_leave_of_an_order_and_which_limit() -> None:
    (line,) = previewed(held=HELD[:1], risk=limited_by("order > 10 % of equity -> shrink"))
    assert (line.cut_from, line.qty) == (D("0.004"), D("0.00199"))
    assert line.limited is not None
    assert line.limited["limit_line"] == "order > 10 % of equity -> shrink"


def test_a_preview_says_that_a_limit_would_let_nothing_open() -> None:
    (line,) = previewed(held=HELD[:1], risk=limited_by("order > 10 % of equity -> block_opens"))
    assert line.skipped is not None
    assert line.skipped[0] is Denial.RISK_ORDER_MAX
    assert line.skipped[1]["limit_line"] == "order > 10 % of equity -> block_opens"


def test_a_preview_shows_the_leverage_that_a_limit_leaves() -> None:
    (line,) = previewed(held=HELD[1:], risk=limited_by("leverage > 2 -> shrink"))
    assert (line.notional, line.margin, line.cut_from) == (D("400.00"), D("200.00"), None)
    assert line.limited is not None


def test_a_preview_counts_what_the_lines_before_would_open_and_what_the_account_holds() -> None:
    held = (HeldRow(9, BTC.symbol, "net", D("0.002"), D(100), D(-100)),)
    spot, perpetual = previewed(risk=limited_by("positions > 1 -> block_opens"))
    assert (spot.skipped, perpetual.skipped and perpetual.skipped[0]) == (None, Denial.RISK_POSITIONS_MAX)
    (line,) = previewed(held=HELD[:1], risk=limited_by("instrument > 250 USDT -> shrink", held=held))
    assert line.cut_from == D("0.004")
    assert line.qty * 50_250 <= 150


def test_without_limits_a_preview_names_none() -> None:
    assert all(line.limited is None and line.cut_from is None for line in previewed())
