"""A brand's own words hold wherever the site speaks, and never carry markup or other facts than the site's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import flask_babel
import pytest
from copydesk.bootstrap import declared_settings
from copydesk.notifications import Kind, Waiting
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from copydesk.web.letters import LetterWriter
from copydesk.web.site import Sites
from copydesk.web.wording import TERMS, find_texts, forms_number, misworded, text_named, wording_errors
from flask import Flask
from site_seed import NOW, ROOT, FakeRuntime

OWN = """
wording:
  en:
    Sign in: Enter the desk
    Strategies: Portfolios
    Page not found: Nothing lies here
    '%(num)s code': '%(num)s token | %(num)s tokens'
    'Confirm your e-mail address at %(brand)s': Welcome to %(brand)s
  de:
    Strategies: Portfolios auf Deutsch
"""
Speak = Callable[[str], Flask]


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "tenants"
    shutil.copytree(ROOT / "tenants", folder)
    file = folder / "aurora" / "tenant.yaml"
    file.write_text(f"{file.read_text().partition('wording:')[0]}{OWN}")
    return folder


@pytest.fixture(scope="module")
def runtime(tenants: Path) -> FakeRuntime:
    defaults = ROOT / "config" / "defaults.yaml"
    directory = TenantDirectory(tenants, defaults, themes_dir=ROOT / "themes", settings=declared_settings())
    assert directory.problems() == ()
    return FakeRuntime("postgresql://nobody@127.0.0.1:1/none", directory, tenant_ids={"aurora": 1, "boreal": 2})


@pytest.fixture(scope="module")
def app(runtime: FakeRuntime) -> Flask:
    """An app whose pages here need no database."""
    return create_app(runtime)


def page_of(app: Flask, host: str, language: str) -> str:
    return app.test_client().get("/nothing", headers={"Host": host, "Accept-Language": language}).text


def test_pages_of_the_brand_say_its_words_and_those_of_another_brand_do_not(app: Flask) -> None:
    page = page_of(app, "aurora.localhost", "en")
    assert "Nothing lies here" in page
    assert "Portfolios" in page
    assert "Enter the desk" in page
    other = page_of(app, "boreal.localhost", "en")
    assert "Page not found" in other
    assert "Portfolios" not in other


def test_each_language_has_its_own_words_and_the_usual_ones_beside_them(app: Flask) -> None:
    page = page_of(app, "aurora.localhost", "de")
    assert "Portfolios auf Deutsch" in page
    assert "Seite nicht gefunden" in page


def test_the_brands_own_sentence_is_said_in_the_readers_language() -> None:
    directory = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    runtime = FakeRuntime("postgresql://nobody@127.0.0.1:1/none", directory, tenant_ids={"aurora": 1, "boreal": 2})
    page = page_of(create_app(runtime), "aurora.localhost", "es")
    assert "Invierte junto a traders que dan la cara" in page


def test_a_number_decides_between_the_brands_own_forms(app: Flask, runtime: FakeRuntime) -> None:
    sites: Sites = app.extensions["copydesk_sites"]
    tenant = runtime.directory.by_slug("aurora")
    assert tenant is not None
    with app.test_request_context(base_url="http://aurora.localhost"):
        sites.enter(tenant, "en", "aurora.localhost")
        said = [flask_babel.ngettext("%(num)s code", "%(num)s codes", number) for number in (1, 3)]
    assert said == ["1 token", "3 tokens"]


def test_no_text_is_no_text(app: Flask) -> None:
    with app.test_request_context(), flask_babel.force_locale("de"):
        assert flask_babel.gettext("") == ""


def test_mails_say_the_brands_words(app: Flask, runtime: FakeRuntime) -> None:
    writer = LetterWriter(app, lambda: runtime.tenant_ids, runtime.site_url)
    mail = Waiting(7, 1, "mara@reader.example", Kind.VERIFY_EMAIL, "en", {"hours": "24"}, {"link": "/x"}, NOW, 1)
    assert writer.write(mail).subject == "Welcome to Aurora"


def test_a_brands_words_change_with_its_file(app: Flask, runtime: FakeRuntime, tenants: Path) -> None:
    file = tenants / "boreal" / "tenant.yaml"
    file.write_text(file.read_text().replace("\nwording:\n", "\nwording:\n  en: {Page not found: Lost in the north}\n"))
    assert runtime.directory.refresh()
    assert "Lost in the north" in page_of(app, "boreal.localhost", "en")


@pytest.mark.parametrize(
    ("msgid", "said", "expected"),
    [
        ("Tradr", "x", "a text of the site, such as 'Trader'"),
        ("qqqqq", "x", "a text of the site, in its English words"),
        ("Trader", "<b>Trader</b>", "words without markup"),
        ("Trader", 'Trader" onclick="x', "words without markup"),
        ("Trader", "&lt;script&gt;", "words without markup"),
        ("Trader", "Tra\u202eder", "words without markup"),
        ("Trader", "  ", "1 to 600 characters"),
        ("Trader", "x" * 601, "1 to 600 characters"),
        ("Trader", "100 %", "the placeholders (none)"),
        ("Trader", "%(name)s", "the placeholders (none)"),
        ("Follower %(number)s", "Follower", "the placeholders %(number)s"),
        ("%(num)s code", "%(num)s token", "2 forms with “ | ” between them"),
        ("%(num)s code", "%(num)s token | %(count)s tokens", "the placeholders %(num)s"),
    ],
)
def test_words_that_cannot_be_said_are_refused_with_what_was_expected(msgid: str, said: str, expected: str) -> None:
    (problem,) = misworded({"en": {msgid: said}})
    assert problem.expected.startswith(expected)
    assert problem.key == "wording.en"


@pytest.mark.parametrize("msgid", ["Trader", "Follower %(number)s"])
def test_words_with_the_same_placeholders_are_taken(msgid: str) -> None:
    assert misworded({"de": {msgid: msgid.replace("Trader", "Lead-Trader & Co.")}}) == []


def test_a_counted_text_may_say_its_number_in_words() -> None:
    assert misworded({"en": {"%(num)s code": "one token | %(num)s tokens"}}) == []


def test_words_that_cannot_be_said_are_told_by_line_and_the_usual_ones_stay(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "tenants", tmp_path / "tenants"))
    file = folder / "boreal" / "tenant.yaml"
    file.write_text(file.read_text().replace("\nwording:\n", "\nwording:\n  en: {Page not found: <b>Lost</b>}\n"))
    defaults = ROOT / "config" / "defaults.yaml"
    directory = TenantDirectory(folder, defaults, themes_dir=ROOT / "themes", settings=declared_settings())
    tenant = directory.by_slug("boreal")
    assert tenant is not None
    (error,) = wording_errors(tenant)
    line = 1 + file.read_text().splitlines().index("  en: {Page not found: <b>Lost</b>}")
    assert (error.file, error.line, error.key) == (str(file), line, "wording.en")
    runtime = FakeRuntime("postgresql://nobody@127.0.0.1:1/none", directory, tenant_ids={"aurora": 1, "boreal": 2})
    assert "Page not found" in page_of(create_app(runtime), "boreal.localhost", "en")


def test_every_term_is_a_text_of_the_site() -> None:
    assert [term.msgid for term in TERMS if text_named(term.msgid, "en") is None] == []
    assert len({term.msgid for term in TERMS}) == len(TERMS)


def test_a_text_is_found_by_words_of_it_in_english_or_in_the_language() -> None:
    assert find_texts("log of nothing that exists", "de") == []
    assert "Sign in" in {text.msgid for text in find_texts("anmelden", "de")}
    assert "Sign in" in {text.msgid for text in find_texts("sign IN", "de")}


def test_each_language_has_as_many_forms_as_its_catalog() -> None:
    assert {tag: forms_number(tag) for tag in ("en", "es_MX", "tr", "ar", "ja")} == {
        **{"en": 2, "es_MX": 2, "tr": 2},
        **{"ar": 6, "ja": 2},
    }
