"""Webhooks: JSON, signed with the secret that was shown once to whoever connected it.

`Webhook-Signature: t=<unix seconds>,v1=<hex>` where v1 is HMAC-SHA256 over `<t>.<body>`. `Webhook-Delivery` is the
notice's number: one that comes twice, after a lost answer, has the same.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import orjson

from copydesk.kernel import Clock
from copydesk.notices.channels.line import Line, carried
from copydesk.notices.channels.port import Hook, Message, Outcome, Target

SIGNATURE = "Webhook-Signature"
DELIVERY = "Webhook-Delivery"
_GONE = frozenset({410})
_TEST = "test"


class WebhookCarrier:
    """Post notices to people's own addresses."""

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line = line
        self._clock = clock

    async def carry(self, message: Message, target: Target) -> Outcome:
        assert isinstance(target, Hook), "a webhook is a webhook's"
        body = body_of(message)
        signed_at = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "webhook/1",
            DELIVERY: str(message.notice_id),
            SIGNATURE: f"t={signed_at},v1={signature(target.secret, signed_at, body)}",
        }
        return await carried(self._line.post(target.url, body, headers), gone=_GONE)


def body_of(message: Message) -> bytes:
    """Return the JSON of a message: what happened as facts, and in words where there are any. Pure."""
    words = message.words
    return orjson.dumps(
        {
            "id": message.notice_id,
            "kind": _TEST if message.kind is None else str(message.kind),
            "at": _moment(message.at),
            "facts": dict(message.facts),
            "title": words.title if words else None,
            "body": words.body if words else None,
            "url": words.url if words else None,
        }
    )


def signature(secret: str, signed_at: int, body: bytes) -> str:
    """Sign a body for a moment in unix seconds: who checks it refuses what is older than a few minutes. Pure."""
    return hmac.new(secret.encode(), f"{signed_at}.".encode() + body, hashlib.sha256).hexdigest()


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
