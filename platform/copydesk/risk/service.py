"""Use cases around limits: set one, clear one, pick a profile, and say which hold. Each is one transaction's part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound
from copydesk.risk.configured import scoped_limits, within
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.limits import Flaw, LimitSet, Problem, contradictions, effective, key_of
from copydesk.risk.model import Limit, Measure, Scope, Scoped
from copydesk.risk.profiles import Profile, checked_profile
from copydesk.risk.settings import LIMITS, PLATFORM_LIMITS, PROFILE_LINES
from copydesk.risk.store import (
    Holder,
    LimitOwner,
    SetLimit,
    delete_limits,
    limits_set,
    read_limits,
    store_limits,
)
from copydesk.tenancy import Tenant, setting_value

AUTHOR_LEN_MAX = 100
_PROFILE = "profile:"


@dataclass(frozen=True)
class Ground:
    """What a brand's limits stand on: its currency and markets, and what the platform's and its own file say.

    `profiles` are the brand's, as lines.
    """

    currency: str
    markets: frozenset[str]
    limits: tuple[Scoped, ...]
    profiles: dict[Profile, tuple[str, ...]]


def ground_of(tenant: Tenant, *, place: str | None = None) -> Ground:
    """Return what holds for every subscription of a brand by its files alone.

    Its markets are those of one exchange's environment ("binance-lab") where a `place` is named.
    """
    currency = tenant.config.currency
    there = [one for one in tenant.config.exchanges if place in (None, f"{one.venue}-{one.environment}")]
    markets = frozenset(market for exchange in there for market in exchange.markets)
    profiles = {profile: tuple(setting_value(tenant, lines, list)) for profile, lines in PROFILE_LINES.items()}
    return Ground(currency, markets, file_limits(tenant), profiles)


def file_limits(tenant: Tenant) -> tuple[Scoped, ...]:
    """Return the limits of the platform and of the brand that their files set, in this brand's currency."""
    told = scoped_limits(Scope.PLATFORM, setting_value(tenant, PLATFORM_LIMITS, list))
    return within((*told, *scoped_limits(Scope.TENANT, setting_value(tenant, LIMITS, list))), tenant.config.currency)


def limits_of(session: TenantSession, ground: Ground, holder: Holder) -> LimitSet:
    """Return the limits that hold for a subscription, with whose each is and what it overrules."""
    return effective((*ground.limits, *read_limits(session, [holder]).of(holder)))


def set_limit(session: TenantSession, ground: Ground, subject: LimitOwner, line: str, *, author: str) -> str:
    """Set one limit, in place of one that differs from it in nothing but where it lies; return its line.

    Raises InvalidInput for a line that says no limit, and for one that cannot stand beside the others.
    """
    author = _author(author)
    told = Scoped(subject.scope, parse(line, where="limit", symbols=ground.markets))
    before = limits_set(session, subject)
    kept = [known for known in before if key_of(known.scoped) != key_of(told)]
    _require(session, ground, subject, [*(known.scoped for known in kept), told])
    delete_limits(session, subject, [known.line for known in before if known not in kept])
    store_limits(session, subject, [text_of(told.limit)], author)
    return text_of(told.limit)


def clear_limit(session: TenantSession, subject: LimitOwner, line: str) -> str:
    """Take a limit back and return its line; raises NotFound where this subject has no such limit."""
    wanted = text_of(parse(line))
    if wanted not in (known.line for known in limits_set(session, subject)):
        whose = str(subject.scope) if subject.scope is Scope.TENANT else f"{subject.scope} {subject.id}"
        raise NotFound(f'the {whose} has no limit "{wanted}"')
    delete_limits(session, subject, [wanted])
    return wanted


def choose_profile(session: TenantSession, ground: Ground, subscription_id: int, profile: Profile) -> list[str]:
    """Give a subscription a profile's limits in place of another profile's, and return their lines.

    What its owner set by hand stays, and goes before the profile's limit of the same kind. Raises InvalidInput where
    the profile is looser than the brand's or the platform's limits, or contradicts what stays.
    """
    subject = LimitOwner(Scope.SUBSCRIPTION, subscription_id)
    before = limits_set(session, subject)
    own = [known for known in before if not known.author.startswith(_PROFILE)]
    taken = {key_of(known.scoped) for known in own}
    limits = [limit for limit in profile_of(ground, profile) if key_of(Scoped(subject.scope, limit)) not in taken]
    _require(
        session,
        ground,
        subject,
        [*(known.scoped for known in own), *(Scoped(subject.scope, limit) for limit in limits)],
        where=f"profile {profile}",
    )
    delete_limits(session, subject, [known.line for known in before if known not in own])
    lines = [text_of(limit) for limit in limits]
    store_limits(session, subject, lines, f"{_PROFILE}{profile}")
    return lines


def profile_of(ground: Ground, profile: Profile) -> tuple[Limit, ...]:
    """Return a profile as the brand has it; raises InvalidInput where the platform's limits have become tighter."""
    platform = tuple(scoped.limit for scoped in ground.limits if scoped.scope is Scope.PLATFORM)
    return _checked(profile, ground.profiles[profile], ground.currency, platform, ground.markets)


@lru_cache(maxsize=64)
def _checked(
    profile: Profile, lines: tuple[str, ...], currency: str, platform: tuple[Limit, ...], symbols: frozenset[str]
) -> tuple[Limit, ...]:
    """Check a profile once for as long as nothing that is said of it changes: every page of a brand asks for it."""
    return checked_profile(profile, lines, currency=currency, platform=platform, symbols=symbols)


def profile_chosen(limits: Iterable[SetLimit]) -> Profile | None:
    """Name the profile that a subscription has picked, None where it has none."""
    names = {known.author.removeprefix(_PROFILE) for known in limits if known.author.startswith(_PROFILE)}
    return Profile(names.pop()) if names else None


def _require(
    session: TenantSession, ground: Ground, subject: LimitOwner, told: Sequence[Scoped], *, where: str = ""
) -> None:
    """Refuse limits that cannot stand under the brand's and the platform's, or beside each other."""
    above: list[Scoped] = list(ground.limits)
    if subject.scope is not Scope.TENANT:
        above += [known.scoped for known in limits_set(session, LimitOwner(Scope.TENANT))]
    else:
        # What the brand sets here and what its file sets are of one scope; the tighter of both holds.
        above = [scoped for scoped in above if scoped.scope is Scope.PLATFORM]
    # What stands above may contradict itself, in the brand's file and by hand: that is not for those below to mend.
    mine = [problem for problem in contradictions([*above, *told], currency=ground.currency) if _is_of(problem, told)]
    if mine:
        raise InvalidInput(f"{where}: {mine[0]}" if where else str(mine[0]), code=f"limit_{mine[0].flaw}")


def _is_of(problem: Problem, told: Sequence[Scoped]) -> bool:
    if problem.flaw is Flaw.NOTHING_ALLOWED:
        return any(scoped.limit.measure is Measure.INSTRUMENTS for scoped in told)
    return problem.scoped in told


def _author(author: str) -> str:
    author = " ".join(author.split())
    if not author or len(author) > AUTHOR_LEN_MAX or author.startswith(_PROFILE):
        raise InvalidInput(f"by: expected a name of 1 to {AUTHOR_LEN_MAX} characters, found {author[:60] or 'none'}")
    return author
