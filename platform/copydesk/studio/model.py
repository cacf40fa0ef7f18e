"""Values of the studio: a strategy as its trader or a reviewer sees it, and in which states it can be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """How far a strategy has come.

    `PENDING` and `DECLINED` ones are nobody's but the trader's and the reviewers'. One on `PROBATION` is copied like a
    live one, and says so everywhere. The rest is `replication.tables.Strategy`'s.
    """

    PENDING = "pending"
    DECLINED = "declined"
    PROBATION = "probation"
    LIVE = "live"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class StudioAct(StrEnum):
    """What a trader does to a strategy of their own."""

    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    ANNOUNCE = "announce"
    INVITE = "invite"


_S = Status
_RUNNING = frozenset({_S.PROBATION, _S.LIVE, _S.PAUSED, _S.SUSPENDED})
# From which states an act is possible. What the guard suspended only staff let go on.
ALLOWED: Mapping[StudioAct, frozenset[Status]] = MappingProxyType(
    {
        StudioAct.PAUSE: frozenset({_S.PROBATION, _S.LIVE}),
        StudioAct.RESUME: frozenset({_S.PAUSED}),
        StudioAct.CLOSE: _RUNNING | {_S.PENDING},
        StudioAct.ANNOUNCE: _RUNNING,
        StudioAct.INVITE: _RUNNING | {_S.PENDING},
    }
)


@dataclass(frozen=True, slots=True)
class OwnStrategy:
    """A strategy as its trader sees it. `reason` is why it was rejected; `label` is the account's name.

    `followers` copy now; `decided_at` is when it was approved or rejected, `live_at` when probation was over.
    """

    id: int
    trader_id: int
    trader_name: str
    slug: str
    name: str
    summary: str
    status: Status
    account_id: int
    venue: str
    environment: str
    label: str
    followers: int
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    live_at: datetime | None
    reason: str

    @property
    def published(self) -> bool:
        """Tell whether it was approved once: it has a page and a record."""
        return self.status not in {Status.PENDING, Status.DECLINED}

    def allows(self, act: StudioAct) -> bool:
        """Tell whether its trader may do this now."""
        return self.status in ALLOWED[act]
