"""What the commands about limits do with an open installation: find whom they are about, and put limits in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id
from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound, decimal_text
from copydesk.marks import Marks
from copydesk.replication import account_place, standing_now, strategy_keys, subscription_lines
from copydesk.risk.grammar import text_of
from copydesk.risk.limits import Holding
from copydesk.risk.model import Measure, Scope, Scoped, Unit
from copydesk.risk.readings import Reading, reading_of
from copydesk.risk.sentences import english
from copydesk.risk.service import Ground, ground_of, limits_of, profile_chosen
from copydesk.risk.store import LimitOwner, SetLimit, limits_set

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Whose:
    """The options that name whom a limit is about; none of them: everybody of the brand."""

    strategy: str | None = None
    account: int | None = None
    subscription: int | None = None


@dataclass(frozen=True)
class Explained:
    """One limit that holds: whose it is, what it does, what it overrules, and how far it is."""

    line: str
    scope: str
    author: str | None
    sentence: str
    overrules: list[dict[str, str]]
    now: str | None
    at: str | None
    left: str | None


class LimitDesk:
    """Look at and change the limits of one brand."""

    def __init__(self, runtime: Runtime, tenant: str) -> None:
        """Raises NotFound for an unknown brand."""
        self.tenant_id = brand_id(runtime, tenant)
        self._tenant = runtime.tenant(self.tenant_id)
        self.ground: Ground = ground_of(self._tenant)
        self._marks = Marks(runtime.hasty_redis)

    def owner(self, session: TenantSession, whose: Whose) -> LimitOwner:
        """Return whom the options name; raises NotFound, and InvalidInput where they name more than one."""
        if sum(value is not None for value in vars(whose).values()) > 1:
            raise InvalidInput("whose: expected one of --strategy, --account and --subscription, found several")
        if whose.strategy is not None:
            return LimitOwner(Scope.STRATEGY, strategy_keys(session, whose.strategy).strategy_id)
        if whose.account is not None:
            account_place(session, whose.account)
            return LimitOwner(Scope.ACCOUNT, whose.account)
        if whose.subscription is not None:
            if not subscription_lines(session, number=whose.subscription):
                raise NotFound(f"there is no subscription {whose.subscription} that has not ended")
            return LimitOwner(Scope.SUBSCRIPTION, whose.subscription)
        return LimitOwner(Scope.TENANT)

    def ground_for(self, session: TenantSession, owner: LimitOwner) -> Ground:
        """Return what a limit stands on: of one account, or subscription, the instruments of its exchange alone."""
        account_id = owner.id if owner.scope is Scope.ACCOUNT else None
        if owner.scope is Scope.SUBSCRIPTION:
            account_id = subscription_lines(session, number=owner.id)[0].account_id
        if account_id is None:
            return self.ground
        place = account_place(session, account_id)
        return ground_of(self._tenant, place=f"{place.venue}-{place.environment}")

    def of_files(self, owner: LimitOwner) -> list[str]:
        """Return the lines of the platform and of the brand's file, which only a change of the files takes back."""
        if owner.scope is not Scope.TENANT:
            return []
        return [f"{scoped.scope}: {text_of(scoped.limit)}" for scoped in self.ground.limits]

    def explain(self, session: TenantSession, subscription_id: int) -> tuple[str | None, list[Explained]]:
        """Return the profile of a subscription and every limit that holds for it; raises NotFound."""
        stands = standing_now(session, subscription_id, self._marks.worth, currency=self.ground.currency)
        holder = stands.holder
        owners = (
            LimitOwner(Scope.TENANT),
            LimitOwner(Scope.STRATEGY, holder.strategy_id),
            LimitOwner(Scope.ACCOUNT, holder.account_id),
            LimitOwner(Scope.SUBSCRIPTION, subscription_id),
        )
        known = {(owner.scope, one.line): one for owner in owners for one in limits_set(session, owner)}
        profile = profile_chosen(one for (scope, _), one in known.items() if scope is Scope.SUBSCRIPTION)
        limits = limits_of(session, self.ground, holder)
        found = [
            _explained(holding, reading_of(holding.scoped, stands.standing), known, self.ground.currency)
            for holding in limits.holdings
        ]
        return profile, found


def _explained(
    holding: Holding, reading: Reading | None, known: dict[tuple[Scope, str], SetLimit], currency: str
) -> Explained:
    scoped = holding.scoped
    line = text_of(scoped.limit)
    stored = known.get((scoped.scope, line))
    return Explained(
        line,
        str(scoped.scope),
        None if stored is None else stored.author,
        english(scoped.limit),
        [{"scope": str(other.scope), "line": text_of(other.limit)} for other in holding.overruled],
        *_figures(scoped, reading, currency),
    )


def _figures(scoped: Scoped, reading: Reading | None, currency: str) -> tuple[str | None, str | None, str | None]:
    """Write what is measured, where the limit lies and what is left, in the unit in which the limit is about it."""
    if reading is None:
        return None, None, None
    measure = scoped.limit.measure

    def shown(value: Decimal | None) -> str | None:
        if value is None:
            return None
        if measure in (Measure.MARGIN_DISTANCE, Measure.CORRELATION):
            return f"{decimal_text((value * 100).quantize(_CENT, ROUND_FLOOR))} %"
        if scoped.limit.threshold.unit in (Unit.COUNT, Unit.TIMES):
            return decimal_text(value)
        return f"{decimal_text(value.quantize(_CENT, ROUND_FLOOR))} {currency}"

    return shown(reading.now), shown(reading.at), shown(reading.left)


def told(explained: Explained) -> Iterator[str]:
    """Put one limit in lines for a person."""
    author = f" ({explained.author})" if explained.author else ""
    yield f"{explained.line}   [{explained.scope}{author}]"
    yield f"    {explained.sentence}"
    if explained.now is not None:
        yield f"    Now {explained.now}, the limit lies at {explained.at}: {explained.left} left."
    elif explained.at is not None:
        yield f"    The limit lies at {explained.at}."
    for other in explained.overrules:
        yield f"    Instead of: {other['line']}   [{other['scope']}]"


def set_json(limits: list[SetLimit]) -> list[dict[str, Any]]:
    """Put limits that were set in plain JSON."""
    return [{"line": one.line, "author": one.author, "at": one.at.isoformat()} for one in limits]
