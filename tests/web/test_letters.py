"""Letters: every kind in every language, in the brand's name, with links to the brand's own site only."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from copydesk.db import Database
from copydesk.kernel import ConfigError
from copydesk.notifications import KINDS, Kind, Letter, Waiting, queue_mail
from copydesk.web.letters import LetterWriter, on_color
from copydesk.web.mail_words import TEXTS
from copydesk.web.post import Post
from flask import Flask
from site_seed import NOW, FakeRuntime

FACTS = {
    "link": "/account/verify/abc?x=1",
    "hours": "24",
    "minutes": "30",
    "days": "7",
    "left": "9",
    "at": NOW.isoformat(),
    "held_until": (NOW + timedelta(days=1)).isoformat(),
    "ip": "203.0.113.9",
    "agent": "Firefox on Linux",
    "factor": "totp",
    "role": "risk",
    "exchange": "okx",
    "label": "Main account",
    "right": "Enable Withdrawals",
    "reason": "key_can_withdraw",
    "who": "nils@example.org",
    "change": "granted",
    "count": "3",
    "strategy": "Steady",
    "code": "123456",
}
PLACES = [("aurora", "en"), ("aurora", "de"), ("aurora", "es"), ("boreal", "ar"), ("boreal", "tr")]


class Links(HTMLParser):
    """Every address that a page leads to or loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in {"href", "src", "action", "background"}]


@pytest.fixture(scope="module")
def writer(app: Flask, runtime: FakeRuntime) -> LetterWriter:
    return LetterWriter(app, lambda: runtime.tenant_ids, runtime.site_url)


def waiting(runtime: FakeRuntime, brand: str, kind: Kind, locale: str, **changes: str) -> Waiting:
    facts = {name: value for name, value in {**FACTS, **changes}.items() if name in KINDS[kind]}
    return Waiting(7, runtime.tenant_ids[brand], "mara@reader.example", kind, locale, facts, {}, NOW, 1)


def test_every_kind_has_its_words_and_every_fact_of_it_is_said_somewhere() -> None:
    assert TEXTS.keys() == KINDS.keys() == set(Kind)
    for kind, text in TEXTS.items():
        said = "".join(str(one) for one in (text.subject, *text.sentences))
        facts = set(re.findall(r"%\((\w+)\)s", said)) - {"brand"}
        assert facts | {"link"} >= KINDS[kind] >= facts, kind
        assert (text.button is not None) <= ("link" in KINDS[kind])


@pytest.mark.parametrize(("brand", "locale"), PLACES)
def test_a_letter_of_any_kind_is_whole_and_leads_to_the_brands_own_site_only(
    runtime: FakeRuntime, writer: LetterWriter, brand: str, locale: str
) -> None:
    origin = f"http://{brand}.localhost:8000"
    for kind in Kind:
        letter = writer.write(waiting(runtime, brand, kind, locale))
        assert (letter.sender, letter.lang) == (f"no-reply@{brand}.localhost", locale)
        for body in (letter.subject, letter.text, letter.html):
            assert "%(" not in body, kind
            assert letter.sender_name.lower() in body.lower(), kind
        links = Links(letter.html)
        expected = [origin + FACTS["link"]] if TEXTS[kind].button is not None else []
        assert links.found == expected, kind
        assert not {"img", "script", "link", "iframe", "form"} & set(links.tags)
        assert re.findall(r"https?://\S+", letter.text) == expected, kind


@pytest.mark.parametrize(("brand", "locale"), PLACES)
def test_a_letter_without_any_fact_says_what_it_can(
    runtime: FakeRuntime, writer: LetterWriter, brand: str, locale: str
) -> None:
    for kind in Kind:
        letter = writer.write(Waiting(7, runtime.tenant_ids[brand], "a@b.example", kind, locale, {}, {}, NOW, 1))
        assert letter.subject
        assert "%(" not in letter.text + letter.html


def test_the_direction_and_the_time_are_the_readers(runtime: FakeRuntime, writer: LetterWriter) -> None:
    arabic = writer.write(waiting(runtime, "boreal", Kind.PASSWORD_CHANGED, "ar"))
    assert '<html lang="ar" dir="rtl">' in arabic.html
    english = writer.write(waiting(runtime, "aurora", Kind.PASSWORD_CHANGED, "en"))
    assert "March 1, 2026" in english.text
    assert re.search(r"1:00:00\s*PM", english.text), "the brand's clocks are in Berlin"


def test_names_of_roles_and_factors_are_the_readers(runtime: FakeRuntime, writer: LetterWriter) -> None:
    german = writer.write(waiting(runtime, "aurora", Kind.INVITED_STAFF, "de", role="owner, night-desk"))
    assert "Inhaber, night-desk" in german.text
    assert "Authenticator-App" in writer.write(waiting(runtime, "aurora", Kind.FACTOR_ADDED, "de")).text


def test_a_language_that_the_brand_does_not_offer_is_written_in_its_own(
    runtime: FakeRuntime, writer: LetterWriter
) -> None:
    assert writer.write(waiting(runtime, "aurora", Kind.INVITED, "ar")).lang == "en"


@pytest.mark.parametrize("fact", ["label", "right", "reason"])
def test_what_somebody_chose_freely_is_text_and_no_mail_program_makes_a_link_of_it(
    runtime: FakeRuntime, writer: LetterWriter, fact: str
) -> None:
    chosen = '<a href="https://evil.example">x</a>\r\nhttps://evil.example www.evil.example you@evil.example'
    letter = writer.write(waiting(runtime, "aurora", Kind.KEY_DISARMED, "en", **{fact: chosen}))
    assert Links(letter.html).found == ["http://aurora.localhost:8000/account/verify/abc?x=1"]
    for body in (letter.text, letter.html):
        assert "evil.example" not in body
        assert "https://evil" not in body
    assert "\r" not in letter.text


def test_a_brand_whose_file_is_gone_writes_later(writer: LetterWriter) -> None:
    with pytest.raises(ConfigError):
        writer.write(Waiting(7, 999_999, "a@b.example", Kind.INVITED, "en", {}, {}, NOW, 1))


@pytest.mark.parametrize(("color", "text"), [("#c2410c", "#ffffff"), ("#22d3ee", "#000000"), ("#000000", "#ffffff")])
def test_text_on_the_brands_color_is_readable(color: str, text: str) -> None:
    assert on_color(color) == text


def test_mail_that_a_page_stores_is_sealed_written_and_sent_by_the_post_beside_it(
    app: Flask, runtime: FakeRuntime, database_url: str
) -> None:
    tenant_id = runtime.tenant_ids["aurora"]
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(tenant_id) as session:
        queue_mail(
            *(session, tenant_id, runtime.identity_vault),
            to="mara@reader.example",
            kind="reset_password",
            locale="de",
            facts={"minutes": "30"},
            secret_facts={"link": "/account/reset/token"},
            at=NOW,
        )
    database.dispose()
    assert Post(app, runtime).postman.sweep() == 1
    [letter] = runtime.postbox.letters
    assert isinstance(letter, Letter)
    assert "http://aurora.localhost:8000/account/reset/token" in letter.text
