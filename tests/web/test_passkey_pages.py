"""Passkeys over the site's own pages, with an authenticator in software that behaves well or badly."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from copydesk.identity import Role
from copydesk.identity.factors import forgive
from factor_site import CODE, OPTIONS, FactorSite, Visit
from soft_authenticator import SoftAuthenticator
from werkzeug.test import TestResponse

LIST, KEYS, VERIFY, STEP_UP = (f"/account/factors{path}" for path in ("", "/passkeys", "/verify", "/step-up"))
ORIGIN = "http://aurora.localhost"


def register(browser: Visit, key: SoftAuthenticator, label: str = "") -> TestResponse:
    return answer(browser, KEYS, key.create(browser.passkey_options(KEYS)), label=label)


def answer(browser: Visit, page: str, credential: str, **fields: str) -> TestResponse:
    """Send an answer without loading the page anew, which would ask another question."""
    return browser.send(page, page=LIST if page == KEYS else "/nothing-here", credential=credential, **fields)


def sign_in(browser: Visit, key: SoftAuthenticator) -> TestResponse:
    return answer(browser, VERIFY, key.get(browser.passkey_options(VERIFY)), method="passkey")


def owner_of(site: FactorSite, key: SoftAuthenticator, role: Role = Role.FOLLOWER) -> Visit:
    browser = site.person(role)
    assert register(browser, key).status_code == 200
    return browser


@pytest.mark.parametrize(("role", "counts"), [*((role, True) for role in Role), (Role.FOLLOWER, False)])
def test_a_passkey_is_set_up_and_signs_in_for_every_role(site: FactorSite, role: Role, counts: bool) -> None:
    key = SoftAuthenticator(ORIGIN, counts=counts)
    browser = site.person(role)
    shown = register(browser, key, label="Work\0 laptop")
    assert len(set(CODE.findall(shown.text))) == 10
    assert "Work laptop" in browser.get(KEYS).text
    for _ in range(2):
        assert sign_in(site.again(browser.user_id), key).status_code == 303


def test_an_answer_is_taken_once(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN, counts=False)
    owner = owner_of(site, key)
    first, second = site.again(owner.user_id), site.again(owner.user_id)
    credential = key.get(first.passkey_options(VERIFY))
    second.passkey_options(VERIFY)
    assert answer(second, VERIFY, credential, method="passkey").status_code == 422
    assert answer(first, VERIFY, credential, method="passkey").status_code == 303
    step = answer(first, STEP_UP, credential, method="passkey")
    assert (step.status_code, "This passkey did not fit." in step.text) == (422, True)


def test_a_question_is_not_answered_after_five_minutes(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN)
    browser = site.again(owner_of(site, key).user_id)
    credential = key.get(browser.passkey_options(VERIFY))
    site.clock.at += timedelta(minutes=5)
    assert answer(browser, VERIFY, credential, method="passkey").status_code == 422


def test_a_copied_site_gets_nothing_of_use(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN)
    browser = site.again(owner_of(site, key).user_id)
    key.origin = "http://aurora.localhost.evil.example"
    assert sign_in(browser, key).status_code == 422


def test_a_passkey_made_for_another_site_is_not_set_up(site: FactorSite) -> None:
    refused = register(site.person(), SoftAuthenticator("http://boreal.localhost"))
    assert (refused.status_code, "This passkey did not fit." in refused.text) == (422, True)


def test_a_counter_that_goes_back_gives_a_copied_key_away(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN)
    owner = owner_of(site, key)
    assert sign_in(site.again(owner.user_id), key).status_code == 303
    key.count -= 1
    assert sign_in(site.again(owner.user_id), key).status_code == 422


def test_nobody_signs_in_with_another_persons_passkey(site: FactorSite) -> None:
    mine, theirs = SoftAuthenticator(ORIGIN), SoftAuthenticator(ORIGIN)
    owner_of(site, mine)
    browser = site.again(owner_of(site, theirs).user_id)
    assert sign_in(browser, mine).status_code == 422


@pytest.mark.parametrize(("role", "status"), [(Role.FOLLOWER, 200), (Role.STAFF, 422), (Role.OPERATOR, 422)])
def test_staff_need_a_passkey_that_checks_who_holds_it(site: FactorSite, role: Role, status: int) -> None:
    assert register(site.person(role), SoftAuthenticator(ORIGIN, verifies=False)).status_code == status


def test_staff_sign_in_only_when_the_passkey_checked_them(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN)
    browser = site.again(owner_of(site, key, Role.STAFF).user_id)
    assert json.loads(browser.passkey_options(VERIFY))["userVerification"] == "required"
    key.verifies = False
    assert sign_in(browser, key).status_code == 422


def test_the_same_passkey_is_not_known_twice(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN)
    browser = owner_of(site, key)
    assert register(browser, key).status_code == 422
    assert json.loads(browser.passkey_options(KEYS))["excludeCredentials"]


@pytest.mark.parametrize(
    "credential",
    ["", "null", "[]", "{}", '{"id": 1}', "[" * 5_000, '{"id":"a","rawId":"a","type":"public-key","response":{}}'],
)
def test_what_is_no_answer_is_refused_like_a_wrong_one(site: FactorSite, credential: str) -> None:
    owner = owner_of(site, SoftAuthenticator(ORIGIN))
    browser = site.again(owner.user_id)
    browser.passkey_options(VERIFY)
    assert answer(browser, VERIFY, credential, method="passkey").status_code == 422
    owner.passkey_options(KEYS)
    assert answer(owner, KEYS, credential).status_code == 422


def test_a_bent_answer_is_refused_wherever_it_is_bent(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN, counts=False)
    owner = owner_of(site, key)
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        browser = site.again(owner.user_id)
        bent = json.loads(key.get(browser.passkey_options(VERIFY)))
        bent["response"][name] = "A" + bent["response"][name][1:]
        bent["response"][name] += "AAAA"
        assert answer(browser, VERIFY, json.dumps(bent), method="passkey").status_code == 422
        with site.runtime.database.tenant(site.tenant_id) as session:
            forgive(session, owner.user_id)


def test_an_operator_steps_up_with_a_passkey_alone(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN)
    browser = site.person(Role.OPERATOR)
    browser.set_up_app()
    assert register(browser, key).status_code == 303
    site.clock.at += timedelta(minutes=6)
    page = browser.get(STEP_UP).text
    assert "Authenticator app" not in page and OPTIONS.search(page)
    refused = browser.send(STEP_UP, method="totp", code=browser.code())
    assert refused.status_code == 422
    stepped = answer(browser, STEP_UP, key.get(browser.passkey_options(STEP_UP)), method="passkey", next=KEYS)
    assert (stepped.status_code, stepped.headers["Location"]) == (303, KEYS)


def test_one_of_two_passkeys_can_be_removed_and_ends_the_sessions_elsewhere(site: FactorSite) -> None:
    first, second = SoftAuthenticator(ORIGIN), SoftAuthenticator(ORIGIN)
    browser = owner_of(site, first)
    register(browser, second)
    elsewhere = site.again(browser.user_id)
    assert sign_in(elsewhere, second).status_code == 303
    number = browser.get(KEYS).text.partition('id="passkey-')[2].partition('"')[0]
    gone = browser.send(f"{KEYS}/{number}/remove", page=LIST)
    assert (gone.status_code, gone.headers["Location"]) == (303, KEYS)
    assert elsewhere.get(LIST).headers["Location"].startswith("/account/sign-in")
    last = browser.get(KEYS).text.partition('id="passkey-')[2].partition('"')[0]
    assert browser.send(f"{KEYS}/{last}/remove", page=LIST).status_code == 400
    assert sign_in(site.again(browser.user_id), first).status_code == 422


def test_another_persons_passkey_is_not_there(site: FactorSite) -> None:
    theirs = owner_of(site, SoftAuthenticator(ORIGIN))
    number = theirs.get(KEYS).text.partition('id="passkey-')[2].partition('"')[0]
    mine = owner_of(site, SoftAuthenticator(ORIGIN))
    assert mine.send(f"{KEYS}/{number}/remove", page=LIST).status_code == 404
    assert mine.send(f"{KEYS}/{2**70}/remove", page=LIST).status_code == 404
    assert f'id="passkey-{number}"' in theirs.get(KEYS).text


def test_an_answer_without_a_question_is_refused(site: FactorSite) -> None:
    key = SoftAuthenticator(ORIGIN)
    browser = site.person()
    credential = key.create(browser.passkey_options(KEYS))
    other = site.person()
    assert answer(other, KEYS, credential).status_code == 422


def test_nobody_keeps_more_than_ten_passkeys(site: FactorSite) -> None:
    browser = owner_of(site, SoftAuthenticator(ORIGIN))
    for _ in range(9):
        assert register(browser, SoftAuthenticator(ORIGIN)).status_code == 303
    page = browser.get(KEYS).text
    assert "You have 10 passkeys, the most that one person may have." in page
    assert not OPTIONS.search(page)
