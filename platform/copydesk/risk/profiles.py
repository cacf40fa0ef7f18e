"""Named sets of limits, so that a follower picks one and is done. A brand may edit them within the platform's. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from copydesk.risk.grammar import parse
from copydesk.risk.limits import require_consistent
from copydesk.risk.model import Limit, Scope, Scoped


class Profile(StrEnum):
    """How much a follower dares."""

    CONSERVATIVE = "conservative"
    BALANCED = "balanced"
    AGGRESSIVE = "aggressive"


_CONSERVATIVE = (
    "drawdown > 5 % of equity -> warn",
    "drawdown > 8 % of equity -> block_opens",
    "drawdown > 10 % of equity -> close_and_disarm",
    "loss > 3 % of equity per day -> block_opens",
    "loss > 6 % of equity per week -> block_opens",
    "order > 10 % of equity -> shrink",
    "position > 25 % of equity -> shrink",
    "exposure > 100 % of equity -> shrink",
    "positions > 5 -> block_opens",
    "leverage > 2 -> shrink",
    "orders > 10 per minute -> block_opens",
    "depth_share > 1 % -> shrink",
    "volume < 10000000 {currency} per day -> block_opens",
    "overlap > 25 % of equity -> block_opens",
    "correlation > 70 % -> warn",
    "margin_distance < 30 % -> warn",
    "margin_distance < 20 % -> block_opens",
)
_BALANCED = (
    "drawdown > 10 % of equity -> warn",
    "drawdown > 15 % of equity -> block_opens",
    "drawdown > 20 % of equity -> close_and_disarm",
    "loss > 5 % of equity per day -> block_opens",
    "loss > 10 % of equity per week -> block_opens",
    "order > 25 % of equity -> shrink",
    "position > 50 % of equity -> shrink",
    "exposure > 300 % of equity -> shrink",
    "positions > 10 -> block_opens",
    "leverage > 5 -> shrink",
    "orders > 30 per minute -> block_opens",
    "depth_share > 2 % -> shrink",
    "volume < 1000000 {currency} per day -> block_opens",
    "overlap > 50 % of equity -> block_opens",
    "correlation > 80 % -> warn",
    "margin_distance < 15 % -> warn",
    "margin_distance < 10 % -> block_opens",
)
_AGGRESSIVE = (
    "drawdown > 20 % of equity -> warn",
    "drawdown > 30 % of equity -> block_opens",
    "drawdown > 40 % of equity -> close_and_disarm",
    "loss > 10 % of equity per day -> block_opens",
    "loss > 20 % of equity per week -> block_opens",
    "order > 100 % of equity -> shrink",
    "position > 200 % of equity -> shrink",
    "exposure > 1000 % of equity -> shrink",
    "positions > 25 -> block_opens",
    "leverage > 20 -> shrink",
    "orders > 60 per minute -> block_opens",
    "depth_share > 5 % -> shrink",
    "volume < 250000 {currency} per day -> block_opens",
    "overlap > 100 % of equity -> block_opens",
    "correlation > 90 % -> warn",
    "margin_distance < 5 % -> warn",
    "margin_distance < 3 % -> block_opens",
)
# As they are shipped; `{currency}` stands for the brand's quote currency.
PROFILES: Mapping[Profile, tuple[str, ...]] = {
    Profile.CONSERVATIVE: _CONSERVATIVE,
    Profile.BALANCED: _BALANCED,
    Profile.AGGRESSIVE: _AGGRESSIVE,
}


def profile_limits(profile: Profile, *, currency: str) -> tuple[Limit, ...]:
    """Return a profile as it is shipped."""
    return checked_profile(profile, PROFILES[profile], currency=currency)


def checked_profile(
    profile: Profile,
    lines: Iterable[str],
    *,
    currency: str,
    platform: Iterable[Limit] = (),
    symbols: Collection[str] | None = None,
) -> tuple[Limit, ...]:
    """Read a profile as a brand wrote it, with `{currency}` for its quote currency.

    Raises InvalidInput where a line cannot be read, contradicts another, or is looser than a limit of the platform;
    it names the line, the field, the bound and the value.
    """
    where = f"profiles.{profile}"
    limits = tuple(
        parse(line.replace("{currency}", currency), where=f"{where}[{place}]", symbols=symbols)
        for place, line in enumerate(lines)
    )
    # The platform may limit amounts in other currencies as well, those of other brands.
    told = [Scoped(Scope.PLATFORM, limit) for limit in platform if limit.threshold.currency in ("", currency)]
    told += [Scoped(Scope.TENANT, limit) for limit in limits]
    require_consistent(told, where=where, currency=currency)
    return limits
