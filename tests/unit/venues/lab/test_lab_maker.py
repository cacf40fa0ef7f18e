"""The lab's market maker: plausible, deterministic, never dry, and filling what the market trades through."""

from __future__ import annotations

from decimal import Decimal

from copydesk.venues.lab.maker import MarketMaker
from lab_engine import SYMBOL, engine_with, funds, limit, market, placed

D = Decimal


def test_the_book_is_tight_and_grows_deeper_away_from_the_mid() -> None:
    engine = engine_with("a")
    MarketMaker().requote(engine, SYMBOL, D(100_000), 1)
    depth = engine.depth(SYMBOL, 50)
    (bid, _), (ask, _) = depth.bids[0], depth.asks[0]
    assert bid < D(100_000) < ask
    assert (ask - bid) / bid < D("0.0002")
    for levels in (depth.bids, depth.asks):
        assert len(levels) == 12
        notionals = [px * qty for px, qty in levels]
        assert notionals[0] > 25_000
        assert 2 * sum(notionals[6:]) > 3 * sum(notionals[:6])


def test_equal_seeds_quote_equal_books_and_others_do_not() -> None:
    books = []
    for seed in (1, 1, 2):
        engine = engine_with("a")
        MarketMaker(seed).requote(engine, SYMBOL, D(100_000), 1)
        books.append(engine.depth(SYMBOL, 50))
    assert books[0] == books[1] != books[2]


def test_a_small_move_keeps_most_levels_and_no_move_changes_nothing() -> None:
    engine, maker = engine_with("a"), MarketMaker()
    maker.requote(engine, SYMBOL, D(100_000), 1)
    engine.drain_changes(SYMBOL)
    assert maker.requote(engine, SYMBOL, D(100_000), 2) == []
    maker.requote(engine, SYMBOL, D(100_005), 3)
    diff = engine.drain_changes(SYMBOL)
    assert diff is not None
    assert len(diff.bids) + len(diff.asks) == 4


def test_a_thousand_follower_orders_find_liquidity_within_a_few_basis_points() -> None:
    engine, maker = engine_with("a"), MarketMaker()
    engine.deposit("a", "USDT", D(1_000_000), 0)
    maker.requote(engine, SYMBOL, D(100_000), 1)
    for _ in range(1000):
        result = placed(engine, market("a", "buy", "0.005"))
        maker.replenish(engine, SYMBOL, 1)
    assert result.executions[0].px < D(100_000) * D("1.0010")


def test_a_side_that_was_emptied_is_filled_again_at_once() -> None:
    engine, maker = engine_with("whale"), MarketMaker()
    engine.deposit("whale", "USDT", D(10_000_000), 0)
    maker.requote(engine, SYMBOL, D(100_000), 1)
    result = placed(engine, market("whale", "buy", "50"))
    assert result.order is not None and result.order.status == "EXPIRED"
    assert engine.depth(SYMBOL, 50).asks == []
    maker.replenish(engine, SYMBOL, 1)
    assert len(engine.depth(SYMBOL, 50).asks) == 12


def test_a_resting_order_is_filled_at_its_own_price_when_the_market_moves_through_it() -> None:
    engine, maker = engine_with("a"), MarketMaker()
    maker.requote(engine, SYMBOL, D(1_000), 1)
    order = placed(engine, limit("a", "buy", "1", "999")).order
    assert order is not None and order.status == "NEW"
    maker.requote(engine, SYMBOL, D(998), 2)
    assert (order.status, order.cum_quote, order.fills[0].maker) == ("FILLED", D(999), True)
    assert funds(engine, "a", "USDT") == (D(99_001), D(0))
    assert engine.totals() == {"USDT": D(100_000), "BTC": D(10)}


def test_a_resting_order_larger_than_the_quotes_is_filled_in_parts() -> None:
    engine, maker = engine_with("whale"), MarketMaker(levels=1)
    engine.deposit("whale", "USDT", D(10_000_000), 0)
    maker.requote(engine, SYMBOL, D(10_000), 1)
    order = placed(engine, limit("whale", "buy", "100", "9990")).order
    assert order is not None
    for now_ms, mid in enumerate((9_980, 9_979), start=2):
        maker.requote(engine, SYMBOL, D(mid), now_ms)
        assert order.status == "PARTIALLY_FILLED"
        assert len(order.fills) == now_ms - 1
    assert engine.ticker(SYMBOL).ask_px == 0
