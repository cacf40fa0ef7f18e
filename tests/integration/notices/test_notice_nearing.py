"""Who comes near a limit that closes is warned before it does: once a day, and not of limits that only warn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest
from copydesk.notices.nearing import Worths
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from notice_site import SPOT, D, Follower, NoticeSite

CLOSES = "drawdown > 10 % of equity -> close_and_disarm"


@dataclass
class Market:
    """One price."""

    px: str

    def __call__(self, place: str, symbols: Collection[str]) -> Mapping[str, Decimal]:
        assert place == "binance-lab"
        return dict.fromkeys(symbols, D(self.px))


@pytest.fixture
def mara(site: NoticeSite) -> Follower:
    """Somebody with 500 USDT who bought 0.01 at 60,000; at 55,000 a tenth of it is lost."""
    mara = site.follower()
    site.book(mara, SPOT, "0.01", cost="600", cash="-600")
    return mara


def limited(site: NoticeSite, whose: Follower, line: str) -> None:
    with site.db.tenant(site.tenant_id) as session:
        store_limits(session, LimitOwner(Scope.SUBSCRIPTION, whose.subscription_id), [line], "me")


def warned(site: NoticeSite, whose: Follower, worths: Worths) -> list[tuple[object, object]]:
    site.rounds.warn(site.tenant_id, worths)
    return [(facts["line"], facts["used"]) for _, facts in site.told(whose.user_id)]


def test_most_of_the_way_to_a_limit_is_told_once_a_day(site: NoticeSite, mara: Follower) -> None:
    limited(site, mara, CLOSES)
    assert warned(site, mara, Market("57000")) == []
    assert warned(site, mara, Market("55500")) == [(CLOSES, 90)]
    assert warned(site, mara, Market("55400")) == [(CLOSES, 90)]
    site.clock.wait(days=1)
    assert warned(site, mara, Market("55400")) == [(CLOSES, 90), (CLOSES, 92)]
    assert site.told(mara.user_id)[0][1]["action"] == "close_and_disarm"


def test_a_brand_says_how_near_is_near(site: NoticeSite, mara: Follower) -> None:
    limited(site, mara, CLOSES)
    site.said["notices.warn_at_percent"] = 95
    assert warned(site, mara, Market("55500")) == []
    assert warned(site, mara, Market("55200")) == [(CLOSES, 96)]


def test_a_limit_that_is_reached_is_the_stops_own_news(site: NoticeSite, mara: Follower) -> None:
    limited(site, mara, CLOSES)
    assert warned(site, mara, Market("54000")) == []


def test_a_limit_that_only_warns_tells_that_itself(site: NoticeSite, mara: Follower) -> None:
    limited(site, mara, "drawdown > 10 % of equity -> warn")
    assert warned(site, mara, Market("55500")) == []


def test_who_holds_nothing_is_not_warned(site: NoticeSite) -> None:
    jo = site.follower()
    limited(site, jo, CLOSES)
    site.book(jo, SPOT, "0", cost="0", cash="-45")
    assert warned(site, jo, Market("55500")) == []
