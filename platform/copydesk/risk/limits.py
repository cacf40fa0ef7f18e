"""Which limits hold where several people set them, and which contradict each other. Pure.

Of two limits that differ in nothing but where they lie the tighter holds, whoever set it; whose it is stays known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import InvalidInput
from copydesk.risk.grammar import bounds_text, fits, text_of, threshold_text
from copydesk.risk.measures import (
    COVERS,
    MEASURES,
    NAMES_MAX,
    UNSPOKEN_BASES,
    UNSPOKEN_WINDOWS,
    Comparison,
    Subject,
    tighter,
)
from copydesk.risk.model import Action, Basis, Limit, Measure, Scope, Scoped, Threshold, Unit, Window

_RANK: Mapping[Scope, int] = {scope: rank for rank, scope in enumerate(Scope)}
_PLACE: Mapping[Measure, int] = {measure: place for place, measure in enumerate(MEASURES)}
_SEVERITY: Mapping[Action, int] = {action: severity for severity, action in enumerate(Action)}
# Whose limits a narrower scope may not exceed. A trader's own may change at any time: they overrule, and refuse nobody.
_MASTERS = (Scope.PLATFORM, Scope.TENANT)


class Line(NamedTuple):
    """What limits must have in common to be compared: an amount and a percentage never are."""

    subject: Subject
    measure: Measure
    basis: Basis
    window: Window
    unit: Unit
    currency: str


class Key(NamedTuple):
    """What limits must have in common for the tighter to replace the other."""

    line: Line
    action: Action


class Holding(NamedTuple):
    """A limit that holds, and the ones that it overrules or repeats, widest scope first."""

    scoped: Scoped
    overruled: tuple[Scoped, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitSet:
    """The limits that hold, in the order of the measures. Empty where nobody limits anything."""

    holdings: tuple[Holding, ...] = ()

    def __iter__(self) -> Iterator[Scoped]:
        return (holding.scoped for holding in self.holdings)

    def __len__(self) -> int:
        return len(self.holdings)

    def of(self, measure: Measure) -> tuple[Scoped, ...]:
        """Return what holds of one measure."""
        return tuple(scoped for scoped in self if scoped.limit.measure is measure)


class Flaw(StrEnum):
    """Why limits cannot stand together."""

    OUT_OF_BOUNDS = "out_of_bounds"
    BEYOND_MASTER = "beyond_master"
    TOLD_TWICE = "told_twice"
    TOO_LATE = "too_late"
    NOTHING_ALLOWED = "nothing_allowed"
    CURRENCY_FOREIGN = "currency_foreign"


@dataclass(frozen=True, slots=True)
class Problem:
    """One contradiction: the field that is wrong, the bound that it breaks, and the value found."""

    flaw: Flaw
    scoped: Scoped
    field: str
    bound: str
    value: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.bound}, found {self.value}."


def subject_of(scoped: Scoped) -> Subject:
    """Tell whose numbers a limit measures; a list measures nobody's, so that all lists meet."""
    if scoped.limit.threshold.unit is Unit.NAMES:
        return Subject.SUBSCRIPTION
    account = scoped.scope is Scope.ACCOUNT or MEASURES[scoped.limit.measure].account_only
    return Subject.ACCOUNT if account else Subject.SUBSCRIPTION


def key_of(scoped: Scoped) -> Key:
    """Return what a limit has in common with those that it is compared to."""
    limit = scoped.limit
    threshold = limit.threshold
    line = Line(subject_of(scoped), limit.measure, limit.basis, limit.window, threshold.unit, threshold.currency)
    return Key(line, limit.action)


def effective(limits: Iterable[Scoped]) -> LimitSet:
    """Return the limits that hold: of each key the tighter, of equal ones the widest scope's.

    Lists of instruments meet: what holds is what all of them allow, in the name of the shortest list.
    """
    by_key: dict[Key, list[Scoped]] = {}
    for scoped in limits:
        by_key.setdefault(key_of(scoped), []).append(scoped)
    keys = sorted(by_key, key=lambda key: (_PLACE[key.line.measure], *key.line, _SEVERITY[key.action]))
    return LimitSet(tuple(_holding(by_key[key]) for key in keys))


def contradictions(limits: Iterable[Scoped], *, currency: str | None = None) -> tuple[Problem, ...]:
    """Name everything in these limits that cannot stand.

    Where `currency` is given, amounts in another one are named too: they would never be judged there.
    """
    limits = sorted(limits, key=lambda scoped: _RANK[scoped.scope])
    found = [problem for scoped in limits for problem in _misfits(scoped, currency)]
    lines = [(key_of(scoped).line, scoped) for scoped in limits]
    for place, (line, right) in enumerate(lines):
        for other, left in lines[:place]:
            if other == line:
                found += _clashes(left, right)
    return (*found, *_empty_meets(limits))


def require_consistent(limits: Iterable[Scoped], *, where: str = "", currency: str | None = None) -> None:
    """Refuse limits that contradict each other.

    Raises InvalidInput with the first problem, whose code is `limit_` and its flaw.
    """
    problem = next(iter(contradictions(limits, currency=currency)), None)
    if problem:
        raise InvalidInput(f"{where}: {problem}" if where else str(problem), code=f"limit_{problem.flaw}")


def field_of(limit: Limit) -> str:
    """Name what a limit is about, in the words of the grammar: "loss of equity per day -> close"."""
    basis = "" if limit.basis in UNSPOKEN_BASES else f" of {limit.basis}"
    window = "" if limit.window in UNSPOKEN_WINDOWS else f" per {limit.window}"
    return f"{limit.measure}{basis}{window} -> {limit.action}"


def _holding(told: list[Scoped]) -> Holding:
    told = sorted(told, key=lambda scoped: _RANK[scoped.scope])
    if told[0].limit.threshold.unit is Unit.NAMES:
        return _meet(told)
    best = told[0]
    for scoped in told[1:]:
        if tighter(scoped.limit, best.limit):
            best = scoped
    return Holding(best, tuple(scoped for scoped in told if scoped is not best))


def _meet(told: list[Scoped]) -> Holding:
    names = frozenset.intersection(*(scoped.limit.threshold.names for scoped in told))
    best = min(told, key=lambda scoped: len(scoped.limit.threshold.names))
    limit = best.limit
    met = Limit(limit.measure, Threshold(unit=Unit.NAMES, names=names), limit.basis, limit.window, limit.action)
    return Holding(Scoped(best.scope, met), tuple(scoped for scoped in told if scoped is not best))


def _misfits(scoped: Scoped, currency: str | None) -> list[Problem]:
    limit, found = scoped.limit, []
    threshold, rule = limit.threshold, MEASURES[limit.measure]
    telling = rule.telling(threshold.unit)
    if telling is None or limit.basis not in telling.bases or limit.window not in rule.windows:
        found.append(_problem(Flaw.OUT_OF_BOUNDS, scoped, "a unit, basis and window of this measure", text_of(limit)))
    elif threshold.unit is Unit.NAMES:
        if not 1 <= len(threshold.names) <= NAMES_MAX:
            names = str(len(threshold.names))
            found.append(_problem(Flaw.OUT_OF_BOUNDS, scoped, f"from 1 to {NAMES_MAX} instruments", names))
    elif not fits(telling, threshold.value):
        bounds = bounds_text(telling, threshold.currency)
        found.append(_problem(Flaw.OUT_OF_BOUNDS, scoped, bounds, threshold_text(threshold)))
    if limit.action not in rule.actions:
        ways = f"one of {', '.join(rule.actions)}"
        found.append(_problem(Flaw.OUT_OF_BOUNDS, scoped, ways, str(limit.action)))
    if currency and threshold.currency not in ("", currency):
        found.append(_problem(Flaw.CURRENCY_FOREIGN, scoped, f"an amount in {currency}", threshold_text(threshold)))
    return found


def _clashes(wide: Scoped, narrow: Scoped) -> Iterator[Problem]:
    """Compare two limits of one line; `wide` is of the wider scope, or was said first."""
    if wide.limit.measure is Measure.INSTRUMENTS:
        return
    if wide.scope is narrow.scope:
        yield from _within_scope(wide, narrow)
        return
    covered = wide.scope in _MASTERS and narrow.limit.action in COVERS[wide.limit.action]
    if covered and tighter(wide.limit, narrow.limit):
        bound = f"{_side(narrow.limit)} {threshold_text(wide.limit.threshold)}, the {wide.scope}'s limit"
        yield _problem(Flaw.BEYOND_MASTER, narrow, bound, threshold_text(narrow.limit.threshold))


def _within_scope(first: Scoped, second: Scoped) -> Iterator[Problem]:
    if first.limit.action is second.limit.action:
        bound = f"one limit ({threshold_text(first.limit.threshold)})"
        yield _problem(Flaw.TOLD_TWICE, second, bound, threshold_text(second.limit.threshold))
        return
    for mild, strong in ((first, second), (second, first)):
        if mild.limit.action in COVERS[strong.limit.action] and not tighter(mild.limit, strong.limit):
            side = "more than" if _side(mild.limit) == "at least" else "less than"
            bound = f"{side} the {threshold_text(strong.limit.threshold)} of {strong.limit.action}"
            yield _problem(Flaw.TOO_LATE, mild, bound, threshold_text(mild.limit.threshold))


def _empty_meets(limits: list[Scoped]) -> Iterator[Problem]:
    for holding in effective(scoped for scoped in limits if scoped.limit.measure is Measure.INSTRUMENTS).holdings:
        lists = [scoped for scoped in holding.overruled if scoped.limit.threshold.names]
        if lists and not holding.scoped.limit.threshold.names:
            told = f"the {holding.scoped.scope}'s list, which shares none of them"
            yield _problem(
                Flaw.NOTHING_ALLOWED, holding.scoped, f"one of {threshold_text(lists[0].limit.threshold)}", told
            )


def _side(limit: Limit) -> str:
    return "at least" if MEASURES[limit.measure].comparison is Comparison.BELOW else "at most"


def _problem(flaw: Flaw, scoped: Scoped, bound: str, value: str) -> Problem:
    return Problem(flaw, scoped, field_of(scoped.limit), bound, value)
