"""Whoever has an account keeps their language: in the next browser, and in their mails."""

from __future__ import annotations

from account_people import Browser, People
from copydesk.notifications.tables import Mail
from form_posts import submit
from sqlalchemy import select


def language_of(browser: Browser) -> str:
    return browser.get("/nothing-here").text.partition('<html lang="')[2].partition('"')[0]


def test_a_chosen_language_stays_with_the_account_and_follows_into_the_next_browser(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    assert language_of(browser) == "en"
    assert submit(browser, "/language/es").status_code == 303
    assert people.fresh(user).locale == "es"
    other = people.signed_in(user)
    assert language_of(other) == "es"
    assert people.fresh(user).locale == "es"


def test_the_first_sign_in_keeps_the_language_that_was_read(people: People) -> None:
    user, browser = people.add(), people.browser()
    submit(browser, "/language/de")
    browser.sign_in(user.email)
    assert people.fresh(user).locale == "de"


def test_a_language_that_the_brand_gave_up_gives_way_to_the_default(people: People) -> None:
    browser = people.signed_in(people.add(locale="fr"), factor="")
    assert language_of(browser) == "en"


def test_a_stranger_who_chooses_a_language_changes_nobodys_account(people: People) -> None:
    user, browser = people.add(locale="en"), people.browser()
    submit(browser, "/language/de")
    assert language_of(browser) == "de"
    assert people.fresh(user).locale == "en"


def test_mails_are_written_in_the_language_of_the_account(people: People) -> None:
    user = people.add(locale="es")
    submit(people.browser(), "/account/forgot", {"email": user.email})
    with people.database.tenant(user.tenant_id) as session:
        written = session.scalars(select(Mail.locale).where(Mail.recipient == user.email)).all()
    assert written == ["es"]
