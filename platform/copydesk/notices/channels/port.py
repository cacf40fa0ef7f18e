"""What a channel takes, and what it tells of it: sent, not now, never, or nobody there any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from copydesk.notices.model import DeliveryState, Facts, NoticeKind, Reason, Words


@dataclass(frozen=True, slots=True)
class Message:
    """One notice as it leaves. A test has no kind and no words.

    `topic` is alike for messages of which only the newest is worth keeping; `urgent` ones wake a phone.
    """

    notice_id: int
    kind: NoticeKind | None
    at: datetime
    facts: Facts
    words: Words | None
    topic: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class Pushed:
    """A browser: where its push service is, and the keys that only it can read with."""

    device_id: int
    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chat:
    """A Telegram chat."""

    chat_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook, and the secret that it knows us by."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


Target = Pushed | Chat | Hook


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: `state` WAITING is "not now". With `gone` there is nobody any more."""

    state: DeliveryState
    reason: Reason | None = None
    answer: int | None = None
    wait: timedelta | None = None
    gone: bool = False


class Carrier(Protocol):
    """Carry messages of one brand by one channel."""

    async def carry(self, message: Message, target: Target) -> Outcome:
        """Try once. Never raises for what the other side does; what it answered is in the outcome."""
        ...


def outcome_of(status: int, *, gone: frozenset[int], wait: timedelta | None = None) -> Outcome:
    """Say what an HTTP status means: taken, gone, come again, or never. Pure.

    "Come again" are 408, 425, 429 and all 5xx (RFC 9110, 15.6; RFC 6585, 4). Redirects are not followed: never.
    """
    if 200 <= status < 300:
        return Outcome(DeliveryState.SENT, answer=status)
    if status in gone:
        return Outcome(DeliveryState.FAILED, Reason.GONE, status, gone=True)
    if status in {408, 425, 429} or status >= 500:
        return Outcome(DeliveryState.WAITING, Reason.BUSY, status, wait)
    return Outcome(DeliveryState.FAILED, Reason.REFUSED, status)


def retry_after(told: str | None) -> timedelta | None:
    """Read a Retry-After in seconds (RFC 9110, 10.2.3); a date, or nonsense, is as if nothing was said. Pure."""
    return timedelta(seconds=int(told)) if told is not None and told.isdecimal() and len(told) <= 6 else None
