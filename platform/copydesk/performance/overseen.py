"""What an operator sees of figures: whether the worker lives, the last check of a brand, and what differed. Read-only.

The worker's sign of life is one key of Redis, so that nobody has to look through brands for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from redis import Redis
from sqlalchemy import text
from sqlalchemy.orm import Session

CLERK_KEY = "copydesk:worker"
# A round begins each minute; one of many strategies may take a few.
SILENT_S_MAX = 300
# Each brand is checked once a day.
UNCHECKED_S_MAX = 26 * 3600
_FORGOTTEN_S = 7 * 86_400

_LAST = text(
    "SELECT at, compared, jsonb_array_length(differences), differences -> 0, took_ms FROM figures_check "
    "ORDER BY id DESC LIMIT 1"
)


@dataclass(frozen=True)
class ClerkSign:
    """When the worker ended its last round, how many strategies it followed then, and how many it could not."""

    at: datetime
    followed: int
    failed: int

    def age_s(self, now: datetime) -> float:
        """Return how long ago that was."""
        return max((now - self.at).total_seconds(), 0.0)


@dataclass(frozen=True)
class LastCheck:
    """The newest check of a brand. `first` names the first figure that differed, empty where none did."""

    at: datetime
    compared: int
    differences: int
    first: str
    took_ms: int

    @property
    def passed(self) -> bool:
        return self.differences == 0


def sign_clerk(redis: Redis, sign: ClerkSign) -> None:
    """Say that the worker lives; raises the driver's errors."""
    told = {"at": sign.at.timestamp(), "followed": sign.followed, "failed": sign.failed}
    redis.set(CLERK_KEY, orjson.dumps(told), ex=_FORGOTTEN_S)


def clerk_sign(redis: Redis) -> ClerkSign | None:
    """Return the worker's last sign, None where there was none for days; raises the driver's errors."""
    said = redis.get(CLERK_KEY)
    if not isinstance(said, bytes):
        return None
    told = orjson.loads(said)
    return ClerkSign(datetime.fromtimestamp(told["at"], UTC), int(told["followed"]), int(told["failed"]))


def last_check(session: Session) -> LastCheck | None:
    """Return a brand's newest check, None before its first night."""
    found = session.execute(_LAST).one_or_none()
    if found is None:
        return None
    at, compared, count, first, took_ms = found
    named = f"{first['owner']} {first['id']} {first['figure']}" if first else ""
    return LastCheck(at, compared, count, named, took_ms)
