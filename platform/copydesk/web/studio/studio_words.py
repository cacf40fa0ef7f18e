"""Words of the studio: what a strategy's state means, what its capacity is, why a form was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.kernel import Refused
from copydesk.performance.shown import PositionsShown
from copydesk.studio.announcing import BODY_MAX
from copydesk.studio.applying import NAME_MAX, NAME_MIN, SUMMARY_MAX, SUMMARY_MIN
from copydesk.studio.capacity import COPIES_MIN, SIGNALS_MIN, Capacity, Verdict
from copydesk.studio.inviting import INVITES_MAX, LABEL_MAX
from copydesk.studio.model import OwnStrategy, Status
from copydesk.studio.reviewing import REASON_MAX, REASON_MIN
from copydesk.studio.terms import Bounds
from copydesk.web.format import date, money, share


@dataclass(frozen=True)
class Standing:
    """What a state means: how serious it is, as a badge and banners have it, and one sentence."""

    tone: str
    sentence: str


def standing_of(own: OwnStrategy, ends: datetime | None) -> Standing:
    """Say what a strategy's state means to its trader; `ends` is when probation is over."""
    if own.status is Status.PROBATION and ends is not None:
        said = gettext("People can copy it. Everybody reads that it is on probation, until %(day)s.", day=date(ends))
        return Standing("warn", str(said))
    if own.status is Status.DECLINED and own.reason:
        return Standing("bad", str(gettext("It was not approved: %(reason)s", reason=own.reason)))
    tone, words = {
        Status.PENDING: ("busy", gettext("In review: nobody sees it or can copy it before it is approved.")),
        Status.DECLINED: ("plain", gettext("You withdrew it. Nobody sees it.")),
        Status.PROBATION: ("warn", gettext("People can copy it. Everybody reads that it is on probation.")),
        Status.LIVE: ("ok", gettext("People can copy it.")),
        Status.PAUSED: ("warn", gettext("You paused it: nothing new is opened. What you close is still closed.")),
        Status.SUSPENDED: (
            "bad",
            gettext("It was suspended, and nothing new is opened. Ask the people of this site to let it go on."),
        ),
        Status.CLOSED: ("plain", gettext("It is closed for good. What followers hold is closed as you close it.")),
    }[own.status]
    return Standing(tone, str(words))


def capacity_sentence(capacity: Capacity, currency: str) -> str:
    """Say how much can be allocated to a strategy, or why that cannot be told."""
    bound, total = gettext("%(num)s bps", num=capacity.bound_bps), money(capacity.total, currency)
    sentences = {
        Verdict.TOO_FEW: gettext(
            "Not enough copies yet: it takes %(signals)s opening trades and %(copies)s copies of them.",
            signals=SIGNALS_MIN,
            copies=COPIES_MIN,
        ),
        Verdict.NOT_FELT: gettext(
            "Copies cost no measurable slippage so far, with up to %(seen)s allocated at once. "
            "Where the limit lies cannot be told from that.",
            seen=money(capacity.seen, currency),
        ),
        Verdict.BEYOND_REACH: gettext(
            "More than %(total)s can be allocated before median slippage reaches %(bound)s. Copies so far were too "
            "small to say how much more.",
            total=total,
            bound=bound,
        ),
        Verdict.FOUND: gettext(
            "About %(total)s can be allocated in all before median slippage reaches %(bound)s.",
            total=total,
            bound=bound,
        ),
        Verdict.FULL: gettext(
            "It is full: median slippage reaches %(bound)s at about %(total)s, and %(now)s are allocated.",
            total=total,
            bound=bound,
            now=money(capacity.now, currency),
        ),
    }
    return str(sentences[capacity.verdict])


def positions_words(shown: PositionsShown) -> str:
    """Say what everybody sees of a strategy's positions and trades."""
    words = {
        PositionsShown.NOW: gettext("shown at once"),
        PositionsShown.DELAYED: gettext("shown a day later"),
        PositionsShown.OFF: gettext("not shown"),
    }
    return str(words[shown])


def problem_words(refusal: Refused, bounds: Bounds, currency: str) -> str:
    """Say why an application was refused, field by field; what has no words here says it itself."""
    sentences = {
        "account": gettext("Account: choose one of yours that can lead a strategy."),
        "name": gettext("Name: expected %(least)s to %(most)s characters.", least=NAME_MIN, most=NAME_MAX),
        "name_taken": gettext("Name: another strategy here is called that. Choose another."),
        "summary": gettext(
            "Summary: expected %(least)s to %(most)s characters on one line.", least=SUMMARY_MIN, most=SUMMARY_MAX
        ),
        "profit_share": gettext(
            "Profit share: expected a number from 0 to %(most)s.", most=share(bounds.profit_share_max)
        ),
        "min_allocation": gettext(
            "Minimum allocation: expected 0 to %(most)s.", most=money(bounds.min_allocation_max, currency)
        ),
        "followers_max": gettext(
            "Followers: expected a number from 1 to %(most)s, or nothing.", most=bounds.followers_max
        ),
        "private": gettext("Private: this site has no private strategies."),
        "agree": gettext("Agreement: tick that you agree."),
        "plan_full": gettext("This site has room for no more strategies at present. Try again later."),
    }
    return str(sentences.get(refusal.code) or refusal)


def refused_words(refusal: Refused) -> str:
    """Say why something else was refused; what has no words here says it itself."""
    sentences = {
        "body": gettext("Announcement: expected 1 to %(most)s characters.", most=BODY_MAX),
        "announcement_stands": gettext("An announcement can be deleted within an hour. This one is older."),
        "label": gettext("Note: expected at most %(most)s characters.", most=LABEL_MAX),
        "invites_full": gettext("There are %(most)s invitations already. Take some back first.", most=INVITES_MAX),
        "reason": gettext("Reason: expected %(least)s to %(most)s characters.", least=REASON_MIN, most=REASON_MAX),
        "wrong_state": gettext("The strategy is in another state by now. Look at it again."),
    }
    return str(sentences.get(refusal.code) or refusal)
