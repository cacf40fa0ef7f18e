"""Every text has a finished translation in every language, and the command that `scripts/check` calls notices."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from copydesk.web.catalog_work import begin, gaps, main, update
from copydesk.web.catalogs import LANGUAGES, texts
from project import ROOT

CODE = """from flask_babel import gettext, ngettext
gettext("Hello %(name)s")
ngettext("%(num)s copy", "%(num)s copies", 2)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small source tree with two texts and a finished Spanish catalog."""
    code = tmp_path / "platform" / "copydesk"
    code.mkdir(parents=True)
    (code / "hello.py").write_text(CODE)
    page = tmp_path / "themes" / "core" / "templates" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text("{% trans %}\n  Good\n  day\n{% endtrans %}")
    translations = tmp_path / "translations"
    translations.mkdir()
    (translations / "messages.pot").write_text('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n')
    begin("es", tmp_path, translations)
    update(tmp_path, translations)
    fill(tmp_path, "Good day", "Buenos días")
    fill(tmp_path, "Hello %(name)s", "Hola, %(name)s")
    file = catalog(tmp_path)
    file.write_text(
        file.read_text().replace('msgstr[0] ""', 'msgstr[0] "una copia"').replace('r[1] ""', 'r[1] "%(num)s copias"')
    )
    return tmp_path


def catalog(tree: Path) -> Path:
    return tree / "translations" / "es" / "LC_MESSAGES" / "messages.po"


def fill(tree: Path, msgid: str, said: str) -> None:
    head, _, rest = catalog(tree).read_text().partition(f'msgid "{msgid}"\nmsgstr "')
    catalog(tree).write_text(f'{head}msgid "{msgid}"\nmsgstr "{said}{rest[rest.index(chr(34)) :]}')


def gaps_of(tree: Path) -> list[str]:
    return gaps(tree, tree / "translations")


def test_no_text_is_missing_unfinished_malformed_or_left_over() -> None:
    assert gaps() == []


def test_the_languages_of_the_product_are_there_and_say_everything() -> None:
    assert LANGUAGES == ("en", "ar", "de", "es", "tr")
    assert {language: len(texts(language)) for language in LANGUAGES} == dict.fromkeys(LANGUAGES, len(texts()))


def test_a_counted_text_has_every_form_of_its_language() -> None:
    found = {tag: {len(text.forms) for text in texts(tag).values() if text.counted} for tag in LANGUAGES}
    assert found == {"ar": {6}, "de": {2}, "en": {2}, "es": {2}, "tr": {2}}


def test_collecting_anew_keeps_every_form_that_a_catalogs_own_head_counts(tree: Path) -> None:
    file = catalog(tree)
    turkish = tree / "translations" / "tr" / "LC_MESSAGES" / "messages.po"
    turkish.parent.mkdir(parents=True)
    turkish.write_text(file.read_text().replace("Language: es", "Language: tr"))
    update(tree, tree / "translations")
    assert 'msgstr[1] "%(num)s copias"' in turkish.read_text()
    assert gaps_of(tree) == []


def test_the_command_that_checks_the_project_checks_its_texts() -> None:
    assert "copydesk.web.catalog_work check" in (ROOT / "scripts" / "check").read_text()
    assert os.access(ROOT / "scripts" / "texts", os.X_OK)


def test_a_finished_catalog_has_no_gaps(tree: Path) -> None:
    assert gaps_of(tree) == []


@pytest.mark.parametrize(
    ("msgid", "said", "gap"),
    [
        ("Good day", "", "es: 'Good day' is not translated"),
        ("Hello %(name)s", "Hola", "es: 'Hello %(name)s' has other placeholders than its translation 'Hola'"),
        ("Hello %(name)s", "Hola, 100 % de %(name)s", "es: 'Hello %(name)s' has other placeholders than"),
    ],
)
def test_a_text_without_a_translation_that_fits_is_told(tree: Path, msgid: str, said: str, gap: str) -> None:
    fill(tree, msgid, said)
    assert [found.startswith(gap) for found in gaps_of(tree)] == [True]


def test_a_fuzzy_translation_is_told_and_never_kept(tree: Path) -> None:
    catalog(tree).write_text(catalog(tree).read_text().replace('msgid "Good day"', '#, fuzzy\nmsgid "Good day"'))
    assert gaps_of(tree) == ["es: 'Good day' is fuzzy"]
    update(tree, tree / "translations")
    assert gaps_of(tree) == ["es: 'Good day' is not translated"]


def test_a_text_that_the_code_has_since_is_told_until_it_is_collected(tree: Path) -> None:
    (tree / "platform" / "copydesk" / "more.py").write_text('from flask_babel import gettext\ngettext("More")\n')
    assert gaps_of(tree) == ["messages.pot is older than the code: it lacks 'More'", "es: 'More' is missing"]
    update(tree, tree / "translations")
    assert gaps_of(tree) == ["es: 'More' is not translated"]


def test_a_text_that_nothing_says_any_more_is_told_and_goes(tree: Path) -> None:
    (tree / "themes" / "core" / "templates" / "page.html").unlink()
    assert gaps_of(tree)[-1] == "es: nothing says 'Good day' any more"
    update(tree, tree / "translations")
    assert gaps_of(tree) == []


def test_a_new_language_begins_with_every_text_and_its_own_forms(tree: Path) -> None:
    file = begin("pl", tree, tree / "translations")
    assert "nplurals=3" in file.read_text()
    assert len([gap for gap in gaps_of(tree) if gap.startswith("pl: ") and gap.endswith("is not translated")]) == 3
    with pytest.raises(ValueError, match="there is a catalog for pl already"):
        begin("pl", tree, tree / "translations")


def test_the_command_refuses_what_it_does_not_know() -> None:
    assert [main([]), main(["add", "en"]), main(["add", "xx_YY"])] == [1, 1, 1]
