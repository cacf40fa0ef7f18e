"""The single values of a tenant file: what each may look like, and how a wrong one is refused. Pure."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Hashable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, TypeVar

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, PlainValidator
from pydantic_core import PydanticCustomError

MISFIT = "misfit"
SECRET = "secret"  # noqa: S105 - the name of an error kind, not a password
STORED = "stored:"
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_SECRET_REFERENCE = re.compile(r"secret:[a-z][a-z0-9_]{0,63}\Z")
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
_T = TypeVar("_T", bound=Hashable)


def misfit(expected: str, found: str = "") -> PydanticCustomError:
    """Build a validation error that says what was expected; `found` replaces the value in the report."""
    return PydanticCustomError(MISFIT, "{expected}", {"expected": expected, "found": found})


def matching(pattern: str, expected: str) -> AfterValidator:
    """Take texts that match the pattern as a whole."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise misfit(expected)
        return text

    return AfterValidator(check)


def distinct(values: tuple[_T, ...]) -> tuple[_T, ...]:
    """Take a list that names nothing twice."""
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise misfit("each entry once", f"{', '.join(repeated)} more than once")
    return values


def one_of(names: Sequence[str], what: str) -> str:
    """Say in words that one of several is expected."""
    return f"{what}: {', '.join(sorted(names))}" if names else f"{what} (there is none)"


def placeholders(text: str) -> list[str]:
    """Return the names that a text of the interface has filled in, such as `name` in "Hello %(name)s"."""
    return sorted(set(_PLACEHOLDER.findall(text)))


def _host(text: str) -> str:
    if not _HOST.match(text):
        raise misfit("a lower-case host name without scheme or port, such as desk.example.com")
    return text


@lru_cache(maxsize=1_024)
def _is_locale(text: str) -> bool:
    try:
        Locale.parse(text)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _locale(text: str) -> str:
    if not _is_locale(text):
        raise misfit("a locale such as en, de or pt_BR")
    return text


def _time_zone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise misfit("a time zone such as Europe/Berlin or UTC") from None
    return text


def _secret_reference(value: object) -> str:
    if not isinstance(value, str) or not _SECRET_REFERENCE.match(value):
        raise PydanticCustomError(SECRET, "a reference such as secret:smtp_password")
    return value


def _ratio(value: object) -> Decimal:
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not number or not Decimal(str(value)).is_finite() or not 0 <= Decimal(str(value)) <= 1:
        raise misfit("a number from 0 to 1")
    return Decimal(str(value))


Text = Annotated[str, matching(r"[^\n\r\t]{1,160}", "one line of 1 to 160 characters")]
LongText = Annotated[str, matching(r"[^\x00-\x09\x0b-\x1f]{1,2000}", "a text of 1 to 2000 characters")]
Host = Annotated[str, AfterValidator(_host)]
LocaleTag = Annotated[str, AfterValidator(_locale)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Currency = Annotated[str, matching(r"[A-Z0-9]{2,10}", "a currency code such as EUR or USDT")]
Market = Annotated[
    str,
    matching(
        r"[A-Z0-9]{1,15}/([A-Z0-9]{2,10})(:\1)?",
        "a market such as BTC/USDT (base/quote), or BTC/USDT:USDT for a perpetual settled in its quote",
    ),
]
Color = Annotated[str, matching(r"#[0-9a-fA-F]{6}", 'a color such as "#c2410c" (six digits, in quotes)')]
SecretReference = Annotated[str, PlainValidator(_secret_reference)]
BrokerId = Annotated[str, matching(r"[A-Za-z0-9]{1,16}", "1 to 16 letters or digits")]
Provider = Annotated[str, matching(r"[a-z][a-z0-9_]{1,31}", "a provider name in lower case, such as stripe")]
LetterKind = Annotated[str, matching(r"[a-z][a-z0-9_.]{1,63}", "the kind of a letter, such as confirm_email")]
Email = Annotated[str, matching(r"[^@\s<>]{1,64}@[^@\s<>]{1,190}", "an e-mail address")]
Ratio = Annotated[Decimal, PlainValidator(_ratio)]
