"""A brand's own words for a mail: which facts they may name, which they must, and what is wrong with them. Pure.

The button with its link, the words about what to do if it was somebody else, and the line that says why the mail came
are the platform's in every mail: no wording can leave them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from copydesk.notifications.model import KINDS, LINK, Kind
from copydesk.tenancy import Tenant, TenantError

BRAND = "brand"
LINES_MAX = 20
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_STRAY = re.compile(r"%(?!\(\w+\)s)\(")
# Without these facts the mail would be of no use; the link stands on its button, whatever the words are.
_NEEDED: Mapping[Kind, frozenset[str]] = {
    Kind.STEP_UP_CODE: frozenset({"code"}),
    Kind.NOTICE: frozenset({"notices"}),
}


class OwnLetter(Protocol):
    """A mail in a brand's own words; what is left out keeps the platform's words."""

    @property
    def subject(self) -> str | None: ...

    @property
    def lines(self) -> Sequence[str]: ...


def letter_facts(kind: Kind) -> tuple[str, ...]:
    """Name the facts that the words of a kind may hold, as `%(name)s`."""
    return (BRAND, *sorted(KINDS[kind] - {LINK}))


def needed_facts(kind: Kind) -> tuple[str, ...]:
    """Name the facts that the words of a kind must hold."""
    return tuple(sorted(_NEEDED.get(kind, frozenset())))


def letter_faults(kind: str, letter: OwnLetter) -> tuple[tuple[str, str, str], ...]:
    """Return what is wrong with a brand's words: the field ("subject", "lines", "kind"), expected, found."""
    if kind not in set(Kind):
        return (("kind", f"one of {', '.join(sorted(Kind))}", kind),)
    return tuple(_faults(Kind(kind), letter))


def own_letter_errors(tenant: Tenant) -> list[TenantError]:
    """Return what is wrong with the mails in a brand's own words, by line; such words are never sent."""
    lines = tenant.cascade.tenant.lines
    errors = []
    for kind, spoken in tenant.config.letters.items():
        for locale, letter in spoken.items():
            key = f"letters.{kind}.{locale}"
            for _field, expected, found in letter_faults(kind, letter):
                errors.append(TenantError(str(tenant.path), lines.get(key, 1), key, expected, found))
    return errors


def filled(text: str, facts: Mapping[str, str]) -> str | None:
    """Return a brand's sentence with its facts, None where one is missing; a percent sign is only a percent sign."""
    if not set(_PLACEHOLDER.findall(text)) <= facts.keys():
        return None
    return _PLACEHOLDER.sub(lambda found: facts[found.group(1)], text)


def _faults(kind: Kind, letter: OwnLetter) -> Iterator[tuple[str, str, str]]:
    known = ", ".join(f"%({name})s" for name in letter_facts(kind))
    for field, texts in (("subject", [letter.subject or ""]), ("lines", list(letter.lines))):
        for text in texts:
            strange = sorted(set(_PLACEHOLDER.findall(text)) - set(letter_facts(kind)))
            if strange or _STRAY.search(text):
                found = ", ".join(f"%({name})s" for name in strange) or "a placeholder that does not end with )s"
                yield field, f"placeholders out of {known}", found
    if len(letter.lines) > LINES_MAX:
        yield "lines", f"at most {LINES_MAX} paragraphs", str(len(letter.lines))
    missing = set(needed_facts(kind)) - set(_PLACEHOLDER.findall(" ".join(letter.lines)))
    if letter.lines and missing:
        yield "lines", ", ".join(f"%({name})s" for name in sorted(missing)), "nothing of it"
