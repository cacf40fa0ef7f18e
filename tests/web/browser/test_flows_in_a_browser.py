"""What people do on both brands from the first page on: every role at work, and the lab's word for what happened."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pyotp
import pytest
from browser_site import Visit, watch
from copydesk.stack import wait_until
from flow_site import Clicks, FlowSite, flow_site
from playwright.sync_api import Browser, Page, expect

PATIENCE_MS = 60_000
OpenVisit = Callable[..., Visit]
PRIMARY = "main button.button--primary"
# Of each brand a strategy of perpetuals, whose positions the exchange tells by name.
STRATEGY = {"aurora": "both-ways", "boreal": "range-breaker"}
# What the traders whom one can sign in as trade.
SYMBOL = {"aurora": "BTC/USDT", "boreal": "BTC/USDT:USDT"}
# A desk on Aurora, a phone on Boreal, where it is read from right to left.
PLACES = (("aurora", 1280, "en"), ("boreal", 360, "ar"))
READ_AS = pytest.mark.parametrize(("brand", "width", "locale"), PLACES)


@pytest.fixture(scope="module")
def site() -> Iterator[FlowSite]:
    with flow_site() as running:
        yield running


@pytest.fixture
def visit(chromium: Browser, site: FlowSite) -> Iterator[OpenVisit]:
    """Open a window on a brand, as wide as asked, in a language."""
    with ExitStack() as closing:

        def open_window(brand: str, width: int, locale: str, **context: Any) -> Visit:
            view: Any = {"width": width, "height": 640 if width < 600 else 900}
            window = chromium.new_context(viewport=view, reduced_motion="reduce", locale=locale, **context)
            closing.callback(window.close)
            window.set_default_timeout(20_000)
            return watch(window, brand, site.port)

        yield open_window


def sound(visit: Visit) -> None:
    """Find nothing wrong with the page that is open: no complaint, nothing beside the screen."""
    assert visit.complaints == [], visit.page.url
    assert visit.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), visit.page.url


def enter_demo(visit: Visit) -> Clicks:
    """Enter the demo from the landing page, and wait until its account is open."""
    visit.go("/")
    clicks = Clicks(visit)
    clicks.press("form[action='/guest'] button")
    # The page of an account that is being opened moves on by itself.
    visit.page.wait_for_url(re.compile("/strategies"), timeout=PATIENCE_MS)
    return clicks


def copy_one(visit: Visit, clicks: Clicks, brand: str) -> float:
    """Copy a strategy of the list as it is proposed; return how many seconds the pages took for it."""
    begun = time.monotonic()
    clicks.press(f"a[href='/strategies/{STRATEGY[brand]}/copy']")
    sound(visit)
    clicks.press(PRIMARY)
    sound(visit)
    clicks.press(PRIMARY)
    expect(visit.page).to_have_url(re.compile(r"/copying/\d+"))
    return time.monotonic() - begun


def guests_of(site: FlowSite, brand: str) -> list[dict[str, Any]]:
    with site.lab() as lab:
        accounts: list[dict[str, Any]] = lab.call("GET", "accounts")["accounts"]
    return [one for one in accounts if one["account"].startswith(f"{brand}:guest:")]


@READ_AS
def test_four_clicks_lead_from_the_first_page_to_a_copy_whose_receipt_appears_by_itself(
    visit: OpenVisit, brand: str, width: int, locale: str, record_property: Callable[[str, object], None]
) -> None:
    window = visit(brand, width, locale)
    clicks = enter_demo(window)
    took_s = copy_one(window, clicks, brand)
    record_property("copy_flow_s", round(took_s, 2))
    print(f"\n{brand} at {width} px: {took_s:.2f} s from the list of strategies to a confirmed copy")  # noqa: T201
    assert clicks.count <= 4
    page = window.go("/activity")
    # Nothing is loaded again: what happens comes to the open page.
    expect(page.locator("main a[href^='/activity/']").first).to_be_visible(timeout=PATIENCE_MS)
    sound(window)
    window.go("/home")
    assert page.locator("html").get_attribute("dir") == ("rtl" if locale == "ar" else "ltr")
    sound(window)


@READ_AS
def test_stop_everything_is_taken_while_the_replicator_is_down_and_done_once_it_is_back(
    visit: OpenVisit, site: FlowSite, brand: str, width: int, locale: str
) -> None:
    before = {one["account"] for one in guests_of(site, brand)}
    window = visit(brand, width, locale)
    copy_one(window, enter_demo(window), brand)

    def mine() -> dict[str, Any]:
        (account,) = [one for one in guests_of(site, brand) if one["account"] not in before]
        return account

    def holds() -> bool:
        return bool(mine()["positions"])

    assert wait_until(holds, patience_s=60, poll_s=0.2), "nothing was copied"
    supervisor = site.stage.supervisor
    supervisor.kill("replicator")
    try:
        page = window.go("/copying/stop-everything")
        sound(window)
        page.locator("button[name=how][value=close]").click()
        page.wait_for_load_state()
        sound(window)
        assert holds()
    finally:
        supervisor.start_again("replicator")
    assert wait_until(lambda: not holds(), patience_s=60, poll_s=0.2), mine()


@READ_AS
def test_a_newcomer_registers_protects_connects_copies_sees_the_receipt_and_stops(
    visit: OpenVisit, site: FlowSite, brand: str, width: int, locale: str
) -> None:
    window, email = visit(brand, width, locale), f"newcomer@{brand}.example"
    page = window.go("/account/register")
    page.check("input[name=role][value=follower]")
    fill(page, email=email, display_name="Ann", password="seven quiet herons cross")
    page.goto(site.link(brand, email))
    page.locator("main form .button--primary").first.click()
    fill(page, email=email, password="seven quiet herons cross")
    protect(window)
    connect(window, site, brand, "binance")
    window.go("/strategies")
    copy_one(window, Clicks(window), brand)
    window.go("/activity")
    receipt = page.locator("main a[href^='/activity/']").first
    expect(receipt).to_be_visible(timeout=PATIENCE_MS)
    receipt.click()
    page.wait_for_load_state()
    sound(window)
    window.go("/home")
    page.locator("main a[href^='/copying/']:not([href$='everything'])").locator("visible=true").first.click()
    page.wait_for_load_state()
    page.locator("a[href$='/stop']").locator("visible=true").first.click()
    page.locator("button[name=mode][value=close_now]").click()
    page.wait_for_load_state()
    sound(window)

    def flat() -> bool:
        with site.lab() as lab:
            return not lab.view(f"{brand}:flow:binance")["positions"]

    assert wait_until(flat, patience_s=60, poll_s=0.2)


def fill(page: Page, **fields: str) -> None:
    """Fill in the fields of the page's form, and send it."""
    for name, text in fields.items():
        page.fill(f"#field-{name}", text)
    page.locator("main form .button--primary").first.click()
    page.wait_for_load_state()


@READ_AS
def test_a_trader_trades_in_the_terminal_sees_what_followers_got_of_it_and_applies_with_another_account(
    visit: OpenVisit, site: FlowSite, brand: str, width: int, locale: str
) -> None:
    window, me = visit(brand, width, locale), site.person(brand, "trader")
    page = window.go("/account/sign-in")
    fill(page, email=me.email, password=me.password)
    protect(window)
    window.go("/terminal")
    terminal = page.locator("main a[href^='/terminal/']").first.get_attribute("href")
    window.go(f"{terminal}?symbol={SYMBOL[brand]}")
    sound(window)
    expect(page.locator("[data-terminal-px]")).to_have_text(re.compile(r"\d"))
    now = Decimal(re.sub(r"[^\d.]", "", page.locator("[data-terminal-px]").inner_text()))
    page.locator(".terminal__more summary").click()
    # Above the market, so that it rests; what is attached closes the position it would open.
    give(page, type="stop_limit", qty="0.01", stop_px=now * 2, px=now * 2, take_profit_px=now * 3)
    expect(page.locator("#orders form[action$='/cancel'] button").first).to_be_visible(timeout=PATIENCE_MS)
    sound(window)
    give(page, type="market", qty="0.01")
    expect(page.locator("section[aria-labelledby='over-title'] tbody tr").first).to_be_visible(timeout=PATIENCE_MS)
    window.go(f"/studio/{me.email.partition('@')[0]}/signals")
    expect(page.locator("main tbody tr").first).to_be_visible()
    sound(window)
    connect(window, site, brand, "bybit")
    window.go("/studio/apply")
    page.fill("#field-name", "Second line")
    page.fill("#field-summary", "Trades by hand, now and then.")
    page.fill("#field-profit_share", "5")
    page.fill("#field-min_allocation", "100")
    page.check("#field-agree")
    sound(window)
    page.locator("main form[action='/studio/apply'] .button--primary").click()
    expect(page).to_have_url(re.compile("/studio/second-line"))
    sound(window)


def give(page: Page, **ticket: object) -> None:
    """Fill the order ticket in to buy, and send it."""
    form = page.locator("#ticket")
    for name, value in {"type": ticket.pop("type"), "side": "buy"}.items():
        # What is clicked is the label: the radio button itself is not seen, and parts of the page still move.
        one = form.locator(f"label:has(input[name={name}][value={value}])")
        one.click()
        expect(one.locator("input")).to_be_checked()
    for name, value in ticket.items():
        form.locator(f"input[name={name}]").fill(f"{value:.1f}" if isinstance(value, Decimal) else str(value))
    form.locator(".button--primary").click()
    page.wait_for_load_state()
    # As long as the account's equity is not known, a market order is asked about once more.
    again = page.locator("main form:has(input[name=confirmed]) .button--primary")
    if again.count():
        again.click()
        page.wait_for_load_state()


def protect(visit: Visit) -> None:
    """Set up an authenticator app."""
    page = visit.go("/account/factors/totp")
    totp = pyotp.TOTP("".join((page.locator("[data-copy-text]").text_content() or "").split()))
    page.fill("#field-code", totp.now())
    page.locator("main form:has(#field-code) button").click()
    expect(page.locator("[data-copy-text]")).to_be_visible()


def connect(visit: Visit, site: FlowSite, brand: str, venue: str) -> None:
    """Connect an account with money, and wait until its key was examined."""
    key, page = site.key(brand, venue), visit.go(f"/keys/new/{venue}/enter")
    fill(page, label=f"Mine at {venue}", api_key=key.api_key, secret=key.secret)
    expect(page.locator("#progress .banner--ok")).to_be_visible(timeout=PATIENCE_MS)


def test_without_scripts_a_follower_signs_in_copies_changes_a_limit_and_stops(visit: OpenVisit, site: FlowSite) -> None:
    window, me = visit("aurora", 390, "en", java_script_enabled=False), site.person("aurora", "follower")
    page = window.go("/account/sign-in")
    fill(page, email=me.email, password=me.password)
    protect(window)
    window.go("/home")
    assert page.locator(".own-card__head").count() == 1
    key = site.key("aurora", "okx")
    window.go("/keys/new/okx/enter")
    fill(page, label="Mine", api_key=key.api_key, secret=key.secret, passphrase=key.passphrase)

    def examined() -> bool:
        page.reload()
        return page.locator("#progress .banner--ok").count() > 0

    assert wait_until(examined, patience_s=30, poll_s=0.2)
    window.go(f"/strategies/{STRATEGY['aurora']}/copy")
    page.get_by_label("Mine").check()
    for _ in ("amount and risk", "confirm"):
        page.locator(PRIMARY).click()
    expect(page).to_have_url(re.compile(r"/copying/\d+"))
    mine = page.url.partition("?")[0]
    page.locator("a[href$='/limits']").first.click()
    page.fill("#field-drawdown", "12")
    page.locator(PRIMARY).click()
    expect(page.get_by_role("main")).to_contain_text("12 %")
    page.locator(PRIMARY).click()
    expect(page.get_by_role("main")).to_contain_text("The limits are changed")
    page.goto(f"{mine}/stop")
    page.locator("button[name=mode][value=close_now]").click()
    expect(page.get_by_role("main")).to_contain_text("Copying ends")
    sound(window)
