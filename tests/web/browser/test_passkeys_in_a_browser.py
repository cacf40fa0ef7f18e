"""A passkey in a real browser: Chromium's virtual authenticator signs what the page's own script hands it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_site import LiveRuntime, Visit
from factor_site import FactorSite, HandClock
from playwright.sync_api import expect

LIST, KEYS, VERIFY = (f"/account/factors{path}" for path in ("", "/passkeys", "/verify"))
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def people(live_runtime: LiveRuntime) -> FactorSite:
    """People of the first brand; their sessions begin at the time that the served pages stand at."""
    return FactorSite(live_runtime, HandClock())


def carry(visit: Visit, token: str) -> None:
    """Give the window a session: what a sign-in's answer does."""
    visit.context.add_cookies([{"name": "session", "value": token, "url": visit.origin}])


def test_a_passkey_is_set_up_and_then_signs_in(people: FactorSite, open_brand: Callable[..., Visit]) -> None:
    person, visit = people.person(), open_brand("aurora", width=390)
    devtools = visit.context.new_cdp_session(visit.page)
    devtools.send("WebAuthn.enable")
    device = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
    carry(visit, person.token)
    page = visit.go(KEYS)
    page.get_by_label("Name of this passkey").fill("My phone")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    assert visit.axe() == []
    page.get_by_role("link", name="I have kept my codes").click()
    expect(page.get_by_text("1 passkey is set up.")).to_be_visible()
    visit.context.clear_cookies()
    carry(visit, people.again(person.user_id).token)
    page = visit.go(VERIFY)
    assert visit.axe() == []
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
    page.get_by_role("button", name="Confirm sign-in").click()
    expect(page).to_have_url(f"{visit.origin}/home")
    page = visit.go(KEYS)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This device already holds a passkey of yours for this site.")).to_be_visible()
    assert visit.complaints == []
