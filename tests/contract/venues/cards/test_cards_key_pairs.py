"""Cards 79-80: a key is shown to trade without an order, and a key pair of ours opens what a shared secret does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from card_desk import BUY, RIGHTS, Desk
from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial
from copydesk.venues import KIND_OF, Feature, generate

# Made once for each exchange: RSA keys take their time.
pairs_of = cache(lambda exchange: (generate(exchange), generate(exchange)))
SAFE = ("read", "trade", "perp")


async def test_card_79_a_key_is_shown_to_trade_by_an_order_that_is_never_placed(desk: Desk) -> None:
    await desk.venue.test_order(desk.key, desk.symbol)
    empty = f"empty-{desk.account.name}"
    desk.lab.control("POST", "accounts", account=empty, venue=desk.seat.kind, balances={})
    await desk.venue.test_order(desk.lab.key(empty, SAFE), desk.symbol)
    other = "trade" if desk.perpetual else "perp"
    for rights in (("read",), ("read", other)):
        key = desk.lab.key((await desk.beside()).account.name, rights)
        scope = await desk.venue.key_scope(key)
        if scope.can_trade_perpetuals if desk.perpetual else scope.can_trade:
            continue  # This exchange has one right for both markets.
        with pytest.raises(VenueRefused) as refusal:
            await desk.venue.test_order(key, desk.symbol)
        named = desk.traits.supports(Feature.KEY_RIGHT_NAMED)
        assert refusal.value.code == (Denial.KEY_READ_ONLY if named else Denial.KEY_REJECTED)
    assert desk.orders() == []
    assert desk.lab.journal("order", empty) == []


async def test_card_80_a_key_pair_of_ours_trades_and_listens_where_the_exchange_takes_one(desk: Desk) -> None:
    pair, wrong = pairs_of(desk.seat.exchange)
    assert (pair is None) is (desk.seat.exchange not in KIND_OF)
    if pair is None:
        stranger = generate("binance")
        assert stranger is not None
        with pytest.raises(VenueRefused, match="takes no keys that sign with ed25519"):
            await desk.venue.key_scope(Credentials(1, desk.key.api_key, stranger.private_pem, kind=stranger.kind))
        return
    made = desk.lab.control(
        "POST", "keys", account=desk.account.name, permissions=list(RIGHTS), public_key=pair.public_pem
    )
    assert made["secret"] == ""
    key = Credentials(desk.key.account_id, made["apiKey"], pair.private_pem, made["passphrase"], pair.kind)
    assert (await desk.venue.key_scope(key)).denial() is None
    await desk.venue.test_order(key, desk.symbol)
    async with desk.listening(key=key) as listener:
        order = desk.order(BUY)
        await desk.venue.submit(key, order)
        (trade, *_) = await listener.trades(1)
    assert trade.client_order_id == order.client_order_id
    assert wrong is not None
    with pytest.raises(VenueRefused) as refusal:
        await desk.venue.test_order(replace(key, secret=wrong.private_pem), desk.symbol)
    assert refusal.value.code == Denial.KEY_SECRET_WRONG
