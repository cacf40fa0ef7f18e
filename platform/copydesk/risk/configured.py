"""Limits that files set: what is wrong with their lines, and what they say. Pure.

`settings` declares where the lines stand; each wrong one is reported with its file and line, as any other wrong value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from copydesk.kernel import InvalidInput, Misfit, Said
from copydesk.risk.grammar import BadLine, parse
from copydesk.risk.limits import contradictions
from copydesk.risk.model import Limit, Scope, Scoped
from copydesk.risk.profiles import Profile

PLATFORM_LIMITS_KEY = "risk.platform_limits"
CURRENCY_PLAIN = "USDT"


@lru_cache(maxsize=16_384)
def limit_of(line: str) -> Limit:
    """Read a line that was checked before; raises InvalidInput where it never was."""
    return parse(line)


def scoped_limits(scope: Scope, lines: Iterable[str]) -> tuple[Scoped, ...]:
    """Read the lines of one scope; raises InvalidInput."""
    return tuple(Scoped(scope, limit_of(line)) for line in lines)


def platform_misfits(lines: Sequence[str], said: Said) -> Iterator[Misfit]:
    """Name what is wrong with the platform's own limits."""
    del said
    yield from _misfits(Scope.PLATFORM, lines, ())


def brand_misfits(lines: Sequence[str], said: Said) -> Iterator[Misfit]:
    """Name what is wrong with a brand's limits, by themselves and under the platform's."""
    yield from _misfits(
        Scope.TENANT, lines, _platform(said), symbols=_markets(said("exchanges")), currency=_currency(said)
    )


def profile_misfits(lines: Sequence[str], said: Said) -> Iterator[Misfit]:
    """Name what is wrong with a profile; `{currency}` stands for the brand's."""
    currency = _currency(said)
    told = [line.replace("{currency}", currency) for line in lines]
    yield from _misfits(Scope.TENANT, told, _platform(said), symbols=_markets(said("exchanges")), currency=currency)


def within(wider: Iterable[Scoped], currency: str) -> tuple[Scoped, ...]:
    """Leave out amounts in currencies of other brands: they are never judged here."""
    return tuple(scoped for scoped in wider if scoped.limit.threshold.currency in ("", currency))


def _misfits(
    scope: Scope,
    lines: Sequence[str],
    wider: Sequence[Scoped],
    *,
    symbols: frozenset[str] | None = None,
    currency: str | None = None,
) -> Iterator[Misfit]:
    told: list[Scoped] = []
    wrong = False
    for place, line in enumerate(lines):
        try:
            told.append(Scoped(scope, parse(line, symbols=symbols)))
        except BadLine as bad:
            wrong = True
            yield Misfit(bad.expected, bad.found, place)
    if wrong:
        return
    for problem in contradictions([*wider, *told], currency=currency):
        # Of two that contradict each other in one file, the later is the one that is named.
        places = [place for place, scoped in enumerate(told) if scoped == problem.scoped]
        yield Misfit(f"{problem.bound} for {problem.field}", problem.value, places[-1] if places else None)


def _platform(said: Said) -> tuple[Scoped, ...]:
    lines = said(PLATFORM_LIMITS_KEY)
    assert isinstance(lines, list), "the platform's limits are declared as a list"
    try:
        return within(scoped_limits(Scope.PLATFORM, lines), _currency(said))
    except InvalidInput:
        return ()  # It is reported where it stands.


def _currency(said: Said) -> str:
    currency = said("currency")
    return currency if isinstance(currency, str) else CURRENCY_PLAIN


def _markets(exchanges: object) -> frozenset[str] | None:
    """Return the markets that a brand's file offers, as far as it is in order; None where it names none."""
    rows = exchanges if isinstance(exchanges, list) else []
    lists = [row.get("markets") for row in rows if isinstance(row, Mapping)]
    found = frozenset(market for listed in lists if isinstance(listed, list) for market in listed)
    return found or None


PROFILE_KEYS: Mapping[Profile, str] = {profile: f"risk.profiles.{profile}" for profile in Profile}
