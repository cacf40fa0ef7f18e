"""Second factors as people meet them: set up, given at sign-in, given again, removed."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote

import pytest
from copydesk.identity import Role
from copydesk.identity.access import HoldReason, holds_of
from copydesk.identity.history import sign_in_history
from copydesk.notifications.tables import Mail
from factor_site import CODE, SECRET, FactorSite, Visit
from sqlalchemy import select

LIST, APP, VERIFY, STEP_UP = (f"/account/factors{path}" for path in ("", "/totp", "/verify", "/step-up"))


@pytest.fixture
def enrolled(site: FactorSite) -> Visit:
    """Somebody who has an authenticator app and gave it just now."""
    browser = site.person()
    assert browser.set_up_app().status_code == 200
    return browser


def second_browser(site: FactorSite, first: Visit) -> Visit:
    """The same person elsewhere: the password was right, the factor is still to come."""
    browser = site.again(first.user_id)
    browser.app_of = first.app_of
    return browser


def test_somebody_new_is_shown_what_to_set_up(site: FactorSite) -> None:
    page = site.person().get(LIST)
    assert page.status_code == 200
    assert "Set up a second factor first" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_an_app_is_set_up_with_a_picture_or_by_hand_and_codes_are_shown_once(site: FactorSite) -> None:
    browser = site.person()
    page = browser.get(APP)
    assert 'src="data:image/svg+xml' in page.text
    assert SECRET.search(page.text)
    before = browser.token
    shown = browser.set_up_app()
    assert len(set(CODE.findall(shown.text))) == 10
    assert "data:text/plain" in shown.text
    assert browser.token != before, "the session goes on under its old token"
    assert CODE.findall(browser.get(LIST).text + browser.get("/account/factors/recovery").text) == []


def test_a_wrong_first_code_is_named_at_its_field_and_the_secret_stays(site: FactorSite) -> None:
    browser = site.person()
    secret = SECRET.search(browser.get(APP).text)
    answer = browser.send(APP, code="987654")
    assert answer.status_code == 422
    assert "This code is wrong or was used already." in answer.text
    assert 'id="error-code"' in answer.text
    assert "987654" not in answer.text
    assert SECRET.search(answer.text).group(1) == secret.group(1)


def test_setting_up_the_first_factor_ends_the_sessions_elsewhere(site: FactorSite) -> None:
    here = site.person()
    elsewhere = site.again(here.user_id)
    here.set_up_app()
    assert elsewhere.get(LIST).headers["Location"].startswith("/account/sign-in")


def test_a_password_alone_opens_only_the_second_step(site: FactorSite, enrolled: Visit) -> None:
    browser = second_browser(site, enrolled)
    for page in (LIST, APP, STEP_UP, "/account/factors/recovery", "/account/factors/passkeys", "/account"):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, VERIFY)
    assert browser.get(VERIFY).status_code == 200


def test_the_second_step_takes_a_code_once_and_leads_where_the_visitor_wanted(
    site: FactorSite, enrolled: Visit
) -> None:
    first, second = second_browser(site, enrolled), second_browser(site, enrolled)
    code, before = enrolled.code(), first.token
    answer = first.send(VERIFY, method="totp", code=code, next="/account/sessions?all=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sessions?all=1")
    assert first.token != before
    replay = second.send(VERIFY, method="totp", code=code)
    assert (replay.status_code, code in replay.text) == (422, False)
    assert second.get(LIST).headers["Location"].startswith(VERIFY)


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:0"])
def test_the_second_step_leads_to_no_other_site(site: FactorSite, enrolled: Visit, wanted: str) -> None:
    browser = second_browser(site, enrolled)
    assert browser.send(VERIFY, code=enrolled.code(), next=wanted).headers["Location"] == "/home"


def test_a_wrong_second_step_stands_in_the_history(site: FactorSite, enrolled: Visit) -> None:
    second_browser(site, enrolled).send(VERIFY, method="totp", code="000000")
    with site.runtime.database.tenant(site.tenant_id) as session:
        assert sign_in_history(session, enrolled.user_id)[0].outcome == "factor_wrong"


def test_after_five_wrong_codes_a_right_one_has_to_wait(site: FactorSite, enrolled: Visit) -> None:
    browser = second_browser(site, enrolled)
    answers = [browser.send(VERIFY, method="totp", code="000000").status_code for _ in range(5)]
    assert answers == [422] * 5
    waiting = browser.send(VERIFY, method="totp", code=enrolled.code())
    assert waiting.status_code == 429
    assert "Too many tries. Wait 5 minutes, then try again." in waiting.text
    site.clock.at += timedelta(minutes=5)
    assert browser.send(VERIFY, method="totp", code=enrolled.code()).status_code == 303


def test_a_recovery_code_signs_in_once_and_lets_sensitive_acts_rest(site: FactorSite) -> None:
    owner = site.person()
    code = CODE.findall(owner.set_up_app().text)[0]
    browser = second_browser(site, owner)
    assert "Recovery code" in browser.get(f"{VERIFY}?method=recovery").text
    assert browser.send(VERIFY, method="recovery", code=code.lower()).status_code == 303
    assert "9 codes are left" in browser.get(LIST).text
    assert second_browser(site, owner).send(VERIFY, method="recovery", code=code).status_code == 422
    with site.runtime.database.tenant(site.tenant_id) as session:
        assert [hold.reason for hold in holds_of(session, owner.user_id)] == [HoldReason.RECOVERY_USED]


def test_a_change_of_factors_asks_for_a_fresh_one_and_comes_back(site: FactorSite, enrolled: Visit) -> None:
    site.clock.at += timedelta(minutes=6)
    asked = enrolled.get(APP)
    assert (asked.status_code, unquote(asked.headers["Location"])) == (303, f"{STEP_UP}?next={APP}")
    before = enrolled.token
    answer = enrolled.send(STEP_UP, method="totp", code=enrolled.code(), next=APP)
    assert (answer.status_code, answer.headers["Location"]) == (303, APP)
    assert enrolled.token != before
    assert enrolled.get(APP).status_code == 200


def test_a_change_that_is_sent_without_a_fresh_factor_changes_nothing(site: FactorSite, enrolled: Visit) -> None:
    site.clock.at += timedelta(minutes=6)
    for path in ("/account/factors/recovery", "/account/factors/totp/remove"):
        answer = enrolled.send(path, page=LIST)
        assert (answer.status_code, "second factor of the last five minutes" in answer.text) == (403, True)
    assert "Remove authenticator app after a fresh confirmation" in enrolled.get(LIST).text
    assert "10 codes are left" in enrolled.get(LIST).text


def test_renewed_codes_are_shown_once_and_end_the_old_ones(site: FactorSite) -> None:
    browser = site.person()
    old = CODE.findall(browser.set_up_app().text)
    new = CODE.findall(browser.send("/account/factors/recovery").text)
    assert len(set(new)) == 10 and not set(old) & set(new)


def test_the_last_factor_stays_where_the_brand_asks_for_one(site: FactorSite, enrolled: Visit) -> None:
    answer = enrolled.send("/account/factors/totp/remove", page=LIST)
    assert answer.status_code == 400
    assert "This is your last second factor. Add another one before you remove it." in answer.text
    assert "Move to another phone" in enrolled.get(LIST).text


def test_a_phone_is_a_fallback_that_signs_in_and_never_steps_up(site: FactorSite, enrolled: Visit) -> None:
    site.pigeon.carried.clear()
    sent = enrolled.send("/account/factors/phone", phone="+49 151 12345678")
    assert "ends in 78" in sent.text
    assert "+4915112345678" not in sent.text
    wrong = enrolled.send("/account/factors/phone/confirm", page="/account/factors/phone", code="12", hint="78")
    assert (wrong.status_code, "too old" in wrong.text) == (422, True)
    code = site.pigeon.carried[0][-6:]
    done = enrolled.send("/account/factors/phone/confirm", page="/account/factors/phone", code=code, hint="78")
    assert done.status_code == 303
    site.clock.at += timedelta(minutes=6)
    browser = second_browser(site, enrolled)
    assert "ends in 78" in browser.send("/account/factors/verify/text", page=VERIFY).text
    again = browser.send("/account/factors/verify/text", page=VERIFY)
    assert (again.status_code, "Too many tries" in again.text) == (429, True)
    assert site.pigeon.carried[1].endswith(f"@aurora.localhost #{site.pigeon.carried[1][-6:]}")
    assert browser.send(VERIFY, method="sms", code=site.pigeon.carried[1][-6:]).status_code == 303
    assert browser.get(APP).headers["Location"].startswith(STEP_UP), "a text message counted as fresh"
    assert "Text message" not in browser.get(STEP_UP).text


def test_a_number_that_is_none_is_named_and_kept_in_the_form(site: FactorSite, enrolled: Visit) -> None:
    answer = enrolled.send("/account/factors/phone", phone="0151 1234")
    assert answer.status_code == 422
    assert "Expected a number with its country code" in answer.text
    assert 'value="0151 1234"' in answer.text


@pytest.mark.parametrize("role", [Role.STAFF, Role.OPERATOR])
def test_staff_are_offered_no_phone(site: FactorSite, role: Role) -> None:
    browser = site.person(role)
    browser.set_up_app()
    assert "Add a phone" not in browser.get(LIST).text
    assert browser.get("/account/factors/phone").status_code in {303, 404}


def test_where_a_brand_sends_no_messages_there_is_no_phone_to_add(site: FactorSite, enrolled: Visit) -> None:
    carrier = site.runtime.texters.pop("aurora")
    try:
        assert "Add a phone" not in enrolled.get(LIST).text
        assert enrolled.get("/account/factors/phone").status_code == 404
    finally:
        site.runtime.texters["aurora"] = carrier


def test_an_operator_with_an_app_alone_still_has_to_set_a_passkey_up(site: FactorSite) -> None:
    browser = site.person(Role.OPERATOR)
    browser.set_up_app()
    assert "Set up a passkey first" in browser.get(LIST).text


def test_every_mail_about_factors_names_what_changed(site: FactorSite, enrolled: Visit) -> None:
    query = select(Mail.kind, Mail.facts["factor"].astext).order_by(Mail.id.desc()).limit(2)
    with site.runtime.database.tenant(site.tenant_id) as session:
        told = [tuple(row) for row in session.execute(query)]
    assert told == [("factor_added", "recovery"), ("factor_added", "totp")]
