"""Watching a strategy without money, and what its trader announces: who sees what, and nothing is done by looking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from copydesk.replication.tables import Strategy
from copydesk.studio.announcing import announce
from copydesk.studio.tables import StrategyTerms
from copydesk.studio.watching import is_watching
from factor_site import FactorSite, Visit
from site_seed import NOW, STRATEGIES, D
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

SLUG = STRATEGIES["aurora"][0]
PAGE = f"/strategies/{SLUG}"


@pytest.fixture
def watcher(site: FactorSite) -> Visit:
    return site.member()


@pytest.fixture
def strategy_id(site: FactorSite) -> int:
    with site.runtime.database.tenant(site.tenant_id) as session:
        return session.scalars(select(Strategy.id).where(Strategy.slug == SLUG)).one()


def text_of(page: TestResponse) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def test_a_stranger_is_led_to_sign_in_and_back(visit: Callable[[str], Visit]) -> None:
    page = visit("aurora").get(PAGE).text
    assert f'href="/account/sign-in?next={PAGE}"' in page
    assert "Watch without copying" in page


def test_watching_begins_and_ends_with_a_button_and_is_listed(
    site: FactorSite, watcher: Visit, strategy_id: int
) -> None:
    assert "You watch nothing yet" in text_of(watcher.get("/watching"))
    answer = watcher.send(f"{PAGE}/watch", page=PAGE)
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert "You watch this strategy" in text_of(watcher.get(PAGE))
    assert f'href="{PAGE}"' in watcher.get("/watching").text
    with site.runtime.database.tenant(site.tenant_id) as session:
        assert is_watching(session, watcher.user_id, strategy_id)
    left = watcher.send(f"{PAGE}/unwatch", page=PAGE, next="/watching")
    assert left.location == "/watching"
    assert "You watch nothing yet" in text_of(watcher.get("/watching"))


def test_watching_twice_is_watching_once_and_what_does_not_exist_is_not_found(watcher: Visit) -> None:
    for _time in range(2):
        assert watcher.send(f"{PAGE}/watch", page=PAGE).status_code == 303
    assert watcher.get("/watching").text.count(f'href="{PAGE}"') == 1
    assert watcher.send("/strategies/nothing/watch", page=PAGE).status_code == 404
    assert watcher.send("/strategies/nothing/unwatch", page=PAGE).status_code == 404


def test_everybody_reads_the_newest_three_announcements_and_all_on_a_page(
    site: FactorSite, visit: Callable[[str], Visit], strategy_id: int
) -> None:
    stranger = visit("aurora")
    assert "Announcements" not in text_of(stranger.get(PAGE))
    assert "Nothing announced yet" in text_of(stranger.get(f"{PAGE}/announcements"))
    with site.runtime.database.tenant(site.tenant_id) as session:
        for number in range(4):
            announce(session, strategy_id, f"Said {number} <b>loud</b>", at=NOW - timedelta(hours=4 - number))
    page = stranger.get(PAGE).text
    assert [number for number in range(4) if f"Said {number} &lt;b&gt;" in page] == [1, 2, 3]
    assert f'href="{PAGE}/announcements"' in page
    assert stranger.get(f"{PAGE}/announcements").text.count("Said ") == 4


def test_nothing_is_seen_of_a_strategy_that_became_private(
    site: FactorSite, visit: Callable[[str], Visit], watcher: Visit, strategy_id: int
) -> None:
    assert watcher.send(f"{PAGE}/watch", page=PAGE).status_code == 303
    with site.runtime.database.tenant(site.tenant_id) as session:
        announce(session, strategy_id, "Between us.", at=NOW)
        bounds = {"profit_share": D("0.1"), "min_allocation": D(0), "submitted_at": NOW}
        private = {"strategy_id": strategy_id, "private": True, "shows": {}}
        session.add(StrategyTerms(tenant_id=site.tenant_id, **bounds, **private))
    try:
        assert visit("aurora").get(f"{PAGE}/announcements").status_code == 404
        assert watcher.send(f"{PAGE}/watch", page="/watching").status_code == 404
        assert "You watch nothing yet" in text_of(watcher.get("/watching"))
    finally:
        with site.runtime.database.tenant(site.tenant_id) as session:
            session.execute(delete(StrategyTerms))
    assert "Between us." in watcher.get("/watching").text
