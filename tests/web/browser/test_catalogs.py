"""Every text has a finished translation in every locale that a shipped brand offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[3]
TRANSLATIONS = ROOT / "platform" / "copydesk" / "web" / "translations"
LOCALES = sorted(path.name for path in TRANSLATIONS.iterdir() if path.is_dir())
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}


def catalog(path: Path, locale: str | None = None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def texts_in_use() -> set[str | tuple[str, ...]]:
    with (TRANSLATIONS / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file, "babel.cfg")
    found: set[str | tuple[str, ...]] = set()
    for folder in (ROOT / "platform" / "copydesk", ROOT / "themes"):
        for _file, _line, message, _comments, _context in extract_from_dir(folder, methods, options, KEYWORDS):
            found.add(message)
    return found


def test_german_and_arabic_are_there() -> None:
    assert {"ar", "de"} <= set(LOCALES)


@pytest.mark.parametrize("locale", LOCALES)
def test_no_text_is_missing_unfinished_or_malformed(locale: str) -> None:
    translated = catalog(TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po", locale)
    problems = []
    for text in texts_in_use():
        message = translated.get(text[0] if isinstance(text, tuple) else text)
        forms = () if message is None else (message.string if isinstance(message.string, tuple) else (message.string,))
        if not forms or not all(forms) or message.fuzzy:
            problems.append(text)
    problems += [message.id for message in translated if list(message.check(translated))]
    assert problems == []


@pytest.mark.parametrize("locale", LOCALES)
def test_no_text_is_left_that_nothing_uses(locale: str) -> None:
    translated = catalog(TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po", locale)
    used = texts_in_use()
    assert [message.id for message in translated if message.id and message.id not in used] == []
