"""Faults that followers bring about: keys that no longer work, money gone, orders placed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from sqlalchemy import text

from copydesk.faults.audit import BY_HAND
from copydesk.faults.cast import Follower, open_client
from copydesk.faults.strike import Strike
from copydesk.kernel import Unavailable
from copydesk.stack import wait_until

_BY_HAND_QTY = 0.002
_LEFT = 20
_TRIES = 20
_REFUSED_S = 5.0
_RENEW = text("UPDATE account SET status = 'active', status_reason = NULL WHERE id = ANY(:ids)")


def take_rights(strike: Strike) -> Iterator[None]:
    """Take the right to trade from some followers' keys; afterwards their owners renew them."""
    crowd = strike.some(0.02, 0.1)
    strike.excused |= {one.account for one in crowd}
    _permit(strike, crowd, ["read"])
    yield
    _permit(strike, crowd, ["read", "trade", "perp"])
    # What was on its way with the old rights is refused first.
    wait_until(strike.stage.settled, patience_s=_REFUSED_S)
    strike.stage.change(strike.cast, _RENEW, ids=[one.account_id for one in crowd])


def take_money(strike: Strike) -> Iterator[None]:
    """Leave some followers without money for an open."""
    crowd = strike.some(0.02, 0.1)
    strike.excused |= {one.account for one in crowd}
    taken = {one.account: _empty(strike, one) for one in crowd}
    yield
    for account, qty in taken.items():
        _deposit(strike, account, qty)


def trade_by_hand(strike: Strike) -> Iterator[None]:
    """Let some followers buy the same instrument on their own, in between."""
    crowd = [one for one in strike.cast.followers if one.venue == strike.cast.troupe.venue]
    for number, one in enumerate(strike.rng.sample(crowd, min(len(crowd), 5))):
        client = open_client(strike.cast.troupe, *strike.stage.lab_places, one.key)
        name = f"{BY_HAND}-{number}-{strike.rng.randrange(10**9)}"
        client.create_order(strike.cast.troupe.symbol, "market", "buy", _BY_HAND_QTY, None, {"newClientOrderId": name})
        client.session.close()
    yield


def _permit(strike: Strike, crowd: Sequence[Follower], rights: list[str]) -> None:
    for one in crowd:
        strike.stage.lab.call("PATCH", "keys", {"apiKey": one.key.api_key, "permissions": rights})


def _free(strike: Strike, one: Follower) -> int:
    return int(float(strike.stage.lab.view(one.account)["trading"]["USDT"][0]))


def _empty(strike: Strike, one: Follower) -> int:
    """Withdraw nearly all of an account's money and return how much; an open under way may take some of it first."""
    for _ in range(_TRIES - 1):
        with suppress(Unavailable):
            return _withdraw(strike, one)
    return _withdraw(strike, one)


def _withdraw(strike: Strike, one: Follower) -> int:
    qty = _free(strike, one) - _LEFT
    _deposit(strike, one.account, -qty)
    return qty


def _deposit(strike: Strike, account: str, qty: int) -> None:
    strike.stage.lab.call("POST", "deposits", {"account": account, "asset": "USDT", "qty": str(qty)})
