"""The texts of the site as the catalogs hold them: which there are, in which languages, and how each is said.

Reads the compiled catalogs, once per process; English is the source and has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.mofile import read_mo

TRANSLATIONS = Path(__file__).parent / "translations"
SOURCE = "en"
_COMPILED = "LC_MESSAGES/messages.mo"
# Every text has a translation in every catalog (`scripts/check`), so one of them lists all.
LANGUAGES: tuple[str, ...] = (SOURCE, *sorted(path.parent.parent.name for path in TRANSLATIONS.glob(f"*/{_COMPILED}")))


@dataclass(frozen=True, slots=True)
class Text:
    """One text. `msgid` is its English; `forms` its words in one language, several where a number decides."""

    msgid: str
    forms: tuple[str, ...]

    @property
    def counted(self) -> bool:
        """Tell whether a number decides its form."""
        return len(self.forms) > 1


def language_of(locale: str) -> str:
    """Return the catalog that a locale is read from: its own, else its language's, else English."""
    language = locale.replace("-", "_").partition("_")[0]
    return next((tag for tag in (locale, language) if tag in LANGUAGES), SOURCE)


@cache
def texts(language: str = SOURCE) -> Mapping[str, Text]:
    """Return every text by its English, as one of `LANGUAGES` says it."""
    if language != SOURCE:
        return _read(language)
    first = next((known for known in LANGUAGES if known != SOURCE), None)
    return {} if first is None else _read(first, english=True)


def _read(language: str, *, english: bool = False) -> dict[str, Text]:
    with (TRANSLATIONS / language / _COMPILED).open("rb") as file:
        catalog = read_mo(file)
    found = {}
    for message in catalog:
        told = message.id if english else message.string or ""
        if message.id:
            singular = message.id if isinstance(message.id, str) else message.id[0]
            found[singular] = Text(singular, (told,) if isinstance(told, str) else tuple(told))
    return found
