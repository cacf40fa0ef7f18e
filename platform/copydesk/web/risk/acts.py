"""Acts of risk as the pages list them: whose, which limit, how far, what was closed, how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from copydesk.replication import StopFill
from copydesk.risk.acts import Act, ActState
from copydesk.risk.status import LateAct
from copydesk.web.act_words import act_end, act_state, who_words
from copydesk.web.conduct_words import conduct_words
from copydesk.web.limit_sentences import guard_sentence, line_sentence
from copydesk.web.stop_words import exchange_stop_words

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class ActLine:
    """One act. `order_ms` is from the price that showed the breach to the orders' way out, `ended_ms` to the end.

    `now` and `at` are what was measured and where the limit lay, in quote currency, None where nothing was measured.
    """

    at: datetime
    who: str
    subscription_id: int | None
    sentence: str
    state: str
    tone: str
    end: str
    flagged: bool
    now: Decimal | None
    limit_at: Decimal | None
    order_ms: int | None
    ended_ms: int | None
    closed: tuple[StopFill, ...]


def late_line(act: LateAct, closed: Mapping[str, tuple[StopFill, ...]], names: Mapping[int, str]) -> ActLine:
    """Put an act of the last hours in a line; `names` are the strategies'."""
    who = names.get(act.subject_id, "") if act.scope == "strategy" else ""
    breach = _moment(act.facts.get("suspected_at")) or act.at
    return _line(act, who or who_words(act.scope, act.subject_id), closed, _ms(breach, act.sent_at), _end(act, breach))


def own_lines(acts: Sequence[Act], closed: Mapping[str, tuple[StopFill, ...]], strategy: str) -> list[ActLine]:
    """Put a subscription's history in lines; `strategy` is the name of the one that it copies."""
    return [
        _line(act, strategy if act.scope == "strategy" else who_words(act.scope, act.subject_id), closed, None, None)
        for act in acts
    ]


def _line(
    act: Act | LateAct,
    who: str,
    closed: Mapping[str, tuple[StopFill, ...]],
    order_ms: int | None,
    ended_ms: int | None,
) -> ActLine:
    label, tone = act_state(act.state)
    # A strategy is measured in other units than a holder.
    money = act.scope != "strategy"
    return ActLine(
        act.at,
        who,
        act.subscription_id,
        exchange_stop_words(act.facts)
        or conduct_words(act.facts)
        or (line_sentence(act.line) if money else guard_sentence(act.line)),
        label,
        tone,
        act_end(act.scope, act.state),
        act.state is ActState.FLAGGED,
        _amount(act.facts, "now") if money else None,
        _amount(act.facts, "at") if money else None,
        order_ms,
        ended_ms,
        closed.get(act.reference, ()),
    )


def _end(act: LateAct, breach: datetime) -> int | None:
    return _ms(breach, act.ended_at) if act.state is ActState.CLOSED else None


def _ms(since: datetime, until: datetime | None) -> int | None:
    return None if until is None else max((until - since) // _MS, 0)


def _moment(told: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None


def _amount(facts: Mapping[str, Any], name: str) -> Decimal | None:
    try:
        return Decimal(str(facts[name]))
    except (KeyError, InvalidOperation):
        return None
