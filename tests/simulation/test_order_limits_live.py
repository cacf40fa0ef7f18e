"""Limits against real roles: what the exchange says of its market is asked, orders are cut, closes go whole."""

from __future__ import annotations

from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.stack import wait_until
from simulation_desk import Desk
from sqlalchemy import text

BRAND = LimitOwner(Scope.TENANT)
TOO_MUCH = "volume < 1000000000000 USDT per day -> block_opens"
CUT = "order > 100 USDT -> shrink"
MARKET = (
    "depth_share > 100 % -> shrink",
    "volume < 1 USDT per day -> block_opens",
    "exposure > 12500 % of equity -> shrink",
)
# Other tests of this desk may have left an account without a key.
_COPYING = text(
    "SELECT count(*) FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "WHERE a.status = 'active' AND s.state IN ('synced', 'catching_up')"
)
_FILLED = text("SELECT count(*) FROM copy WHERE status = 'filled' AND symbol = :symbol AND id > :after")
_WORTH = text(
    "SELECT max(qty * px) FROM copy WHERE NOT reduces AND status = 'filled' AND symbol = :symbol AND id > :after"
)
_NEWEST = text("SELECT coalesce(max(id), 0) FROM copy")
_TOO_THIN = text("SELECT count(*) FROM copy WHERE reason = 'risk_volume_min' AND id > :after")


def test_orders_are_held_to_limits_that_ask_the_exchange_and_closes_are_not(desk: Desk) -> None:
    cast = desk.south
    everybody = int(desk.scalar(cast, _COPYING))
    newest = desk.scalar(cast, _NEWEST)

    def filled() -> int:
        return int(desk.scalar(cast, _FILLED, symbol=cast.pair, after=newest))

    with desk.session(cast) as session:
        store_limits(session, BRAND, (CUT, *MARKET), "Mara")
    try:
        cast.buy()
        assert wait_until(lambda: filled() == everybody, patience_s=30), (desk.ends(cast), desk.where())
        assert 50 < desk.scalar(cast, _WORTH, symbol=cast.pair, after=newest) <= 100
        with desk.session(cast) as session:
            store_limits(session, BRAND, (TOO_MUCH,), "Mara")
        cast.buy(0.5)
        denied = wait_until(lambda: desk.scalar(cast, _TOO_THIN, after=newest) == everybody, patience_s=30)
        assert denied, (desk.ends(cast), desk.where())
        cast.sell_all()
        assert wait_until(lambda: filled() == 2 * everybody, patience_s=30), (desk.ends(cast), desk.where())
    finally:
        with desk.session(cast) as session:
            session.execute(text("DELETE FROM risk_limit"))
    assert desk.unbooked(cast) == 0
