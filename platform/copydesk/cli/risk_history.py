"""What was done for a subscription, and what happened to its strategy, in lines for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from copydesk.db import TenantSession
from copydesk.replication import News, acts_of, news_for
from copydesk.risk.acts import Act
from copydesk.web.act_words import act_end, act_state, who_words
from copydesk.web.news_words import news_words
from copydesk.web.speaking import speaking

_MOST = 10


@dataclass(frozen=True)
class History:
    """The newest acts that reached a subscription, and the newest news of its strategy."""

    acts: list[Act]
    news: list[News]


def read_history(session: TenantSession, subscription_id: int) -> History:
    """Return what a follower is to know of; raises NotFound."""
    return History(acts_of(session, subscription_id, most=_MOST), news_for(session, subscription_id, most=_MOST))


def history_lines(history: History) -> Iterator[str]:
    """Put it in lines; nothing where nothing has happened."""
    with speaking("en"):
        for act in history.acts:
            state, _ = act_state(act.state)
            whose = who_words(act.scope, act.subject_id)
            yield f"{act.at:%Y-%m-%d %H:%M:%S} UTC {whose}: {state}. {act.line}"
            yield f"    {act_end(act.scope, act.state)}"
        for news in history.news:
            yield f"{news.at:%Y-%m-%d %H:%M:%S} UTC {news_words(news)}"


def history_json(history: History) -> dict[str, Any]:
    """Put it in plain JSON."""
    acts = [
        {
            "at": act.at.isoformat(),
            "scope": act.scope,
            "subject_id": act.subject_id,
            "line": act.line,
            "action": act.action,
            "state": str(act.state),
            "facts": dict(act.facts),
        }
        for act in history.acts
    ]
    with speaking("en"):
        news = [
            {
                "at": one.at.isoformat(),
                "kind": str(one.kind),
                "symbol": one.symbol,
                "facts": dict(one.facts),
                "sentence": news_words(one),
            }
            for one in history.news
        ]
    return {"acts": acts, "news": news}
