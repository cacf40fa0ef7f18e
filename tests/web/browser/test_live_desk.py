"""The desk in a real browser: rows arrive by themselves, and the keyboard reaches the receipt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import orjson
import pytest
import redis
from browser_site import Visit
from copydesk.db import Database
from copydesk.replication.tables import Signal
from copydesk.stack import RedisServer
from playwright.sync_api import expect
from site_seed import Seeded
from sqlalchemy import inspect

Open = Callable[..., Visit]


class Replication:
    """Stores and announces as replication does."""

    def __init__(self, database_url: str, redis_url: str, seeded: Seeded) -> None:
        self._database_url = database_url
        self._redis_url = redis_url
        self._seeded = seeded

    def store_fill(self, brand: str, order: str) -> int:
        """Store another fill of the brand's trader, with no copies yet."""
        tenant_id = self._seeded.tenant_ids[brand]
        database = Database.connect(self._database_url, pool_size=1)
        try:
            with database.tenant(tenant_id) as session:
                first = session.get_one(Signal, (tenant_id, self._seeded.signal_ids[brand]))
                columns = {c.key: getattr(first, c.key) for c in inspect(Signal).columns if c.key != "id"}
                signal = Signal(**{**columns, "venue_order_id": order, "side": "sell"})
                session.add(signal)
                session.flush()
                return signal.id
        finally:
            database.dispose()

    def announce(self, brand: str, signal_id: int) -> None:
        channel = f"copydesk:{self._seeded.tenant_ids[brand]}:desk"
        with closing(redis.Redis.from_url(self._redis_url)) as client:
            client.publish(channel, orjson.dumps({"type": "signal", "signal_id": signal_id}))


@pytest.fixture
def replication(database_url: str, redis_server: RedisServer, seeded: Seeded) -> Replication:
    return Replication(database_url, redis_server.url, seeded)


@pytest.mark.parametrize("brand", ["aurora", "boreal"])
def test_a_new_fill_appears_on_top_and_is_said_aloud(open_brand: Open, replication: Replication, brand: str) -> None:
    visit = open_brand(brand)
    page = visit.go("/desk")
    expect(page.locator(".live")).to_have_text("Live")
    signal_id = replication.store_fill(brand, "live-1")
    replication.announce(brand, signal_id)
    expect(page.locator("[data-feed] > :first-child")).to_have_id(f"signal-{signal_id}")
    expect(page.locator("[data-feed-news]")).to_contain_text("sold 0.5")
    assert visit.complaints == []


def test_a_row_that_comes_again_replaces_itself(open_brand: Open, replication: Replication, seeded: Seeded) -> None:
    page = open_brand("aurora").go("/desk")
    expect(page.locator(".live")).to_have_text("Live")
    row = page.locator(f"#signal-{seeded.signal_ids['aurora']}")
    row.evaluate("node => { node.dataset.old = 'yes'; }")
    replication.announce("aurora", seeded.signal_ids["aurora"])
    expect(row).not_to_have_attribute("data-old", "yes")
    expect(row).to_have_count(1)


def test_updates_can_be_paused(open_brand: Open) -> None:
    page = open_brand("aurora").go("/desk")
    expect(page.locator(".live")).to_have_text("Live")
    page.get_by_role("button", name="Pause updates").click()
    expect(page.locator(".live")).to_have_text("Paused")
    expect(page.get_by_role("button", name="Resume updates")).to_be_visible()


def test_the_keyboard_opens_a_receipt_beside_the_list(open_brand: Open) -> None:
    page = open_brand("aurora", width=1280).go("/desk")
    page.locator("[data-receipt]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#receipt .receipt")).to_be_visible()
    expect(page.locator("#receipt")).to_be_focused()
    assert page.url.endswith("/desk")


def test_on_a_phone_the_keyboard_opens_the_receipt_page(open_brand: Open, seeded: Seeded) -> None:
    page = open_brand("boreal", width=390).go("/desk")
    page.locator(f"#signal-{seeded.signal_ids['boreal']} [data-receipt]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/desk/{seeded.signal_ids['boreal']}")
    expect(page.locator(".receipt")).to_be_visible()


def test_the_first_tab_stop_skips_to_the_content(open_brand: Open) -> None:
    page = open_brand("boreal").go("/desk")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
