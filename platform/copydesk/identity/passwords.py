"""What makes a password good enough: long, not known to everybody, and not about its owner.

No rule about kinds of characters and no expiry (NIST SP 800-63B, 3.1.1; OWASP ASVS 5.0 V6.2). The list of 30,000 common
passwords comes with zxcvbn, which also sees patterns: keyboard rows, dates, words with a number behind them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from copydesk.identity.model import Role

LENGTH_MAX = 128
STAFF_LENGTH_MIN = 12
# As many guesses as an attacker with the stored hash makes in a day on one machine at this cost, tenfold.
GUESSES_MIN = 10**8
# zxcvbn looks at every part of a password, and its time grows steeply: 0.2 s at this length, 1.6 s at 64.
_LOOKED_AT = 24
# Four characters at most become one, so that what is longer than this is too long in any case. To compose a long row
# of accents takes the square of its length.
_COMPOSED_AT = 4 * LENGTH_MAX + 1
_WORD_MIN = 4
_WORDS = re.compile(r"[^\W\d_]+")


class PasswordFault(StrEnum):
    """Why a password is not taken."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    PERSONAL = "personal"
    GUESSABLE = "guessable"


@dataclass(frozen=True, slots=True)
class PasswordTerms:
    """What a password of this person on this brand is held against: length, and words that count for nothing."""

    length_min: int
    words: frozenset[str]


def password_terms(length_min: int, role: Role, known: Iterable[str]) -> PasswordTerms:
    """Return the terms for a role; `known` are texts that anybody may know: brand, address, name."""
    words = {word.lower() for text in known for word in _WORDS.findall(text) if len(word) >= _WORD_MIN}
    staff = role in {Role.STAFF, Role.OPERATOR}
    return PasswordTerms(max(length_min, STAFF_LENGTH_MIN) if staff else length_min, frozenset(words))


def plain_password(typed: str) -> str:
    """Return a password as it is hashed: every character as typed, in the one way that Unicode composes it.

    NFC, as RFC 8265 has it for passwords: "é" is the same from every keyboard, and no two different characters become
    one, as NFKC would have it. What is far too long is cut, and still too long.
    """
    return unicodedata.normalize("NFC", typed[:_COMPOSED_AT])


def password_fault(password: str, terms: PasswordTerms) -> PasswordFault | None:
    """Return why a password is not good enough, None where it is."""
    if len(password) > LENGTH_MAX:
        return PasswordFault.TOO_LONG
    if len(password) < terms.length_min:
        return PasswordFault.TOO_SHORT
    if _is_common(password):
        return PasswordFault.COMMON
    if len(_without(password, terms.words)) < terms.length_min and _without(password, terms.words) != password.lower():
        return PasswordFault.PERSONAL
    return PasswordFault.GUESSABLE if _guesses(password, terms.words) < GUESSES_MIN else None


def _is_common(password: str) -> bool:
    from zxcvbn.matching import RANKED_DICTIONARIES  # type: ignore[import-untyped]

    return password.lower() in RANKED_DICTIONARIES["passwords"]


def _without(password: str, words: frozenset[str]) -> str:
    """Take words that anybody may know out, the longest first."""
    left = password.lower()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left


def _guesses(password: str, words: frozenset[str]) -> int:
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]

    return int(zxcvbn(password[:_LOOKED_AT], user_inputs=sorted(words))["guesses"])
