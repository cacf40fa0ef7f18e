"""What a symbol tells."""

from __future__ import annotations

import pytest
from copydesk.trading import quote_currency


@pytest.mark.parametrize(
    ("symbol", "currency"), [("BTC/USDT", "USDT"), ("BTC/USDC:USDC", "USDC"), ("ETH/BTC", "BTC"), ("BTC", "")]
)
def test_a_symbol_tells_the_currency_that_its_price_is_in(symbol: str, currency: str) -> None:
    assert quote_currency(symbol) == currency
