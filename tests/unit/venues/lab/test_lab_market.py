"""The replayed price path."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.market import CANDLE_MS, Market, load_candles

HEADER = "timestamp,open,high,low,close,volume\n"


@pytest.fixture(scope="module")
def replay() -> Market:
    return Market()


def test_every_listed_instrument_has_fourteen_days_of_candles(replay: Market) -> None:
    assert replay.symbols == tuple(i.venue_symbol for i in LISTINGS["binance"].spot)
    assert replay.duration_ms == 14 * 24 * 3_600_000


def test_prices_are_on_the_tick_and_inside_their_candle(replay: Market) -> None:
    for instrument in LISTINGS["binance"].spot:
        for at_ms in range(replay.start_ms, replay.start_ms + 20 * CANDLE_MS, 17_123):
            px, candle = replay.price(instrument.venue_symbol, at_ms), replay.candle(instrument.venue_symbol, at_ms)
            assert px % instrument.px_tick == 0
            assert candle.low <= px <= candle.high


def test_the_path_starts_at_the_open_and_reaches_high_and_low(replay: Market) -> None:
    candle = replay.candle("BTCUSDT", replay.start_ms)
    path = [replay.price("BTCUSDT", replay.start_ms + offset) for offset in range(0, CANDLE_MS, 1000)]
    near = candle.open * Decimal("0.0003")
    assert abs(path[0] - candle.open) < near
    assert candle.high - max(path) < near
    assert min(path) - candle.low < near


def test_the_path_repeats_after_the_last_candle(replay: Market) -> None:
    assert replay.candle("ETHUSDT", replay.start_ms + replay.duration_ms) == replay.candle("ETHUSDT", replay.start_ms)


def test_equal_seeds_give_equal_paths() -> None:
    def path(seed: int) -> list[Decimal]:
        market = Market(["XRPUSDT"], seed)
        return [market.price("XRPUSDT", market.start_ms + i * 1000) for i in range(50)]

    assert path(1) == path(1) != path(2)


def test_finished_candles_carry_market_times_beyond_the_wrap(replay: Market) -> None:
    now_ms = replay.start_ms + replay.duration_ms + CANDLE_MS + 5
    candles = replay.candles("SOLUSDT", now_ms, 2)
    assert [c.open_ms for c in candles] == [now_ms - 5 - 2 * CANDLE_MS, now_ms - 5 - CANDLE_MS]


def test_a_gap_in_the_candles_is_named(tmp_path: Path) -> None:
    path = tmp_path / "GAPUSDT.csv.gz"
    rows = "2025-06-18 00:00:00+00:00,1,1,1,1,1\n2025-06-18 00:10:00+00:00,1,1,1,1,1\n"
    path.write_bytes(gzip.compress((HEADER + rows).encode()))
    with pytest.raises(ValueError, match=r"GAPUSDT\.csv\.gz: candle after \d+ expected 5 minutes later"):
        load_candles(path)


def test_a_price_that_was_just_asked_for_jumps_all_the_same() -> None:
    market = Market(["BTCUSDT"])
    before = market.price("BTCUSDT", market.start_ms)
    market.jump("BTCUSDT", Decimal("1.1"), market.start_ms)
    jumped = market.price("BTCUSDT", market.start_ms)
    assert abs(jumped - before * Decimal("1.1")) < 1
    market.stretch(Decimal(0), market.start_ms)
    assert market.price("BTCUSDT", market.start_ms + 60_000) == jumped
