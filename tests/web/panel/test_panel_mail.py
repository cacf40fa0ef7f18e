"""The mail server and mails in the brand's own words: a password that never shows, previews, and mails to oneself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk.kernel import Unavailable
from copydesk.notifications import Kind, Letter, Mailer
from copydesk.tenancy import Smtp
from copydesk.web.letter_samples import sample_letter
from flask import Flask
from panel_site import PanelSite, StillClock, hidden_of, words
from werkzeug.test import TestResponse

SERVER = {
    "smtp.host": "mail.example.com",
    "smtp.port": "2525",
    "smtp.security": "tls",
    "smtp.username": "desk",
    "smtp.from": "hello@example.com",
}
LETTER = {"kind": "verify_email", "locale": "en"}


class Server:
    """A mail server in the place of the one that would be reached over the network."""

    def __init__(self) -> None:
        self.told: list[tuple[Smtp, str | None]] = []
        self.letters: list[Letter] = []
        self.says = ""

    def __call__(self, smtp: Smtp, password: str | None) -> Mailer:
        self.told.append((smtp, password))
        return self

    def send(self, letter: Letter) -> None:
        if self.says:
            raise Unavailable(self.says)
        self.letters.append(letter)


@pytest.fixture
def server(app: Flask, site: PanelSite) -> Iterator[Server]:
    server = Server()
    app.extensions["copydesk_smtp"] = server
    app.extensions["copydesk_resolve"] = lambda host, _port: ["10.0.0.7" if host == "inside" else "93.184.216.34"]
    site.runtime.secrets.kept.clear()
    site.runtime.postbox.letters.clear()
    yield server
    del app.extensions["copydesk_smtp"], app.extensions["copydesk_resolve"]


def test_a_mail_server_s_password_is_sealed_and_only_its_name_is_published(site: PanelSite, server: Server) -> None:
    mara, nils = site.browser(name="Mara"), site.browser(name="Nils")
    shown = mara.send("/panel/mail", SERVER | {"password": "correct horse battery"})
    assert shown.status_code == 200, words(shown)
    assert "correct horse battery" not in shown.text
    proposed = mara.confirm(shown, "/panel/mail")
    assert proposed.status_code == 303, words(proposed)
    assert site.brand().config.smtp is None
    waits = nils.get(proposed.location)
    assert nils.post(f"{proposed.location}/approve", data=hidden_of(waits)).status_code == 303
    smtp = site.brand().config.smtp
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.from_address) == ("mail.example.com", 2525, "hello@example.com")
    assert smtp.password is not None
    assert site.runtime.secrets.get("aurora", smtp.password.removeprefix("secret:")) == "correct horse battery"
    assert "••••••••tery" in mara.get("/panel/mail").text


def test_a_test_mail_goes_to_whoever_asks_through_what_is_typed(site: PanelSite, server: Server) -> None:
    tested = site.browser().send("/panel/mail", SERVER | {"password": "hunter2", "act": "test"})
    assert tested.status_code == 200, words(tested)
    assert "The server took the mail to person" in words(tested)
    ((smtp, password),) = server.told
    assert (smtp.host, password) == ("mail.example.com", "hunter2")
    (letter,) = server.letters
    assert letter.to.startswith("person")
    assert letter.sender == "hello@example.com"
    assert "hunter2" not in tested.text
    assert site.runtime.secrets.kept == {}


def test_a_server_that_refuses_is_quoted_and_what_was_typed_stays(site: PanelSite, server: Server) -> None:
    server.says = "mail.example.com port 2525: 535 5.7.8 authentication failed"
    tested = site.browser().send("/panel/mail", SERVER | {"password": "hunter2", "act": "test"})
    assert "The server says: mail.example.com port 2525: 535 5.7.8 authentication failed" in words(tested)
    assert 'value="mail.example.com"' in tested.text


def test_nobody_looks_for_mail_servers_inside_the_house(site: PanelSite, server: Server) -> None:
    tested = site.browser().send("/panel/mail", SERVER | {"smtp.host": "inside", "act": "test"})
    assert "inside does not lead into the public internet." in words(tested)
    assert server.told == []


def publish_server(site: PanelSite) -> None:
    mara, nils = site.browser(), site.browser()
    proposed = mara.confirm(mara.send("/panel/mail", SERVER | {"password": "correct horse battery"}), "/panel/mail")
    approved = nils.post(f"{proposed.location}/approve", data=hidden_of(nils.get(proposed.location)))
    assert approved.status_code == 303


@pytest.mark.parametrize("elsewhere", [{"smtp.host": "mail.thief.example"}, {"smtp.port": "2626"}])
def test_nobody_reads_a_stored_password_by_testing_a_server_of_their_own(
    site: PanelSite, server: Server, elsewhere: dict[str, str]
) -> None:
    publish_server(site)
    smtp = site.brand().config.smtp
    assert smtp is not None
    for named in ({}, {"smtp.password": smtp.password or ""}):
        tested = site.browser().send("/panel/mail", SERVER | elsewhere | named | {"act": "test"})
        assert tested.status_code == 422
        assert "Type the password too" in words(tested)
    assert server.told == []
    same = site.browser().send("/panel/mail", SERVER | {"act": "test"})
    assert same.status_code == 200, words(same)
    assert [password for _, password in server.told] == ["correct horse battery"]


def test_nobody_tests_a_server_with_a_password_that_somebody_else_proposed(site: PanelSite, server: Server) -> None:
    mara = site.browser()
    proposed = mara.confirm(mara.send("/panel/mail", SERVER | {"password": "correct horse battery"}), "/panel/mail")
    (waiting,) = site.revisions()
    reference = str(waiting.changes["smtp.password"].put)
    assert proposed.status_code == 303
    typed = SERVER | {"smtp.host": "mail.thief.example", "smtp.password": reference, "act": "test"}
    assert site.browser().send("/panel/mail", typed).status_code == 422
    assert server.told == []


def test_a_wrong_host_is_told_at_its_field_and_nothing_is_sent(site: PanelSite, server: Server) -> None:
    tested = site.browser().send("/panel/mail", SERVER | {"smtp.host": "Mail Server", "act": "test"})
    assert tested.status_code == 422
    assert "Server: expected a lower-case host name" in words(tested)
    assert server.told == []


def change_letter(site: PanelSite, typed: dict[str, str]) -> TestResponse:
    browser = site.browser()
    shown = browser.send("/panel/letters", typed, page=f"/panel/letters?kind={typed['kind']}&locale={typed['locale']}")
    assert shown.status_code == 200, words(shown)
    return browser.confirm(shown, "/panel/letters")


def test_mails_say_the_brand_s_own_words_in_one_language(site: PanelSite, server: Server) -> None:
    typed = LETTER | {"subject": "Welcome at %(brand)s", "lines": "One step is left.\nIt is open for %(hours)s hours."}
    done = change_letter(site, typed)
    assert done.status_code == 303, words(done)
    assert site.brand().config.letters["verify_email"]["en"].subject == "Welcome at %(brand)s"
    page = words(site.browser().get("/panel/letters?kind=verify_email&locale=en"))
    assert "Welcome at Aurora" in page
    assert "It is open for 24 hours." in page
    assert "Confirm this address" in page
    assert "own words" in words(site.browser().get("/panel/letters"))


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_mail_has_a_preview_without_anything_left_unsaid(
    site: PanelSite, server: Server, kind: Kind
) -> None:
    tenant, at = site.brand(), StillClock().now()
    with site.app.test_request_context(base_url="http://aurora.localhost"):
        site.app.extensions["copydesk_sites"].enter(tenant, "en", "aurora.localhost")
        letter = sample_letter(tenant, kind, "de", None, to="n@example.com", origin="https://aurora.example", at=at)
    assert "%(" not in letter.subject + letter.text
    assert letter.lang == "de"
    assert all(fact in letter.text for fact in (["123456"] if kind is Kind.STEP_UP_CODE else []))


def test_the_usual_words_come_back(site: PanelSite, server: Server) -> None:
    change_letter(site, LETTER | {"subject": "Welcome"})
    back = change_letter(site, LETTER | {"subject": "Welcome", "letters:back": "yes"})
    assert back.status_code == 303, words(back)
    assert site.brand().config.letters == {}


@pytest.mark.parametrize(
    ("kind", "lines", "said"),
    [
        ("verify_email", "Hello %(password)s", "found %(password)s"),
        ("verify_email", "Only %(hours) left", "found a placeholder that does not end with )s"),
        ("step_up_code", "Type the code", "Text: expected %(code)s, found nothing of it."),
    ],
)
def test_words_that_could_not_be_said_are_refused_by_name(
    site: PanelSite, server: Server, kind: str, lines: str, said: str
) -> None:
    refused = site.browser().send("/panel/letters", {"kind": kind, "locale": "en", "lines": lines})
    assert refused.status_code == 422
    assert said in words(refused)
    assert lines in words(refused)


def test_a_preview_shows_what_is_typed_and_stores_nothing(site: PanelSite, server: Server) -> None:
    typed = LETTER | {"subject": "100 % yours", "lines": "<b>Bold</b>", "step": "edit"}
    preview = site.browser().send("/panel/letters", typed)
    assert preview.status_code == 200
    assert "100 % yours" in words(preview)
    assert "<b>Bold</b>" not in preview.text
    assert site.revisions() == ()


def test_a_test_letter_goes_to_whoever_asks(site: PanelSite, server: Server) -> None:
    typed = LETTER | {"locale": "de", "subject": "Hallo bei %(brand)s"}
    tested = site.browser().send("/panel/letters/test", typed, page="/panel/letters?kind=verify_email&locale=de")
    assert tested.status_code == 200, words(tested)
    (letter,) = site.runtime.postbox.letters
    assert letter.subject == "Hallo bei Aurora"
    assert letter.lang == "de"
    assert "Bestätigen Sie" in letter.text
