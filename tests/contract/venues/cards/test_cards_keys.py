"""Cards 55-59: what a key may do, and what a bad one is refused with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from card_desk import BUY, Desk
from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial
from copydesk.venues import Feature, KeyScope

HERE, ELSEWHERE = ("127.0.0.1",), ("10.0.0.1",)
SAFE = ("read", "trade", "perp")


async def test_card_55_a_key_that_may_read_and_trade_is_accepted(desk: Desk) -> None:
    scope = await desk.venue.key_scope(desk.key)
    assert scope == KeyScope(True, True, False, False, ip_bound=False, can_trade_perpetuals=True)
    assert scope.denial() is None
    bound = desk.lab.key((await desk.beside()).account.name, SAFE, HERE)
    assert await desk.venue.key_scope(bound) == replace(scope, ip_bound=True)


@pytest.mark.parametrize(
    ("rights", "denial"),
    [
        (("read",), Denial.KEY_READ_ONLY),
        ((*SAFE, "withdraw"), Denial.KEY_CAN_WITHDRAW),
        ((*SAFE, "transfer"), Denial.KEY_CAN_TRANSFER),
        ((*SAFE, "other"), Denial.KEY_RIGHTS_UNKNOWN),
    ],
    ids=["reader", "withdraw", "transfer", "unknown"],
)
async def test_card_56_a_key_that_may_do_too_much_or_too_little_is_not_accepted(
    desk: Desk, rights: tuple[str, ...], denial: Denial
) -> None:
    scope = await desk.venue.key_scope(desk.lab.key(desk.account.name, rights, HERE))
    if denial is Denial.KEY_CAN_TRANSFER and not desk.traits.supports(Feature.KEY_TRANSFER_RIGHT):
        assert scope.denial() is None
        return
    assert scope.denial() is denial
    assert scope.can_trade is (rights != ("read",))


async def test_card_57_a_key_trades_what_its_scope_says_and_nothing_else(desk: Desk) -> None:
    other = "trade" if desk.perpetual else "perp"
    key = desk.lab.key(desk.account.name, ("read", other), HERE)
    scope = await desk.venue.key_scope(key)
    assert scope.denial() is None
    order = desk.order(BUY)
    if scope.can_trade_perpetuals if desk.perpetual else scope.can_trade:
        assert (await desk.venue.submit(key, order)).client_order_id == order.client_order_id
        assert len(desk.executions()) == 1
        return
    assert await refusal_of(desk, key) is not_allowed(desk)


def not_allowed(desk: Desk) -> Denial:
    return Denial.KEY_READ_ONLY if desk.traits.supports(Feature.KEY_RIGHT_NAMED) else Denial.KEY_REJECTED


async def refusal_of(desk: Desk, key: Credentials) -> Denial:
    """Send an order with this key: it is refused, and the exchange has recorded none."""
    with pytest.raises(VenueRefused) as refusal:
        await desk.venue.submit(key, desk.order(BUY))
    assert desk.orders() == []
    for secret in (key.secret, key.password):
        assert not secret or secret not in str(refusal.value)
    return Denial(refusal.value.code)


async def test_card_58_a_key_that_may_only_read_places_no_order(desk: Desk) -> None:
    assert await refusal_of(desk, desk.lab.key(desk.account.name, ("read",))) is not_allowed(desk)


Trouble = tuple[Callable[[Desk], Credentials], Denial, Feature | None]
TROUBLES: dict[str, Trouble] = {
    "secret": (lambda desk: replace(desk.key, secret=desk.key.secret[::-1]), Denial.KEY_SECRET_WRONG, None),
    "key": (lambda desk: replace(desk.key, api_key=desk.key.api_key[::-1]), Denial.KEY_REJECTED, None),
    "deleted": (lambda desk: deleted(desk), Denial.KEY_REJECTED, None),
    "unspeakable": (lambda desk: replace(desk.key, api_key="schlüssel"), Denial.KEY_REJECTED, None),
    "address": (
        lambda desk: desk.lab.key(desk.account.name, SAFE, ELSEWHERE),
        Denial.KEY_ADDRESS_REFUSED,
        Feature.KEY_ADDRESS_NAMED,
    ),
    "expired": (
        lambda desk: desk.lab.key(desk.account.name, SAFE, HERE, expires_ms=1_700_000_000_000),
        Denial.KEY_EXPIRED,
        Feature.KEY_EXPIRY_NAMED,
    ),
    "passphrase": (lambda desk: replace(desk.key, password="Another1word"), Denial.KEY_PASSPHRASE_WRONG, None),
}


def deleted(desk: Desk) -> Credentials:
    key = desk.lab.key(desk.account.name, SAFE)
    desk.lab.control("DELETE", "keys", apiKey=key.api_key)
    return key


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_card_59_a_bad_key_is_refused_with_what_is_wrong_with_it(desk: Desk, trouble: str) -> None:
    make, denial, named_by = TROUBLES[trouble]
    if trouble == "passphrase" and not desk.key.password:
        assert (await desk.venue.key_scope(make(desk))).denial() is None, "keys of this exchange have no passphrase"
        return
    if named_by is not None and not desk.traits.supports(named_by):
        denial = Denial.KEY_REJECTED
    key = make(desk)
    with pytest.raises(VenueRefused) as refusal:
        await desk.venue.key_scope(key)
    assert refusal.value.code == denial.value
    assert await refusal_of(desk, key) is denial
