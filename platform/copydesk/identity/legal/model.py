"""Values of legal texts: which kinds there are, one version with its languages, and what is about to be one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

BODY_CHARS_MAX = 60_000


class LegalKind(StrEnum):
    """What a text is. The word is stored, and is part of the page's address."""

    TERMS = "terms"
    PRIVACY = "privacy"
    RISK = "risk"
    IMPRINT = "imprint"


# What people accept; an imprint only tells who runs the site.
ASKED = (LegalKind.TERMS, LegalKind.PRIVACY, LegalKind.RISK)


@dataclass(frozen=True, slots=True)
class LegalVersion:
    """One published version of one text. `material` says that whoever accepted an earlier one is asked again.

    `id` grows with every version of every kind, so that the highest one accepted says what is still to be asked.
    """

    id: int
    kind: LegalKind
    number: int
    published_at: datetime
    author: str
    material: bool
    locales: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LegalText:
    """A version's text in one language, as Markdown."""

    locale: str
    body: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be published: the text in every language that it has, as Markdown."""

    kind: LegalKind
    bodies: Mapping[str, str]
    material: bool = True


def text_for(texts: Mapping[str, str], locale: str, default: str) -> LegalText | None:
    """Return a text in the reader's language, else the brand's first one, else any; None where there is none.

    A text that is binding in a language that the reader did not choose is still the text: hiding it would be worse.
    """
    for tag in (locale, locale.partition("_")[0], default, *sorted(texts)):
        if tag in texts:
            return LegalText(tag, texts[tag])
    return None
