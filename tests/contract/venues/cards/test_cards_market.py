"""Card 75: what the market of an instrument bears."""

from __future__ import annotations

from card_desk import D, Desk


async def test_card_75_what_is_offered_near_the_price_and_traded_in_a_day_is_told_in_quote_currency(
    desk: Desk,
) -> None:
    instrument = (await desk.venue.instruments())[desk.symbol]
    told = await desk.venue.liquidity(desk.symbol)
    (book,) = [
        book
        for book in desk.lab.control("GET", "books", venue=desk.seat.exchange, levels=100)["books"]
        if (book["symbol"], book["market"]) == (instrument.venue_symbol, desk.market_in_lab)
    ]
    bids, asks = ([(D(px), D(qty)) for px, qty in book[side]] for side in ("bids", "asks"))
    middle = (bids[0][0] + asks[0][0]) / 2
    assert told.bids == sum(px * qty for px, qty in bids if px >= middle * D("0.99")) > 0
    assert told.asks == sum(px * qty for px, qty in asks if px <= middle * D("1.01")) > 0
    # A day of candles, far more than the house has on offer, and nothing like a number of coins.
    assert told.volume > 1_000 * middle
