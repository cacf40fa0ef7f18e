"""Reads the form of how one wants to be told: switches, summaries and quiet hours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.notices import Channel, Digest, Habit, NoticeKind

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_TYPED_MAX = 20
CLOCKS = ("digest", "quiet_from", "quiet_until")

Switch = tuple[NoticeKind, Channel]


@dataclass(frozen=True, slots=True)
class TasteForm:
    """What somebody typed, good or not."""

    wanted: frozenset[Switch]
    digest: str
    quiet_from: str
    quiet_until: str
    errors: dict[str, str] = field(default_factory=dict)

    def habit(self) -> Habit:
        """Return digest and quiet hours of a form without errors."""
        return Habit(Digest(self.digest), _time(self.quiet_from), _time(self.quiet_until))


def switch_name(kind: NoticeKind, channel: Channel) -> str:
    """Name the field of a switch."""
    return f"wish:{kind}:{channel}"


def taste_form(typed: Mapping[str, str]) -> TasteForm:
    """Read the form and say what is wrong with it."""
    wanted = frozenset(
        (kind, channel) for kind in NoticeKind for channel in Channel if typed.get(switch_name(kind, channel))
    )
    digest = typed.get("digest", Digest.NONE)[:_TYPED_MAX]
    begin, end = (typed.get(name, "").strip()[:_TYPED_MAX] for name in ("quiet_from", "quiet_until"))
    errors = {}
    if digest not in set(Digest):
        errors["digest"] = str(gettext("Summaries: choose one of the three."))
    for name, text in (("quiet_from", begin), ("quiet_until", end)):
        if text and _time(text) is None:
            errors[name] = str(gettext("Quiet hours: a time such as 22:30 is expected, found %(found)s.", found=text))
    if bool(begin) != bool(end) and not errors:
        missing = "quiet_until" if begin else "quiet_from"
        errors[missing] = str(gettext("Quiet hours: enter both times, or none."))
    return TasteForm(wanted, digest, begin, end, errors)


def taste_kept(wanted: frozenset[Switch], habit: Habit) -> TasteForm:
    """Return the form as it stands with what is stored."""
    return TasteForm(wanted, str(habit.digest), _clock(habit.quiet_from), _clock(habit.quiet_until))


def _time(text: str) -> time | None:
    # A browser may add seconds to what it sends of a field for a time.
    found = _CLOCK.fullmatch(text) or _CLOCK.fullmatch(text.removesuffix(":00"))
    return time(int(found[1]), int(found[2])) if found else None


def _clock(at: time | None) -> str:
    return "" if at is None else f"{at:%H:%M}"
