"""Each role's way in, in a browser on both brands: register, confirm, second factor, and a key that cannot withdraw."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from account_site import AccountSite, account_site
from browser_site import Visit, watch
from click.testing import CliRunner
from copydesk.cli.staff import command as staff
from copydesk.demo.lab_control import LabKey
from copydesk.stack import RedisServer, wait_until
from playwright.sync_api import Browser, Locator, Page, expect
from site_seed import Seeded

# Each brand's pages are looked through once: by its followers, and by its owners.
LOOKED_THROUGH = "follower"
PASSWORD = "seven quiet herons cross"
OpenVisit = Callable[..., Visit]


@pytest.fixture(scope="module")
def site(
    database_url: str, redis_server: RedisServer, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AccountSite]:
    if not redis_server.alive:
        redis_server.start()
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_server.url}
    with account_site(environ, tmp_path_factory.mktemp("site")) as served:
        yield served


@pytest.fixture
def visit(chromium: Browser, site: AccountSite) -> Iterator[OpenVisit]:
    """Open a window on a brand, 390 px wide."""
    with ExitStack() as closing:

        def open_window(brand: str, **context: Any) -> Visit:
            window = chromium.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce", **context)
            closing.callback(window.close)
            window.set_default_timeout(10_000)
            return watch(window, brand, site.port)

        yield open_window


def sound(visit: Visit, *, axe: bool = False) -> None:
    """Find nothing wrong with the page that is open: no complaint, nothing beside the screen, nothing for axe."""
    visit.complaints.extend(visit.page.evaluate("globalThis.violations ?? []"))
    assert visit.complaints == [], visit.page.url
    # A page that shows its progress loads itself anew, so its body is waited for.
    body = visit.page.locator("body")
    assert body.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), visit.page.url
    if axe:
        assert visit.axe() == [], visit.page.url


def fill(page: Page, **fields: str) -> None:
    """Fill in the fields of the form, and send it."""
    for name, text in fields.items():
        page.fill(f"#field-{name}", text)
    send(page)


def send(page: Page) -> None:
    """Press the main button of the page's form."""
    page.get_by_role("main").locator("form .button--primary").first.click()


def register(visit: Visit, site: AccountSite, brand: str, role: str, email: str) -> None:
    """Create an account and confirm its address with the link out of the mail."""
    page = visit.go("/account/register")
    sound(visit, axe=role == LOOKED_THROUGH)
    page.check(f"input[name=role][value={role}]")
    fill(page, email=email, display_name="Ann of the tests", password=PASSWORD)
    expect(page).to_have_url(re.compile("/account/register/sent"))
    sound(visit)
    page.goto(site.link(brand, email))
    sound(visit)
    send(page)
    expect(page).to_have_url(re.compile("/account/sign-in"))


def enrol(visit: Visit, site: AccountSite, *, axe: bool) -> pyotp.TOTP:
    """Set up an authenticator app, which is all that opens so far, and keep the recovery codes."""
    page = visit.page
    expect(page).to_have_url(re.compile("/account/factors"))
    visit.go("/account/factors/totp")
    totp = pyotp.TOTP("".join((page.locator("[data-copy-text]").text_content() or "").split()))
    sound(visit, axe=axe)
    give_code(visit, site, totp)
    assert len((page.locator("[data-copy-text]").text_content() or "").split()) == 10
    sound(visit)
    return totp


def give_code(visit: Visit, site: AccountSite, totp: pyotp.TOTP) -> None:
    """Enter the code of now; none was used in this half minute, for the clock is set forward first."""
    site.clock.by += timedelta(seconds=31)
    visit.page.fill("#field-code", totp.at(site.clock.now()))
    visit.page.get_by_role("main").locator("form:has(#field-code) button").click()


def add_passkey(visit: Visit) -> None:
    """Set up a passkey with a device that the browser plays."""
    page = visit.page
    device = visit.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**kind, "isUserVerified": True}})
    visit.go("/account/factors/passkeys")
    sound(visit, axe=True)
    fill(page, label="The tests' own")
    expect(page.locator("[data-copy-text]")).to_be_visible()


def hand_in(visit: Visit, venue: str, key: LabKey, *, axe: bool = False) -> None:
    """Go the way through the steps of an exchange, and enter a key."""
    page = visit.go("/keys/new")
    page.click(f"a[href='/keys/new/{venue}']")
    sound(visit, axe=axe)
    page.click(f"a[href='/keys/new/{venue}/enter']")
    passphrase = {"passphrase": key.passphrase} if key.passphrase else {}
    fill(page, label=f"My {venue}", api_key=key.api_key, secret=key.secret, **passphrase)
    expect(page).to_have_url(re.compile(r"/keys/intakes/\d+"))


def decided(visit: Visit, tone: str, *, follows: bool = False) -> Locator:
    """Wait until the exchange has answered: the page follows by itself every two seconds, or is loaded again."""
    banner = visit.page.locator(f"#progress .banner--{tone}")
    if not follows:

        def shown() -> bool:
            visit.page.reload()
            return banner.count() > 0

        assert wait_until(shown, patience_s=20, poll_s=0.1)
    expect(banner).to_be_visible(timeout=20_000)
    sound(visit)
    return banner


@pytest.mark.parametrize(
    ("brand", "role", "locale", "venue", "right"),
    [
        ("aurora", "follower", "de-DE", "binance", "Enable Withdrawals"),
        ("boreal", "follower", "ar", "okx", "Withdraw"),
        ("aurora", "trader", "en", "bybit", "Withdraw"),
        ("boreal", "trader", "en", "bitget", "Withdraw"),
    ],
)
def test_who_registers_connects_a_key_that_trades_only_after_one_that_may_withdraw_was_refused(
    visit: OpenVisit, site: AccountSite, brand: str, role: str, locale: str, venue: str, right: str
) -> None:
    email, account, axe = f"ann.{role}@reader.example", f"{brand}:{role}", role == LOOKED_THROUGH
    # Traders come without scripts.
    window = visit(brand, locale=locale, java_script_enabled=role != "trader")
    page = window.page
    register(window, site, brand, role, email)
    fill(page, email=email, password=PASSWORD)
    totp = enrol(window, site, axe=axe)

    hand_in(window, venue, site.lab_key(account, "read", "trade", "withdraw", venue=venue), axe=axe)
    expect(decided(window, "bad", follows=axe)).to_contain_text(right)
    hand_in(window, venue, site.lab_key(account, "read", "trade", venue=venue))
    decided(window, "ok")
    page.locator("#progress .button--primary").click()
    sound(window, axe=axe)

    page.locator(".menu:not(.languages) .menu__open").click()
    page.locator("form[action='/account/sign-out'] button").click()
    window.go("/keys")
    expect(page).to_have_url(re.compile("/account/sign-in"))
    fill(page, email=email, password=PASSWORD)
    expect(page).to_have_url(re.compile("/account/factors/verify"))
    give_code(window, site, totp)
    expect(page).to_have_url(re.compile("/keys$"))
    sound(window, axe=axe)


@pytest.mark.parametrize("brand", ["aurora", "boreal"])
def test_an_owner_who_is_invited_sets_up_a_factor_and_works_with_people_but_holds_no_keys(
    visit: OpenVisit, site: AccountSite, brand: str
) -> None:
    email = f"owner@{brand}.example"
    told = ["invite", "--tenant", brand, "--email", email, "--role", "owner"]
    places = ["--root", str(site.runtime.places.root), "--var", str(site.runtime.places.var)]
    assert CliRunner().invoke(staff, [*told, *places], env=site.runtime.environ).exit_code == 0
    window = visit(brand)
    page = window.page
    page.goto(site.link(brand, email))
    sound(window, axe=True)
    fill(page, display_name="Omar of the tests", password=PASSWORD)
    fill(page, email=email, password=PASSWORD)
    if brand == "aurora":
        enrol(window, site, axe=False)
    else:
        add_passkey(window)
    for path in ("/staff/users", "/staff/team", "/staff/audit"):
        assert page.goto(site.origin(brand) + path).ok  # type: ignore[union-attr]
        sound(window, axe=True)
    assert page.goto(site.origin(brand) + "/keys").status == 403  # type: ignore[union-attr]
