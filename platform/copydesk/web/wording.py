"""A brand's own words: what it calls things in place of the texts that the catalogs give.

`wording` of a tenant file, or the panel, maps a language to texts: the English one as the site has it, and what the
brand says instead. They hold on pages, in live rows and in mails alike. A text whose form a number decides is given
with all forms of its language, " | " between them ("%(num)s lead trader | %(num)s lead traders").

The brand's own sentence, `brand.tagline`, is translated in the same way.

A text stands in pages as it is, inside markup and attributes: so it may hold none itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel import Locale
from flask_babel import Babel, Domain, get_locale, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.tenancy import Tenant, TenantError
from copydesk.web.catalogs import Text, language_of, texts
from copydesk.web.site import site_or_none

FORMS_SEPARATOR = " | "
CHARS_MAX = 600
_HOLE = re.compile(r"%\(\w+\)[sd]|%%|%")
_MARKUP = re.compile(r"[<>\"`]|&#?\w+;|[\x00-\x1f\x7f\u202a-\u202e]")
_CLOSE_ENOUGH = 0.6

Wording = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Term:
    """A text that a brand is likely to say in its own way, and where it stands."""

    msgid: str
    note: LazyString


@dataclass(frozen=True, slots=True)
class Misworded:
    """An own text that cannot be said: in which language, what was expected of it, and what was found."""

    locale: str
    msgid: str
    expected: str
    found: str

    @property
    def key(self) -> str:
        """Return the place in the brand's file."""
        return f"wording.{self.locale}"


def misworded(wording: Wording, own_texts: Sequence[str] = ()) -> list[Misworded]:
    """Return everything that is wrong with a brand's own words; none of those is ever shown.

    `own_texts` are texts of the brand itself, which no catalog has.
    """
    problems = []
    for locale, own in wording.items():
        for msgid, said in own.items():
            english = _english(msgid, own_texts)
            if english is None:
                problems.append(Misworded(locale, msgid, _nearest(msgid), repr(msgid)))
            elif expected := next(_expected(english, locale, said), None):
                problems.append(Misworded(locale, msgid, f"{expected}, for {msgid!r}", repr(said)))
    return problems


def wording_errors(tenant: Tenant) -> list[TenantError]:
    """Return what is wrong with a brand's own words, by line."""
    cascade, own_texts = tenant.cascade.tenant, (tenant.config.brand.tagline,)
    return [
        TenantError(str(tenant.path), cascade.lines.get(one.key, 1), one.key, one.expected, one.found)
        for one in misworded(tenant.config.wording, own_texts)
    ]


def own_words(wording: Wording, locale: str, own_texts: Sequence[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """Return the brand's own forms of each text in a language, without those that cannot be said."""
    language = locale.partition("_")[0]
    merged = {**wording.get(language, {}), **wording.get(locale, {})}
    return {
        msgid: _forms(english, said)
        for msgid, said in merged.items()
        if (english := _english(msgid, own_texts)) is not None and not any(_expected(english, locale, said))
    }


def find_texts(words: str, locale: str, *, most: int = 50) -> list[Text]:
    """Return the texts in which all the words stand, in English or as the language says them, shortest first."""
    wanted = words.casefold().split()
    found = [
        text
        for text in texts(language_of(locale)).values()
        if all(word in f"{text.msgid} {' '.join(text.forms)}".casefold() for word in wanted)
    ]
    return sorted(found, key=lambda text: (len(text.msgid), text.msgid))[:most]


def text_named(msgid: str, locale: str) -> Text | None:
    """Return one text as the catalogs say it in a language; None where the site has no such text."""
    return texts(language_of(locale)).get(msgid)


def forms_number(locale: str) -> int:
    """Return how many forms a number decides between in a language, as its catalog has them."""
    said = texts(language_of(locale))
    return next((len(said[msgid].forms) for msgid, text in texts().items() if text.counted), 1)


def _english(msgid: str, own_texts: Sequence[str]) -> Text | None:
    return texts().get(msgid) or (Text(msgid, (msgid,)) if msgid in own_texts else None)


def _expected(english: Text, locale: str, said: str) -> Iterator[str]:
    """Yield what an own text lacks."""
    if not said.strip() or len(said) > CHARS_MAX:
        yield f"1 to {CHARS_MAX} characters"
    if _MARKUP.search(said):
        yield 'words without markup: no <, >, ", `, entity or control character (“ and ” are fine)'
    forms, count = _forms(english, said), forms_number(locale) if english.counted else 1
    if len(forms) != count:
        yield f"{count} form{'s' * (count != 1)}{' with “ | ” between them' * (count > 1)}"
    for form in forms:
        yield from _holes_expected(english, form)


def _holes_expected(english: Text, form: str) -> Iterator[str]:
    """Yield the placeholders that a form should have: all of the text's, of which a counted one may leave out `num`."""
    meant, found = _holes(english.forms[-1]), _holes(form)
    spared = {"%(num)s", "%(num)d"} if english.counted else set()
    if not (meant - spared <= found <= meant):
        yield f"the placeholders {' '.join(sorted(meant)) or '(none)'}"


def _holes(text: str) -> set[str]:
    return set(_HOLE.findall(text))


def _forms(english: Text, said: str) -> tuple[str, ...]:
    return tuple(form.strip() for form in said.split(FORMS_SEPARATOR)) if english.counted else (said.strip(),)


def _nearest(msgid: str) -> str:
    close = difflib.get_close_matches(msgid, texts(), n=1, cutoff=_CLOSE_ENOUGH)
    return f"a text of the site, such as {close[0]!r}" if close else "a text of the site, in its English words"


class BrandDomain(Domain):  # type: ignore[misc]
    """The catalogs, read once per process, under the own words of the brand that the context is about."""

    def __init__(self) -> None:
        super().__init__()
        self._own: dict[tuple[str, Locale], tuple[Wording, Mapping[str, tuple[str, ...]]]] = {}
        self._catalogs: dict[Locale, Any] = {}

    def gettext(self, string: str, **variables: Any) -> str:
        if not string:
            return ""  # The catalogs answer this with their heads, which name the platform.
        locale = get_locale()
        own = self._own_forms(string, locale)
        said = str(self._catalog(locale).ugettext(string)) if own is None else own[0]
        return said % variables if variables else said

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        locale = get_locale()
        own, catalog = self._own_forms(singular, locale), self._catalog(locale)
        if own is None:
            form = str(catalog.ungettext(singular, plural, num))
        else:
            form = own[min(int(catalog.plural(num)), len(own) - 1)]
        return form % {"num": num, **variables}

    def _own_forms(self, msgid: str, locale: Locale) -> tuple[str, ...] | None:
        site = site_or_none()
        if site is None or not site.tenant.config.wording:
            return None
        return self._words_of(site.tenant, locale).get(msgid)

    def _catalog(self, locale: Locale) -> Any:
        """Return the texts of the context's language, found by the language itself: to spell its name takes longer."""
        known = self._catalogs.get(locale)
        if known is None:
            known = self.get_translations()
            if locale is not None:
                self._catalogs[locale] = known
        return known

    def _words_of(self, tenant: Tenant, locale: Locale) -> Mapping[str, tuple[str, ...]]:
        """Return what was checked once for this revision of the brand: a new one is another object."""
        wording = tenant.config.wording
        known = self._own.get((tenant.slug, locale))
        if known is None or known[0] is not wording:
            known = wording, own_words(wording, str(locale), (tenant.config.brand.tagline,))
            self._own[tenant.slug, locale] = known
        return known[1]


class BrandBabel(Babel):  # type: ignore[misc]
    """Flask-Babel with one domain for the whole process; its own would read the catalogs anew in each context."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._domain = BrandDomain()
        super().__init__(*args, **kwargs)

    @property
    def domain_instance(self) -> BrandDomain:
        return self._domain


_NAVIGATION = lazy_gettext("Navigation")
_ROLE_WORD = lazy_gettext("What people are called")
_ACTION = lazy_gettext("Buttons of the public pages")
_PROMISE = lazy_gettext("Sentences of the landing page")

_TERMS: tuple[tuple[LazyString, tuple[str, ...]], ...] = (
    (_ROLE_WORD, ("Trader", "Follower", "Followers", "Follower %(number)s", "Be copied", "Copy traders")),
    (_NAVIGATION, ("Strategies", "Live desk", "Exchange keys", "Account", "Sign in", "Sign out")),
    (_ACTION, ("Create account", "Compare strategies", "Watch the live desk", "Compare all strategies")),
    (
        _PROMISE,
        (
            "Copy careful traders. See every step they take.",
            "A trader’s every move, copied in milliseconds and explained.",
            "Your money stays at your exchange",
            "Stop whenever you like",
            "Every loss is shown",
        ),
    ),
)
TERMS: tuple[Term, ...] = tuple(Term(msgid, note) for note, msgids in _TERMS for msgid in msgids)
