"""What a follower fills in to protect a subscription: kept as text for the form, read as limits, mistakes by field.

A bound of one's own on the fall from the highest equity stands in for all of the profile's: it warns at half of it and
opens nothing more at three quarters, as the profiles do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.kernel import InvalidInput, decimal_text
from copydesk.risk.model import Action, Basis, Limit, Measure, Threshold, Unit, Window
from copydesk.risk.profiles import Profile
from copydesk.risk.service import Ground, profile_chosen, profile_of
from copydesk.risk.store import SetLimit
from copydesk.web.copying.asked import number_of
from copydesk.web.format import figure
from copydesk.web.limit_sentences import limit_sentence, profile_words

_LEAST, _MOST = Decimal(1), Decimal(99)
_TEXT_LEN_MAX = 20
_STEP = Decimal("0.01")

Change = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class Bound:
    """A percentage that a follower sets; `acts` is what happens at which part of it, the whole last."""

    measure: Measure
    window: Window
    acts: tuple[tuple[Decimal, Action], ...]

    def measures(self, limit: Limit) -> bool:
        """Tell whether a limit is about the same figure, whatever it does."""
        told = (limit.measure, limit.window, limit.basis, limit.threshold.unit)
        return told == (self.measure, self.window, Basis.EQUITY, Unit.PERCENT)

    def limits(self, text: str) -> list[Limit]:
        """Return the limits that a percentage stands for, none for none."""
        if not text:
            return []
        whole = percent_of(text)
        return [
            Limit(self.measure, Threshold((whole * part).quantize(_STEP)), Basis.EQUITY, self.window, action)
            for part, action in self.acts
        ]


BOUNDS: Mapping[str, Bound] = {
    "drawdown": Bound(
        Measure.DRAWDOWN,
        Window.PEAK,
        (
            (Decimal("0.5"), Action.WARN),
            (Decimal("0.75"), Action.BLOCK_OPENS),
            (Decimal(1), Action.CLOSE_AND_DISARM),
        ),
    ),
    "loss_day": Bound(Measure.LOSS, Window.DAY, ((Decimal(1), Action.BLOCK_OPENS),)),
}


@dataclass(frozen=True)
class Asked:
    """The form: a profile by name ("" for as it is), and percentages as text ("" for none of one's own)."""

    profile: str
    bounds: Mapping[str, str]


@dataclass(frozen=True)
class Now:
    """What holds of one's own: the profile, and the form as it would be filled in for it."""

    profile: Profile | None
    asked: Asked


def now_of(known: Iterable[SetLimit]) -> Now:
    """Read what was set for a subscription."""
    told = list(known)
    by_hand = [one.scoped.limit for one in told if not one.author.startswith("profile:")]
    bounds = {}
    for name, bound in BOUNDS.items():
        whole = [one for one in by_hand if bound.measures(one) and one.action is bound.acts[-1][1]]
        bounds[name] = decimal_text(whole[0].threshold.value) if whole else ""
    profile = profile_chosen(told)
    return Now(profile, Asked(str(profile or ""), bounds))


def asked_of(form: Mapping[str, str]) -> Asked:
    """Read the form; a percentage that says the same in other signs is written alike."""
    profile = form.get("profile", "")
    bounds = {}
    for name in BOUNDS:
        text = form.get(name, "").strip().strip("%").strip()[:_TEXT_LEN_MAX]
        bounds[name] = decimal_text(percent_of(text)) if _is_percent(text) else text
    return Asked(profile if profile in set(Profile) else "", bounds)


def mistakes(asked: Asked) -> dict[str, str]:
    """Return one sentence for each field that is wrong."""
    told = gettext("Enter a percentage from 1 to 99, or leave it empty.")
    return {name: told for name, text in asked.bounds.items() if text and not _is_percent(text)}


def changes(now: Now, asked: Asked) -> list[Change]:
    """Return what would change: what it is, and how it is before and after, None for nothing."""
    found: list[Change] = []
    if asked.profile and asked.profile != now.asked.profile:
        chosen = profile_words(now.profile) if now.profile else None
        found.append((gettext("Risk profile"), chosen, profile_words(Profile(asked.profile))))
    names = bound_names()
    for name, text in asked.bounds.items():
        before = now.asked.bounds[name]
        if text != before:
            found.append((names[name], _shown(before), _shown(text)))
    return found


def bound_names() -> dict[str, str]:
    """Name the bounds that a follower may set."""
    return {
        "drawdown": gettext("Fall from the highest equity that closes everything"),
        "loss_day": gettext("Loss of a day after which nothing more is opened"),
    }


def offered(ground: Ground) -> list[tuple[str, str, str]]:
    """Return the profiles that the brand has: by name, in words, and what closes everything under each."""
    found = []
    for profile in Profile:
        try:
            limits = profile_of(ground, profile)
        except InvalidInput:
            continue  # The platform's limits have become stricter than this one.
        closing = " ".join(limit_sentence(one) for one in limits if one.action.closes)
        found.append((str(profile), profile_words(profile), closing))
    return found


def percent_of(text: str) -> Decimal:
    """Read a percentage that is one."""
    number = number_of(text)
    assert number is not None, "what is no number was refused before"
    return number.quantize(_STEP)


def _is_percent(text: str) -> bool:
    number = number_of(text) if text else None
    return number is not None and number.is_finite() and _LEAST <= number <= _MOST


def _shown(text: str) -> str | None:
    return figure(percent_of(text), "#,##0.##", unit="%") if text else None
