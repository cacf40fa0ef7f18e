"""What notices say of risk: a stop that fired, one that is near, and an account that does not hold what it was to."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.risk.acts import ActState
from copydesk.risk.model import Scope
from copydesk.web.act_words import act_end, drift_words
from copydesk.web.format import pct
from copydesk.web.limit_sentences import guard_sentence, line_sentence
from copydesk.web.notice_facts import Told

_WHOLE = Decimal(100)


def stop_fired(told: Told) -> tuple[str, str, str]:
    """Say which stop fired, and what became of what was copied."""
    strategy = told.text("strategy")
    title = gettext("Stop fired: %(strategy)s", strategy=strategy) if strategy else gettext("A stop fired")
    scope, line, state = told.text("scope"), told.facts.get("line"), told.text("state")
    said = []
    if line:
        said.append(guard_sentence(str(line)) if scope == Scope.STRATEGY else line_sentence(str(line)))
    if state in set(ActState):
        said.append(act_end(scope, ActState(state)))
    if not said:
        said.append(str(gettext("A limit was reached. Look at what you hold.")))
    return str(title), " ".join(one for one in said if one), _path(told)


def drawdown_warning(told: Told) -> tuple[str, str, str]:
    """Say how near a stop is, and what it will do."""
    used, strategy = told.number("used"), told.strategy
    if used is None:
        title = gettext("Warning of a limit: %(strategy)s", strategy=strategy)
    else:
        share = pct(used / _WHOLE, signed=False, digits=0)
        title = gettext("%(share)s of the way to a stop: %(strategy)s", share=share, strategy=strategy)
    line = told.facts.get("line")
    body = line_sentence(str(line)) if line else str(gettext("A limit was nearly reached. Look at what you hold."))
    return str(title), body, _path(told)


def out_of_sync(told: Told) -> tuple[str, str, str]:
    """Say that an account does not hold what it was to hold, why, and what to do."""
    title = gettext("Out of sync: %(strategy)s", strategy=told.strategy)
    said = [drift_words(told.text("reason"))] if told.text("reason") else []
    said.append(str(gettext("Your account does not hold what it was to hold, so nothing new is opened.")))
    said.append(str(gettext("To go on, resume copying.")))
    return str(title), " ".join(said), _path(told)


def _path(told: Told) -> str:
    number = told.count("subscription_id")
    return "/home" if number is None else f"/copying/{number}"
