"""What somebody with a stolen password, a relayed code or a recovery code may not do to a person's second factors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from copydesk.bootstrap import declared_settings
from copydesk.identity.access import HoldReason, lift_holds, place_hold
from copydesk.identity.factors.tables import Phone
from copydesk.tenancy import TenantDirectory
from copydesk.web.database import db
from factor_site import CODE, SECRET, FactorSite, Visit
from site_seed import ROOT, FakeRuntime, Seeded
from soft_authenticator import SoftAuthenticator
from sqlalchemy import func, select

LIST, APP, PHONE, RECOVERY, KEYS, VERIFY, STEP_UP = (
    f"/account/factors{path}" for path in ("", "/totp", "/phone", "/recovery", "/passkeys", "/verify", "/step-up")
)
CLOSE, EXPORT = "/account/close", "/account/export"


@pytest.fixture(scope="module")
def site(database_url: str, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FactorSite]:
    """A brand that leaves second factors to its people."""
    tenants = tmp_path_factory.mktemp("optional") / "tenants"
    shutil.copytree(ROOT / "tenants", tenants)
    own = tenants / "aurora" / "tenant.yaml"
    own.write_text(f"{own.read_text()}\nidentity:\n  second_factor: optional\n")
    themes = ROOT / "themes"
    brands = TenantDirectory(
        tenants, ROOT / "config" / "defaults.yaml", settings=declared_settings(), themes_dir=themes
    )
    site = FactorSite(FakeRuntime(database_url, brands, tenant_ids=seeded.tenant_ids))
    yield site
    with site.app.app_context():
        db.engine.dispose()


def hold(site: FactorSite, browser: Visit, reason: HoldReason) -> None:
    with site.runtime.database.tenant(site.tenant_id) as session:
        place_hold(session, site.tenant_id, browser.user_id, reason, at=site.clock.at)


def shown_secret(browser: Visit) -> str:
    found = SECRET.search(browser.get(APP).text)
    assert found, "the page shows no secret"
    return "".join(found.group(1).split())


def test_a_phone_is_set_up_only_beside_a_stronger_factor(site: FactorSite) -> None:
    browser = site.person()
    site.pigeon.carried.clear()
    assert "Set up an authenticator app or a passkey first." in browser.get(PHONE).text
    for path in (PHONE, f"{PHONE}/confirm"):
        refused = browser.send(path, page=LIST, phone="+49 151 1234567", code="123456")
        assert (refused.status_code, "Set up an authenticator app or a passkey first." in refused.text) == (400, True)
    assert site.pigeon.carried == []


def test_a_phone_from_before_the_first_factor_does_not_outlive_it(site: FactorSite) -> None:
    browser = site.person()
    with site.runtime.database.tenant(site.tenant_id) as session:
        planted = {"tenant_id": site.tenant_id, "user_id": browser.user_id, "hint": "67", "created_at": site.clock.at}
        session.add_all([Phone(**planted, confirmed=True), Phone(**planted)])
    browser.set_up_app()
    with site.runtime.database.tenant(site.tenant_id) as session:
        assert session.scalar(select(func.count()).where(Phone.user_id == browser.user_id)) == 0


def test_a_secret_that_was_shown_elsewhere_is_never_the_one_that_is_set_up(site: FactorSite) -> None:
    thief = site.person()
    owner = site.again(thief.user_id)
    seen = shown_secret(thief)
    owner.set_up_app()
    assert owner.app_of.secret != seen
    back = site.again(owner.user_id)
    back.app_of = pyotp.TOTP(seen)
    assert back.send(VERIFY, code=back.code()).status_code == 422


@pytest.mark.parametrize("reason", [HoldReason.NEW_LOCATION, HoldReason.PASSWORD_RESET])
def test_after_something_unusual_factors_stay_as_they_are_and_the_account_is_not_closed(
    site: FactorSite, reason: HoldReason
) -> None:
    browser = site.person()
    browser.set_up_app()
    hold(site, browser, reason)
    assert [browser.get(path).status_code for path in (APP, KEYS, PHONE, RECOVERY, CLOSE)] == [403] * 5
    sent = (APP, f"{APP}/remove", KEYS, PHONE, RECOVERY, CLOSE)
    assert [browser.send(path, page=LIST).status_code for path in sent] == [403] * 6
    assert "To protect you, this rests until" in browser.get(APP).text
    with site.runtime.database.tenant(site.tenant_id) as session:
        lift_holds(session, browser.user_id, reason, at=site.clock.at)
    assert browser.get(APP).status_code == 200


def test_the_first_factor_is_set_up_even_in_a_new_place(site: FactorSite) -> None:
    browser = site.person()
    hold(site, browser, HoldReason.NEW_LOCATION)
    assert browser.set_up_app().status_code == 200


def test_who_has_no_factor_may_still_leave_and_take_their_data_along(site: FactorSite) -> None:
    browser = site.person()
    assert [browser.get(path).status_code for path in (CLOSE, EXPORT)] == [200, 200]


def test_a_stranger_with_the_password_keeps_nobody_from_confirming(site: FactorSite) -> None:
    owner = site.person()
    owner.set_up_app()
    thief = site.again(owner.user_id)
    answers = [thief.send(VERIFY, method="totp", code="000000").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert owner.send(STEP_UP, method="totp", code=owner.code()).status_code == 303
    assert thief.send(VERIFY, method="totp", code="000000").status_code == 429, "a step-up forgave a stranger's guesses"


def test_who_waits_for_codes_signs_in_by_recovery_code_or_passkey_at_once(site: FactorSite) -> None:
    owner, key = site.person(), SoftAuthenticator("http://aurora.localhost")
    code = CODE.findall(owner.set_up_app().text)[0]
    made = key.create(owner.passkey_options(KEYS))
    assert owner.send(KEYS, page=LIST, credential=made).status_code == 303
    by_code, by_key = site.again(owner.user_id), site.again(owner.user_id)
    for _ in range(6):
        waiting = by_code.send(VERIFY, method="totp", code="000000").status_code
    assert waiting == 429
    assert by_code.send(VERIFY, method="recovery", code=code).status_code == 303
    answer = key.get(by_key.passkey_options(VERIFY))
    assert by_key.send(VERIFY, page="/nothing-here", method="passkey", credential=answer).status_code == 303


def test_a_recovery_code_confirms_a_change_of_factors_and_nothing_else(site: FactorSite) -> None:
    owner = site.person()
    codes = CODE.findall(owner.set_up_app().text)
    browser = site.again(owner.user_id)
    assert browser.send(VERIFY, method="recovery", code=codes[0]).status_code == 303
    assert "Recovery code" not in browser.get(f"{STEP_UP}?next={EXPORT}").text
    assert browser.send(STEP_UP, method="recovery", code=codes[1], next=EXPORT).status_code == 422
    assert browser.get(APP).headers["Location"].startswith(STEP_UP)
    confirmed = browser.send(STEP_UP, page=f"{STEP_UP}?next={APP}", method="recovery", code=codes[1], next=APP)
    assert (confirmed.status_code, confirmed.headers["Location"]) == (303, APP)
    assert browser.get(EXPORT).headers["Location"].startswith(STEP_UP)
    assert browser.set_up_app().status_code == 303
    site.clock.at += timedelta(minutes=5)
    assert browser.get(APP).headers["Location"].startswith(STEP_UP)
