"""What the risk role remembers of a brand: who belongs to an account, and where positions would be liquidated."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from copydesk.replication import Exposure, LiquidationSeen
from copydesk.replication.exposure import HeldBook
from copydesk.risk.grammar import parse
from copydesk.risk.margins import Liquidation
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.monitor import Holding, Listing
from copydesk.trading import PositionSide, SubscriptionState
from copydesk.workers.risk_brand import BrandBooks

D = Decimal
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
NET = PositionSide.NET


def exposure(number: int, account: int, *held: tuple[str, str], allocation: str = "1000") -> Exposure:
    books = tuple(HeldBook(symbol, NET, D(qty), abs(D(qty)) * 100, -D(qty) * 100) for symbol, qty in held)
    return Exposure(number, 1, account, "binance-lab:0", SubscriptionState.SYNCED, D(allocation), books)


def brand(*exposures: Exposure) -> BrandBooks:
    books = BrandBooks()
    books.files = (Scoped(Scope.TENANT, parse("margin_distance < 5 % -> close")),)
    books.take_in({one.subscription_id: one for one in exposures}, ())
    return books


def together(books: BrandBooks, account: int = 5) -> Holding:
    return books.together(account, currency="USDT", zone="UTC")


def seen(symbol: str = BTC, px: str | None = "90", *, short: bool = False, account: int = 5) -> LiquidationSeen:
    return LiquidationSeen(account, symbol, NET, short, None if px is None else D(px), D(100), AT)


def test_an_account_is_the_sum_of_its_subscriptions_and_of_no_others() -> None:
    books = brand(exposure(1, 5, (BTC, "1")), exposure(2, 5, (BTC, "2")), exposure(3, 6, (BTC, "9")))
    holding = together(books)
    assert (holding.allocation, holding.positions) == (2_000, {Listing("binance-lab", BTC): 3})


def test_what_changes_of_one_subscription_or_leaves_is_told_of_its_account_alone() -> None:
    books = brand(exposure(1, 5), exposure(2, 5), exposure(3, 6))
    assert books.take_in({2: exposure(2, 5, (BTC, "1"))}, ()) == {5}
    assert books.take_in({}, {2}) == {5}
    assert together(books).allocation == 1_000
    assert books.take_in({}, {1}) == set()


def test_where_positions_would_be_liquidated_reaches_the_account_once_it_is_seen() -> None:
    books = brand(exposure(1, 5, (BTC, "1")))
    assert together(books).liquidations == {}
    assert books.see_positions([seen(), seen(account=77)]) == {5}
    assert together(books).liquidations == {Listing("binance-lab", BTC): (Liquidation(D(90), short=False),)}
    assert books.see_positions([seen()]) == set()
    assert books.see_positions([seen(px=None)]) == {5}
    assert together(books).liquidations == {}


def test_a_position_that_was_turned_round_or_closed_since_it_was_seen_is_left_out() -> None:
    books = brand(exposure(1, 5, (BTC, "1")))
    books.see_positions([seen(), seen(ETH)])
    books.take_in({1: exposure(1, 5, (BTC, "-1"))}, ())
    assert together(books).liquidations == {}


def test_limits_on_the_distance_measure_the_account_and_not_its_subscriptions() -> None:
    books = brand(exposure(1, 5, (BTC, "1")))
    assert books.own(1, currency="USDT", zone="UTC").bounds == ()
    assert len(together(books).bounds) == 1
