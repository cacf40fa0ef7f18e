"""Legal texts: published in versions, read by anybody, agreed to at registration and after a material change."""

from __future__ import annotations

import itertools

import pytest
from copydesk.audit import OPERATOR, read_entries
from copydesk.identity import Role, User
from copydesk.identity.factors.tables import TotpSecret
from copydesk.identity.legal import Draft, LegalKind, legal_texts, publish, version_of
from copydesk.identity.legal.tables import LegalAcceptanceRow
from copydesk.kernel import InvalidInput
from flask import Flask
from form_posts import token_in
from matrix_people import signed_in
from panel_site import Browser, PanelSite, words
from site_seed import HOSTS, NOW, FakeRuntime
from sqlalchemy import select, text
from werkzeug.test import TestResponse

_NUMBERS = itertools.count(1)
TERMS = "# Terms\n\nBe *kind*.\n\n- one\n- two"


@pytest.fixture
def site(app: Flask, runtime: FakeRuntime) -> PanelSite:
    """A site without any text; what was known of an earlier test's is forgotten."""
    site = PanelSite(app, runtime)
    for tenant_id in runtime.tenant_ids.values():
        with runtime.database.tenant(tenant_id) as session:
            for table in ("legal_acceptance", "legal_text", "legal_version"):
                session.execute(text(f"DELETE FROM {table}"))
        app.extensions["copydesk_legal"].forget(tenant_id)
    return site


def publishes(
    site: PanelSite, kind: LegalKind, body: str = TERMS, *, material: bool = True, brand: str = "aurora"
) -> int:
    tenant_id = site.runtime.tenant_ids[brand]
    with site.runtime.database.tenant(tenant_id) as session:
        draft = Draft(kind, {"en": body}, material=material)
        version = publish(session, tenant_id, draft, actor=OPERATOR, author="Mara", at=NOW)
    site.app.extensions["copydesk_legal"].forget(tenant_id)
    return version.id


def person(site: PanelSite, role: Role = Role.FOLLOWER) -> Browser:
    """Open a browser of somebody with an account, signed in with a fresh factor."""
    number, tenant_id = next(_NUMBERS), site.runtime.tenant_ids["aurora"]
    with site.runtime.database.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email=f"reader{number}@example.com", display_name="R", role=str(role))
        user.email_verified_at = user.created_at = NOW
        session.add(user)
        session.flush()
        session.add(signed_in(tenant_id, user.id, f"reader-{number}"))
        sealed = site.runtime.identity_vault.seal(tenant_id, user.id, "totp.secret", "JBSWY3DPEHPK3PXP")
        session.add(TotpSecret(tenant_id=tenant_id, user_id=user.id, confirmed=True, created_at=NOW, sealed=sealed))
    browser = Browser(site.app)
    browser.set_cookie("session", f"reader-{number}", domain=browser.host)
    return browser


def agreed(site: PanelSite) -> list[tuple[int, str, str, str]]:
    with site.runtime.database.tenant(site.runtime.tenant_ids["aurora"]) as session:
        rows = session.scalars(select(LegalAcceptanceRow).order_by(LegalAcceptanceRow.id))
        return [(row.version_id, row.via, row.ip, row.locale) for row in rows]


def registers(browser: Browser, email: str, **typed: str) -> TestResponse:
    page = browser.get("/account/register")
    person = {"role": "follower", "email": email, "display_name": "Kim", "password": "seven small wet stones"}
    return browser.post("/account/register", data={"csrf_token": token_in(page.text)} | person | typed)


def test_a_brand_without_texts_shows_and_asks_nothing(site: PanelSite) -> None:
    browser = Browser(site.app)
    assert "/legal/" not in browser.get("/").text
    assert 'name="legal"' not in browser.get("/account/register").text
    assert browser.get("/legal/terms").status_code == 404
    assert person(site).get("/keys").status_code != 303


def test_a_text_is_read_in_the_newest_version_and_older_ones_stay_under_their_number(site: PanelSite) -> None:
    publishes(site, LegalKind.TERMS)
    publishes(site, LegalKind.TERMS, "# Terms\n\nBe kinder.")
    browser = Browser(site.app)
    page = browser.get("/legal/terms")
    assert "<h2>Terms</h2>" in page.text
    assert "Be kinder." in page.text
    old = browser.get("/legal/terms/1")
    assert "<em>kind</em>" in old.text
    assert "This version no longer holds." in words(old)
    assert browser.get("/legal/terms/3").status_code == 404
    assert browser.get("/legal/nothing").status_code == 404
    assert 'href="/legal/terms"' in browser.get("/").text


def test_one_brand_s_texts_are_nowhere_on_another_s_site(site: PanelSite) -> None:
    publishes(site, LegalKind.TERMS)
    other = Browser(site.app)
    other.host = HOSTS["boreal"]
    assert other.get("/legal/terms").status_code == 404
    assert "/legal/terms" not in other.get("/").text


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHN2Zz4=)",
        "![x](javascript:alert(1))",
        "[x](//evil.example/)",
        "<img src=x onerror=alert(1)>",
    ],
)
def test_nothing_that_an_author_writes_becomes_a_tag_of_their_own(site: PanelSite, bad: str) -> None:
    publishes(site, LegalKind.PRIVACY, f"Text\n\n{bad}")
    page = Browser(site.app).get("/legal/privacy").text
    article = page[page.index("<article") : page.index("</article>")]
    assert not [tag for tag in ("<script", "<img", "href=") if tag in article]


def test_registration_asks_for_all_three_and_writes_down_who_agreed_to_which(site: PanelSite) -> None:
    terms, risk = publishes(site, LegalKind.TERMS), publishes(site, LegalKind.RISK)
    publishes(site, LegalKind.IMPRINT)
    browser = Browser(site.app)
    refused = registers(browser, "kim1@example.com")
    assert refused.status_code == 422
    assert "Tick the box" in words(refused)
    assert 'value="kim1@example.com"' in refused.text
    assert agreed(site) == []
    assert registers(browser, "kim1@example.com", legal=f"{terms}-{risk}").status_code == 303
    assert agreed(site) == [(terms, "registration", "127.0.0.1", "en"), (risk, "registration", "127.0.0.1", "en")]


def test_a_tick_for_a_text_that_changed_meanwhile_does_not_count(site: PanelSite) -> None:
    old = publishes(site, LegalKind.TERMS)
    publishes(site, LegalKind.TERMS, "Other", material=False)
    refused = registers(Browser(site.app), "kim2@example.com", legal=str(old))
    assert refused.status_code == 422
    assert "The texts have changed since this page was opened." in words(refused)


def test_a_known_address_that_registers_again_agrees_to_nothing(site: PanelSite) -> None:
    version = publishes(site, LegalKind.TERMS)
    person(site)
    known = f"reader{next(_NUMBERS) - 1}@example.com"
    assert registers(Browser(site.app), known, legal=str(version)).status_code == 303
    assert agreed(site) == []


def test_a_material_change_comes_before_everything_else_but_leaving(site: PanelSite) -> None:
    follower = person(site)
    version = publishes(site, LegalKind.TERMS)
    for path in ("/account", "/keys/new", "/account/sessions"):
        asked = follower.get(path)
        assert (asked.status_code, asked.location) == (303, f"/legal/accept?next={path.replace('/', '%2F')}")
    assert [follower.get(path).status_code for path in ("/keys", "/account/close", "/account/export")] == [200] * 3
    assert follower.get("/legal/terms").status_code == 200
    page = follower.get("/legal/accept?next=/account/sessions")
    assert "Be <em>kind</em>." in page.text
    unticked = follower.post("/legal/accept", data={"csrf_token": token_in(page.text)})
    assert unticked.status_code == 422
    ticked = {"csrf_token": token_in(page.text), "legal": str(version), "next": "/account/sessions"}
    done = follower.post("/legal/accept", data=ticked)
    assert (done.status_code, done.location) == (303, "/account/sessions")
    assert follower.get("/account/sessions").status_code == 200
    assert agreed(site)[0][1] == "change"


def test_a_corrected_typo_asks_nobody(site: PanelSite) -> None:
    follower = person(site)
    version = publishes(site, LegalKind.TERMS)
    page = follower.get("/legal/accept")
    follower.post("/legal/accept", data={"csrf_token": token_in(page.text), "legal": str(version)})
    publishes(site, LegalKind.TERMS, "Terms, corrected", material=False)
    assert follower.get("/account").status_code == 200
    publishes(site, LegalKind.RISK)
    assert follower.get("/account").status_code == 303


def test_staff_agree_to_nothing_and_an_imprint_asks_nobody(site: PanelSite) -> None:
    follower = person(site)
    publishes(site, LegalKind.IMPRINT)
    assert follower.get("/account").status_code == 200
    publishes(site, LegalKind.TERMS)
    assert site.browser().get("/staff/team").status_code == 200


def test_an_author_writes_a_version_looks_at_it_and_publishes_it(site: PanelSite) -> None:
    owner = site.browser(name="Mara")
    page = owner.get("/panel/legal/terms")
    typed = {"csrf_token": token_in(page.text), "body:en": "# Hello\n\nWorld", "body:de": "# Hallo", "material": "yes"}
    preview = owner.post("/panel/legal/terms", data=typed)
    assert "<h2>Hello</h2>" in preview.text
    assert "/legal/terms" not in Browser(site.app).get("/").text
    assert owner.post("/panel/legal/terms/publish", data=typed).status_code == 303
    german = Browser(site.app)
    german.set_cookie("locale", "de", domain=german.host)
    assert "<h2>Hallo</h2>" in german.get("/legal/terms").text
    listed = words(owner.get("/panel/legal"))
    assert "Version 1" in listed
    assert "0 people" in listed
    with site.runtime.database.tenant(site.runtime.tenant_ids["aurora"]) as session:
        acts = [entry.act for entry in read_entries(session, site.runtime.tenant_ids["aurora"])]
    assert "legal.published" in acts


def test_a_version_without_words_is_refused_and_nothing_is_published(site: PanelSite) -> None:
    owner = site.browser()
    page = owner.get("/panel/legal/risk")
    refused = owner.post("/panel/legal/risk/publish", data={"csrf_token": token_in(page.text), "body:en": "  "})
    assert refused.status_code == 422
    assert "Write the text in at least one language." in words(refused)
    assert Browser(site.app).get("/legal/risk").status_code == 404


def test_a_text_longer_than_a_page_is_refused_by_its_language(site: PanelSite) -> None:
    with pytest.raises(InvalidInput, match=r"text \(en\): expected at most 60000 characters"):
        publishes(site, LegalKind.TERMS, "x" * 60_001)


def test_a_version_keeps_its_words_for_good(site: PanelSite) -> None:
    publishes(site, LegalKind.TERMS, "One")
    publishes(site, LegalKind.TERMS, "Two")
    with site.runtime.database.tenant(site.runtime.tenant_ids["aurora"]) as session:
        first = version_of(session, LegalKind.TERMS, 1)
        assert legal_texts(session, first.id) == {"en": "One"}
