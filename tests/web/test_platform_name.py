"""Nothing that a brand's visitors, followers or owners get names the platform: pages, files, headers, cookies, mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from copydesk.db import Database
from copydesk.notifications import KINDS, Waiting
from copydesk.notifications.message import message_of
from copydesk.web.letters import LetterWriter
from flask import Flask
from matrix_people import NOBODY, PERSONAS, Persona, seed_people, token_of
from matrix_table import TABLE
from site_seed import HOSTS, NOW, ROOT, STRATEGIES, FakeRuntime, Seeded
from test_letters import FACTS
from werkzeug.test import TestResponse

NAME = re.compile("copy[-_ ]?desk", re.IGNORECASE)
BY_NAME = {persona.name: persona for persona in PERSONAS}
# Each kind of visitor once, and both brands with every page that is everybody's.
VISITS = [("aurora", "nobody"), ("boreal", "nobody"), ("boreal", "follower"), ("aurora", "owner")]
PAGES = sorted({row.path for row in TABLE if row.method == "GET" and "<" not in row.path})
# Pages that prove that somebody got in.
SEEN = {
    "nobody": ("/", "/account/sign-in", "/manifest.webmanifest"),
    "follower": ("/account", "/keys", "/keys/new"),
    "owner": ("/panel", "/panel/history", "/staff/team", "/staff/audit", "/risk"),
}
LINKED = re.compile(r'(?:href|src|content)="(/(?:theme|brand|icon|card|legal|strategies|panel|desk/)[^"#]*)"')
SERVED = (".css", ".js", ".svg", ".html", ".json", ".txt", ".webmanifest")


@dataclass(frozen=True)
class Site:
    app: Flask

    def visit(self, brand: str, persona: Persona) -> Iterator[tuple[str, TestResponse]]:
        """Open every page and file that somebody is led to, from the addresses that need nothing in them."""
        browser = self.app.test_client()
        if persona is not NOBODY:
            browser.set_cookie("session", token_of(persona, brand), domain=HOSTS[brand])
        waiting = [
            *PAGES,
            f"/strategies/{STRATEGIES[brand][0]}",
            "/nothing-here",
            "/desk/0",
            "/strategies/x/equity.json",
        ]
        met = set(waiting)
        while waiting:
            path = waiting.pop()
            answer = browser.get(path, base_url=f"http://{HOSTS[brand]}", buffered=True)
            yield path, answer
            if answer.mimetype == "text/html":
                found = {urlsplit(link).path for link in LINKED.findall(answer.text)} - met
                met |= found
                waiting += sorted(found)


@pytest.fixture(scope="module")
def site(app: Flask, runtime: FakeRuntime, seeded: Seeded, database_url: str) -> Iterator[Site]:
    database = Database.connect(database_url, pool_size=1)
    seed_people(database, seeded, runtime.identity_vault)
    yield Site(app)
    database.dispose()


def named_in(answer: TestResponse) -> list[str]:
    """Return where an answer names the platform: a header or a line."""
    headers = [f"{name}: {value}" for name, value in answer.headers.items()]
    text = answer.get_data().decode("utf-8", "ignore")
    return [line.strip()[:160] for line in (*headers, *text.splitlines()) if NAME.search(line)]


@pytest.mark.parametrize(("brand", "who"), VISITS)
def test_no_page_or_file_of_a_brand_names_the_platform(site: Site, brand: str, who: str) -> None:
    named, statuses = {}, {}
    for path, answer in site.visit(brand, BY_NAME[who]):
        statuses[path] = answer.status_code
        if found := named_in(answer):
            named[path] = found
    assert named == {}
    assert [statuses[path] for path in (*SEEN[who], "/nothing-here")] == [200] * len(SEEN[who]) + [404]


def test_no_answer_to_a_stranger_a_mistake_or_a_form_names_the_platform(site: Site) -> None:
    browser = site.app.test_client()
    answers = [
        browser.get("/", base_url="http://nobody.example"),
        browser.get("/health", base_url="http://nobody.example"),
        browser.post("/account/sign-in", base_url=f"http://{HOSTS['aurora']}"),
        browser.post("/account/register", base_url=f"http://{HOSTS['aurora']}", data=b"x" * 100_000),
        browser.delete("/", base_url=f"http://{HOSTS['aurora']}"),
        browser.get("/staff", base_url=f"http://{HOSTS['aurora']}"),
    ]
    assert [named_in(answer) for answer in answers] == [[]] * len(answers)


def test_no_letter_names_the_platform(site: Site, runtime: FakeRuntime, seeded: Seeded) -> None:
    writer = LetterWriter(site.app, lambda: seeded.tenant_ids, runtime.site_url)
    for brand, locale in (("aurora", "en"), ("boreal", "ar")):
        for kind in KINDS:
            facts = {name: value for name, value in FACTS.items() if name in KINDS[kind]}
            waiting = Waiting(1, seeded.tenant_ids[brand], "one@example.org", kind, locale, facts, {}, NOW, 1)
            letter = writer.write(waiting)
            headers = [f"{name}: {value}" for name, value in message_of(letter).items()]
            assert [said for said in (*headers, letter.text, letter.html) if NAME.search(said)] == [], kind


def test_no_file_that_a_theme_serves_names_the_platform() -> None:
    files = [path for path in (ROOT / "themes").glob("*/static/**/*") if path.suffix in SERVED]
    assert len(files) > 20
    assert [str(path) for path in files if NAME.search(path.read_text("utf-8"))] == []


def test_no_sentence_of_a_page_or_mail_names_the_platform() -> None:
    for catalog in (ROOT / "platform" / "copydesk" / "web" / "translations").glob("*/LC_MESSAGES/messages.po"):
        texts = catalog.read_text("utf-8").split("\n\n")[1:]  # The first is about the catalog itself.
        said = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
        assert [line for line in said if NAME.search(line)] == [], catalog
