"""A look ahead at a stop: brands added up, and nothing guessed."""

from __future__ import annotations

from decimal import Decimal

from copydesk.replication import Exposed, SwitchPreview, together


def test_a_look_ahead_adds_brands_up_and_takes_the_median_of_all_closes() -> None:
    d = Decimal
    one = Exposed("okx-live", "BTC/USDT", 2, d(1), d(0), None, (d(1), d(9)))
    other = Exposed("okx-live", "BTC/USDT", 1, d(0), d(3), d(100), (d(4),))
    found = together([SwitchPreview(2, 2, 1, (one,)), SwitchPreview(1, 1, 0, (other,))])
    assert (found.followers, found.subscriptions, found.positions, found.resting) == (3, 3, 3, 1)
    (both,) = found.exposed
    assert (both.notional, both.slippage_bps, both.slippage) == (d("400.00"), d("4.00"), d("0.16"))


def test_what_is_not_known_is_not_guessed() -> None:
    held = Exposed("okx-live", "BTC/USDT", 2, Decimal(1), Decimal(0), None)
    assert (held.notional, held.slippage_bps, held.slippage) == (None, None, None)
